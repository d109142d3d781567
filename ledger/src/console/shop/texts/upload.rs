//! A file with its form, bounded while it is read. Of what is too large the rest is taken and thrown away, so that the browser, which
//! reads no answer before it has sent everything, shows why; nobody sends for ever.

use std::time::Duration;

use axum::extract::Multipart;
use axum::extract::multipart::{Field, MultipartError};
use tokio::sync::Semaphore;

use super::file::BYTES_MAX;

/// A body that is taken at all.
pub(super) const BODY_BYTES_MAX: usize = 64 << 20;
/// For 5 MB at half a megabit a second.
const TIME_MAX: Duration = Duration::from_secs(90);
/// At once, each as large as a picture may be.
static IN_HAND: Semaphore = Semaphore::const_new(4);
const WORD_BYTES_MAX: usize = 128;

/// What the form says.
#[derive(Debug)]
pub(super) struct Brought {
    pub(super) language: String,
    /// The digest of what stood there; empty: nothing.
    pub(super) seen: String,
    /// One byte more than a picture may have stands for whatever is larger.
    pub(super) bytes: Vec<u8>,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum Unread {
    #[error("a word of the form is none")]
    Word,
    #[error("the form can't be read")]
    Broken(#[from] MultipartError),
    #[error("it took too long")]
    Late,
}

pub(super) async fn read(form: Multipart) -> Result<Brought, Unread> {
    let read = async {
        let _in_hand = IN_HAND.acquire().await;
        parts(form).await
    };
    tokio::time::timeout(TIME_MAX, read).await.map_err(|_| Unread::Late)?
}

async fn parts(mut form: Multipart) -> Result<Brought, Unread> {
    let (mut language, mut seen, mut bytes) = (String::new(), String::new(), Vec::new());
    while let Some(field) = form.next_field().await? {
        match field.name().unwrap_or_default() {
            "language" => language = word(field).await?,
            "seen" => seen = word(field).await?,
            "file" => bytes = bounded(field, BYTES_MAX).await?,
            _ => drop(bounded(field, 0).await?),
        }
    }
    Ok(Brought { language, seen, bytes })
}

async fn word(field: Field<'_>) -> Result<String, Unread> {
    String::from_utf8(bounded(field, WORD_BYTES_MAX).await?).map_err(|_| Unread::Word)
}

/// As much as is allowed, and one byte more of what is larger.
async fn bounded(mut field: Field<'_>, most: usize) -> Result<Vec<u8>, Unread> {
    let mut bytes = Vec::new();
    while let Some(part) = field.chunk().await? {
        let room = most.saturating_add(1).saturating_sub(bytes.len());
        bytes.extend_from_slice(&part[..part.len().min(room)]);
    }
    Ok(bytes)
}
