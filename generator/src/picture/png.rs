//! A PNG, chunk by chunk (PNG 3, chapters 5 and 11).
//!
//! Kept: all critical chunks, and of the others those that say how the pixels are meant, how they move, and a
//! model's C2PA. Everything else goes (eXIf, tEXt, iTXt, zTXt, tIME, makers' own), and what follows the end.

use super::{NotAPicture, Origin, Size, gather, split};

pub(super) const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Length and type.
const HEAD: usize = 8;
/// Head, width, height.
const IHDR: usize = HEAD + 8;
const CRC: u64 = 4;
const LEN_MAX: u32 = (1 << 31) - 1;
const KEPT: [&[u8; 4]; 14] = [
    b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"mDCV", b"cLLI", b"sBIT", b"bKGD", b"pHYs",
    b"acTL", b"fcTL", b"fdAT",
];

pub(super) struct Strip {
    origin: Origin,
    place: Place,
    held: Vec<u8>,
    size: Option<Size>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Signature,
    Head,
    /// In a chunk, so many bytes before its end; the last one if `end`.
    Chunk {
        left: u64,
        kept: bool,
        end: bool,
    },
    Ended,
}

impl Strip {
    pub(super) fn new(origin: Origin) -> Self {
        Self { origin, place: Place::Signature, held: Vec::new(), size: None }
    }

    pub(super) fn push(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), NotAPicture> {
        while !bytes.is_empty() {
            match self.place {
                Place::Signature => {
                    if gather(&mut self.held, SIGNATURE.len(), &mut bytes) {
                        out.append(&mut self.held);
                        self.place = Place::Head;
                    }
                }
                Place::Head => self.head(&mut bytes, out)?,
                Place::Chunk { left, kept, end } => {
                    let taken = split(&mut bytes, usize::try_from(left).unwrap_or(usize::MAX));
                    if kept {
                        out.extend_from_slice(taken);
                    }
                    self.place = match left - taken.len() as u64 {
                        0 if end => Place::Ended,
                        0 => Place::Head,
                        left => Place::Chunk { left, kept, end },
                    };
                }
                Place::Ended => return Ok(()),
            }
        }
        Ok(())
    }

    pub(super) fn end(self) -> Result<Size, NotAPicture> {
        match self.size {
            Some(size) if self.place == Place::Ended => Ok(size),
            _ => Err(NotAPicture::Cut),
        }
    }

    fn head(&mut self, bytes: &mut &[u8], out: &mut Vec<u8>) -> Result<(), NotAPicture> {
        let need = if self.size.is_none() { IHDR } else { HEAD };
        if !gather(&mut self.held, need, bytes) {
            return Ok(());
        }
        let number = |at: usize| -> u32 {
            self.held[at..at + 4].iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
        };
        let (len, name) = (number(0), [self.held[4], self.held[5], self.held[6], self.held[7]]);
        if self.size.is_none() {
            if name != *b"IHDR" || len < 8 {
                return Err(NotAPicture::Header);
            }
            self.size = Some(Size::of(number(8), number(12))?);
        }
        if len > LEN_MAX || !name.iter().all(u8::is_ascii_alphabetic) {
            return Err(NotAPicture::Header);
        }
        let provenance = self.origin == Origin::Model && name == *b"caBX";
        let kept = name[0].is_ascii_uppercase() || KEPT.contains(&&name) || provenance;
        let left = u64::from(len) + CRC - (need - HEAD) as u64;
        if kept {
            out.extend_from_slice(&self.held);
        }
        self.held.clear();
        self.place = Place::Chunk { left, kept, end: name == *b"IEND" };
        Ok(())
    }
}
