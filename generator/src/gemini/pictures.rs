//! Pictures from an answer into the slot, while it comes.
//!
//! Every picture goes to the store as it is decoded; at the end the skeleton tells which of them count, these are
//! named, and the others are purged. What an edit would show again is handed on, to be kept once the result is sealed.

use std::{collections::BTreeMap, future::Future};

use proto_events::{catalog::Api, commands::MadeOutput, events::Trouble};
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    Ask, Failure, Made, Memory, Metered,
    answer::{Answer, Part},
    harvest::{Caught, Harvest, Picture, Unfit},
    outcome,
    send::{self, STORE_GRACE, not_kept},
    words::bounded,
};
use crate::{
    picture::NotAPicture,
    shelf::{self, Blob, Keepsake, Painted, Record, RecordPart, Slot},
};

/// Where the pictures and the signatures of an answer go.
struct Stock<'a> {
    slot: &'a Slot,
    pictures: BTreeMap<usize, Blob>,
    signatures: Option<Blob>,
}

pub(super) async fn read(
    mut answer: send::Answer,
    ask: &Ask,
    slot: &Slot,
) -> (Result<Made, Failure>, Metered) {
    let mut stock = Stock { slot, pictures: BTreeMap::new(), signatures: None };
    match take_all(&mut answer, &mut stock).await {
        Ok((skeleton, caught)) => {
            let read = match Answer::read(&skeleton) {
                Ok(read) => read,
                Err(failure) => return (Err(failure), Metered::default()),
            };
            (settle(&read, &caught, ask, stock).await, read.metered())
        }
        Err(failure) => (Err(failure), Metered::default()),
    }
}

async fn take_all(answer: &mut send::Answer, stock: &mut Stock<'_>) -> Result<(Vec<u8>, Caught), Failure> {
    let mut harvest = Harvest::default();
    while let Some(piece) = answer.next().await? {
        let pushed = harvest.push(&piece);
        pushed.map_err(|long| Failure::give_up(Trouble::TooLarge, long.to_string()).doubtful())?;
        stock.carry(&mut harvest.caught, answer.until()).await.map_err(|error| not_kept(&error))?;
    }
    Ok(harvest.end())
}

impl Stock<'_> {
    /// Carries away what has gathered.
    async fn carry(&mut self, caught: &mut Caught, until: Instant) -> Result<(), shelf::Error> {
        for (number, picture) in caught.pictures.iter_mut().enumerate() {
            let out = std::mem::take(&mut picture.out);
            if matches!(picture.look, Some(Err(_))) {
                self.pictures.remove(&number);
            } else if !out.is_empty() {
                let blob = self.pictures.entry(number).or_insert_with(|| self.slot.blob());
                in_time(until, blob.push(&out)).await?;
            }
        }
        let out = std::mem::take(&mut caught.signatures.out);
        if caught.signatures.unfit {
            self.signatures = None;
        } else if !out.is_empty() {
            let blob = self.signatures.get_or_insert_with(|| self.slot.blob());
            in_time(until, blob.push(&out)).await?;
        }
        Ok(())
    }
}

async fn in_time(
    until: Instant,
    putting: impl Future<Output = Result<(), shelf::Error>>,
) -> Result<(), shelf::Error> {
    timeout_at(until + STORE_GRACE, putting).await.unwrap_or(Err(shelf::Error::TimedOut))
}

/// The answer is whole: what came of it?
async fn settle(answer: &Answer, caught: &Caught, ask: &Ask, mut stock: Stock<'_>) -> Result<Made, Failure> {
    let (block, finish) = (answer.block_reason(), answer.finish_reason());
    let counted = answer.pictures();
    if ask.api == Api::Predict && counted.is_empty() {
        // How Imagen answers a prompt that it filters.
        return Err(Failure::give_up(Trouble::Policy, "filtered"));
    }
    if counted.is_empty() || outcome::is_refusal(finish) || outcome::is_block(block) {
        return Err(nothing(answer, stock.slot).await);
    }
    let mut outputs = Vec::new();
    let mut places = BTreeMap::new();
    let mut first_unfit = None;
    for number in counted {
        let look = caught.pictures.get(number).and_then(|picture: &Picture| picture.look);
        match (look, stock.pictures.remove(&number)) {
            (Some(Ok(look)), Some(blob)) => {
                let kept = stock.slot.picture(outputs.len(), blob, look).await;
                places.insert(number, outputs.len());
                outputs.push(kept.map_err(|error| not_kept(&error))?);
            }
            (look, _) => {
                first_unfit.get_or_insert(look.and_then(Result::err));
            }
        }
    }
    if outputs.is_empty() {
        let unfit = first_unfit.flatten().unwrap_or(Unfit::NotAPicture(NotAPicture::Cut));
        return Err(Failure::give_up(unfit.trouble(), unfit.to_string()));
    }
    let memory = match ask.api {
        Api::Generate => turn(answer, caught, ask, stock.signatures, &outputs, &places),
        Api::Predict => Memory::Nothing,
    };
    Ok(Made { outputs, memory })
}

/// Words instead of a picture are kept for the person to read.
async fn nothing(answer: &Answer, slot: &Slot) -> Failure {
    let text = answer.text();
    let otherwise = if text.trim().is_empty() { Trouble::NoPicture } else { Trouble::TextInstead };
    let mut failure = outcome::nothing(answer.block_reason(), answer.finish_reason(), otherwise);
    if failure.trouble == Trouble::TextInstead {
        let text = bounded(text);
        match timeout(STORE_GRACE, slot.text(&text)).await.unwrap_or(Err(shelf::Error::TimedOut)) {
            Ok(output) => failure.text = Some(output),
            Err(error) => shelf::note(&error, "what was said instead of a picture is lost"),
        }
    }
    failure
}

/// For an edit that follows. `places`: which output a picture of the answer became.
fn turn(
    answer: &Answer,
    caught: &Caught,
    ask: &Ask,
    signatures: Option<Blob>,
    outputs: &[MadeOutput],
    places: &BTreeMap<usize, usize>,
) -> Memory {
    if caught.signatures.unfit {
        tracing::info!("an answer's signatures can't be kept: an edit of it begins with the picture alone");
        return Memory::Nothing;
    }
    let starts: Vec<usize> =
        caught.signatures.lens.iter().scan(0, |at, len| Some(std::mem::replace(at, *at + len))).collect();
    let range = |number: usize| {
        let (start, len) = (starts.get(number)?, caught.signatures.lens.get(number)?);
        Some(*start..start + len)
    };
    let part = |part: &Part| -> Option<RecordPart> {
        let picture = part.picture().and_then(|number| outputs.get(*places.get(&number)?));
        // A signature may come with no more than an empty text.
        let told = |text: &String| !part.is_thought() && (!text.is_empty() || part.signature().is_some());
        let text = part.text.clone().filter(told);
        (picture.is_some() || text.is_some()).then(|| RecordPart {
            text,
            picture: picture.map(Painted::of),
            thought: part.is_thought(),
            signature: part.signature().and_then(range),
        })
    };
    let material = &ask.material;
    let record = Record {
        prompt: ask.prompt.clone(),
        references: material.references.iter().filter_map(|reference| reference.file.clone()).collect(),
        follows: material.earlier.last().map(|turn| turn.generation),
        parts: answer.parts().filter_map(part).collect(),
        signatures: None,
    };
    Memory::Turn(Box::new(Keepsake { record, signatures }))
}
