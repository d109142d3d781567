//! Under which name a command is stored.
//!
//! Telegram's command ids are made of chat and user ids, which must not stand in the log. What is
//! stored, and what other ids are derived from, is their HMAC under a key of the service: the same
//! for ever, and telling nothing.

use hmac::{Hmac, KeyInit, Mac};
use proto_events::{CommandId, Producer};
use sha2::Sha256;

use crate::log::hex;

/// The key's name in `service_keys`.
pub const KEY: &str = "command_ids";

#[derive(Clone)]
pub struct Names([u8; 32]);

impl Names {
    pub fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// Tells one secret from another, and nothing of either.
    pub fn tag(&self, of: &str, secret: &str) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        mac.update(of.as_bytes());
        mac.update(&[0]);
        mac.update(secret.as_bytes());
        hex(&mac.finalize().into_bytes()[..16])
    }

    /// The id to store: a producer's own if it names nobody.
    pub fn stored(&self, producer: Producer, verb: &str, id: CommandId) -> CommandId {
        if producer != Producer::Telegram {
            return id;
        }
        let name = format!("{verb}:{}", self.tag(producer.as_str(), id.as_str()));
        // Invariant: a verb and 32 hex digits are a command id.
        CommandId::new(name).unwrap_or(id)
    }

    /// A dead letter's name, of what makes it the same one: 32 hex digits that tell nothing of it.
    pub fn letter(&self, parts: [&[u8]; 4]) -> String {
        // Invariant: HMAC takes a key of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return String::new() };
        // No producer is called so.
        mac.update(b"dead letter\0");
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        hex(&mac.finalize().into_bytes()[..16])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chat_id_is_not_stored_and_the_same_command_is_the_same_for_ever() {
        let names = Names::new([7; 32]);
        let id = || CommandId::new("msg:1:123456789:42").unwrap();
        let stored = names.stored(Producer::Telegram, "generation_request", id());
        assert!(stored.as_str().starts_with("generation_request:") && !stored.as_str().contains("123456789"));
        assert_eq!(stored, names.stored(Producer::Telegram, "generation_request", id()));
        assert_ne!(stored, Names::new([8; 32]).stored(Producer::Telegram, "generation_request", id()));
        let other = CommandId::new("msg:1:123456789:43").unwrap();
        assert_ne!(stored, names.stored(Producer::Telegram, "generation_request", other));
        assert_eq!(names.stored(Producer::Payments, "payment_settle", id()), id());
    }
}
