//! What a button brings back: at most 64 bytes, checked when it returns, since a client may send
//! anything. A nonce stands for one intent, so that a tap sent twice is one command.

use proto_events::Text;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::ways::Way;

/// Bot API: callback_data is 1–64 bytes.
const BYTES_MAX: usize = 64;
/// 24 hex digits, 96 random bits: nobody meets somebody else's.
const NONCE_LEN: usize = 24;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Press {
    /// Show the packages.
    Topup,
    /// Draw what the message above says.
    Draw,
    /// Show the packages in the place of this message.
    Packages,
    /// Ask for another address for receipts, on the way to this package.
    Email { package: Text<64> },
    /// Buy this package, once for this nonce.
    Buy { nonce: String, package: Text<64> },
    /// The same, in this way.
    Pay { nonce: String, way: Way, package: Text<64> },
}

impl Press {
    /// A new intent to buy a package.
    pub fn buy(package: Text<64>) -> Self {
        Self::Buy { nonce: Self::nonce(), package }
    }

    /// Of an intent.
    pub fn nonce() -> String {
        let mut nonce = Uuid::new_v4().simple().to_string();
        nonce.truncate(NONCE_LEN);
        nonce
    }

    /// Of an intent that a message expressed: the same however often it comes.
    pub fn nonce_of(chat: i64, message: i64) -> String {
        let digest = Sha256::digest(format!("{chat}:{message}"));
        digest.iter().take(NONCE_LEN / 2).map(|byte| format!("{byte:02x}")).collect()
    }

    /// `None`: it does not fit under a button (a package with a very long name).
    pub fn data(&self) -> Option<String> {
        let data = match self {
            Self::Topup => "m".to_owned(),
            Self::Draw => "d".to_owned(),
            Self::Packages => "k".to_owned(),
            Self::Email { package } => format!("e:{package}"),
            Self::Buy { nonce, package } => format!("b:{nonce}:{package}"),
            Self::Pay { nonce, way, package } => format!("w:{nonce}:{}:{package}", way.letter()),
        };
        (data.len() <= BYTES_MAX).then_some(data)
    }

    pub fn read(data: &str) -> Option<Self> {
        if data.len() > BYTES_MAX {
            return None;
        }
        match data {
            "m" => Some(Self::Topup),
            "d" => Some(Self::Draw),
            "k" => Some(Self::Packages),
            _ => Self::read_choice(data),
        }
    }

    fn read_choice(data: &str) -> Option<Self> {
        let package = |id: &str| Text::new(id).ok().filter(|id: &Text<64>| !id.as_str().is_empty());
        if let Some(id) = data.strip_prefix("e:") {
            return Some(Self::Email { package: package(id)? });
        }
        let (kind, rest) = data.split_once(':')?;
        let (nonce, rest) = rest.split_once(':')?;
        let hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        if nonce.len() != NONCE_LEN || !nonce.bytes().all(hex) {
            return None;
        }
        let nonce = nonce.to_owned();
        match kind {
            "b" => Some(Self::Buy { nonce, package: package(rest)? }),
            "w" => {
                let (way, id) = rest.split_once(':')?;
                Some(Self::Pay { nonce, way: Way::of_letter(way)?, package: package(id)? })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proto_events::catalog::Catalog;

    use super::*;

    #[test]
    fn every_press_reads_back_and_keeps_to_64_bytes() {
        let packages = Catalog::default_catalog().unwrap().packages;
        let mut presses = vec![Press::Topup, Press::Draw, Press::Packages];
        for package in packages {
            let (nonce, package) = (Press::nonce(), package.id);
            presses.extend(Way::ALL.map(|way| Press::Pay {
                nonce: nonce.clone(),
                way,
                package: package.clone(),
            }));
            presses.extend([Press::Email { package: package.clone() }, Press::buy(package)]);
        }
        for press in presses {
            let data = press.data().unwrap();
            assert!((1..=64).contains(&data.len()), "{data}");
            assert_eq!(Press::read(&data), Some(press));
        }
    }

    #[test]
    fn a_message_is_one_intent() {
        let nonce = Press::nonce_of(-7, 8);
        assert_eq!((nonce.len(), &nonce), (NONCE_LEN, &Press::nonce_of(-7, 8)));
        assert_ne!(nonce, Press::nonce_of(-7, 9));
        let press = Press::Buy { nonce, package: Text::new("rub-100").unwrap() };
        assert_eq!(Press::read(&press.data().unwrap()), Some(press));
    }

    #[test]
    fn two_buttons_are_two_intents() {
        let package = Text::new("rub-100").unwrap();
        assert_ne!(Press::buy(package.clone()), Press::buy(package));
    }

    #[test]
    fn what_does_not_fit_is_not_made() {
        assert_eq!(Press::buy(Text::new("p".repeat(38)).unwrap()).data(), None);
        assert!(Press::buy(Text::new("p".repeat(37)).unwrap()).data().is_some());
        let pay = |len| {
            let package = Text::new("p".repeat(len)).unwrap();
            Press::Pay { nonce: Press::nonce(), way: Way::Stars, package }.data()
        };
        assert!(pay(36).is_none() && pay(35).is_some());
    }

    #[test]
    fn what_we_did_not_write_is_not_read() {
        let nonce = "0123456789abcdef01234567";
        for data in [
            "",
            "x",
            "mm",
            "b:",
            "b::",
            "b:short:rub-100",
            &format!("b:{nonce}:"),
            &format!("b:{nonce}"),
            &format!("b:{}:rub-100", nonce.to_uppercase()),
            &format!("b:{nonce}:{}", "p".repeat(64)),
            &format!("b:{nonce}:a\0b"),
            "b:: : : :",
            "e:",
            &format!("w:{nonce}:s:"),
            &format!("w:{nonce}:z:rub-100"),
            &format!("w:{nonce}:rub-100"),
            &format!("w:{nonce}"),
            &format!("x:{nonce}:rub-100"),
        ] {
            assert_eq!(Press::read(data), None, "{data:?}");
        }
    }
}
