//! The place of one attempt's result.

use std::collections::HashMap;

use proto_events::{
    Attempt, GenerationId, Text,
    commands::MadeOutput,
    events::{MediaType, Spent},
    media::{output_object, result_object, signatures_object, turn_object},
};

use super::{Error, RESULT, Shelf, Stored, blob::Blob, turn::Keepsake};
use crate::picture::Look;

pub struct Slot {
    shelf: Shelf,
    generation: GenerationId,
    attempt: Attempt,
}

impl Shelf {
    pub fn slot(&self, generation: GenerationId, attempt: Attempt) -> Slot {
        Slot { shelf: self.clone(), generation, attempt }
    }
}

impl Slot {
    /// For bytes that come in pieces.
    pub fn blob(&self) -> Blob {
        Blob::new(self.shelf.jetstream.clone())
    }

    /// Names a whole picture as the n-th output, from 0.
    ///
    /// # Errors
    /// The store is away: it is lost.
    pub async fn picture(&self, n: usize, blob: Blob, look: Look) -> Result<MadeOutput, Error> {
        let object = self.output(n)?;
        let kept = blob.keep(object.as_str(), HashMap::new()).await?;
        Ok(MadeOutput {
            object,
            sha256: Text::new(kept.sha256).map_err(|_| Error::Form)?,
            media_type: look.media_type,
            bytes: u32::try_from(kept.bytes).map_err(|_| Error::Form)?,
            width: Some(look.width),
            height: Some(look.height),
        })
    }

    /// Puts words there as the only output: an answer, or what was said instead of a picture.
    ///
    /// # Errors
    /// The store is away: they are lost.
    pub async fn text(&self, text: &str) -> Result<MadeOutput, Error> {
        let object = self.output(0)?;
        let mut blob = self.blob();
        blob.push(text.as_bytes()).await?;
        let kept = blob.keep(object.as_str(), HashMap::new()).await?;
        Ok(MadeOutput {
            object,
            sha256: Text::new(kept.sha256).map_err(|_| Error::Form)?,
            media_type: MediaType::Text,
            bytes: u32::try_from(kept.bytes).map_err(|_| Error::Form)?,
            width: None,
            height: None,
        })
    }

    /// Says last of all that the result is whole, and what it cost: a worker that comes after this one
    /// completes with it and pays nothing.
    ///
    /// # Errors
    /// The store is away; whether it was put is not known then. The same again does no harm.
    pub async fn seal(&self, outputs: &[MadeOutput], spent: &Spent) -> Result<Stored, Error> {
        let stored = Stored { outputs: outputs.to_vec(), spent: spent.clone() };
        let result = serde_json::to_string(&stored).map_err(Error::Describe)?;
        let name = result_object(self.generation, self.attempt.get());
        self.blob().keep(&name, HashMap::from([(RESULT.to_owned(), result)])).await?;
        Ok(stored)
    }

    /// Keeps what was said and painted, with the model's signatures, for an edit that follows. It may be
    /// lost.
    ///
    /// # Errors
    /// The store is away.
    pub async fn turn(&self, keepsake: Keepsake) -> Result<(), Error> {
        let Keepsake { mut record, signatures } = keepsake;
        if let Some(signatures) = signatures {
            let name = signatures_object(self.generation, self.attempt.get());
            signatures.keep(&name, HashMap::new()).await?;
            record.signatures = Some(name);
        }
        let mut blob = self.blob();
        blob.push(&serde_json::to_vec(&record).map_err(Error::Describe)?).await?;
        blob.keep(&turn_object(self.generation), HashMap::new()).await?;
        Ok(())
    }

    fn output(&self, n: usize) -> Result<Text<160>, Error> {
        Text::new(output_object(self.generation, self.attempt.get(), n)).map_err(|_| Error::Form)
    }
}
