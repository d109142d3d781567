//! Dead letters: commands that were refused and should not have been, kept until somebody at the console has seen to them.
//!
//! Whoever answers a command hands it over here and waits for nothing: what finds no room, or no Postgres, is lost with a line in the
//! log of this service and a count. One writer keeps them, one after the other.

use std::sync::{Arc, Mutex, PoisonError};

use async_nats::Subject;
use bytes::Bytes;
use proto_events::authority::names_operator;
use proto_events::envelope::AccountRef;
use proto_events::{AccountId, CommandId, Producer, Refused, subjects};
use serde::Deserialize as _;
use serde_json::Value;
use sqlx::PgPool;
use tokio::sync::mpsc;

use super::decode::BODY_BYTES_MAX;
use super::names::Names;
use crate::sequencer::Clock;
use crate::store::{self, NewLetter, OpenMax, Whose, answered};

/// Open ones, of all and of one producer, verb and code; of more, those that come are counted and not kept: what was broken first is
/// what somebody looks for, and one thing that is broken hides no other.
const OPEN_MAX: OpenMax = OpenMax { all: 1_000, alike: 100 };
/// That wait for the writer: a burst, each with its body.
const WAITING_MAX: usize = 256;
/// Of what was answered.
const MESSAGE_CHARS_MAX: usize = 1_000;

/// Refusals that belong to the work of payments and generator: somebody was first, or is at it. Whatever is not here is kept.
const ROUTINE: [&str; 20] = [
    "account_banned",
    "already_quarantined",
    "already_registered",
    "attempts_exhausted",
    "daily_bound",
    "fee_known",
    "generation_closed",
    "generation_held",
    "insufficient_credits",
    "needs_approval",
    "nothing_to_send",
    "payment_closed",
    "payment_settled",
    "person_busy",
    "refund_closed",
    "refund_id_taken",
    "reservation_closed",
    "stale_attempt",
    "stale_claim",
    "unchanged",
];
/// What is wrong whoever sends it.
const ALWAYS: [&str; 2] = ["command_id_reused", "rejected_by_database"];
/// What a person wrote, and is told.
const TOLD: [&str; 1] = ["content_unfit"];

/// Where a command was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    /// By what it is: no state was looked at.
    Door,
    /// By how things are.
    Decision,
}

/// Whether somebody has to look at it. Whoever pressed at the console reads the refusal there.
fn is_dead(producer: Producer, at: Where, code: &str) -> bool {
    match at {
        _ if producer == Producer::Console => false,
        Where::Door => !TOLD.contains(&code),
        Where::Decision => {
            let adapter = matches!(producer, Producer::Payments | Producer::Generator);
            ALWAYS.contains(&code) || adapter && !ROUTINE.contains(&code)
        }
    }
}

#[derive(Debug)]
struct Letter {
    came: (Subject, Bytes),
    refusal: Refused,
}

/// Where letters are handed in.
#[derive(Debug, Clone)]
pub struct Letters(mpsc::Sender<Letter>);

impl Letters {
    /// With the one writer, which ends with the last of these.
    pub fn start(pool: PgPool, names: Arc<Names>, clock: Arc<Mutex<Clock>>) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        tokio::spawn(write(pool, names, clock, receiver));
        Self(sender)
    }

    /// Of a command as it came.
    pub fn refused(&self, subject: &Subject, payload: &Bytes, at: Where, refusal: &Refused) {
        // What names no producer of ours comes from none: NATS lets nobody else through.
        let Some((producer, _)) = subjects::parse(subject) else { return };
        if !is_dead(producer, at, &refusal.code) {
            return;
        }
        metrics::counter!("ledger_dead_letters_total").increment(1);
        let letter = Letter { came: (subject.clone(), payload.clone()), refusal: refusal.clone() };
        if self.0.try_send(letter).is_err() {
            lost(subject, &refusal.code, "too many at once");
        }
    }
}

fn lost(subject: &str, code: &str, why: &str) {
    metrics::counter!("ledger_dead_letters_lost_total").increment(1);
    tracing::error!(subject, code, why, "a refused command could not be kept");
}

async fn write(
    pool: PgPool,
    names: Arc<Names>,
    clock: Arc<Mutex<Clock>>,
    mut waiting: mpsc::Receiver<Letter>,
) {
    while let Some(letter) = waiting.recv().await {
        let now = clock.lock().unwrap_or_else(PoisonError::into_inner).now();
        let (subject, _) = &letter.came;
        let kept = answered(keep(&pool, &names, &letter, now)).await;
        match kept {
            Ok(true) => {}
            Ok(false) => lost(subject, &letter.refusal.code, "too many are open"),
            Err(error) => lost(subject, &letter.refusal.code, &error.to_string()),
        }
    }
}

async fn keep(pool: &PgPool, names: &Names, letter: &Letter, now: i64) -> Result<bool, sqlx::Error> {
    let Some((mut new, account)) = read(names, letter) else { return Ok(true) };
    new.whose = match account {
        None | Some(AccountRef::Id(AccountId::OPERATIONS)) => Whose::Nobodys,
        Some(AccountRef::Id(account)) => Whose::Account(account.0),
        Some(AccountRef::Telegram(user)) => {
            let known = store::accounts_of_people(pool, &[user]).await?;
            known.get(&user).map_or(Whose::NotKnown, |account| Whose::Account(account.0))
        }
    };
    let kept = store::keep_letter(pool, &new, OPEN_MAX, now).await?;
    set_open(store::open_letters(pool).await?);
    Ok(kept)
}

/// For whoever watches the metrics.
#[allow(clippy::cast_precision_loss)]
pub fn set_open(open: i64) {
    metrics::gauge!("ledger_dead_letters_open").set(open as f64);
}

/// As it is kept, with the account that it names.
fn read(names: &Names, letter: &Letter) -> Option<(NewLetter, Option<AccountRef>)> {
    let (subject, payload) = &letter.came;
    let (producer, verb) = subjects::parse(subject)?;
    let mut envelope: Value = match payload.len() {
        n if n > BODY_BYTES_MAX => Value::Null,
        _ => serde_json::from_slice(payload).unwrap_or_default(),
    };
    // Each try has another.
    if let Some(fields) = envelope.as_object_mut() {
        fields.remove("ask");
    }
    let id = envelope["id"].as_str().and_then(|id| CommandId::new(id).ok());
    let account = AccountRef::deserialize(&envelope["account"]).ok();
    let command_id = id.map(|id| names.stored(producer, verb, id).to_string());
    let told = envelope.to_string();
    let what = match (&command_id, &envelope) {
        (Some(id), _) => id.as_bytes(),
        (None, Value::Null) => payload,
        (None, _) => told.as_bytes(),
    };
    let parts = [producer.as_str().as_bytes(), verb.as_bytes(), letter.refusal.code.as_bytes(), what];
    let new = NewLetter {
        letter: names.letter(parts),
        producer: producer.as_str(),
        verb: plain(verb),
        command_id,
        whose: Whose::Nobodys,
        code: letter.refusal.code.to_string(),
        message: letter.refusal.message.chars().filter(|c| *c != '\0').take(MESSAGE_CHARS_MAX).collect(),
        // The forms of people of ours may hold what is nobody else's.
        body: (!names_operator(producer, verb)).then(|| body(payload)).flatten(),
    };
    Some((new, account))
}

/// What has happened, at a vendor or by work that is done, and stays true however late it is told; each has an id, under which it is
/// done once. No wish of a person, who may have given up on it or had it another way; no claim; nothing without an id, which
/// would write old over new.
const FACTS: [&str; 12] = [
    "payment_register",
    "payment_settle",
    "payment_fee",
    "payment_cancel",
    "payment_quarantine",
    "refund_settle",
    "refund_fail",
    "generation_attempt",
    "generation_complete",
    "generation_fail",
    "delivery_confirm",
    "delivery_fail",
];

/// Whether it may be sent again by whoever looks at it, days after.
pub fn may_be_sent_again(producer: Producer, verb: &str) -> bool {
    FACTS.contains(&verb) && !names_operator(producer, verb)
}

/// `None`: longer than a command may be, or no text that Postgres takes.
fn body(payload: &Bytes) -> Option<String> {
    let text = std::str::from_utf8(payload).ok().filter(|_| payload.len() <= BODY_BYTES_MAX)?;
    (!text.contains('\0')).then(|| text.to_owned())
}

/// A verb that is none may be anything.
fn plain(verb: &str) -> String {
    verb.chars().filter(|c| *c != '\0').take(64).collect()
}

#[cfg(test)]
mod tests {
    use proto_events::authority::COMMANDS;
    use proto_events::commands::Operation;

    use super::*;
    use crate::sequencer::refused;

    fn read_of(subject: &str, payload: &str, code: &str) -> NewLetter {
        let came = (Subject::from(subject.to_owned()), Bytes::from(payload.to_owned()));
        let letter = Letter { came, refusal: refused(code, "why") };
        read(&Names::new([7; 32]), &letter).unwrap().0
    }

    #[test]
    fn what_nobody_has_thought_of_is_kept_and_what_belongs_to_the_work_is_not() {
        use Producer::{Generator, Payments, Telegram};
        for producer in [Payments, Generator] {
            assert!(is_dead(producer, Where::Decision, "payment_not_found"));
            assert!(is_dead(producer, Where::Decision, "a_code_of_tomorrow"));
            assert!(ROUTINE.iter().all(|code| !is_dead(producer, Where::Decision, code)));
        }
        // People are told by the bot, whatever it is.
        assert!(!is_dead(Telegram, Where::Decision, "a_code_of_tomorrow"));
        assert!(is_dead(Telegram, Where::Decision, "command_id_reused"));
        assert!(
            is_dead(Telegram, Where::Door, "invalid") && !is_dead(Telegram, Where::Door, "content_unfit")
        );
        for at in [Where::Door, Where::Decision] {
            assert!(!is_dead(Producer::Console, at, "command_id_reused"));
        }
        // At the door a code of the work means something else.
        assert!(is_dead(Payments, Where::Door, "payment_settled"));
    }

    #[test]
    fn the_same_command_asked_again_is_one_letter_and_another_is_another() {
        let of = |id: &str, ask: &str, code: &str| {
            let payload = format!(r#"{{"id":"{id}","ask":"{ask}","account":{{"telegram":42}},"body":{{}}}}"#);
            read_of("cmd.ledger.telegram.topup_open", &payload, code)
        };
        let one = of("topup:1:42:7", "a", "invalid");
        assert_eq!(one.letter, of("topup:1:42:7", "b", "invalid").letter);
        assert_ne!(one.letter, of("topup:1:42:8", "a", "invalid").letter);
        assert_ne!(one.letter, of("topup:1:42:7", "a", "not_allowed").letter);
        let stored = one.command_id.unwrap();
        assert!(stored.starts_with("topup_open:") && !stored.contains("42:7"), "{stored}");
        let broken = |payload: &str| read_of("cmd.ledger.payments.payment_settle", payload, "invalid");
        assert_eq!(broken(r#"{"ask":"a","x":1}"#).letter, broken(r#"{"ask":"b","x":1}"#).letter);
        assert_ne!(broken("{").letter, broken("[").letter);
    }

    #[test]
    fn only_what_has_happened_may_be_sent_again() {
        for (verb, _) in COMMANDS {
            assert!(!may_be_sent_again(Producer::Console, verb), "{verb}");
            // What has no id is done as often as it comes.
            assert!(
                !Operation::VERBS.contains(verb) || !may_be_sent_again(Producer::Telegram, verb),
                "{verb}"
            );
        }
        assert!(FACTS.iter().all(|fact| COMMANDS.iter().any(|(verb, _)| verb == fact)));
        for wish in [
            "account_erase",
            "account_open",
            "topup_open",
            "refund_open",
            "generation_request",
            "generation_cancel",
            "generation_claim",
            "a_verb_of_tomorrow",
        ] {
            assert!(!Producer::ALL.into_iter().any(|producer| may_be_sent_again(producer, wish)), "{wish}");
        }
        assert!(may_be_sent_again(Producer::Payments, "payment_settle"));
        assert!(may_be_sent_again(Producer::Generator, "generation_complete"));
    }

    #[test]
    fn nobody_without_the_key_tells_what_a_letter_is_of() {
        let named = |key| {
            let came = (Subject::from("cmd.ledger.telegram.profile_update"), Bytes::from(r#"{"x":42}"#));
            let letter = Letter { came, refusal: refused("invalid", "why") };
            read(&Names::new([key; 32]), &letter).unwrap().0.letter
        };
        assert_ne!(named(7), named(8));
        assert!(named(7) == named(7) && named(7).len() == 32);
    }

    #[test]
    fn what_can_not_be_kept_as_text_or_is_an_act_of_ours_has_no_body() {
        let body = |subject: &str, payload: &str| read_of(subject, payload, "invalid").body;
        assert_eq!(body("cmd.ledger.payments.payment_settle", "{}").as_deref(), Some("{}"));
        assert_eq!(body("cmd.ledger.payments.payment_settle", &" ".repeat(BODY_BYTES_MAX + 1)), None);
        assert_eq!(body("cmd.ledger.payments.payment_settle", "a\0b"), None);
        assert_eq!(body("cmd.ledger.telegram.credits_grant", "{}"), None);
    }
}
