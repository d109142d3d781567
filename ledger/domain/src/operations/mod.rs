//! The stream of operations: acts of operators, swaps of projections, and payments in quarantine
//! that name no payment of ours.

mod broadcasts;
mod pictures;

use std::collections::BTreeSet;

use proto_events::commands::{Command, QuarantineResolve, QuarantineVerdict};
use proto_events::events::{
    FourEyesChanged, OperatorActed, PaymentQuarantined, ProjectionSwapped, QuarantineOutcome,
    QuarantineResolved,
};
use proto_events::{Credits, Event, Text};

use crate::account::Facts;
use crate::four_eyes::agreed_staff;
use crate::operations::broadcasts::Broadcasts;
use crate::operations::pictures::Pictures;
use crate::payments::{must_be_seen, quarantine_key};
use crate::refusal::Refusal;

/// The fold of the stream `operations`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OperationsStream {
    /// Events so far.
    pub version: i64,
    /// Open quarantines, by rail and provider's id.
    quarantined: BTreeSet<String>,
    broadcasts: Broadcasts,
    pictures: Pictures,
    /// Above so many credits an operator's act needs another's word.
    pub four_eyes_above: Option<Credits>,
}

/// The act by which a text was put in the place of a built-in one, or taken back.
pub const CONTENT_PUT: &str = "content_put";

/// The act by which somebody of the console was let in, changed or let in no more.
pub const STAFF_PUT: &str = "staff_put";

/// What an act about a text names.
pub fn content_name(language: &str, key: &str) -> String {
    format!("{language}/{key}")
}

/// Whether a command may be for this stream; the others are for accounts.
pub fn is_operations(command: &Command) -> bool {
    matches!(
        command,
        Command::OperatorAct(_)
            | Command::ProjectionSwap(_)
            | Command::PaymentQuarantine(_)
            | Command::QuarantineResolve(_)
            | Command::ReconciliationRecord(_)
            | Command::ContentPut(_)
            | Command::PicturePut(_)
            | Command::StaffPut(_)
            | Command::FourEyesSet(_)
            | Command::BroadcastStart(_)
            | Command::BroadcastPause(_)
            | Command::BroadcastFinish(_)
    )
}

/// # Errors
/// account_not_found for commands of accounts; else as in `docs/EVENTS.md`.
pub fn decide_operations(
    state: &OperationsStream,
    command: &Command,
    facts: &Facts,
) -> Result<Vec<Event>, Refusal> {
    let event = match command.clone() {
        Command::ReconciliationRecord(c) => {
            let finished = std::iter::once(c.finished.into());
            return Ok(c.differences.into_iter().map(Event::from).chain(finished).collect());
        }
        Command::OperatorAct(c) => {
            OperatorActed { act: c.act, subject: c.subject, reason: c.reason, detail: None }.into()
        }
        Command::ContentPut(c) => {
            let (act, subject) = (Text::lossy(CONTENT_PUT), Text::lossy(&content_name(&c.language, &c.key)));
            OperatorActed { act, subject, reason: c.reason, detail: None }.into()
        }
        Command::PicturePut(c) => state.pictures.put(c)?,
        Command::StaffPut(c) => {
            agreed_staff(state.four_eyes_above, &c, facts)?;
            let detail = Some(Text::lossy(&c.detail()));
            let (act, subject) = (Text::lossy(STAFF_PUT), Text::lossy(&c.name));
            OperatorActed { act, subject, reason: c.reason, detail }.into()
        }
        Command::FourEyesSet(c) => {
            if c.above == state.four_eyes_above {
                return Err(Refusal::Unchanged);
            }
            FourEyesChanged { above: c.above, reason: c.reason }.into()
        }
        Command::BroadcastStart(c) => state.broadcasts.start(c)?,
        Command::BroadcastPause(c) => state.broadcasts.pause(c)?,
        Command::BroadcastFinish(c) => state.broadcasts.finish(c)?,
        Command::ProjectionSwap(c) => {
            ProjectionSwapped { projection: c.projection, from: c.from, to: c.to, position: c.position }
                .into()
        }
        Command::PaymentQuarantine(c) => {
            let here = state.quarantined.contains(&quarantine_key(c.rail, &c.provider_payment_id));
            if let Some(account) = facts.quarantined.or(here.then_some(facts.account)) {
                return Err(Refusal::AlreadyQuarantined { account });
            }
            must_be_seen(facts)?;
            let (payment, rail, problems, seen) = (c.payment, c.rail, c.problems, c.seen);
            let provider_payment_id = c.provider_payment_id;
            PaymentQuarantined { payment, rail, provider_payment_id, problems, seen }.into()
        }
        Command::QuarantineResolve(c) => resolve(state, c)?,
        _ => return Err(Refusal::AccountNotFound),
    };
    Ok(vec![event])
}

/// No account stands behind it, so that it can only be dismissed.
fn resolve(state: &OperationsStream, c: QuarantineResolve) -> Result<Event, Refusal> {
    if !state.quarantined.contains(&quarantine_key(c.rail, &c.provider_payment_id)) {
        return Err(Refusal::QuarantineNotFound);
    }
    if c.verdict != QuarantineVerdict::Dismiss {
        return Err(Refusal::PaymentNotFound);
    }
    let (rail, provider_payment_id, reason) = (c.rail, c.provider_payment_id, c.reason);
    let outcome = QuarantineOutcome::Dismissed;
    Ok(QuarantineResolved { rail, provider_payment_id, outcome, reason }.into())
}

#[must_use]
pub fn evolve_operations(mut state: OperationsStream, event: &Event) -> OperationsStream {
    state.version = state.version.saturating_add(1);
    match event {
        Event::PaymentQuarantined(e) => {
            state.quarantined.insert(quarantine_key(e.rail, &e.provider_payment_id));
        }
        Event::QuarantineResolved(e) => {
            state.quarantined.remove(&quarantine_key(e.rail, &e.provider_payment_id));
        }
        Event::FourEyesChanged(e) => state.four_eyes_above = e.above,
        Event::PictureChanged(_) => state.pictures.evolve(event),
        event => state.broadcasts.evolve(event),
    }
    state
}
