//! What a request shows the model: the person's pictures, and for an edit what it follows.
//!
//! find everything and its size → drop what is too much → take room for the whole → load. Pictures of the
//! person's are looked at and stripped while they are loaded, so what leaves to the vendor shows no place and
//! no camera. What the store loses between the look and the load is fetched again: only Telegram's adapter says that a
//! file is gone. A turn that is gone or too large is replaced by its picture, as one of the person's.
//! Bounds: [`REQUEST_BYTES_MAX`] a request, [`TURNS_MAX`] turns, the model's number of pictures; files are
//! asked for at once, at most as many as a request has.

use std::{fmt, time::Duration};

use bytes::Bytes;
use futures_util::future::try_join_all;
use proto_events::{
    GenerationId,
    commands::FileId,
    media::{FETCH_PATIENCE, FetchFile, Fetched, file_object, turn_object},
    queries::Followed,
    subjects::FETCH_FILE,
};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, timeout, timeout_at},
};

use super::{
    Bucket, Error, Record, RecordPart, Shelf, Turn, entry,
    load::{File, Reference, base64_len, painted, read, reference},
    note,
    room::REQUEST_BYTES_MAX,
    turn::{Painted, TurnPart},
};

/// Earlier turns that an edit shows again; what came before them is forgotten.
const TURNS_MAX: usize = 4;
/// A record holds a prompt and what a model said beside its pictures.
const RECORD_BYTES_MAX: usize = 2 << 20;
const FETCH_AGAIN: Duration = Duration::from_secs(1);

/// What a request shows. It holds its room until it is dropped.
#[derive(Default)]
pub struct Material {
    pub references: Vec<Reference>,
    /// Oldest first.
    pub earlier: Vec<Turn>,
    _room: Option<OwnedSemaphorePermit>,
}

impl fmt::Debug for Material {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Material({:?}, {} turns)", self.references, self.earlier.len())
    }
}

impl Material {
    /// Pictures in all.
    pub fn pictures(&self) -> usize {
        let turn =
            |turn: &Turn| turn.references.len() + turn.parts.iter().filter(|p| p.picture.is_some()).count();
        self.references.len() + self.earlier.iter().map(turn).sum::<usize>()
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    pub references: &'a [FileId],
    pub followed: Option<&'a Followed>,
    /// The model takes no more in a request.
    pub pictures_max: usize,
    /// Of what is said beside it, as JSON.
    pub words_bytes: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum Missing {
    /// Telegram no longer has it.
    #[error("a picture is gone: {0}")]
    Gone(String),
    /// It can't be shown to a model.
    #[error("a reference can't be used: {0}")]
    Unfit(String),
    #[error(
        "there are more than {REQUEST_BYTES_MAX} bytes together, or one picture has a side of too many pixels"
    )]
    TooLarge,
    /// Perhaps later.
    #[error("the pictures can't be had now: {0}")]
    Away(String),
}

/// A turn that can be loaded, with those of its references that are there.
struct Found {
    generation: GenerationId,
    record: Record,
    references: Vec<File>,
    signatures_bytes: usize,
}

impl Shelf {
    /// Brings together what a request shows, or says why not. Nothing is held before all of it has room.
    ///
    /// # Errors
    /// See [`Missing`].
    pub async fn material(&self, wanted: Wanted<'_>, until: Instant) -> Result<Material, Missing> {
        let gathered = timeout_at(until, self.gather(wanted)).await;
        gathered.unwrap_or_else(|_| Err(Missing::Away("no time was left".to_owned())))
    }

    async fn gather(&self, wanted: Wanted<'_>) -> Result<Material, Missing> {
        let bucket = self.open().await.map_err(away)?;
        let mut files = self.files(&bucket, wanted.references).await?;
        let Some(followed) = wanted.followed else { return self.load(&bucket, wanted, &files, &[]).await };
        let turns = self.turns(&bucket, followed.generation).await;
        let pictures_max = wanted.pictures_max.saturating_sub(files.len());
        let turns = fitting(turns, wanted.words_bytes + encoded(&files), pictures_max);
        if !turns.is_empty() {
            match self.load(&bucket, wanted, &files, &turns).await {
                Err(Missing::Gone(why)) => tracing::info!(why, "an edit goes on with the picture alone"),
                loaded => return loaded,
            }
        }
        if followed.file_ids.is_empty() {
            return Err(Missing::Gone("what the edit follows lies nowhere".to_owned()));
        }
        // An edit without anything it follows is none.
        let shown = followed.file_ids.len().min(pictures_max.max(1));
        let mut shown = self.files(&bucket, &followed.file_ids[..shown]).await?;
        shown.append(&mut files);
        self.load(&bucket, wanted, &shown, &[]).await
    }

    /// Files of Telegram's, in the store from here on.
    async fn files(&self, bucket: &Bucket, ids: &[FileId]) -> Result<Vec<File>, Missing> {
        try_join_all(ids.iter().map(|id| self.file(bucket, id))).await
    }

    async fn file(&self, bucket: &Bucket, id: &FileId) -> Result<File, Missing> {
        match there(bucket, id).await.map_err(away)? {
            Some(file) => Ok(file),
            None => self.fetch(id).await,
        }
    }

    /// Asks Telegram's adapter for it, until it says where it lies whole, or that it can't be had.
    async fn fetch(&self, id: &FileId) -> Result<File, Missing> {
        let ask = FetchFile { file_id: id.clone() };
        let ask = Bytes::from(serde_json::to_vec(&ask).map_err(|error| Missing::Unfit(error.to_string()))?);
        loop {
            let why = match timeout(FETCH_PATIENCE, self.media.request(FETCH_FILE, ask.clone())).await {
                Ok(Ok(reply)) => match serde_json::from_slice(&reply.payload) {
                    Ok(Fetched::Here(file)) => {
                        let bytes = usize::try_from(file.bytes).unwrap_or(usize::MAX);
                        return Ok(File { id: id.clone(), object: file.object.to_string(), bytes });
                    }
                    Ok(Fetched::Gone { reason }) => return Err(Missing::Gone(reason.to_string())),
                    Ok(Fetched::Unfit { reason }) => return Err(Missing::Unfit(reason.to_string())),
                    Ok(Fetched::Later { reason }) => reason.to_string(),
                    Err(error) => error.to_string(),
                },
                Ok(Err(error)) => error.to_string(),
                Err(late) => late.to_string(),
            };
            tracing::debug!(why, "a file is not there yet; asked for again");
            tokio::time::sleep(FETCH_AGAIN).await;
        }
    }

    /// What an edit follows, the newest first, as far as it is there.
    async fn turns(&self, bucket: &Bucket, newest: GenerationId) -> Vec<Found> {
        let (mut turns, mut next) = (Vec::new(), Some(newest));
        while let Some(generation) = next.filter(|_| turns.len() < TURNS_MAX) {
            match found(bucket, generation).await {
                Ok(Some(turn)) => {
                    next = turn.record.follows;
                    turns.push(turn);
                }
                Ok(None) => break,
                Err(error) => {
                    note(&error, "an earlier turn can't be read");
                    break;
                }
            }
        }
        turns
    }

    /// `turns`: the newest first.
    async fn load(
        &self,
        bucket: &Bucket,
        wanted: Wanted<'_>,
        files: &[File],
        turns: &[Found],
    ) -> Result<Material, Missing> {
        let bytes = encoded(files) + turns.iter().map(Found::encoded).sum::<usize>();
        if wanted.words_bytes + bytes > REQUEST_BYTES_MAX {
            return Err(Missing::TooLarge);
        }
        let room = self.room.take(bytes).await;
        let mut earlier = Vec::new();
        for turn in turns.iter().rev() {
            earlier.push(turn.load(bucket).await?);
        }
        let mut references = Vec::new();
        for file in files {
            references.push(self.reference(bucket, file).await?);
        }
        Ok(Material { references, earlier, _room: room })
    }

    /// Read, or fetched again where the store was wiped since the look, or has dropped a part of it.
    async fn reference(&self, bucket: &Bucket, file: &File) -> Result<Reference, Missing> {
        let mut read = reference(bucket, file).await;
        while let Err(Missing::Away(why)) = read {
            tracing::info!(why, "a file that was there is not given; fetched again");
            tokio::time::sleep(FETCH_AGAIN).await;
            read = reference(bucket, &self.fetch(&file.id).await?).await;
        }
        read
    }
}

/// As many of the newest as a request takes beside what it holds already, without gaps. Where only the
/// pictures of a person's are too much for it, the turn goes without them.
fn fitting(turns: Vec<Found>, mut bytes: usize, mut pictures_max: usize) -> Vec<Found> {
    let mut fitting = Vec::new();
    for mut turn in turns {
        if bytes + turn.encoded() > REQUEST_BYTES_MAX || turn.pictures() > pictures_max {
            turn.references.clear();
        }
        bytes += turn.encoded();
        if bytes > REQUEST_BYTES_MAX || turn.pictures() > pictures_max {
            break;
        }
        pictures_max -= turn.pictures();
        fitting.push(turn);
    }
    fitting
}

impl Found {
    fn painted(&self) -> impl Iterator<Item = &Painted> {
        self.record.parts.iter().filter_map(|part| part.picture.as_ref())
    }

    fn pictures(&self) -> usize {
        self.references.len() + self.painted().count()
    }

    fn encoded(&self) -> usize {
        let painted: usize = self.painted().map(|picture| base64_len(picture.bytes)).sum();
        let said = self.record.parts.iter().filter_map(|part| part.text.as_deref());
        let words: usize = said.chain([self.record.prompt.as_str()]).map(json_len).sum();
        encoded(&self.references) + painted + self.signatures_bytes + words
    }

    async fn load(&self, bucket: &Bucket) -> Result<Turn, Missing> {
        let signatures = match &self.record.signatures {
            Some(object) => Bytes::from(read(bucket, object, self.signatures_bytes).await.map_err(gone)?),
            None => Bytes::new(),
        };
        let mut parts = Vec::new();
        for RecordPart { text, picture, thought, signature } in &self.record.parts {
            let picture = match picture {
                Some(picture) => Some(painted(bucket, picture).await.map_err(gone)?),
                None => None,
            };
            let signature = match signature {
                Some(range) if range.start <= range.end && range.end <= signatures.len() => {
                    Some(signatures.slice(range.clone()))
                }
                Some(_) => return Err(Missing::Gone("a signature is not whole".to_owned())),
                None => None,
            };
            parts.push(TurnPart { text: text.clone(), picture, thought: *thought, signature });
        }
        let mut references = Vec::new();
        for file in &self.references {
            let read = reference(bucket, file).await;
            references.push(read.map_err(|missing| Missing::Gone(missing.to_string()))?);
        }
        let (generation, prompt) = (self.generation, self.record.prompt.clone());
        Ok(Turn { generation, prompt, references, parts })
    }
}

async fn found(bucket: &Bucket, generation: GenerationId) -> Result<Option<Found>, Error> {
    let name = turn_object(generation);
    let Some(info) = entry(bucket, &name).await?.filter(|info| info.size <= RECORD_BYTES_MAX) else {
        return Ok(None);
    };
    let Ok(record) = read(bucket, &name, info.size).await else { return Ok(None) };
    let record: Record = serde_json::from_slice(&record).map_err(Error::Describe)?;
    let mut references = Vec::new();
    for id in &record.references {
        // Not fetched again: a turn is told without what has gone.
        references.extend(there(bucket, id).await?);
    }
    let signatures = match &record.signatures {
        Some(object) => entry(bucket, object).await?.map(|info| info.size),
        None => Some(0),
    };
    let found = |signatures_bytes| Found { generation, record, references, signatures_bytes };
    Ok(signatures.map(found))
}

async fn there(bucket: &Bucket, id: &FileId) -> Result<Option<File>, Error> {
    let object = file_object(id.as_str());
    let info = entry(bucket, &object).await?;
    Ok(info.map(|info| File { id: id.clone(), object, bytes: info.size }))
}

fn encoded(files: &[File]) -> usize {
    files.iter().map(|file| base64_len(file.bytes)).sum()
}

/// Of words as they stand in a request.
pub(crate) fn json_len(words: &str) -> usize {
    serde_json::Value::from(words).to_string().len()
}

/// Of a turn: whatever the reason, the edit goes on without it.
fn gone(error: Error) -> Missing {
    Missing::Gone(error.to_string())
}

pub(super) fn away(error: Error) -> Missing {
    Missing::Away(error.to_string())
}
