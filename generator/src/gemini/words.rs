//! Words from a stream of events: each piece to whoever listens at once, the whole into the slot.
//!
//! A text that the model had to break off ([`MAX_TOKENS`]) is delivered as far as it came, and so is one that is
//! longer than [`TEXT_BYTES_MAX`]. One that was refused on the way is not, nor one whose stream ended before
//! it said why.
//!
//! [`MAX_TOKENS`]: https://ai.google.dev/api/generate-content#FinishReason

use proto_events::events::Trouble;
use tokio::time::timeout;

use super::{
    Failure, Made, Memory, Metered,
    answer::Answer,
    error::{self, Refusal},
    outcome,
    send::{self, Ended, STORE_GRACE, not_kept},
    sse::{End, Events},
};
use crate::shelf::{self, Live, Slot};

/// Sixteen of Telegram's messages.
pub const TEXT_BYTES_MAX: usize = 64 << 10;

/// What was heard so far.
#[derive(Default)]
struct Heard {
    text: String,
    metered: Metered,
    finish: Option<String>,
    block: Option<String>,
    /// Google has begun to answer.
    begun: bool,
}

/// How a stream broke.
enum Broken {
    /// Before it began.
    Refused(Refusal),
    Failed(Failure),
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

pub(super) async fn read(mut stream: send::Answer, slot: &Slot, live: &mut Live) -> Ended {
    let mut heard = Heard::default();
    let listened = listen(&mut stream, &mut heard, live).await;
    let result = match listened {
        // What comes after the end is of no interest.
        Err(_) if heard.finish.is_some() => Ok(settle(&heard, slot).await),
        Ok(()) => Ok(settle(&heard, slot).await),
        Err(Broken::Failed(failure)) => Ok(Err(failure)),
        Err(Broken::Refused(refusal)) => Err(refusal),
    };
    Ended { result, metered: heard.metered, asked: true }
}

async fn listen(stream: &mut send::Answer, heard: &mut Heard, live: &mut Live) -> Result<(), Broken> {
    let mut events = Events::default();
    while let Some(piece) = stream.next().await? {
        let whole = events.push(&piece);
        let whole = whole.map_err(|long| Failure::give_up(Trouble::TooLarge, long.to_string()).doubtful())?;
        for event in whole {
            heard.hear(&event, live).await?;
        }
    }
    match events.end() {
        End::Clean => Ok(()),
        End::Within(event) => heard.hear(&event, live).await,
        End::Tail(tail) => Err(heard.broken(error::read_tail(&tail))),
    }
}

impl Heard {
    async fn hear(&mut self, event: &[u8], live: &mut Live) -> Result<(), Broken> {
        if let Some(refusal) = error::read_tail(event) {
            return Err(self.broken(Some(refusal)));
        }
        let answer = Answer::read(event)?;
        self.begun = true;
        let metered = answer.metered();
        self.metered.usage = metered.usage.or(self.metered.usage);
        self.metered.model_version = metered.model_version.or(self.metered.model_version.take());
        self.finish = answer.finish_reason().map(str::to_owned).or(self.finish.take());
        self.block = answer.block_reason().map(str::to_owned).or(self.block.take());
        let mut piece = answer.text();
        cut(&mut piece, TEXT_BYTES_MAX - self.text.len());
        if !piece.is_empty() {
            live.say(&piece).await;
            self.text.push_str(&piece);
        }
        Ok(())
    }

    /// An error in the middle of an answer is a part of it that is missing, and the rest is paid.
    fn broken(&self, refusal: Option<Refusal>) -> Broken {
        match refusal {
            Some(refusal) if !self.begun => Broken::Refused(refusal),
            refusal => {
                let codes = refusal.map_or_else(|| "unknown".to_owned(), |refusal| refusal.codes);
                let failure = Failure::later(Trouble::Truncated, format!("in the stream: {codes}"));
                Broken::Failed(failure.doubtful())
            }
        }
    }
}

/// The stream has ended of itself.
async fn settle(heard: &Heard, slot: &Slot) -> Result<Made, Failure> {
    let (block, finish) = (heard.block.as_deref(), heard.finish.as_deref());
    if finish.is_none() && !outcome::is_block(block) {
        return Err(Failure::later(Trouble::Truncated, "the stream ends without a reason").doubtful());
    }
    if heard.text.trim().is_empty() || outcome::is_refusal(finish) || outcome::is_block(block) {
        return Err(outcome::nothing(block, finish, Trouble::VendorError));
    }
    let put = timeout(STORE_GRACE, slot.text(&heard.text)).await.unwrap_or(Err(shelf::Error::TimedOut));
    let output = put.map_err(|error| not_kept(&error))?;
    Ok(Made { outputs: vec![output], memory: Memory::Words(heard.text.clone()) })
}

/// Words that are kept.
pub(super) fn bounded(mut text: String) -> String {
    cut(&mut text, TEXT_BYTES_MAX);
    text
}

fn cut(text: &mut String, len_max: usize) {
    text.truncate(text.floor_char_boundary(len_max));
}
