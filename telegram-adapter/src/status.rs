//! "Thinking…", "Drawing…": what a person sees while something is made for them, kept alive until they are told.
//!
//! One task a request, by the instance that took it: the action above the chat every 4.5 s, the picture's frames and its
//! place in the queue, the words of an answer as they come (`live.generation.<id>`), as a draft where the API has that, else in
//! the status message. All of it is for the eye: it is dropped under flood control, and losing it loses nothing.
//! Bounds: [`AGE_MAX`] a task; [`FRAMES_AT_ONCE`] calls at a time over all of them, more are skipped, not queued.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{Client, Subscriber};
use futures_util::StreamExt as _;
use proto_events::events::GenerationKind;
use proto_events::media::LivePiece;
use proto_events::queries::GenerationState;
use proto_events::{Credits, GenerationId, Position, subjects};
use tokio::sync::Semaphore;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::desk::Desk;
use crate::outbound::{Action, Button, Error, Markup, Telegram};
use crate::statuses::{Shown, Statuses};
use crate::talk::{Press, Tail};
use crate::texts::{Html, Lang, Number, Photos, Say, Texts, partial};
use crate::turns::Turns;

/// A reservation's deadline and a little more: whatever is still open then is told by others.
const AGE_MAX: Duration = Duration::from_secs(720);
/// Bot API: an action shows for 5 s.
const ACTION_EVERY: Duration = Duration::from_millis(4_500);
/// A message may be edited about this often.
const FRAME_EVERY: Duration = Duration::from_secs(3);
/// A draft may grow faster than a message is edited.
const DRAFT_EVERY: Duration = Duration::from_millis(1_200);
/// Whether it is over is asked this often, if nobody here is told.
const LOOK_EVERY: Duration = Duration::from_secs(6);
const FRAMES_AT_ONCE: usize = 8;
const FRAMES: i64 = 4;
/// Characters of a preview: the whole comes as messages.
const PREVIEW_CHARS_MAX: usize = 3_500;

/// Something that is being made for a person.
#[derive(Debug, Clone, Copy)]
pub struct Making {
    pub generation: GenerationId,
    pub kind: GenerationKind,
    pub credits: Credits,
    /// Of the person's own that it looks at.
    pub photos: usize,
    pub chat: i64,
    /// Buttons work in private chats only.
    pub private: bool,
    pub lang: Lang,
    /// The message that asked.
    pub reply_to: Option<i64>,
    /// Of the request.
    pub position: Position,
}

/// A handle, cheap to clone.
#[derive(Clone)]
pub struct Board(Arc<Inner>);

struct Inner {
    telegram: Telegram,
    desk: Desk,
    texts: Arc<Texts>,
    statuses: Statuses,
    turns: Turns,
    media: Client,
    frames: Semaphore,
    tasks: TaskTracker,
    shutdown: CancellationToken,
}

impl Board {
    /// `media` is a connection to the account MEDIA.
    pub fn new(
        telegram: Telegram,
        desk: Desk,
        texts: Arc<Texts>,
        statuses: Statuses,
        turns: Turns,
        media: Client,
        shutdown: CancellationToken,
    ) -> Self {
        let (frames, tasks) = (Semaphore::new(FRAMES_AT_ONCE), TaskTracker::new());
        Self(Arc::new(Inner { telegram, desk, texts, statuses, turns, media, frames, tasks, shutdown }))
    }

    /// Shows that it is being made, once however often the update comes, and keeps that alive.
    pub async fn show(&self, making: Making) {
        let inner = &self.0;
        let Making { generation, chat, .. } = making;
        if !inner.statuses.begin(generation) {
            return;
        }
        let words = match making.kind {
            GenerationKind::Text => inner.hear(generation).await,
            GenerationKind::Picture | GenerationKind::Edit => None,
        };
        // The update may have come again long after: no "drawing…" under a finished picture.
        if inner.state(generation, Some(making.position)).await != Some(GenerationState::Open) {
            return;
        }
        let text = inner.first(making);
        let sent = match inner.telegram.send(chat, &text, &inner.markup(making), making.reply_to).await {
            Ok(sent) if sent.message > 0 => sent.message,
            Ok(_) => return,
            Err(error) => {
                tracing::warn!(%error, %generation, "a status message was not sent");
                return;
            }
        };
        fail::fail_point!("telegram.status.sent");
        if inner.statuses.shown(generation, sent) == Shown::Late {
            return inner.remove(chat, sent).await;
        }
        let inner = Arc::clone(inner);
        self.0.tasks.spawn(async move {
            if inner.is_kept(making, sent).await {
                inner.keep_alive(making, sent, words).await;
            }
        });
    }

    /// Ends with the service.
    pub async fn stop(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }
}

impl Inner {
    fn first(&self, making: Making) -> Html {
        let Making { credits, lang, photos, .. } = making;
        let say = match making.kind {
            GenerationKind::Text => Say::AnswerThinking { credits },
            _ if photos > 0 => {
                let photos = Photos(i64::try_from(photos).unwrap_or(i64::MAX));
                Say::PictureAcceptedWith { credits, photos }
            }
            _ => Say::PictureAccepted { credits },
        };
        self.texts.say(lang, say)
    }

    fn markup(&self, making: Making) -> Markup {
        let data = Press::Cancel(Tail::of(making.generation)).data().filter(|_| making.private);
        let label = self.texts.label(making.lang, Say::ButtonCancel);
        data.map_or(Markup::None, |data| Markup::Buttons(vec![Button::Tap { label, data }]))
    }

    /// Tells the ledger where the status message is, so that whoever tells the outcome can take it away or put it in its place.
    /// False: it is over. Over before the ledger knew the place, nobody else can take it away: what came of it is told in a
    /// message of its own.
    async fn is_kept(&self, making: Making, message: i64) -> bool {
        let Making { generation, chat, .. } = making;
        if !matches!(self.state(generation, None).await, Some(GenerationState::Open) | None) {
            // Whoever tells it here has the turn, knows the place, and puts a failure in it.
            let _turn = self.turns.of(generation.account()).await;
            if !self.is_over(generation) {
                self.remove(chat, message).await;
            }
            return false;
        }
        if let Err(error) = self.desk.note_status(generation, message).await {
            tracing::warn!(%error, %generation, "the place of a status message was not kept");
        }
        // Another instance may have told meanwhile: a failure in its place, which stays.
        match self.state(generation, None).await {
            Some(GenerationState::Succeeded | GenerationState::Delivered) => {
                self.remove(chat, message).await;
                false
            }
            Some(GenerationState::Failed | GenerationState::Canceled) => false,
            Some(GenerationState::Open) | None => true,
        }
    }

    /// What is written of an answer, from now on.
    async fn hear(&self, generation: GenerationId) -> Option<Subscriber> {
        match self.media.subscribe(subjects::live(generation)).await {
            Ok(words) => Some(words),
            Err(error) => {
                tracing::debug!(%error, %generation, "an answer can't be shown while it is written");
                None
            }
        }
    }

    async fn state(&self, generation: GenerationId, at_least: Option<Position>) -> Option<GenerationState> {
        match self.desk.generation(generation, at_least).await {
            Ok(view) => Some(view.state),
            Err(error) => {
                tracing::debug!(%error, %generation, "the state of a request is not known");
                None
            }
        }
    }

    async fn keep_alive(&self, making: Making, message: i64, words: Option<Subscriber>) {
        let alive = async {
            match words {
                Some(words) => self.preview(making, message, words).await,
                None => self.frames(making, message).await,
            }
        };
        tokio::select! {
            () = self.shutdown.cancelled() => {}
            _ = tokio::time::timeout(AGE_MAX, alive) => {}
            () = self.act(making) => {}
        }
    }

    /// The action above the chat, until it is told.
    async fn act(&self, making: Making) {
        let action = match making.kind {
            GenerationKind::Text => Action::Typing,
            GenerationKind::Picture | GenerationKind::Edit => Action::UploadPhoto,
        };
        while !self.is_over(making.generation) {
            self.eye(self.telegram.send_action(making.chat, action)).await;
            tokio::time::sleep(ACTION_EVERY).await;
        }
    }

    fn is_over(&self, generation: GenerationId) -> bool {
        self.statuses.is_told(generation)
    }

    /// One call for the eye, if there is room for it. Its failures are nobody's business.
    async fn eye(&self, call: impl Future<Output = Result<(), Error>>) -> Option<Result<(), Error>> {
        let Ok(_room) = self.frames.try_acquire() else { return None };
        Some(call.await)
    }

    /// The place in the queue, then the frames of the drawing.
    async fn frames(&self, making: Making, message: i64) {
        let Making { generation, credits, chat, lang, .. } = making;
        let mut frame = 0_i64;
        let mut shown = None;
        loop {
            tokio::time::sleep(FRAME_EVERY).await;
            if self.is_over(generation) {
                return;
            }
            let say = match self.desk.queue(generation).await {
                Ok(Some(0)) => continue,
                Ok(Some(before)) => Say::PictureQueued { credits, before: Number(before.into()) },
                Ok(None) => {
                    frame += 1;
                    Say::PicturePainting { credits, step: Number(frame % FRAMES) }
                }
                Err(_) => continue,
            };
            if shown == Some(say) {
                continue;
            }
            let text = self.texts.say(lang, say);
            let _turn = self.turns.of(generation.account()).await;
            // Another instance may have told: its words stay.
            if self.is_over(generation) || self.state(generation, None).await != Some(GenerationState::Open) {
                return;
            }
            match self.eye(self.telegram.repaint(chat, message, &text, &self.markup(making))).await {
                // It is gone: another instance has told.
                Some(Err(Error::Refused(_) | Error::Blocked(_))) => return,
                Some(Ok(())) => shown = Some(say),
                Some(Err(_)) | None => {}
            }
        }
    }

    /// An answer while it is written.
    async fn preview(&self, making: Making, message: i64, mut words: Subscriber) {
        let Making { generation, chat, .. } = making;
        let (mut written, mut shown, mut drafts) = (Written::default(), 0, making.private);
        let mut show = tokio::time::interval(DRAFT_EVERY);
        show.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut edited, mut looked) = (Instant::now(), Instant::now());
        loop {
            tokio::select! {
                piece = words.next() => match piece {
                    Some(piece) => {
                        if let Ok(piece) = serde_json::from_slice::<LivePiece>(&piece.payload) {
                            written.hear(piece);
                        }
                        continue;
                    }
                    None => return,
                },
                _ = show.tick() => {}
            }
            if self.is_over(generation) {
                return;
            }
            if looked.elapsed() >= LOOK_EVERY {
                looked = Instant::now();
                if self.state(generation, None).await != Some(GenerationState::Open) {
                    return;
                }
            }
            let text = written.text();
            if text.len() == shown {
                continue;
            }
            let html = partial(&text.chars().take(PREVIEW_CHARS_MAX).collect::<String>());
            if drafts {
                match self.eye(self.telegram.draft(chat, draft_id(generation), &html)).await {
                    Some(Err(Error::Unsupported)) => drafts = false,
                    Some(Ok(())) => shown = text.len(),
                    Some(Err(_)) | None => {}
                }
            } else if edited.elapsed() >= FRAME_EVERY {
                edited = Instant::now();
                let _turn = self.turns.of(generation.account()).await;
                if self.is_over(generation)
                    || self.state(generation, None).await != Some(GenerationState::Open)
                {
                    return;
                }
                match self.eye(self.telegram.repaint(chat, message, &html, &self.markup(making))).await {
                    Some(Err(Error::Refused(_) | Error::Blocked(_))) => return,
                    Some(Ok(())) => shown = text.len(),
                    Some(Err(_)) | None => {}
                }
            }
        }
    }

    async fn remove(&self, chat: i64, message: i64) {
        if let Err(error) = self.telegram.delete(chat, message).await {
            tracing::debug!(%error, "a message was not removed");
        }
    }
}

/// Bot API: not zero; changes of a draft with the same id are animated.
fn draft_id(generation: GenerationId) -> i64 {
    let tail = generation.to_string();
    let tail = tail.rsplit('-').next().and_then(|tail| tail.get(..7)).unwrap_or_default();
    i64::from_str_radix(tail, 16).unwrap_or_default().max(1)
}

/// What is there of an answer, as far as no piece of it was missed.
#[derive(Debug, Default)]
struct Written {
    attempt: i64,
    text: String,
    chars: u32,
}

impl Written {
    /// A new attempt begins anew; what does not join on to what is there was not heard whole.
    fn hear(&mut self, piece: LivePiece) {
        if piece.attempt.get() > self.attempt {
            *self = Self { attempt: piece.attempt.get(), ..Self::default() };
        }
        if piece.attempt.get() == self.attempt && piece.at == self.chars {
            self.text.push_str(&piece.text);
            self.chars += u32::try_from(piece.text.chars().count()).unwrap_or(u32::MAX);
        }
    }

    fn text(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use proto_events::{AccountId, Attempt, CommandId, Producer};

    use super::*;

    fn piece(attempt: i64, at: u32, text: &str) -> LivePiece {
        LivePiece { attempt: Attempt::new(attempt).unwrap(), at, text: text.to_owned() }
    }

    #[test]
    fn pieces_join_and_what_was_missed_ends_the_preview_until_another_attempt() {
        let mut written = Written::default();
        written.hear(piece(1, 0, "Привет"));
        written.hear(piece(1, 0, "Привет"));
        written.hear(piece(1, 6, ", мир"));
        assert_eq!(written.text(), "Привет, мир");
        written.hear(piece(1, 20, "later"));
        assert_eq!(written.text(), "Привет, мир");
        written.hear(piece(2, 0, "Anew"));
        written.hear(piece(1, 11, "!"));
        assert_eq!(written.text(), "Anew");
    }

    #[test]
    fn a_draft_has_an_id_that_is_never_zero() {
        let command = CommandId::new("msg:1:2:3").unwrap();
        let generation = GenerationId::derive(AccountId::OPERATIONS, Producer::Telegram, &command);
        assert!(draft_id(generation) > 0);
    }
}
