//! A teloxide request whose answer is read as plain JSON.
//!
//! teloxide's own types describe Bot API 9.1; an answer with anything newer would be an error
//! although the call was carried out, and a repeat would then send twice.

use serde::Serialize;
use serde_json::Value;
use teloxide::requests::{MultipartPayload, Payload};
use teloxide::types::InputFile;

#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub(super) struct Lenient<P>(pub(super) P);

impl<P: Payload> Payload for Lenient<P> {
    type Output = Value;

    const NAME: &'static str = P::NAME;
}

impl<P: MultipartPayload> MultipartPayload for Lenient<P> {
    fn copy_files(&self, into: &mut dyn FnMut(InputFile)) {
        self.0.copy_files(into);
    }

    fn move_files(&mut self, into: &mut dyn FnMut(InputFile)) {
        self.0.move_files(into);
    }
}
