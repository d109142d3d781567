//! The rows a fold has in memory: those it changed since the last flush, and some it may need again.

use std::collections::HashMap;
use std::hash::Hash;

use super::ids::Ids;

/// Rows by key, with a note which have changed. Holds at most about `kept_max` unchanged ones: a
/// row that was not touched while that many others were is forgotten.
#[derive(Debug)]
pub struct Rows<K, V> {
    new: HashMap<K, Slot<V>, Ids>,
    /// Touched longer ago.
    aging: HashMap<K, Slot<V>, Ids>,
    changed: Vec<K>,
    kept_max: usize,
}

#[derive(Debug)]
struct Slot<V> {
    row: V,
    changed: bool,
    /// The table has it, perhaps as it was before.
    is_stored: bool,
}

/// What has changed since the last flush, by key.
#[derive(Debug, PartialEq, Eq)]
pub struct Changed<'a, K, V> {
    /// Those that the table lacks.
    pub new: Vec<(&'a K, &'a V)>,
    /// Those that it has in another form.
    pub altered: Vec<(&'a K, &'a V)>,
}

impl<'a, K: Ord, V> Changed<'a, K, V> {
    /// Both together, by key: for those who leave it to the table to tell them apart.
    pub fn all(self) -> Vec<(&'a K, &'a V)> {
        let mut all = self.new;
        all.extend(self.altered);
        all.sort_unstable_by_key(|(key, _)| *key);
        all
    }
}

impl<K: Hash + Eq + Ord + Clone, V> Rows<K, V> {
    pub fn new(kept_max: usize) -> Self {
        Self { new: HashMap::default(), aging: HashMap::default(), changed: Vec::new(), kept_max }
    }

    /// Those of the keys whose rows are not in memory, each once, in order.
    pub fn missing(&mut self, keys: impl IntoIterator<Item = K>) -> Vec<K> {
        let mut missing: Vec<K> = keys.into_iter().filter(|key| !self.promote(key)).collect();
        missing.sort_unstable();
        missing.dedup();
        missing
    }

    /// Takes a row as the table has it.
    pub fn loaded(&mut self, key: K, row: V) {
        self.new.insert(key, Slot { row, changed: false, is_stored: true });
    }

    pub fn get(&mut self, key: &K) -> Option<&V> {
        self.promote(key);
        self.new.get(key).map(|slot| &slot.row)
    }

    /// The row, to be changed; made by `default` if there is none.
    pub fn change(&mut self, key: &K, default: impl FnOnce() -> V) -> &mut V {
        self.promote(key);
        let slot = self.new.entry(key.clone()).or_insert_with(|| Slot {
            row: default(),
            changed: false,
            is_stored: false,
        });
        if !slot.changed {
            slot.changed = true;
            self.changed.push(key.clone());
        }
        &mut slot.row
    }

    /// The row, to be changed, if there is one.
    pub fn change_known(&mut self, key: &K) -> Option<&mut V> {
        if !self.promote(key) {
            return None;
        }
        let slot = self.new.get_mut(key)?;
        if !slot.changed {
            slot.changed = true;
            self.changed.push(key.clone());
        }
        Some(&mut slot.row)
    }

    /// What has changed since the last [`Rows::written`]. A row that was neither loaded nor written before is
    /// new: who may change an old row has it loaded first.
    pub fn changed(&mut self) -> Changed<'_, K, V> {
        self.changed.sort_unstable();
        let (mut new, mut altered) = (Vec::new(), Vec::new());
        for (key, slot) in self.changed.iter().filter_map(|key| self.new.get_key_value(key)) {
            if slot.is_stored { altered.push((key, &slot.row)) } else { new.push((key, &slot.row)) }
        }
        Changed { new, altered }
    }

    /// All changes are in the table now.
    pub fn written(&mut self) {
        for key in self.changed.drain(..) {
            if let Some(slot) = self.new.get_mut(&key) {
                (slot.changed, slot.is_stored) = (false, true);
            }
        }
        if self.new.len() > self.kept_max / 2 {
            self.aging = std::mem::take(&mut self.new);
        }
    }

    /// Is it in memory? If so, it is among the new ones now.
    fn promote(&mut self, key: &K) -> bool {
        if self.new.contains_key(key) {
            return true;
        }
        match self.aging.remove_entry(key) {
            Some((key, slot)) => self.new.insert(key, slot).is_none(),
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_told_once_in_order_of_their_keys() {
        let mut rows = Rows::new(100);
        *rows.change(&2, || 0) += 5;
        *rows.change(&1, || 0) += 1;
        *rows.change(&2, || 0) += 5;
        assert_eq!(rows.changed(), Changed { new: vec![(&1, &1), (&2, &10)], altered: vec![] });
        rows.written();
        assert_eq!(rows.changed(), Changed { new: vec![], altered: vec![] });
        rows.loaded(3, 7);
        *rows.change(&3, || 0) += 1;
        *rows.change(&2, || 0) += 1;
        *rows.change(&4, || 0) += 1;
        assert_eq!(rows.changed(), Changed { new: vec![(&4, &1)], altered: vec![(&2, &11), (&3, &8)] });
        rows.written();
        assert_eq!(rows.get(&2), Some(&11));
        assert!(rows.change_known(&5).is_none());
    }

    #[test]
    fn what_is_not_in_memory_is_asked_for_once() {
        let mut rows = Rows::new(100);
        rows.loaded(1, "one");
        assert_eq!(rows.missing([3, 1, 2, 3]), [2, 3]);
    }

    #[test]
    fn what_was_not_touched_for_long_is_forgotten_and_what_was_stays() {
        let mut rows = Rows::new(10);
        rows.loaded(0, 0);
        for round in 1..10 {
            for n in 0..6 {
                *rows.change(&(round * 100 + n), || 0) += 1;
            }
            assert!(rows.get(&0).is_some());
            rows.written();
        }
        assert!(rows.new.len() + rows.aging.len() <= 20);
        assert!(rows.get(&100).is_none());
    }
}
