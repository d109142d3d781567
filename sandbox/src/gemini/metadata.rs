//! What cameras and programs write around a picture: EXIF with a place, XMP, comments, bytes after the
//! end. Put on for tests of who must take it off; and what is left without it.

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::{blobs::sha256_hex, faults::Format};

/// Stands in every part of the metadata, for whoever looks for it.
const MARK: &str = "sandbox-metadata";
const PNG_HEAD: usize = 8;
/// Length, name and checksum of a chunk.
const CHUNK_AROUND: usize = 12;

/// The picture with all of it.
pub(crate) fn put_on(picture: &[u8], format: Format) -> Vec<u8> {
    let xmp = format!(
        "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\
         <rdf:Description xmlns:exif=\"http://ns.adobe.com/exif/1.0/\" exif:GPSLatitude=\"59,56.0N\" \
         exif:GPSLongitude=\"30,18.0E\" exif:UserComment=\"{MARK}\"/></rdf:RDF></x:xmpmeta>"
    );
    let (at, around) = match format {
        Format::Jpeg => (
            2,
            [
                segment(0xE1, &[b"Exif\0\0", &exif()[..]].concat()),
                segment(0xE1, &[b"http://ns.adobe.com/xap/1.0/\0", xmp.as_bytes()].concat()),
                segment(0xFE, MARK.as_bytes()),
            ],
        ),
        // After the header's own chunk.
        Format::Png => (
            PNG_HEAD + CHUNK_AROUND + 13,
            [
                chunk(b"eXIf", &exif()),
                chunk(b"iTXt", &[b"XML:com.adobe.xmp\0\0\0\0\0", xmp.as_bytes()].concat()),
                chunk(b"tEXt", format!("Comment\0{MARK}").as_bytes()),
            ],
        ),
    };
    let (head, rest) = picture.split_at(at.min(picture.len()));
    [head, &around.concat(), rest, MARK.as_bytes()].concat()
}

fn segment(kind: u8, body: &[u8]) -> Vec<u8> {
    let len = u16::try_from(body.len() + 2).unwrap_or(u16::MAX);
    [&[0xFF, kind], &len.to_be_bytes()[..], body].concat()
}

fn chunk(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let named = [&kind[..], body].concat();
    let len = u32::try_from(body.len()).unwrap_or(u32::MAX);
    [&len.to_be_bytes()[..], &named, &crc32(&named).to_be_bytes()].concat()
}

/// As PNG has it (ISO 3309).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc: u32, _| {
            (crc >> 1) ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 }
        })
    })
}

/// A TIFF block: whose camera, which way up, and where.
fn exif() -> Vec<u8> {
    const ASCII: u16 = 2;
    const SHORT: u16 = 3;
    const LONG: u16 = 4;
    const RATIONAL: u16 = 5;
    let make = format!("{MARK}\0");
    let make_at = 8 + directory_len(3);
    let gps_at = make_at + make.len() + make.len() % 2;
    let degrees_at = gps_at + directory_len(4);
    let offset = |at: usize| u32::try_from(at).unwrap_or(0);
    let mut out = b"II*\0\x08\0\0\0".to_vec();
    out.extend(directory(&[
        (0x010F, ASCII, offset(make.len()), offset(make_at)),
        (0x0112, SHORT, 1, 1),
        (0x8825, LONG, 1, offset(gps_at)),
    ]));
    out.extend(make.as_bytes());
    out.resize(gps_at, 0);
    let letter = |letter: u8| u32::from(letter);
    out.extend(directory(&[
        (1, ASCII, 2, letter(b'N')),
        (2, RATIONAL, 3, offset(degrees_at)),
        (3, ASCII, 2, letter(b'E')),
        (4, RATIONAL, 3, offset(degrees_at + 24)),
    ]));
    for part in [59_u32, 56, 0, 30, 18, 0] {
        out.extend(part.to_le_bytes());
        out.extend(1_u32.to_le_bytes());
    }
    out
}

fn directory_len(entries: usize) -> usize {
    2 + entries * 12 + 4
}

/// (tag, kind, count, value or where it is), the last directory of its chain.
fn directory(entries: &[(u16, u16, u32, u32)]) -> Vec<u8> {
    let mut out = u16::try_from(entries.len()).unwrap_or(0).to_le_bytes().to_vec();
    for (tag, kind, count, value) in entries {
        out.extend(tag.to_le_bytes());
        out.extend(kind.to_le_bytes());
        out.extend(count.to_le_bytes());
        out.extend(value.to_le_bytes());
    }
    out.extend([0; 4]);
    out
}

/// SHA-256 in hex of what is painted, without what is written around it.
pub(crate) fn essence(picture: &Bytes) -> String {
    let parts = if picture.starts_with(b"\x89PNG\r\n\x1a\n") { png(picture) } else { jpeg(picture) };
    match parts {
        Some(parts) => {
            let hash = parts.into_iter().fold(Sha256::new(), |hash, part| hash.chain_update(part));
            hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
        }
        None => sha256_hex(picture),
    }
}

fn png(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let (mut parts, mut at) = (Vec::new(), PNG_HEAD);
    while let Some(head) = bytes.get(at..at + 8) {
        let len = usize::try_from(u32::from_be_bytes(head[..4].try_into().ok()?)).ok()?;
        let body = bytes.get(at + 8..at.checked_add(8 + len)?)?;
        match &head[4..] {
            b"IHDR" | b"PLTE" | b"IDAT" => parts.push(body),
            b"IEND" => return Some(parts),
            _ => {}
        }
        at += len + CHUNK_AROUND;
    }
    None
}

/// Everything but application segments and comments, to the end of the image.
fn jpeg(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let (mut parts, mut at) = (Vec::new(), 2);
    if !bytes.starts_with(b"\xFF\xD8") {
        return None;
    }
    loop {
        let [0xFF, kind, high, low] = *bytes.get(at..at + 4)? else { return None };
        if kind == 0xDA {
            // Entropy-coded from here on: there 0xFF is followed by nothing but 0 and restarts.
            let end = bytes[at..].windows(2).position(|pair| pair == b"\xFF\xD9")?;
            parts.push(&bytes[at..at + end]);
            return Some(parts);
        }
        let end = at + 2 + usize::from(u16::from_be_bytes([high, low]));
        let segment = bytes.get(at..end)?;
        if !matches!(kind, 0xE0..=0xEF | 0xFE) {
            parts.push(segment);
        }
        at = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemini::paint::{encode, paint};

    #[test]
    fn metadata_changes_nothing_that_is_painted() {
        for format in [Format::Jpeg, Format::Png] {
            let pixels = paint(1, (96, 64), &[], false);
            let plain = Bytes::from(encode(&pixels, (96, 64), format).unwrap());
            let worn = Bytes::from(put_on(&plain, format));
            let marks = worn.windows(MARK.len()).filter(|part| *part == MARK.as_bytes()).count();
            assert_eq!(marks, 4, "EXIF, XMP, a comment, a trailer");
            let decoded = image::load_from_memory(&worn).unwrap();
            assert_eq!(decoded, image::load_from_memory(&plain).unwrap());
            assert_eq!(essence(&worn), essence(&plain));
            let other = Bytes::from(encode(&paint(2, (96, 64), &[], false), (96, 64), format).unwrap());
            assert_ne!(essence(&other), essence(&plain));
        }
    }

    #[test]
    fn the_place_is_where_readers_of_exif_look_for_it() {
        let exif = exif();
        let at = |at: usize| u32::from_le_bytes(exif[at..at + 4].try_into().unwrap());
        let gps = usize::try_from(at(8 + 2 + 2 * 12 + 8)).unwrap();
        let latitude = usize::try_from(at(gps + 2 + 12 + 8)).unwrap();
        assert_eq!((at(latitude), at(latitude + 4), at(latitude + 24)), (59, 1, 30));
        assert_eq!(exif.len(), latitude + 48);
        assert_eq!(crc32(b"IEND"), 0xAE42_6082);
    }
}
