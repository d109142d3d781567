//! Signed notes (C2SP signed-note): a text, a blank line, a signature a line; Ed25519 only.
//!
//! A key belongs to a name, and its 4-byte id is bound to both: SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public
//! key). Public form (vkey): `name+id+base64(0x01 ‖ public key)`; private: `PRIVATE+KEY+name+id+…` over
//! the seed. Both are those of Go's `note` package, so its tools read them.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

/// The type byte of Ed25519.
const ED25519: u8 = 1;
const PRIVATE: &str = "PRIVATE+KEY+";
/// U+2014 and a space begin a line with a signature.
const DASH: &str = "\u{2014} ";

pub type KeyId = [u8; 4];

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadNote {
    #[error("this is no signed note: {0}")]
    Form(&'static str),
    #[error("it is not signed by {0}")]
    Unsigned(String),
    #[error("its signature by {0} is forged: it does not fit the text")]
    Forged(String),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is no key: {0}")]
pub struct BadKey(&'static str);

fn key_id(name: &str, public: &[u8; 32]) -> KeyId {
    let hash =
        Sha256::new().chain_update(name).chain_update([b'\n', ED25519]).chain_update(public).finalize();
    [hash[0], hash[1], hash[2], hash[3]]
}

/// A name for keys and origins: visible, without a plus.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| !c.is_whitespace() && !c.is_control() && c != '+')
}

/// `name+id+base64(type ‖ 32 bytes)`.
fn parts(text: &str) -> Result<(String, KeyId, [u8; 32]), BadKey> {
    let mut fields = text.trim().splitn(3, '+');
    let (Some(name), Some(id), Some(key)) = (fields.next(), fields.next(), fields.next()) else {
        return Err(BadKey("it has the form name+id+key"));
    };
    if !is_name(name) {
        return Err(BadKey("its name is empty or has spaces"));
    }
    let id = u32::from_str_radix(id, 16).ok().filter(|_| id.len() == 8);
    let id = id.ok_or(BadKey("its id is not 8 hex digits"))?.to_be_bytes();
    let bytes = STANDARD.decode(key).map_err(|_| BadKey("its last part is not base64"))?;
    match <[u8; 33]>::try_from(bytes.as_slice()) {
        Ok([ED25519, rest @ ..]) => Ok((name.to_owned(), id, rest)),
        _ => Err(BadKey("it is not an Ed25519 key")),
    }
}

/// Whoever keeps this can tell a checkpoint of the ledger from a forged one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    name: String,
    id: KeyId,
    key: VerifyingKey,
}

impl PublicKey {
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl FromStr for PublicKey {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let (name, id, public) = parts(text)?;
        if key_id(&name, &public) != id {
            return Err(BadKey("its id is not that of its name and key: it was mistyped or changed"));
        }
        let key = VerifyingKey::from_bytes(&public).map_err(|_| BadKey("it is no point of the curve"))?;
        Ok(Self { name, id, key })
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![ED25519];
        bytes.extend(self.key.as_bytes());
        write!(f, "{}+{:08x}+{}", self.name, u32::from_be_bytes(self.id), STANDARD.encode(bytes))
    }
}

/// Signs checkpoints. Its text form is the secret itself: [`SecretKey::reveal`].
#[derive(Clone)]
pub struct SecretKey {
    public: PublicKey,
    key: SigningKey,
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.public)
    }
}

impl SecretKey {
    /// # Errors
    /// The name is empty or has spaces or a plus.
    pub fn from_seed(name: &str, seed: [u8; 32]) -> Result<Self, BadKey> {
        if !is_name(name) {
            return Err(BadKey("its name is empty or has spaces or a plus"));
        }
        let key = SigningKey::from_bytes(&seed);
        let verifying = key.verifying_key();
        let id = key_id(name, verifying.as_bytes());
        Ok(Self { public: PublicKey { name: name.to_owned(), id, key: verifying }, key })
    }

    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The text of a key file.
    pub fn reveal(&self) -> String {
        let mut bytes = vec![ED25519];
        bytes.extend(self.key.to_bytes());
        let id = u32::from_be_bytes(self.public.id);
        format!("{PRIVATE}{}+{id:08x}+{}\n", self.public.name, STANDARD.encode(bytes))
    }

    /// The whole note. Invariant: `text` ends with a newline.
    pub fn sign(&self, text: &str) -> String {
        let mut bytes = self.public.id.to_vec();
        bytes.extend(self.key.sign(text.as_bytes()).to_bytes());
        format!("{text}\n{DASH}{} {}\n", self.public.name, STANDARD.encode(bytes))
    }
}

impl FromStr for SecretKey {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let rest = text.trim().strip_prefix(PRIVATE).ok_or(BadKey("it begins with PRIVATE+KEY+"))?;
        let (name, id, seed) = parts(rest)?;
        let key = Self::from_seed(&name, seed)?;
        if key.public.id == id { Ok(key) } else { Err(BadKey("its id is not that of its name and key")) }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Signed {
    name: String,
    id: KeyId,
    bytes: Vec<u8>,
}

/// A note as it was found: who signed it is not known before [`Note::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// With its last newline.
    text: String,
    signatures: Vec<Signed>,
}

impl Note {
    pub fn text(&self) -> &str {
        &self.text
    }

    /// # Errors
    /// See [`BadNote::Form`].
    pub fn parse(note: &str) -> Result<Self, BadNote> {
        let (text, below) = note.rsplit_once("\n\n").ok_or(BadNote::Form("no blank line ends its text"))?;
        if text.chars().any(|c| c.is_control() && c != '\n') {
            return Err(BadNote::Form("it has control characters"));
        }
        let below = below.strip_suffix('\n').ok_or(BadNote::Form("its last line does not end"))?;
        let signatures = below.split('\n').map(signature).collect::<Result<_, _>>()?;
        Ok(Self { text: format!("{text}\n"), signatures })
    }

    /// Is it signed by one of these keys? Answers which. Signatures of unknown keys are passed over, as the
    /// specification wants it.
    ///
    /// # Errors
    /// None of them has signed it, or a signature under one of their names and ids is wrong.
    pub fn verify<'k>(&self, keys: &'k [PublicKey]) -> Result<&'k PublicKey, BadNote> {
        for key in keys {
            let by = |signed: &&Signed| signed.name == key.name && signed.id == key.id;
            if let Some(signed) = self.signatures.iter().find(by) {
                let forged = || BadNote::Forged(key.name.clone());
                let signature = Signature::from_slice(&signed.bytes).map_err(|_| forged())?;
                key.key.verify_strict(self.text.as_bytes(), &signature).map_err(|_| forged())?;
                return Ok(key);
            }
        }
        let names: Vec<&str> = keys.iter().map(PublicKey::name).collect();
        Err(BadNote::Unsigned(if names.is_empty() { "any known key".to_owned() } else { names.join(" or ") }))
    }
}

fn signature(line: &str) -> Result<Signed, BadNote> {
    let bad = BadNote::Form("a signature is a line of a dash, a name and base64");
    let Some((name, encoded)) = line.strip_prefix(DASH).and_then(|rest| rest.split_once(' ')) else {
        return Err(bad);
    };
    let bytes = STANDARD.decode(encoded).map_err(|_| bad.clone())?;
    let Some((id, rest)) = bytes.split_first_chunk::<4>() else { return Err(bad) };
    if !is_name(name) {
        return Err(bad);
    }
    Ok(Signed { name: name.to_owned(), id: *id, bytes: rest.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SecretKey {
        SecretKey::from_seed("plantain/test", [7; 32]).unwrap()
    }

    /// From the documentation of Go's golang.org/x/mod/sumdb/note.
    #[test]
    fn a_note_of_the_reference_implementation_verifies() {
        let vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let note = "If you think cryptography is the answer to your problem,\n\
                    then you don't know what your problem is.\n\n\
                    \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
        let key: PublicKey = vkey.parse().unwrap();
        assert_eq!(key.to_string(), vkey);
        let note = Note::parse(note).unwrap();
        assert_eq!(note.verify(std::slice::from_ref(&key)).unwrap().name(), "PeterNeumann");
    }

    #[test]
    fn keys_read_back() {
        let key = key();
        assert_eq!(key.reveal().parse::<SecretKey>().unwrap().public(), key.public());
        assert_eq!(key.public().to_string().parse::<PublicKey>().as_ref(), Ok(key.public()));
        assert!(!format!("{key:?}").contains("PRIVATE"));
        let other_name = key.public().to_string().replace("test", "tent");
        assert!(other_name.parse::<PublicKey>().is_err(), "a key is bound to its name");
        for bad in ["", "a", "a+b+c", "PRIVATE+KEY+x", "a b+00000000+AAAA"] {
            assert!(bad.parse::<PublicKey>().is_err() && bad.parse::<SecretKey>().is_err(), "{bad}");
        }
        assert!(SecretKey::from_seed("a b", [1; 32]).is_err());
    }

    #[test]
    fn a_changed_text_another_key_and_no_signature_are_told_apart() {
        let (key, other) = (key(), SecretKey::from_seed("plantain/test", [8; 32]).unwrap());
        let note = key.sign("plantain/test\n1\nroot\n");
        let keys = [key.public().clone()];
        assert!(Note::parse(&note).unwrap().verify(&keys).is_ok());
        let forged = Note::parse(&note.replacen('1', "2", 1)).unwrap();
        assert_eq!(forged.verify(&keys), Err(BadNote::Forged("plantain/test".into())));
        let foreign = Note::parse(&other.sign("plantain/test\n1\nroot\n")).unwrap();
        assert_eq!(foreign.verify(&keys), Err(BadNote::Unsigned("plantain/test".into())));
        for bad in [
            "",
            "text\n",
            "text\n\n",
            "text\n\nsigned: me\n",
            "text\n\n\u{2014} me AAAA",
            "t\u{7}\n\n\u{2014} m AAAAAAAA\n",
        ] {
            assert!(matches!(Note::parse(bad), Err(BadNote::Form(_))), "{bad:?}");
        }
    }
}
