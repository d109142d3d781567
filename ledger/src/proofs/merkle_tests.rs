//! The vectors of Certificate Transparency, and a naive tree by the letter of RFC 6962, 2.1.

use proptest::prelude::*;

use super::*;
use crate::log::hex;

/// MTH of RFC 6962 over leaf hashes.
fn naive_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len() as Size) as usize);
            node_hash(&naive_root(left), &naive_root(right))
        }
    }
}

/// PATH(m, D[n]) of RFC 6962, 2.1.1.
fn naive_path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(split(leaves.len() as Size) as usize);
    let (mut path, other) = if index < left.len() {
        (naive_path(index, left), right)
    } else {
        (naive_path(index - left.len(), right), left)
    };
    path.push(naive_root(other));
    path
}

/// SUBPROOF(m, D[n], b) of RFC 6962, 2.1.2.
fn naive_proof(old: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if old == leaves.len() {
        return if whole { Vec::new() } else { vec![naive_root(leaves)] };
    }
    let (left, right) = leaves.split_at(split(leaves.len() as Size) as usize);
    let (mut proof, other) = if old <= left.len() {
        (naive_proof(old, left, whole), right)
    } else {
        (naive_proof(old - left.len(), right, false), left)
    };
    proof.push(naive_root(other));
    proof
}

fn leaves(n: usize) -> Vec<Hash> {
    (0..n).map(|i| leaf_hash(&Sha256::digest(i.to_be_bytes()).into())).collect()
}

fn roots(leaves: &[Hash], ranges: &[Range]) -> Vec<Hash> {
    let of = |r: &Range| {
        let subtree = |(level, index): (u32, Size)| {
            let begin = (index << level) as usize;
            naive_root(&leaves[begin..begin + (1 << level)])
        };
        fold_edge(&r.subtrees().into_iter().map(subtree).collect::<Vec<_>>())
    };
    ranges.iter().map(of).collect()
}

/// The test data of Certificate Transparency's reference implementation: leaves are its raw inputs.
#[test]
fn roots_are_those_of_certificate_transparency() {
    let inputs: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    let expected = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    assert_eq!(hex(&empty_root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    let mut frontier = Frontier::default();
    for (input, root) in inputs.into_iter().zip(expected) {
        frontier.push(Sha256::new().chain_update([0]).chain_update(input).finalize().into());
        assert_eq!(hex(&frontier.root()), root, "size {}", frontier.size());
    }
}

#[test]
fn every_proof_of_every_small_tree_is_that_of_the_rfc_and_verifies() {
    let all = leaves(40);
    for size in 1..=all.len() {
        let (tree, root) = (&all[..size], naive_root(&all[..size]));
        for index in 0..size {
            let path = roots(tree, &inclusion_path(index as Size, size as Size).unwrap());
            assert_eq!(path, naive_path(index, tree), "leaf {index} of {size}");
            let led = root_by_inclusion(index as Size, size as Size, tree[index], &path);
            assert_eq!(led, Some(root), "leaf {index} of {size}");
        }
        for old in 1..=size {
            let path = roots(tree, &consistency_path(old as Size, size as Size).unwrap());
            assert_eq!(path, naive_proof(old, tree, true), "{old} in {size}");
            let old_root = naive_root(&all[..old]);
            assert!(is_consistent(old as Size, &old_root, size as Size, &root, &path), "{old} in {size}");
        }
    }
}

#[test]
fn what_cannot_be_proved_is_refused() {
    assert_eq!(inclusion_path(3, 3), None);
    assert_eq!(consistency_path(4, 3), None);
    assert_eq!(root_by_inclusion(0, 0, empty_root(), &[]), None);
    let all = leaves(3);
    assert!(!is_consistent(0, &all[0], 3, &naive_root(&all), &[]), "only the empty tree has no leaves");
    assert!(is_consistent(0, &empty_root(), 3, &naive_root(&all), &[]));
}

proptest! {
    #[test]
    fn subtrees_may_be_added_whole(sizes in 1usize..600, cut in 0u32..6) {
        let all = leaves(sizes);
        let (mut one_by_one, mut whole) = (Frontier::default(), Frontier::default());
        all.iter().for_each(|leaf| one_by_one.push(*leaf));
        let mut rest = &all[..];
        while rest.len() >= 1 << cut {
            let (subtree, after) = rest.split_at(1 << cut);
            let mut told = Vec::new();
            whole.push_subtree(cut, naive_root(subtree), |level, index, root| told.push((level, index, *root)));
            for (level, index, root) in told {
                let begin = (index << level) as usize;
                prop_assert_eq!(root, naive_root(&all[begin..begin + (1 << level)]));
            }
            rest = after;
        }
        rest.iter().for_each(|leaf| whole.push(*leaf));
        prop_assert_eq!(&one_by_one, &whole);
        prop_assert_eq!(one_by_one.root(), naive_root(&all));
        let resumed = Frontier::resume(whole.size(), whole.edge().to_vec());
        prop_assert_eq!(resumed, Some(whole));
    }

    #[test]
    fn a_damaged_inclusion_proof_leads_elsewhere(
        size in 2usize..300, pick in any::<prop::sample::Index>(), hit in any::<prop::sample::Index>(),
        change in 0u8..4,
    ) {
        let all = leaves(size);
        let (index, root) = (pick.index(size), naive_root(&all));
        let mut path = naive_path(index, &all);
        let (mut leaf, mut at) = (all[index], index as Size);
        match change {
            0 => { let i = hit.index(path.len()); path[i][0] ^= 1 }
            1 => { path.pop(); }
            2 => leaf[31] ^= 1,
            _ => at = (at + 1) % size as Size,
        }
        prop_assert_ne!(root_by_inclusion(at, size as Size, leaf, &path), Some(root));
    }

    #[test]
    fn a_damaged_consistency_proof_is_refused(
        new in 3usize..300, pick in any::<prop::sample::Index>(), hit in any::<prop::sample::Index>(),
        change in 0u8..4,
    ) {
        let all = leaves(new);
        let old = 1 + pick.index(new - 1);
        let (mut old_root, mut new_root) = (naive_root(&all[..old]), naive_root(&all));
        let mut path = naive_proof(old, &all, true);
        match change {
            0 => { let i = hit.index(path.len()); path[i][0] ^= 1 }
            1 => { path.pop(); }
            2 => old_root[0] ^= 1,
            _ => new_root[0] ^= 1,
        }
        prop_assert!(!is_consistent(old as Size, &old_root, new as Size, &new_root, &path));
    }
}
