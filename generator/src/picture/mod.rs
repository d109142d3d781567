//! What was made. A picture is believed by its bytes, never by the label that came with it.

use imagesize::ImageType;
use proto_events::events::MediaType;

/// Telegram and every vendor stay far below this; a header that claims more is a trap for decoders.
const SIDE_MAX: usize = 16_384;

/// A made thing in memory.
#[derive(Clone, PartialEq, Eq)]
pub struct Made {
    pub bytes: Vec<u8>,
    pub media_type: MediaType,
    pub width: Option<u32>,
    pub height: Option<u32>,
}

impl Made {
    pub fn text(text: String) -> Self {
        Self { bytes: text.into_bytes(), media_type: MediaType::Text, width: None, height: None }
    }
}

impl std::fmt::Debug for Made {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let size = (self.width, self.height);
        write!(f, "Made({:?}, {size:?}, {} bytes)", self.media_type, self.bytes.len())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAPicture {
    #[error("the bytes are not of a PNG, JPEG or WebP")]
    Format,
    #[error("the picture's header is broken")]
    Header,
    #[error("the picture claims {0} × {1} pixels")]
    Size(usize, usize),
}

/// Looks at the header only: cheap for any size.
///
/// # Errors
/// Not a PNG, JPEG or WebP of 1 to 16 384 pixels a side.
pub fn look(bytes: Vec<u8>) -> Result<Made, NotAPicture> {
    let media_type = match imagesize::image_type(&bytes) {
        Ok(ImageType::Png) => MediaType::Png,
        Ok(ImageType::Jpeg) => MediaType::Jpeg,
        Ok(ImageType::Webp) => MediaType::Webp,
        _ => return Err(NotAPicture::Format),
    };
    let size = imagesize::blob_size(&bytes).map_err(|_| NotAPicture::Header)?;
    let side = |pixels: usize| {
        let fits = (1..=SIDE_MAX).contains(&pixels);
        u32::try_from(pixels).ok().filter(|_| fits).ok_or(NotAPicture::Size(size.width, size.height))
    };
    let (width, height) = (side(size.width)?, side(size.height)?);
    Ok(Made { bytes, media_type, width: Some(width), height: Some(height) })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A PNG as far as its header goes.
    pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes.extend(b"\x08\x02\x00\x00\x00\x00\x00\x00\x00");
        bytes.extend(b"\x00\x00\x00\x00IEND\xae\x42\x60\x82");
        bytes
    }

    /// A JPEG as far as its frame header goes.
    pub(crate) fn jpeg(width: u16, height: u16) -> Vec<u8> {
        let mut bytes = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00".to_vec();
        bytes.extend(b"\xff\xc0\x00\x11\x08");
        bytes.extend(height.to_be_bytes());
        bytes.extend(width.to_be_bytes());
        bytes.extend(b"\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01\xff\xd9");
        bytes
    }

    #[test]
    fn pictures_are_known_by_their_bytes() {
        let seen = |bytes| look(bytes).map(|made| (made.media_type, made.width, made.height));
        assert_eq!(seen(png(640, 480)), Ok((MediaType::Png, Some(640), Some(480))));
        assert_eq!(seen(jpeg(640, 480)), Ok((MediaType::Jpeg, Some(640), Some(480))));
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        for bad in [&b""[..], b"GIF89a\x01\x00\x01\x00", b"<svg/>", b"{}", b"\xff\xd8\xff"] {
            assert!(look(bad.to_vec()).is_err(), "{bad:?} was taken");
        }
        assert_eq!(look(png(0, 10)), Err(NotAPicture::Size(0, 10)));
        assert_eq!(look(png(10, 100_000)), Err(NotAPicture::Size(10, 100_000)));
        assert!(look(png(10, 10)[..20].to_vec()).is_err());
    }
}
