//! A JPEG, segment by segment (ITU T.81, annex B).
//!
//! Kept: what is needed to show it (tables, frames, scans), JFIF without its thumbnail, ICC profiles, Adobe's
//! colour transform, a model's C2PA (JUMBF). Of EXIF only the orientation is kept, in an EXIF of our own. Everything else
//! goes: XMP, IPTC, comments, makers' segments, and what follows the end, where phones append films.

use super::{NotAPicture, Origin, Size, gather, split};

const SOI: u8 = 0xD8;
const EOI: u8 = 0xD9;
const SOS: u8 = 0xDA;
const TEM: u8 = 0x01;
const COM: u8 = 0xFE;
/// FF, the marker, two bytes of length.
const HEAD: usize = 4;

pub(super) struct Strip {
    origin: Origin,
    place: Place,
    /// The segment so far, from its FF on.
    held: Vec<u8>,
    size: Option<Size>,
    /// Some picture came.
    scanned: bool,
    oriented: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// An FF must come.
    Fill,
    /// After FF.
    Marker,
    Segment,
    Scan,
    /// After FF within a scan.
    ScanMarker,
    Ended,
}

impl Strip {
    pub(super) fn new(origin: Origin) -> Self {
        let place = Place::Fill;
        Self { origin, place, held: Vec::new(), size: None, scanned: false, oriented: false }
    }

    pub(super) fn push(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), NotAPicture> {
        while let Some(&first) = bytes.first() {
            match self.place {
                Place::Fill if first == 0xFF => self.skip(&mut bytes, Place::Marker),
                Place::Fill => return Err(NotAPicture::Header),
                Place::Marker | Place::ScanMarker if first == 0xFF => bytes = &bytes[1..],
                Place::ScanMarker if matches!(first, 0 | 0xD0..=0xD7) => {
                    out.extend([0xFF, first]);
                    self.skip(&mut bytes, Place::Scan);
                }
                Place::Marker | Place::ScanMarker => {
                    self.skip(&mut bytes, Place::Fill);
                    self.marker(first, out)?;
                }
                Place::Segment => self.segment(&mut bytes, out)?,
                Place::Scan => {
                    let len = bytes.iter().position(|b| *b == 0xFF).unwrap_or(bytes.len());
                    out.extend_from_slice(split(&mut bytes, len));
                    if !bytes.is_empty() {
                        self.skip(&mut bytes, Place::ScanMarker);
                    }
                }
                Place::Ended => return Ok(()),
            }
        }
        Ok(())
    }

    /// Many files lack the end marker; viewers show them, and so they get one.
    pub(super) fn end(self, out: &mut Vec<u8>) -> Result<Size, NotAPicture> {
        if !self.scanned {
            return Err(NotAPicture::Cut);
        }
        if self.place != Place::Ended {
            out.extend([0xFF, EOI]);
        }
        self.size.ok_or(NotAPicture::Header)
    }

    fn skip(&mut self, bytes: &mut &[u8], place: Place) {
        *bytes = &bytes[1..];
        self.place = place;
    }

    fn marker(&mut self, marker: u8, out: &mut Vec<u8>) -> Result<(), NotAPicture> {
        match marker {
            0 => return Err(NotAPicture::Header),
            SOI | TEM | 0xD0..=0xD7 => out.extend([0xFF, marker]),
            EOI => {
                out.extend([0xFF, marker]);
                self.place = Place::Ended;
            }
            _ => {
                self.held.clear();
                self.held.extend([0xFF, marker]);
                self.place = Place::Segment;
            }
        }
        Ok(())
    }

    fn segment(&mut self, bytes: &mut &[u8], out: &mut Vec<u8>) -> Result<(), NotAPicture> {
        if !gather(&mut self.held, HEAD, bytes) {
            return Ok(());
        }
        let len = usize::from(u16::from_be_bytes([self.held[2], self.held[3]]));
        if len < 2 {
            return Err(NotAPicture::Header);
        }
        if !gather(&mut self.held, len + 2, bytes) {
            return Ok(());
        }
        let held = std::mem::take(&mut self.held);
        self.place = if held[1] == SOS { Place::Scan } else { Place::Fill };
        self.keep(held[1], &held[HEAD..], &held, out)?;
        self.held = held;
        Ok(())
    }

    fn keep(&mut self, marker: u8, body: &[u8], whole: &[u8], out: &mut Vec<u8>) -> Result<(), NotAPicture> {
        match marker {
            0xC0..=0xCF if !matches!(marker, 0xC4 | 0xC8 | 0xCC) => {
                self.size = Some(frame_size(body)?);
                out.extend_from_slice(whole);
            }
            SOS => {
                self.size.ok_or(NotAPicture::Header)?;
                self.scanned = true;
                out.extend_from_slice(whole);
            }
            0xE0 => out.extend(jfif(body)),
            0xE1 => {
                if let Some(orientation) = orientation(body).filter(|_| !self.oriented) {
                    self.oriented = true;
                    out.extend(exif(orientation));
                }
            }
            0xE2 if body.starts_with(b"ICC_PROFILE\0") => out.extend_from_slice(whole),
            0xEB if body.starts_with(b"JP") && self.origin == Origin::Model => out.extend_from_slice(whole),
            0xEE if body.starts_with(b"Adobe") => out.extend_from_slice(whole),
            0xE2..=0xEF | COM => {}
            _ => out.extend_from_slice(whole),
        }
        Ok(())
    }
}

fn frame_size(body: &[u8]) -> Result<Size, NotAPicture> {
    let [_, h0, h1, w0, w1, ..] = *body else { return Err(NotAPicture::Header) };
    Size::of(u16::from_be_bytes([w0, w1]).into(), u16::from_be_bytes([h0, h1]).into())
}

/// Version, unit and densities; the thumbnail may show what was cut away.
fn jfif(body: &[u8]) -> Vec<u8> {
    match body.get(..12) {
        Some(fixed) if fixed.starts_with(b"JFIF\0") => [b"\xff\xe0\x00\x10", fixed, b"\x00\x00"].concat(),
        _ => Vec::new(),
    }
}

/// How an EXIF says that the picture must be turned: 2 to 8.
fn orientation(body: &[u8]) -> Option<u8> {
    let tiff = body.strip_prefix(b"Exif\0\0")?;
    let little = match tiff.get(..4)? {
        b"II*\0" => true,
        b"MM\0*" => false,
        _ => return None,
    };
    let short = |at: usize| -> Option<u16> {
        let two: [u8; 2] = tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if little { u16::from_le_bytes(two) } else { u16::from_be_bytes(two) })
    };
    let four: [u8; 4] = tiff.get(4..8)?.try_into().ok()?;
    let directory =
        usize::try_from(if little { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) }).ok()?;
    let count = usize::from(short(directory)?);
    let entries = (0..count).filter_map(|at| directory.checked_add(2 + at * 12));
    let entry = entries.take_while(|at| at + 12 <= tiff.len()).find(|at| short(*at) == Some(0x0112))?;
    u8::try_from(short(entry + 8)?).ok().filter(|orientation| (2..=8).contains(orientation))
}

/// An EXIF with an orientation and nothing else.
fn exif(orientation: u8) -> Vec<u8> {
    let mut segment = b"\xff\xe1\x00\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    segment.extend([orientation, 0, 0, 0, 0, 0, 0]);
    segment
}
