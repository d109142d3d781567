//! What a request means, as 16 bytes: the same id with another digest is refused.

use hmac::{Hmac, KeyInit, Mac};
use proto_events::AccountId;
use proto_events::canonical::{NotCanonical, canonical};
use proto_events::commands::Command;
use serde_json::json;
use sha2::Sha256;

use crate::log::Digest;

/// First half of HMAC-SHA-256 under the account's key, so that the log keeps nothing by which an
/// erased prompt could be guessed.
///
/// # Errors
/// A bug: the command holds a number that canonical JSON can't.
pub fn digest(key: &[u8; 32], account: AccountId, command: &Command) -> Result<Digest, NotCanonical> {
    let meaning = json!({"verb": command.verb(), "account": account, "fields": command.meaning()});
    let text = canonical(&meaning)?;
    let mut digest = [0; 16];
    // HMAC takes a key of any length.
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) {
        mac.update(text.as_bytes());
        digest.copy_from_slice(&mac.finalize().into_bytes()[..16]);
    }
    Ok(digest)
}
