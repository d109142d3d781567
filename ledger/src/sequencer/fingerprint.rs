//! Who a person is, in a form that outlives the account and tells nothing without the service's key.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::log::hex;

/// The key's name in `service_keys`.
pub const KEY: &str = "fingerprints";

#[derive(Debug, Clone, Copy, Default)]
pub struct Fingerprints([u8; 32]);

impl Fingerprints {
    pub fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// Of a Telegram user: 64 hex digits.
    pub fn of(&self, user: i64) -> String {
        // HMAC takes a key of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        mac.update(b"telegram:");
        mac.update(user.to_string().as_bytes());
        hex(&mac.finalize().into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_the_persons_for_ever_and_names_nobody() {
        let (ours, theirs) = (Fingerprints::new([1; 32]), Fingerprints::new([2; 32]));
        assert_eq!(ours.of(42), ours.of(42));
        assert_eq!(ours.of(42).len(), 64);
        assert!(!ours.of(123_456_789).contains("123456789"));
        assert_ne!(ours.of(42), ours.of(43));
        assert_ne!(ours.of(42), theirs.of(42));
    }
}
