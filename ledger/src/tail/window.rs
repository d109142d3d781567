//! The newest events in memory. It only moves forward, with whoever is furthest ahead.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Entry;

/// A second of a busy log: followers that are further behind read for themselves.
const EVENTS_MAX: usize = 65_536;
const BYTES_MAX: usize = 64 << 20;

#[derive(Debug, Default)]
pub(super) struct Window {
    /// The last position that is held; what is held ends here without a gap.
    end: i64,
    entries: VecDeque<Arc<Entry>>,
    bytes: usize,
}

impl Window {
    pub(super) const fn end(&self) -> i64 {
        self.end
    }

    /// The position before the first that is held.
    fn start(&self) -> i64 {
        self.end - i64::try_from(self.entries.len()).unwrap_or(i64::MAX)
    }

    /// What follows `position`, if the window holds the next event.
    pub(super) fn after(&self, position: i64, max: usize) -> Option<Vec<Arc<Entry>>> {
        let skipped = usize::try_from(position - self.start()).ok()?;
        if skipped >= self.entries.len() {
            return None;
        }
        let last = self.entries.len().min(skipped.saturating_add(max));
        Some(self.entries.range(skipped..last).cloned().collect())
    }

    /// What follows `position` has left the window.
    pub(super) fn is_past(&self, position: i64) -> bool {
        position < self.start()
    }

    /// Takes what was read after `position`. A reader ahead of the window takes it along.
    pub(super) fn extend(&mut self, position: i64, found: &[Arc<Entry>]) {
        if position != self.end {
            if position < self.end {
                return;
            }
            (self.end, self.bytes) = (position, 0);
            self.entries.clear();
        }
        for entry in found {
            self.end = entry.row.position;
            self.bytes += entry.weight();
            self.entries.push_back(Arc::clone(entry));
        }
        while self.entries.len() > EVENTS_MAX || self.bytes > BYTES_MAX {
            let Some(oldest) = self.entries.pop_front() else { return };
            self.bytes -= oldest.weight();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::tests::row;
    use super::*;

    fn entries(range: std::ops::RangeInclusive<i64>) -> Vec<Arc<Entry>> {
        range.map(|p| Arc::new(Entry::new(row(p)))).collect()
    }

    fn positions(found: Option<Vec<Arc<Entry>>>) -> Vec<i64> {
        found.unwrap_or_default().iter().map(|e| e.row.position).collect()
    }

    #[test]
    fn it_answers_what_it_holds_and_knows_what_it_does_not() {
        let mut window = Window::default();
        assert!(window.after(0, 9).is_none() && !window.is_past(0));
        window.extend(10, &entries(11..=14));
        assert_eq!(positions(window.after(11, 2)), [12, 13]);
        assert_eq!(positions(window.after(10, 99)), [11, 12, 13, 14]);
        assert!(window.after(14, 9).is_none() && window.after(20, 9).is_none());
        assert!(window.after(9, 9).is_none() && window.is_past(9) && !window.is_past(10));
    }

    #[test]
    fn it_moves_forward_only_and_never_holds_a_gap() {
        let mut window = Window::default();
        window.extend(0, &entries(1..=3));
        window.extend(3, &entries(4..=5));
        window.extend(1, &entries(2..=3));
        assert_eq!(positions(window.after(0, 99)), [1, 2, 3, 4, 5]);
        window.extend(8, &entries(9..=9));
        assert_eq!((window.end(), positions(window.after(8, 9))), (9, vec![9]));
        assert!(window.is_past(5));
    }

    #[test]
    fn it_is_bounded() {
        let mut window = Window::default();
        let max = i64::try_from(EVENTS_MAX).unwrap();
        window.extend(0, &entries(1..=max + 10));
        assert_eq!(window.entries.len(), EVENTS_MAX);
        assert_eq!(positions(window.after(10, 1)), [11]);
        assert!(window.is_past(9));
        let mut heavy = row(max + 11);
        heavy.payload = "x".repeat(BYTES_MAX / 4);
        window.extend(max + 10, &[Arc::new(Entry::new(heavy))]);
        assert!(window.bytes <= BYTES_MAX && window.entries.len() < EVENTS_MAX);
        assert_eq!(window.bytes, window.entries.iter().map(|e| e.weight()).sum::<usize>());
    }
}
