//! Time-based one-time passwords (RFC 6238: HMAC-SHA-1, six digits, steps of 30 s, which every app knows), the picture of a
//! secret for an app's camera, and recovery codes.

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use maud::{Markup, html};
use qrcodegen::{QrCode, QrCodeEcc};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

const STEP_US: i64 = 30_000_000;
const DIGITS: usize = 6;
/// A clock may be so many steps off, and a code be typed at the end of its step.
const STEPS_OFF: i64 = 1;
pub(super) const RECOVERY_CODES: usize = 10;
/// White around the picture that cameras need, in its squares.
const QUIET: i32 = 4;

/// As RFC 4226 asks at least: 160 bits.
pub(super) fn new_secret() -> Vec<u8> {
    random(20)
}

/// From the system's own source, which a random UUID is made of; its fixed bits are left out.
fn random(bytes: usize) -> Vec<u8> {
    std::iter::repeat_with(|| Uuid::new_v4().into_bytes())
        .flat_map(|id| id.into_iter().enumerate().filter(|(n, _)| ![6, 8].contains(n)).map(|(_, byte)| byte))
        .take(bytes)
        .collect()
}

fn code_at(secret: &[u8], step: i64) -> Option<String> {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret).ok()?;
    mac.update(&step.to_be_bytes());
    let hash = mac.finalize().into_bytes();
    let from = usize::from(hash.last()? & 0x0f);
    let word = u32::from_be_bytes(hash.get(from..from + 4)?.try_into().ok()?) & 0x7fff_ffff;
    Some(format!("{:0DIGITS$}", word % 10_u32.pow(DIGITS as u32)))
}

/// The step whose code this is, if it is one of now.
pub(super) fn step_of(secret: &[u8], code: &str, now_us: i64) -> Option<i64> {
    let now = now_us.div_euclid(STEP_US);
    // All are compared, whichever it is.
    let steps = (now - STEPS_OFF..=now + STEPS_OFF).filter(|step| {
        code_at(secret, *step).is_some_and(|right| bool::from(right.as_bytes().ct_eq(code.as_bytes())))
    });
    steps.max()
}

/// What was typed, without what people put between.
pub(super) fn plain(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

/// For whoever types it into their app.
pub(super) fn text(secret: &[u8]) -> String {
    grouped(&BASE32_NOPAD.encode(secret))
}

fn grouped(text: &str) -> String {
    let groups: Vec<&str> =
        text.as_bytes().chunks(4).filter_map(|group| str::from_utf8(group).ok()).collect();
    groups.join("-")
}

/// For a camera: the address that apps know (Key Uri Format). `None`: it is too long for a picture, which no name is.
pub(super) fn picture(secret: &[u8], name: &str, label: &str) -> Option<Markup> {
    let address =
        format!("otpauth://totp/Plantain:{name}?secret={}&issuer=Plantain", BASE32_NOPAD.encode(secret));
    let code = QrCode::encode_text(&address, QrCodeEcc::Medium).ok()?;
    let squares = (0..code.size()).flat_map(|y| (0..code.size()).map(move |x| (x, y)));
    let path: String = squares
        .filter(|(x, y)| code.get_module(*x, *y))
        .map(|(x, y)| format!("M{} {}h1v1h-1z", x + QUIET, y + QUIET))
        .collect();
    let side = code.size() + 2 * QUIET;
    Some(html! {
        svg class="qr" role="img" aria-label=(label) viewBox={ "0 0 " (side) " " (side) } shape-rendering="crispEdges" {
            rect width=(side) height=(side) fill="#fff" {}
            path d=(path) fill="#000" {}
        }
    })
}

/// Shown once; 80 bits each, so that a plain hash keeps them.
pub(super) fn new_recovery_codes() -> Vec<String> {
    (0..RECOVERY_CODES).map(|_| grouped(&BASE32_NOPAD.encode(&random(10)))).collect()
}

/// Of a code as [`plain`] leaves it.
pub(super) fn recovery_hash(code: &str) -> Vec<u8> {
    Sha256::digest(code.as_bytes()).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, the last six of its eight digits.
    #[test]
    fn codes_are_those_of_the_rfc() {
        let secret = b"12345678901234567890";
        for (seconds, code) in [
            (59_i64, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code_at(secret, seconds / 30).as_deref(), Some(code), "{seconds}");
            assert_eq!(step_of(secret, code, seconds * 1_000_000), Some(seconds / 30));
        }
    }

    #[test]
    fn a_code_is_good_a_step_around_its_own_and_no_longer() {
        let secret = new_secret();
        let code = code_at(&secret, 100).unwrap();
        let at = |step: i64| step_of(&secret, &code, step * STEP_US + 1);
        assert_eq!([at(99), at(100), at(101)], [Some(100); 3]);
        assert_eq!([at(98), at(102)], [None; 2]);
        for wrong in ["", "1", "12345678", "абвгде"] {
            assert_eq!(step_of(&secret, wrong, 100 * STEP_US), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_shown_is_what_is_read_back() {
        let secret = new_secret();
        assert_eq!((secret.len(), new_secret() == secret), (20, false));
        assert_eq!(BASE32_NOPAD.decode(plain(&text(&secret)).as_bytes()).unwrap(), secret);
        let codes = new_recovery_codes();
        assert_eq!(codes.len(), RECOVERY_CODES);
        assert!(
            codes.iter().all(|code| code.len() == 19 && plain(&code.to_lowercase()).len() == 16),
            "{codes:?}"
        );
        let drawn = picture(&secret, "somebody-with-a-name-of-32-chars", "QR").unwrap().into_string();
        assert!(drawn.contains("<path d=\"M4 4h1v1h-1z") && !drawn.contains("style"), "{drawn}");
    }
}
