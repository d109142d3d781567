//! Broadcasts and texts: what is written down and told of them beside the log, and what must be so before a command about
//! them is decided.

use proto_events::commands::{
    BroadcastClaim, BroadcastDraft, BroadcastFinish, BroadcastStart, BroadcastTold, Command, ContentPut,
    PicturePut, Segment, TextsKnown,
};
use proto_events::queries::{BroadcastDrafted, ClaimedBroadcast, Recipient};
use proto_events::{AccountId, Refused, Text};
use serde_json::{Value, json};
use sqlx::PgPool;

use super::{Problem, staff, unwritten};
use crate::books::at::{self, At};
use crate::log::BadRow;
use crate::projections;
use crate::queries::broadcast_view;
use crate::sequencer::{Request, refused};
use crate::store::{self, BroadcastClaimed, Chosen, Drafted};
use crate::texts;

const LEASE_US: i64 = 20_000_000;
/// Recipients given at once.
const CLAIMED_MAX: u16 = 100;
const TEXTS_MAX: usize = 50;
const DAY_US: i64 = 24 * 3_600_000_000;

fn no(code: &str, why: impl Into<String>) -> Problem {
    Problem::Refused(refused(code, why))
}

pub(super) async fn draft(pool: &PgPool, draft: &BroadcastDraft, now: i64) -> Result<Value, Problem> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if draft.broadcast.is_empty() || !draft.broadcast.chars().all(plain) {
        return Err(no("invalid", "a broadcast's id is 1 to 64 of A-Z a-z 0-9 _ . -"));
    }
    draft.content.check().map_err(|why| no("content_unfit", why.to_string()))?;
    let chosen = chosen(pool, &draft.segment, now).await?;
    let recipients = match store::draft_broadcast(pool, draft, &chosen, now).await? {
        Drafted::For(recipients) => recipients,
        Drafted::Started => {
            return Err(no("broadcast_started", "it is being sent, or was: write another one down"));
        }
        Drafted::Another => return Err(Problem::Refused(changed())),
    };
    let recipients = u32::try_from(recipients).unwrap_or_default();
    let drafted_at = now.try_into().unwrap_or_default();
    let drafted = BroadcastDrafted { broadcast: draft.broadcast.clone(), recipients, drafted_at };
    serde_json::to_value(drafted).map_err(unwritten)
}

fn changed() -> Refused {
    refused("draft_changed", "it was written down anew since it was looked at")
}

async fn chosen(pool: &PgPool, segment: &Segment, now: i64) -> Result<Chosen, Problem> {
    let from_us = match segment {
        Segment::Active { days } | Segment::Quiet { days } => now - i64::from(*days) * DAY_US,
        _ => now,
    };
    let from = match segment {
        Segment::Active { .. } | Segment::Quiet { .. } => {
            let found = at::since(pool, Some(At::Time(from_us))).await;
            found.map_err(|error| no("invalid", error.to_string()))?
        }
        _ => 0,
    };
    let table = async |name: &str| -> Result<projections::Tables, Problem> {
        let live = projections::live(pool, name).await?;
        let (tables, _) = live.ok_or(Problem::Postgres(sqlx::Error::RowNotFound))?;
        Ok(tables)
    };
    let people = table("daily").await?.table("people");
    Ok(Chosen { people, generations: table("generations").await?.main(), from, from_us })
}

pub(super) async fn claim(pool: &PgPool, claim: &BroadcastClaim, now: i64) -> Result<Value, Problem> {
    let limit = claim.limit.clamp(1, CLAIMED_MAX).into();
    match store::claim_broadcast(pool, &claim.claimant, limit, LEASE_US, now).await? {
        BroadcastClaimed::Yours { broadcast, content, lease_until, recipients } => {
            let recipient = |(account, chat, language): (uuid::Uuid, i64, String)| Recipient {
                account: AccountId(account),
                chat,
                language: Text::lossy(&language),
            };
            let claimed = ClaimedBroadcast {
                broadcast: Text::lossy(&broadcast),
                content,
                recipients: recipients.into_iter().map(recipient).collect(),
                lease_until: lease_until.try_into().unwrap_or_default(),
            };
            serde_json::to_value(claimed).map_err(unwritten)
        }
        BroadcastClaimed::Held { until } => {
            let mut refusal = refused("nothing_to_send", "another instance sends it");
            refusal.details = json!({"until": until});
            Err(Problem::Refused(refusal))
        }
        BroadcastClaimed::Nothing => Err(no("nothing_to_send", "no broadcast is being sent")),
    }
}

pub(super) async fn told(pool: &PgPool, told: &BroadcastTold, now: i64) -> Result<Value, Problem> {
    let whose = (told.broadcast.as_str(), told.claimant.as_str());
    let ours = store::broadcast_told(pool, whose, told.account, told.outcome, LEASE_US, now).await?;
    ours.then_some(Value::Null).ok_or_else(|| no("stale_claim", "another instance sends this broadcast"))
}

pub(super) async fn keep_texts(pool: &PgPool, known: &TextsKnown, now: i64) -> Result<Value, Problem> {
    if known.texts.len() > TEXTS_MAX {
        return Err(no("invalid", format!("at most {TEXTS_MAX} texts in one command")));
    }
    store::keep_builtin_texts(pool, known, now).await?;
    Ok(Value::Null)
}

/// Whether a look beside the log is needed before this command is decided.
pub fn needs_look(request: &Request) -> bool {
    let by_itself = matches!(
        request.command,
        Command::BroadcastStart(_)
            | Command::BroadcastFinish(_)
            | Command::ContentPut(_)
            | Command::PicturePut(_)
            | Command::StaffPut(_)
    );
    by_itself || request.approval.is_some()
}

/// Why it can't be, if it can't; what the ledger knows better than whoever asks is put into the command. What changes between
/// this look and the append is found there.
///
/// # Errors
/// Postgres does not answer.
pub async fn look(pool: &PgPool, request: &mut Request) -> Result<Option<Refused>, BadRow> {
    // What was done has its first answer, whatever is so beside the log since.
    let known = store::first_answers(pool, &[(request.producer, request.id.clone())]).await?;
    if !known.is_empty() {
        return Ok(None);
    }
    Ok(look_beside(pool, request).await?)
}

async fn look_beside(pool: &PgPool, request: &mut Request) -> Result<Option<Refused>, sqlx::Error> {
    if let Some(approval) = &request.approval
        && let Some(refusal) = staff::approves(pool, approval).await?
    {
        return Ok(Some(refusal));
    }
    match &mut request.command {
        Command::BroadcastFinish(c) => {
            counted(pool, c).await?;
            Ok(None)
        }
        Command::BroadcastStart(c) => {
            Ok(if store::hold_draft(pool, c).await? { None } else { Some(unlike(pool, c).await?) })
        }
        Command::ContentPut(c) => content(pool, c).await,
        Command::PicturePut(c) => picture(pool, c).await,
        Command::StaffPut(c) => staff::look(pool, c, &request.actor).await,
        _ => Ok(None),
    }
}

/// How a broadcast is other than whoever starts it has seen it.
async fn unlike(pool: &PgPool, c: &BroadcastStart) -> Result<Refused, sqlx::Error> {
    let Some((recipients, drafted_at)) = store::broadcast_written(pool, &c.broadcast).await? else {
        return Ok(refused("broadcast_not_found", "there is no such broadcast: write it down first"));
    };
    let recipients = u32::try_from(recipients).unwrap_or_default();
    if c.drafted_at.is_some_and(|seen| seen.get() != drafted_at) || recipients == c.recipients {
        return Ok(changed());
    }
    let why = format!("it is for {recipients}, not {}", c.recipients);
    Ok(Refused { details: json!({"recipients": recipients}), ..refused("recipients_differ", why) })
}

/// Whoever looked at a page saw what was sent by then. What is on its way now is told later, and counted in the row alone.
async fn counted(pool: &PgPool, c: &mut BroadcastFinish) -> Result<(), sqlx::Error> {
    if let Some(now) =
        store::broadcasts(pool, Some(&c.broadcast), 1).await?.into_iter().find_map(broadcast_view)
    {
        (c.sent, c.failed, c.blocked) = (now.sent, now.failed, now.blocked);
    }
    Ok(())
}

async fn content(pool: &PgPool, c: &ContentPut) -> Result<Option<Refused>, sqlx::Error> {
    let known = store::bot_texts(pool, Some(&c.key), Some(&c.language)).await?;
    let Some(known) = known.first() else { return Ok(Some(unknown(&c.language, &c.key))) };
    let Some(text) = &c.text else { return Ok(None) };
    Ok(texts::check(&known.builtin, text).err().map(|unfit| refused("content_unfit", unfit.to_string())))
}

fn unknown(language: &str, key: &str) -> Refused {
    refused("text_unknown", format!("the bot has no text {language}/{key}"))
}

/// A picture is put where one may stand, and is here. What is taken back may be of a text that the bot has no more.
async fn picture(pool: &PgPool, c: &PicturePut) -> Result<Option<Refused>, sqlx::Error> {
    let Some(picture) = &c.picture else { return Ok(None) };
    let known = store::bot_texts(pool, Some(&c.key), Some(&c.language)).await?;
    let Some(known) = known.first() else { return Ok(Some(unknown(&c.language, &c.key))) };
    if known.beside.is_none() {
        let why = "the bot does not send this text as a message of its own: no picture stands above it";
        return Ok(Some(refused("picture_unfit", why)));
    }
    let here = store::shop_picture(pool, &picture.sha256).await?;
    let is_here = here.is_some_and(|here| {
        here.media_type == picture.media_type.as_str() && u32::try_from(here.size) == Ok(picture.bytes)
    });
    Ok((!is_here).then(|| refused("picture_unknown", "there is no such picture here: bring it first")))
}
