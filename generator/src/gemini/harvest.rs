//! An answer while it comes: its pictures decoded, looked at and stripped, its signatures as they are.
//!
//! No IO: whoever reads the answer gives pieces ([`Harvest::push`]) and carries away what has gathered in
//! [`Picture::out`] and [`Signatures::out`] after each. Nothing is held here but the skeleton and what one piece
//! brought, whatever the answer's size.

use proto_events::events::Trouble;

use super::{
    base64::Decoder,
    skeleton::{Big, Catch, Scanner, TooLong},
};
use crate::picture::{Look, NotAPicture, Origin, Strip};

/// Telegram's limit for what a bot sends.
pub const PICTURE_BYTES_MAX: u64 = 50 << 20;
/// More than any model makes at once, drafts included; what comes beyond is let go.
pub(super) const PICTURES_MAX: usize = 16;
/// Two of 1.1 MB were seen in an answer. Beyond this an edit begins anew, with the picture alone.
pub(super) const SIGNATURES_BYTES_MAX: usize = 12 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
    #[error("a picture is not base64")]
    NotBase64,
    #[error(transparent)]
    NotAPicture(NotAPicture),
    #[error("a picture has more than {PICTURE_BYTES_MAX} bytes")]
    TooLarge,
}

impl Unfit {
    pub(super) fn trouble(self) -> Trouble {
        match self {
            Self::TooLarge => Trouble::TooLarge,
            Self::NotBase64 | Self::NotAPicture(_) => Trouble::NotAPicture,
        }
    }
}

pub(super) struct Picture {
    reading: Option<(Decoder, Strip)>,
    decoded: Vec<u8>,
    bytes: u64,
    /// What has passed since it was last carried away.
    pub(super) out: Vec<u8>,
    /// What it is, or why it is none; `None` while it comes.
    pub(super) look: Option<Result<Look, Unfit>>,
}

impl Picture {
    fn new() -> Self {
        Self {
            reading: Some((Decoder::default(), Strip::new(Origin::Model))),
            decoded: Vec::new(),
            bytes: 0,
            out: Vec::new(),
            look: None,
        }
    }

    fn push(&mut self, text: &[u8]) {
        if let Some((mut decoder, mut strip)) = self.reading.take() {
            match self
                .step(|decoded| decoder.push(text, decoded).is_ok(), |bytes, out| strip.push(bytes, out))
            {
                Ok(()) => self.reading = Some((decoder, strip)),
                Err(unfit) => self.settle(Err(unfit)),
            }
        }
    }

    fn end(&mut self) {
        if let Some((decoder, mut strip)) = self.reading.take() {
            let rest = self.step(|decoded| decoder.end(decoded).is_ok(), |bytes, out| strip.push(bytes, out));
            let look = rest.and_then(|()| strip.end(&mut self.out).map_err(Unfit::NotAPicture));
            self.settle(look);
        }
    }

    fn settle(&mut self, look: Result<Look, Unfit>) {
        self.decoded = Vec::new();
        self.look = Some(look);
    }

    fn step(
        &mut self,
        decode: impl FnOnce(&mut Vec<u8>) -> bool,
        strip: impl FnOnce(&[u8], &mut Vec<u8>) -> Result<(), NotAPicture>,
    ) -> Result<(), Unfit> {
        self.decoded.clear();
        if !decode(&mut self.decoded) {
            return Err(Unfit::NotBase64);
        }
        self.bytes += self.decoded.len() as u64;
        if self.bytes > PICTURE_BYTES_MAX {
            return Err(Unfit::TooLarge);
        }
        strip(&self.decoded, &mut self.out).map_err(Unfit::NotAPicture)
    }
}

/// One after the other, as text.
#[derive(Default)]
pub(super) struct Signatures {
    /// What has come since it was last carried away.
    pub(super) out: Vec<u8>,
    pub(super) lens: Vec<usize>,
    bytes: usize,
    /// One is too long, or not what can be sent again.
    pub(super) unfit: bool,
}

impl Signatures {
    fn push(&mut self, text: &[u8]) {
        let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_' | b'=');
        self.unfit |= !text.iter().all(plain);
        if let Some(len) = self.lens.last_mut() {
            *len += text.len();
        }
        self.bytes += text.len();
        self.unfit |= self.bytes > SIGNATURES_BYTES_MAX;
        if self.unfit {
            self.out.clear();
        } else {
            self.out.extend_from_slice(text);
        }
    }
}

#[derive(Default)]
pub(super) struct Harvest {
    scanner: Scanner,
    pub(super) caught: Caught,
}

#[derive(Default)]
pub(super) struct Caught {
    pub(super) pictures: Vec<Picture>,
    pub(super) signatures: Signatures,
    now: Option<Big>,
}

impl Harvest {
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        self.scanner.push(bytes, &mut self.caught)
    }

    /// The skeleton, and what was caught beside it.
    pub(super) fn end(self) -> (Vec<u8>, Caught) {
        (self.scanner.skeleton(), self.caught)
    }
}

impl Catch for Caught {
    fn begin(&mut self, big: Big) -> usize {
        self.now = Some(big);
        match big {
            Big::Data if self.pictures.len() >= PICTURES_MAX => {
                self.now = None;
                PICTURES_MAX
            }
            Big::Data => {
                self.pictures.push(Picture::new());
                self.pictures.len() - 1
            }
            Big::Signature => {
                self.signatures.lens.push(0);
                self.signatures.lens.len() - 1
            }
        }
    }

    fn piece(&mut self, bytes: &[u8]) {
        match self.now {
            Some(Big::Data) => {
                if let Some(picture) = self.pictures.last_mut() {
                    picture.push(bytes);
                }
            }
            Some(Big::Signature) => self.signatures.push(bytes),
            None => {}
        }
    }

    fn end(&mut self) {
        if let (Some(Big::Data), Some(picture)) = (self.now.take(), self.pictures.last_mut()) {
            picture.end();
        }
    }
}
