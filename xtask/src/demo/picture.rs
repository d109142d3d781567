//! The delivered file, looked at: its bytes decide what it is, not what anyone says about it.

use std::time::Duration;

use anyhow::{Result, bail};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::machine::{http, paths};

const FILE_TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Picture {
    pub file_id: String,
    pub sha256: String,
    pub bytes: usize,
    pub format: &'static str,
}

pub(super) fn fetch(port: u16, file_id: &str) -> Result<Picture> {
    let answer = http::get(port, &format!("/files/{file_id}"), FILE_TIMEOUT)?;
    if answer.status != 200 {
        bail!("the sandbox has no file {file_id}: it answered {}", answer.status);
    }
    let Some(format) = format(&answer.body) else {
        bail!("the delivered file {file_id} is no picture: {} bytes", answer.body.len());
    };
    let sha256 = paths::hex(&Sha256::digest(&answer.body));
    Ok(Picture { file_id: file_id.to_owned(), sha256, bytes: answer.body.len(), format })
}

/// A whole PNG or JPEG: its beginning and its end are right.
fn format(bytes: &[u8]) -> Option<&'static str> {
    let png = bytes.starts_with(b"\x89PNG\r\n\x1a\n") && bytes.ends_with(b"IEND\xae\x42\x60\x82");
    let jpeg = bytes.starts_with(b"\xff\xd8\xff") && bytes.ends_with(b"\xff\xd9");
    [(png, "png"), (jpeg, "jpeg")].into_iter().find(|(is, _)| *is).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_whole_pictures_by_their_bytes() {
        assert_eq!(format(b"\x89PNG\r\n\x1a\n...IEND\xae\x42\x60\x82"), Some("png"));
        assert_eq!(format(b"\xff\xd8\xff\xe0...\xff\xd9"), Some("jpeg"));
        assert_eq!(format(b"\x89PNG\r\n\x1a\n... cut"), None);
        assert_eq!(format(b"<html>"), None);
    }
}
