//! A WebP, chunk by chunk (RFC 9649, section 2).
//!
//! The size of the whole comes first and what must go comes last, so it is blanked where it lies: a chunk of
//! EXIF, XMP or an unknown kind becomes `JUNK` of the same length, filled with zeros, which readers pass over.
//! What follows the end goes.

use super::{NotAPicture, Origin, Size, gather, split};

/// RIFF, size, WEBP.
const FILE_HEAD: usize = 12;
/// Name and length.
const HEAD: usize = 8;
/// What the first bytes of a chunk say of the picture's size.
const SIZE_LEN: u64 = 10;
/// Of the flags in VP8X: there is EXIF, there is XMP.
const TOLD: u8 = 0x08 | 0x04;
const KEPT: [&[u8; 4]; 7] = [b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"];

pub(super) struct Strip {
    origin: Origin,
    place: Place,
    held: Vec<u8>,
    /// Of the file, by its own word.
    left: u64,
    size: Option<Size>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    FileHead,
    Head,
    /// The first bytes of a chunk that tells the size.
    Sized {
        name: [u8; 4],
        left: u64,
    },
    Chunk {
        left: u64,
        kept: bool,
    },
    Ended,
}

impl Strip {
    pub(super) fn new(origin: Origin) -> Self {
        Self { origin, place: Place::FileHead, held: Vec::new(), left: 0, size: None }
    }

    pub(super) fn push(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), NotAPicture> {
        while !bytes.is_empty() {
            match self.place {
                Place::FileHead => self.file_head(&mut bytes, out)?,
                Place::Head => self.head(&mut bytes, out)?,
                Place::Sized { name, left } => self.sized(name, left, &mut bytes, out)?,
                Place::Chunk { left, kept } => {
                    let taken = split(&mut bytes, usize::try_from(left).unwrap_or(usize::MAX));
                    if kept {
                        out.extend_from_slice(taken);
                    } else {
                        out.resize(out.len() + taken.len(), 0);
                    }
                    self.go_on(left - taken.len() as u64, kept);
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

    fn file_head(&mut self, bytes: &mut &[u8], out: &mut Vec<u8>) -> Result<(), NotAPicture> {
        if gather(&mut self.held, FILE_HEAD, bytes) {
            self.left = u64::from(self.number(4)).checked_sub(4).ok_or(NotAPicture::Header)?;
            out.append(&mut self.held);
            self.go_on(0, true);
        }
        Ok(())
    }

    fn head(&mut self, bytes: &mut &[u8], out: &mut Vec<u8>) -> Result<(), NotAPicture> {
        if !gather(&mut self.held, HEAD, bytes) {
            return Ok(());
        }
        let name = [self.held[0], self.held[1], self.held[2], self.held[3]];
        let len = u64::from(self.number(4));
        // Chunks are of an even length; the last one's filling is sometimes forgotten.
        let len = (len + len % 2).min(self.left.checked_sub(HEAD as u64).ok_or(NotAPicture::Header)?);
        self.left -= HEAD as u64 + len;
        let provenance = self.origin == Origin::Model && name == *b"C2PA";
        let kept = KEPT.contains(&&name) || provenance;
        if !kept {
            self.held[..4].copy_from_slice(b"JUNK");
        }
        out.append(&mut self.held);
        if self.size.is_none() && kept {
            if len < SIZE_LEN || !name.starts_with(b"VP8") {
                return Err(NotAPicture::Header);
            }
            self.place = Place::Sized { name, left: len };
        } else {
            self.go_on(len, kept);
        }
        Ok(())
    }

    fn sized(
        &mut self,
        name: [u8; 4],
        left: u64,
        bytes: &mut &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), NotAPicture> {
        if !gather(&mut self.held, SIZE_LEN as usize, bytes) {
            return Ok(());
        }
        let b = |at: usize| u32::from(self.held[at]);
        let (width, height) = match &name {
            b"VP8X" => (1 + b(4) + (b(5) << 8) + (b(6) << 16), 1 + b(7) + (b(8) << 8) + (b(9) << 16)),
            b"VP8L" if b(0) == 0x2F => {
                let bits = self.number(1);
                (1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
            }
            b"VP8 " if self.held[3..6] == *b"\x9d\x01\x2a" => {
                ((b(6) + (b(7) << 8)) & 0x3FFF, (b(8) + (b(9) << 8)) & 0x3FFF)
            }
            _ => return Err(NotAPicture::Header),
        };
        self.size = Some(Size::of(width, height)?);
        if name == *b"VP8X" {
            self.held[0] &= !TOLD;
        }
        out.append(&mut self.held);
        self.go_on(left - SIZE_LEN, true);
        Ok(())
    }

    /// With so many bytes left of this chunk.
    fn go_on(&mut self, left: u64, kept: bool) {
        self.place = match left {
            0 if self.left == 0 => Place::Ended,
            0 => Place::Head,
            left => Place::Chunk { left, kept },
        };
    }

    fn number(&self, at: usize) -> u32 {
        self.held[at..at + 4].iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
    }
}
