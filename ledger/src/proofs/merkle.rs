//! The Merkle tree of RFC 6962 over the log: leaf `i` is the event at position `i + 1`.
//!
//! Leaf hash = SHA-256(0x00 ‖ hash of the event), node = SHA-256(0x01 ‖ left ‖ right). Pure: what a
//! proof needs is named as ranges of leaves ([`inclusion_path`], [`consistency_path`]), and whoever
//! has the hashes answers. Verification follows RFC 9162, 2.1.3.2 and 2.1.4.2.

use sha2::{Digest as _, Sha256};

use crate::log::Hash;

/// Leaves are named by index, from 0; sizes count leaves.
pub type Size = u64;

/// The leaf of an event.
pub fn leaf_hash(event_hash: &Hash) -> Hash {
    let mut bytes = [0; 33];
    bytes[1..].copy_from_slice(event_hash);
    Sha256::digest(bytes).into()
}

pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [1; 65];
    bytes[1..33].copy_from_slice(left);
    bytes[33..].copy_from_slice(right);
    Sha256::digest(bytes).into()
}

/// The root of no leaves.
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// The largest power of two below `n`; `n` ≥ 2.
const fn split(n: Size) -> Size {
    1 << (63 - (n - 1).leading_zeros())
}

/// A range of leaves `[begin, end)`, not empty, as RFC 6962 cuts a tree: `begin` is a multiple of
/// the power of two that holds the range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    pub begin: Size,
    pub end: Size,
}

impl Range {
    pub const fn leaves(self) -> Size {
        self.end - self.begin
    }

    /// The complete subtrees that make up the range, from the left: (level, index), a subtree of
    /// level `l` has 2^l leaves. At most one a level.
    pub fn subtrees(self) -> Vec<(u32, Size)> {
        let (mut at, mut found) = (self.begin, Vec::new());
        while at < self.end {
            let level = 63 - (self.end - at).leading_zeros();
            found.push((level, at >> level));
            at += 1 << level;
        }
        found
    }
}

/// The right edge of a tree: the roots of its complete subtrees, the largest first. Takes leaves
/// one by one or whole subtrees, and knows the root at any time; 64 hashes at most.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: Size,
    edge: Vec<Hash>,
}

impl Frontier {
    /// The frontier of a known size; `edge` is what [`Frontier::edge`] gave.
    pub fn resume(size: Size, edge: Vec<Hash>) -> Option<Self> {
        (edge.len() == size.count_ones() as usize).then_some(Self { size, edge })
    }

    pub const fn size(&self) -> Size {
        self.size
    }

    pub fn edge(&self) -> &[Hash] {
        &self.edge
    }

    pub fn push(&mut self, leaf: Hash) {
        self.push_subtree(0, leaf, |_, _, _| {});
    }

    /// Adds a complete subtree of 2^level leaves; `made` is told each larger subtree that it completes:
    /// (level, index, root). Invariant: the size is a multiple of 2^level.
    pub fn push_subtree(&mut self, level: u32, root: Hash, mut made: impl FnMut(u32, Size, &Hash)) {
        debug_assert!(self.size.trailing_zeros() >= level, "a subtree out of line");
        let (mut level, mut root) = (level, root);
        while self.size >> level & 1 == 1 {
            let Some(left) = self.edge.pop() else { break };
            root = node_hash(&left, &root);
            // The left one's leaves are counted anew with the parent's.
            self.size -= 1 << level;
            level += 1;
            made(level, self.size >> level, &root);
        }
        self.edge.push(root);
        self.size += 1 << level;
    }

    pub fn root(&self) -> Hash {
        fold_edge(&self.edge)
    }
}

/// The root over complete subtrees that shrink from left to right.
pub fn fold_edge(edge: &[Hash]) -> Hash {
    let mut from_right = edge.iter().rev();
    let Some(last) = from_right.next() else { return empty_root() };
    from_right.fold(*last, |right, left| node_hash(left, &right))
}

/// The ranges whose roots prove that leaf `index` is in the tree of `size`, the nearest first.
/// `None`: it is not.
pub fn inclusion_path(index: Size, size: Size) -> Option<Vec<Range>> {
    if index >= size {
        return None;
    }
    let (mut begin, mut end, mut path) = (0, size, Vec::new());
    while end - begin > 1 {
        let middle = begin + split(end - begin);
        if index < middle {
            path.push(Range { begin: middle, end });
            end = middle;
        } else {
            path.push(Range { begin, end: middle });
            begin = middle;
        }
    }
    path.reverse();
    Some(path)
}

/// The ranges whose roots prove that the tree of `old` leaves is a beginning of that of `new`.
/// `None`: it can't be. Empty for equal sizes, and for none.
pub fn consistency_path(old: Size, new: Size) -> Option<Vec<Range>> {
    if old > new {
        return None;
    }
    if old == 0 || old == new {
        return Some(Vec::new());
    }
    let (mut begin, mut end, mut path) = (0, new, Vec::new());
    while end != old {
        let middle = begin + split(end - begin);
        if old <= middle {
            path.push(Range { begin: middle, end });
            end = middle;
        } else {
            path.push(Range { begin, end: middle });
            begin = middle;
        }
    }
    // The old tree's own root is known to whoever asks, when it is a subtree of the new one.
    if begin != 0 {
        path.push(Range { begin, end });
    }
    path.reverse();
    Some(path)
}

/// The root that `path` leads to from a leaf. `None`: the path has not the right length.
pub fn root_by_inclusion(index: Size, size: Size, leaf: Hash, path: &[Hash]) -> Option<Hash> {
    if index >= size {
        return None;
    }
    let (mut node, mut last, mut root) = (index, size - 1, leaf);
    for hash in path {
        if last == 0 {
            return None;
        }
        if node & 1 == 1 || node == last {
            root = node_hash(hash, &root);
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            root = node_hash(&root, hash);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    (last == 0).then_some(root)
}

/// Does `path` prove that the tree of `old` leaves with `old_root` is a beginning of the tree of
/// `new` leaves with `new_root`?
pub fn is_consistent(old: Size, old_root: &Hash, new: Size, new_root: &Hash, path: &[Hash]) -> bool {
    if old > new {
        return false;
    }
    if old == new {
        return path.is_empty() && old_root == new_root;
    }
    if old == 0 {
        return path.is_empty() && *old_root == empty_root();
    }
    let mut hashes = path.iter().copied();
    let first = if old.is_power_of_two() { Some(*old_root) } else { hashes.next() };
    let Some(first) = first else { return false };
    let (mut node, mut last) = (old - 1, new - 1);
    while node & 1 == 1 {
        (node, last) = (node >> 1, last >> 1);
    }
    let (mut of_old, mut of_new) = (first, first);
    for hash in hashes {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            (of_old, of_new) = (node_hash(&hash, &of_old), node_hash(&hash, &of_new));
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            of_new = node_hash(&of_new, &hash);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    last == 0 && of_old == *old_root && of_new == *new_root
}

#[cfg(test)]
#[path = "merkle_tests.rs"]
mod tests;
