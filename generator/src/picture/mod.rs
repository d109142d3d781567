//! Pictures, as far as we look at them: what they are, how large, and without what they should not tell.
//!
//! A picture is believed by its bytes, never by the label that came with it. [`Strip`] takes it in pieces
//! of any length and gives back the same picture without its metadata (where it was taken, by whom, with
//! what, and whatever is appended to it). Nothing is decoded; a side's length is known before any of the
//! pixels is let through. Bounds: 64 KB are held, whatever comes.

mod jpeg;
mod png;
mod webp;

use proto_events::events::MediaType;

/// The 200-megapixel phones' 16 320 × 12 240 fit in. Pixels take no memory here, since none is decoded; bytes do, and are
/// bounded by what a request may hold. Google scales down whatever it is shown. So this only stops a header that claims more
/// than most decoders take, before anybody decodes it.
const SIDE_MAX: u32 = 16_384;
/// So many bytes tell what a picture is: RIFF, its size, WEBP.
const MAGIC_LEN: usize = 12;

/// What a picture is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    pub media_type: MediaType,
    pub width: u32,
    pub height: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAPicture {
    #[error("the bytes are not of a PNG, JPEG or WebP")]
    Format,
    #[error("the picture's header is broken")]
    Header,
    #[error("the picture claims {width} × {height} pixels; each side may have 1 to {SIDE_MAX}")]
    Size { width: u32, height: u32 },
    #[error("the picture ends in the middle")]
    Cut,
}

/// Whose picture it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A model's: it keeps its C2PA, which says that it was made by one.
    Model,
    /// A person's: a camera's C2PA may say what its EXIF says.
    Person,
}

/// A picture on its way: see the module.
pub struct Strip {
    origin: Origin,
    kind: Kind,
}

enum Kind {
    /// Not yet known: what came so far.
    Unknown(Vec<u8>),
    Jpeg(jpeg::Strip),
    Png(png::Strip),
    Webp(webp::Strip),
}

impl Strip {
    pub fn new(origin: Origin) -> Self {
        Self { origin, kind: Kind::Unknown(Vec::with_capacity(MAGIC_LEN)) }
    }

    /// Takes the next bytes; those that stay are added to `out`.
    ///
    /// # Errors
    /// It is no picture, or one that is too large. Nothing more should be given then.
    pub fn push(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), NotAPicture> {
        if let Kind::Unknown(magic) = &mut self.kind {
            if !gather(magic, MAGIC_LEN, &mut bytes) {
                return Ok(());
            }
            let magic = std::mem::take(magic);
            self.kind = known(&magic, self.origin).ok_or(NotAPicture::Format)?;
            self.take(&magic, out)?;
        }
        self.take(bytes, out)
    }

    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), NotAPicture> {
        match &mut self.kind {
            Kind::Unknown(_) => Err(NotAPicture::Format),
            Kind::Jpeg(strip) => strip.push(bytes, out),
            Kind::Png(strip) => strip.push(bytes, out),
            Kind::Webp(strip) => strip.push(bytes, out),
        }
    }

    /// After the last byte.
    ///
    /// # Errors
    /// Something is missing.
    pub fn end(self, out: &mut Vec<u8>) -> Result<Look, NotAPicture> {
        let (media_type, size) = match self.kind {
            Kind::Unknown(_) => return Err(NotAPicture::Format),
            Kind::Jpeg(strip) => (MediaType::Jpeg, strip.end(out)?),
            Kind::Png(strip) => (MediaType::Png, strip.end()?),
            Kind::Webp(strip) => (MediaType::Webp, strip.end()?),
        };
        Ok(Look { media_type, width: size.width, height: size.height })
    }
}

fn known(magic: &[u8], origin: Origin) -> Option<Kind> {
    if magic.starts_with(b"\xff\xd8\xff") {
        Some(Kind::Jpeg(jpeg::Strip::new(origin)))
    } else if magic.starts_with(png::SIGNATURE) {
        Some(Kind::Png(png::Strip::new(origin)))
    } else if magic.starts_with(b"RIFF") && magic.ends_with(b"WEBP") {
        Some(Kind::Webp(webp::Strip::new(origin)))
    } else {
        None
    }
}

/// A picture's sides that we take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Size {
    width: u32,
    height: u32,
}

impl Size {
    fn of(width: u32, height: u32) -> Result<Self, NotAPicture> {
        let side = 1..=SIDE_MAX;
        if side.contains(&width) && side.contains(&height) {
            Ok(Self { width, height })
        } else {
            Err(NotAPicture::Size { width, height })
        }
    }
}

/// Moves bytes into `held` until it has `need` of them. True: it has.
fn gather(held: &mut Vec<u8>, need: usize, bytes: &mut &[u8]) -> bool {
    let (taken, rest) = bytes.split_at(need.saturating_sub(held.len()).min(bytes.len()));
    held.extend_from_slice(taken);
    *bytes = rest;
    held.len() >= need
}

/// Moves up to `len` bytes out of `bytes`.
fn split<'a>(bytes: &mut &'a [u8], len: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at(len.min(bytes.len()));
    *bytes = rest;
    taken
}

#[cfg(test)]
#[path = "tests.rs"]
pub(crate) mod tests;
