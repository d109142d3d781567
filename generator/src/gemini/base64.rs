//! Base64 as it comes, in pieces of any length: either alphabet, with or without padding, as proto3 JSON allows.

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not base64")]
pub(super) struct NotBase64;

#[derive(Default)]
pub(super) struct Decoder {
    /// In the standard alphabet; between two pieces fewer than four characters.
    held: Vec<u8>,
    padded: bool,
}

impl Decoder {
    pub(super) fn push(&mut self, text: &[u8], out: &mut Vec<u8>) -> Result<(), NotBase64> {
        if self.plain(text, out) { Ok(()) } else { self.any(text, out) }
    }

    /// What Google sends, but for its last piece: the standard alphabet and nothing else, decoded where it stands. False:
    /// nothing was done.
    fn plain(&mut self, text: &[u8], out: &mut Vec<u8>) -> bool {
        let lead = (4 - self.held.len()) % 4;
        let Some((lead, rest)) = text.split_at_checked(lead).filter(|_| !self.padded) else { return false };
        let (whole, tail) = rest.split_at(rest.len() / 4 * 4);
        let before = out.len();
        let first = [&self.held, lead].concat();
        let decoded = ENGINE.decode_vec(first, out).is_ok() && ENGINE.decode_vec(whole, out).is_ok();
        if !decoded || !tail.iter().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/')) {
            out.truncate(before);
            return false;
        }
        self.held.clear();
        self.held.extend_from_slice(tail);
        true
    }

    fn any(&mut self, text: &[u8], out: &mut Vec<u8>) -> Result<(), NotBase64> {
        self.held.reserve(text.len());
        for character in text {
            match character {
                b'=' => self.padded = true,
                b'\r' | b'\n' | b' ' | b'\t' => {}
                _ if self.padded => return Err(NotBase64),
                b'-' => self.held.push(b'+'),
                b'_' => self.held.push(b'/'),
                other => self.held.push(*other),
            }
        }
        let whole = self.held.len() / 4 * 4;
        ENGINE.decode_vec(&self.held[..whole], out).map_err(|_| NotBase64)?;
        self.held.drain(..whole);
        Ok(())
    }

    pub(super) fn end(self, out: &mut Vec<u8>) -> Result<(), NotBase64> {
        ENGINE.decode_vec(&self.held, out).map_err(|_| NotBase64)
    }
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD};

    use super::*;

    fn decoded<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Result<Vec<u8>, NotBase64> {
        let (mut decoder, mut out) = (Decoder::default(), Vec::new());
        for piece in pieces {
            decoder.push(piece, &mut out)?;
        }
        decoder.end(&mut out)?;
        Ok(out)
    }

    #[test]
    fn every_dialect_is_read_wherever_it_is_split() {
        for len in 0..40_u8 {
            let bytes: Vec<u8> = (0..len).map(|n| n.wrapping_mul(53).wrapping_sub(7)).collect();
            let dialects = [
                BASE64_STANDARD.encode(&bytes),
                BASE64_STANDARD_NO_PAD.encode(&bytes),
                BASE64_URL_SAFE.encode(&bytes),
                BASE64_URL_SAFE_NO_PAD.encode(&bytes),
            ];
            for text in dialects {
                for size in 1..7 {
                    assert_eq!(decoded(text.as_bytes().chunks(size)), Ok(bytes.clone()), "{text} by {size}");
                }
            }
        }
    }

    #[test]
    fn a_break_in_the_middle_of_a_plain_run_changes_nothing() {
        let bytes: Vec<u8> = (0..200).collect();
        let text = BASE64_STANDARD.encode(&bytes);
        for at in 0..text.len() {
            let broken = format!("{}\r\n{}", &text[..at], &text[at..]);
            for size in [1, 5, 64, 300] {
                assert_eq!(decoded(broken.as_bytes().chunks(size)), Ok(bytes.clone()), "at {at} by {size}");
            }
        }
    }

    #[test]
    fn what_is_not_base64_is_refused() {
        for bad in ["@@@@", "AAAAA", "AA=A", "AAA\u{0}"] {
            assert_eq!(decoded(std::iter::once(bad.as_bytes())), Err(NotBase64), "{bad}");
        }
    }
}
