//! What a generation asked and painted, as a model must be shown it again: prompt, pictures, signatures.
//!
//! The record is small and names the rest: pictures are the outputs themselves, signatures lie one after the
//! other in an object of their own.

use std::ops::Range;

use bytes::Bytes;
use proto_events::{
    GenerationId, Text,
    commands::{FileId, MadeOutput},
    events::MediaType,
};
use serde::{Deserialize, Serialize};

use super::{Reference, blob::Blob};

/// As it lies in the store.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) prompt: String,
    /// The person's, by their ids.
    pub(crate) references: Vec<FileId>,
    /// What this was an edit of.
    pub(crate) follows: Option<GenerationId>,
    pub(crate) parts: Vec<RecordPart>,
    /// The object of the signatures.
    pub(crate) signatures: Option<String>,
}

/// On its way into the store.
pub struct Keepsake {
    pub(crate) record: Record,
    pub(crate) signatures: Option<Blob>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct RecordPart {
    pub(crate) text: Option<String>,
    pub(crate) picture: Option<Painted>,
    pub(crate) thought: bool,
    /// Where its signature lies.
    pub(crate) signature: Option<Range<usize>>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Painted {
    pub(crate) object: Text<160>,
    pub(crate) media_type: MediaType,
    pub(crate) bytes: usize,
}

impl Painted {
    pub(crate) fn of(output: &MadeOutput) -> Self {
        let bytes = usize::try_from(output.bytes).unwrap_or(usize::MAX);
        Self { object: output.object.clone(), media_type: output.media_type, bytes }
    }
}

/// Loaded, for a request.
pub struct Turn {
    pub(crate) generation: GenerationId,
    pub(crate) prompt: String,
    pub(crate) references: Vec<Reference>,
    /// The model's, each with its signature.
    pub(crate) parts: Vec<TurnPart>,
}

pub(crate) struct TurnPart {
    pub(crate) text: Option<String>,
    pub(crate) picture: Option<Reference>,
    pub(crate) thought: bool,
    pub(crate) signature: Option<Bytes>,
}
