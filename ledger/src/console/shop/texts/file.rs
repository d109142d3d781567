//! Is a file a picture that Telegram shows as a photo? Its bytes say, neither its name nor the browser.
//!
//! Source: <https://core.telegram.org/bots/api#sendphoto>; the bound on bytes is ours, half of Telegram's.

use imagesize::ImageType;
use proto_events::media::sha256_hex;

use crate::console::lang::Words;
use crate::store::ShopPicture;

pub(super) const BYTES_MAX: usize = 5 << 20;
/// Width and height together.
const SIDES_MAX: usize = 10_000;
/// The longer side, in shorter ones.
const RATIO_MAX: usize = 20;

/// Why it can't stand above a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfit {
    /// Nothing was chosen.
    Nothing,
    Large,
    /// Neither PNG nor JPEG.
    Other,
    /// It ends before the picture does.
    Torn,
    Sides {
        width: usize,
        height: usize,
    },
    Narrow {
        width: usize,
        height: usize,
    },
}

impl Unfit {
    /// For whoever brought it.
    pub(super) fn say(self, words: Words<'_>) -> String {
        let sides = |name: &str, width: usize, height: usize| {
            words.with(name, [("sides", format!("{width} × {height}").into())])
        };
        match self {
            Self::Nothing => words.t("picture-nothing"),
            Self::Large => words.t("picture-large"),
            Self::Other => words.t("picture-other"),
            Self::Torn => words.t("picture-torn"),
            Self::Sides { width, height } => sides("picture-sides", width, height),
            Self::Narrow { width, height } => sides("picture-narrow", width, height),
        }
    }
}

/// What it is.
///
/// # Errors
/// See [`Unfit`].
pub(super) fn read(bytes: &[u8]) -> Result<ShopPicture, Unfit> {
    if bytes.is_empty() {
        return Err(Unfit::Nothing);
    }
    if bytes.len() > BYTES_MAX {
        return Err(Unfit::Large);
    }
    let (media_type, is_whole) = match imagesize::image_type(bytes) {
        Ok(ImageType::Png) => ("png", is_whole_png(bytes)),
        Ok(ImageType::Jpeg) => ("jpeg", is_whole_jpeg(bytes)),
        _ => return Err(Unfit::Other),
    };
    let size = imagesize::blob_size(bytes).map_err(|_| Unfit::Torn)?;
    let (width, height) = (size.width, size.height);
    if !is_whole || width == 0 || height == 0 {
        return Err(Unfit::Torn);
    }
    if width.saturating_add(height) > SIDES_MAX {
        return Err(Unfit::Sides { width, height });
    }
    if width.max(height) > width.min(height) * RATIO_MAX {
        return Err(Unfit::Narrow { width, height });
    }
    let small = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    Ok(ShopPicture {
        sha256: sha256_hex(bytes),
        media_type: media_type.to_owned(),
        width: small(width),
        height: small(height),
        size: small(bytes.len()),
    })
}

/// Its chunks follow each other up to the last one: length, name, content, checksum.
fn is_whole_png(bytes: &[u8]) -> bool {
    const SIGNATURE: usize = 8;
    let mut rest = bytes.get(SIGNATURE..).unwrap_or_default();
    let mut has_pixels = false;
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let Some((name, after)) = after.split_first_chunk::<4>() else { return false };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let Some(next) = length.checked_add(4).and_then(|skipped| after.get(skipped..)) else { return false };
        match name {
            b"IEND" => return has_pixels,
            b"IDAT" => has_pixels = true,
            _ => {}
        }
        rest = next;
    }
    false
}

/// Behind the beginning of a scan stands the end of the picture; what cameras write after that is nobody's business.
fn is_whole_jpeg(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(2..).unwrap_or_default();
    // Segments: FF, marker, length with itself.
    while let [0xff, marker, tail @ ..] = rest {
        match marker {
            0xff => rest = &rest[1..],
            0xda => return tail.windows(2).any(|pair| pair == [0xff, 0xd9]),
            _ => {
                let Some((length, _)) = tail.split_first_chunk::<2>() else { return false };
                let Some(next) = tail.get(usize::from(u16::from_be_bytes(*length))..) else { return false };
                rest = next;
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of these sides, with as much of a picture as is looked at.
    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes.extend(b"\x08\x02\0\0\0\0\0\0\0\0\0\0\x02IDATxy\0\0\0\0\0\0\0\0IEND\xae\x42\x60\x82");
        bytes
    }

    fn jpeg() -> Vec<u8> {
        let mut bytes = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0".to_vec();
        bytes.extend(b"\xff\xc0\0\x11\x08\0\x40\0\x60\x03\x01\x22\0\x02\x11\x01\x03\x11\x01");
        bytes.extend(b"\xff\xda\0\x08\x01\x01\0\0\x3f\0\x12\x34\xff\xd9");
        bytes
    }

    #[test]
    fn a_picture_is_known_by_its_bytes() {
        let found = read(&png(800, 600)).unwrap();
        assert_eq!((found.media_type.as_str(), found.width, found.height), ("png", 800, 600));
        assert_eq!(found.sha256, sha256_hex(&png(800, 600)));
        let found = read(&jpeg()).unwrap();
        assert_eq!((found.media_type.as_str(), found.width, found.height), ("jpeg", 96, 64));
        let behind = [jpeg(), b"a camera's own".to_vec()].concat();
        assert!(read(&behind).is_ok());
    }

    #[test]
    fn what_telegram_shows_as_no_photo_is_refused_by_what_is_wrong() {
        assert_eq!(read(b""), Err(Unfit::Nothing));
        for other in [b"hello, I am a picture.png".as_slice(), b"GIF89a\x01\0\x01\0", b"<svg/>"] {
            assert_eq!(read(other), Err(Unfit::Other));
        }
        assert_eq!(read(&vec![0x89; BYTES_MAX + 1]), Err(Unfit::Large));
        assert_eq!(read(&png(1, 30)), Err(Unfit::Narrow { width: 1, height: 30 }));
        assert!(read(&png(20, 1)).is_ok());
        assert_eq!(read(&png(9_000, 1_001)), Err(Unfit::Sides { width: 9_000, height: 1_001 }));
        assert!(read(&png(9_000, 1_000)).is_ok());
        assert_eq!(read(&png(0, 7)), Err(Unfit::Torn));
        let sides = Unfit::Sides { width: u32::MAX as usize, height: u32::MAX as usize };
        assert_eq!(read(&png(u32::MAX, u32::MAX)), Err(sides));
    }

    #[test]
    fn half_a_picture_is_none() {
        for whole in [png(800, 600), jpeg()] {
            for cut in 0..whole.len() {
                assert!(read(&whole[..cut]).is_err(), "{cut} of {} bytes", whole.len());
            }
        }
    }
}
