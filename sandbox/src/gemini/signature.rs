//! Thought signatures. What a model has made bears one, and is shown to it again with that very one: it
//! names what it was given for.
//!
//! For a picture that is what is painted, not what is written around it: who strips metadata from it may
//! still show it again.

use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;

use super::{contents::decode, paint::Dice};

/// How the sandbox knows its own. With the 64 characters after it a multiple of three, so that the base64
/// of the rest can follow.
const MARK: &str = "sandbox:signature:";
/// Two of about 1.1 MB each were seen in one answer.
const HUGE_BYTES: usize = 825_000;
const SMALL_BYTES: usize = 48;

/// The rest of every signature: nobody looks into it, so it is always the same.
static REST: LazyLock<Bytes> = LazyLock::new(|| {
    let mut dice = Dice::new(1);
    let bytes: Vec<u8> = (0..HUGE_BYTES / 8).flat_map(|_| dice.next().to_le_bytes()).collect();
    Bytes::from(STANDARD.encode(bytes))
});

/// For what has this SHA-256 in hex; the beginning and the end of its base64.
pub(crate) fn sign(sha256: &str, huge: bool) -> (String, Bytes) {
    let rest = if huge { REST.clone() } else { REST.slice(..SMALL_BYTES) };
    (STANDARD.encode(format!("{MARK}{sha256:0<66}")), rest)
}

/// Was it given for that?
pub(crate) fn fits(signature: &str, sha256: &str) -> bool {
    let named = decode(signature).and_then(|bytes| {
        let rest = bytes.strip_prefix(MARK.as_bytes())?;
        Some(rest.get(..64)? == sha256.as_bytes())
    });
    named.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blobs::sha256_hex;

    #[test]
    fn a_signature_fits_what_it_was_given_for() {
        let (one, other) = (sha256_hex(b"one"), sha256_hex(b"other"));
        for huge in [false, true] {
            let (head, rest) = sign(&one, huge);
            let whole = head + std::str::from_utf8(&rest).unwrap();
            assert!(fits(&whole, &one) && !fits(&whole, &other));
            assert_eq!(whole.len() > 1_000_000, huge);
        }
        assert!(
            !fits("", &one) && !fits("!", &one) && !fits(&STANDARD.encode("a signature of theirs"), &one)
        );
    }
}
