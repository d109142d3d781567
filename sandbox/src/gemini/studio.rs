//! Where pictures are painted: a few at once, and those that are kept only once for each size.
//!
//! A 4K picture takes 48 MB while it is painted and most of a second: [`PAINTERS`] bounds both. Kept ones
//! (`gemini_prepainted`) are for benches, which are to measure who asks and not who paints.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::{OnceCell, Semaphore};

use super::{error::ApiError, metadata, paint};
use crate::{
    blobs::sha256_hex,
    faults::{Effect, Format},
};

const PAINTERS: usize = 2;
/// Of the kept ones, whose prompt nobody knows.
const SEED: u64 = 7;
/// A longer tail is a mistake in a fault.
const PADDING_BYTES_MAX: usize = 256 << 20;

/// What to paint.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) seed: u64,
    pub(crate) references: Vec<Bytes>,
    pub(crate) look: Look,
}

/// What does not follow from the prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Look {
    pub(crate) pixels: (u32, u32),
    pub(crate) format: Format,
    metadata: bool,
    padding_bytes: usize,
    not_a_picture: bool,
}

impl Look {
    /// As this fault wants it, else in the `usual` format.
    pub(crate) fn new(pixels: (u32, u32), usual: Format, effect: &Effect) -> Self {
        Self {
            pixels,
            format: effect.format.unwrap_or(usual),
            metadata: effect.metadata,
            padding_bytes: effect.padding_bytes.min(PADDING_BYTES_MAX),
            not_a_picture: effect.not_a_picture,
        }
    }
}

impl Format {
    pub(crate) fn mime(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
        }
    }

    /// By its type, as requests name it.
    pub(crate) fn of_mime(mime: &str) -> Option<Self> {
        [Self::Png, Self::Jpeg].into_iter().find(|format| format.mime() == mime)
    }
}

/// A picture as answers hold it.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) mime: &'static str,
    pub(crate) base64: Bytes,
    /// Of what is painted, whatever is written around it.
    pub(crate) essence: String,
    /// As the books show it.
    pub(crate) shown: Value,
}

pub(crate) struct Studio {
    painters: Semaphore,
    kept: Mutex<HashMap<Look, Arc<OnceCell<Arc<Work>>>>>,
}

impl Default for Studio {
    fn default() -> Self {
        Self { painters: Semaphore::new(PAINTERS), kept: Mutex::default() }
    }
}

impl Studio {
    /// Paints what was ordered.
    pub(crate) async fn paint(&self, order: Order) -> Result<Arc<Work>, ApiError> {
        self.work(order, false).await
    }

    /// The picture that all of this look share, as heavy as a real one.
    pub(crate) async fn kept(&self, look: Look) -> Result<Arc<Work>, ApiError> {
        let place = {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.entry(look).or_default().clone()
        };
        let order = Order { seed: SEED, references: Vec::new(), look };
        place.get_or_try_init(|| self.work(order, true)).await.cloned()
    }

    async fn work(&self, order: Order, grain: bool) -> Result<Arc<Work>, ApiError> {
        let failed = || ApiError::new(500, "INTERNAL", "An internal error has occurred.");
        let _place = self.painters.acquire().await.map_err(|_| failed())?;
        let worked = tokio::task::spawn_blocking(move || make(&order, grain)).await;
        worked.map_err(|_| failed())?.map(Arc::new).map_err(|_| failed())
    }
}

fn make(order: &Order, grain: bool) -> Result<Work, image::ImageError> {
    let Look { pixels, format, .. } = order.look;
    let mut bytes = if order.look.not_a_picture {
        b"this is not a picture, whatever its type says".to_vec()
    } else {
        paint::encode(&paint::paint(order.seed, pixels, &order.references, grain), pixels, format)?
    };
    if order.look.metadata {
        bytes = metadata::put_on(&bytes, format);
    }
    bytes.resize(bytes.len() + order.look.padding_bytes, 0);
    let bytes = Bytes::from(bytes);
    Ok(Work {
        mime: format.mime(),
        base64: Bytes::from(STANDARD.encode(&bytes)),
        essence: metadata::essence(&bytes),
        shown: json!({
            "sha256": sha256_hex(&bytes),
            "bytes": bytes.len(),
            "mime": format.mime(),
            "width": pixels.0,
            "height": pixels.1,
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(effect: &Effect) -> Look {
        Look::new((64, 64), Format::Png, effect)
    }

    #[tokio::test]
    async fn what_is_kept_is_painted_once() {
        let studio = Studio::default();
        let plain = look(&Effect::default());
        let (one, other) = (studio.kept(plain).await.unwrap(), studio.kept(plain).await.unwrap());
        assert!(Arc::ptr_eq(&one, &other));
        let jpeg = Look { format: Format::Jpeg, ..plain };
        assert_eq!(studio.kept(jpeg).await.unwrap().mime, "image/jpeg");
    }

    #[tokio::test]
    async fn padding_and_metadata_leave_what_is_painted() {
        let studio = Studio::default();
        let order = |look| Order { seed: 1, references: Vec::new(), look };
        let plain = studio.paint(order(look(&Effect::default()))).await.unwrap();
        let padded = Effect { padding_bytes: 1_000, metadata: true, ..Effect::default() };
        let padded = studio.paint(order(look(&padded))).await.unwrap();
        assert_eq!(plain.essence, padded.essence);
        let bytes = |work: &Work| work.shown["bytes"].as_u64().unwrap();
        assert!(bytes(&padded) > bytes(&plain) + 1_000);
    }
}
