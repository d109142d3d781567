//! An account's statement over any stretch of the log, from the log itself.
//!
//! Cost: that account's events, found by its index; never the log's length.

use proto_events::events::{ConsumedPart, DebtPayer, LotPart, LotSource};
use proto_events::{AccountId, Credits, Event};
use serde::Serialize;
use sqlx::PgPool;

use super::words::{money_text, word};
use super::{BooksError, account_rows};
use crate::log::Row;
use crate::projections::{Running, is_line, money};

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    pub position: i64,
    /// µs since 1970-01-01 UTC.
    pub recorded_at: i64,
    pub r#type: String,
    pub what: String,
    pub available_delta: i64,
    pub reserved_delta: i64,
    pub debt_delta: i64,
    /// After it.
    #[serde(flatten)]
    pub after: Running,
    /// Paid in, or out when negative; minor units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub money_minor: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<&'static str>,
    pub actor: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Statement {
    pub account: AccountId,
    /// The stretch, positions inclusive.
    pub from: i64,
    pub through: i64,
    pub opening: Running,
    pub lines: Vec<Line>,
    pub closing: Running,
}

/// # Errors
/// The account is not in the log by then, or its events can't be read.
pub async fn statement(
    pool: &PgPool,
    account: AccountId,
    from: i64,
    through: i64,
) -> Result<Statement, BooksError> {
    let rows = account_rows(pool, account, through).await?;
    if rows.is_empty() {
        return Err(BooksError::UnknownAccount { account, through });
    }
    fold(account, &rows, from, through)
}

/// An account's balance as of a position.
///
/// # Errors
/// As [`statement`].
pub async fn balance(pool: &PgPool, account: AccountId, at: i64) -> Result<Running, BooksError> {
    Ok(statement(pool, account, at + 1, at).await?.closing)
}

/// The lines of an account's rows (all from its first through `through`).
fn fold(account: AccountId, rows: &[Row], from: i64, through: i64) -> Result<Statement, BooksError> {
    let (mut opening, mut running, mut lines) = (Running::default(), Running::default(), Vec::new());
    for row in rows {
        running = running.after(row).ok_or(BooksError::BelowZero { position: row.position })?;
        if row.position < from {
            opening = running;
        } else if is_line(row) {
            lines.push(line(row, running)?);
        }
    }
    Ok(Statement { account, from, through, opening, lines, closing: running })
}

fn line(row: &Row, after: Running) -> Result<Line, BooksError> {
    let event = row.event()?;
    let money = money(&event);
    Ok(Line {
        position: row.position,
        recorded_at: row.recorded_at,
        r#type: row.event_type.clone(),
        what: what(&event),
        available_delta: row.available_delta,
        reserved_delta: row.reserved_delta,
        debt_delta: row.debt_delta,
        after,
        money_minor: money.map(|(minor, _)| minor),
        currency: money.map(|(_, currency)| currency.code()),
        actor: row.actor.clone(),
    })
}

fn sum<'p>(parts: impl IntoIterator<Item = &'p Credits>) -> i64 {
    parts.into_iter().map(|c| c.get()).sum()
}

fn of(parts: &[LotPart]) -> i64 {
    sum(parts.iter().map(|p| &p.credits))
}

fn gone(parts: &[ConsumedPart]) -> i64 {
    sum(parts.iter().map(|p| &p.credits))
}

/// What an event did to an account, in a few words.
pub fn what(event: &Event) -> String {
    match event {
        Event::PaymentSettled(e) => format!("{} by {}", money_text(e.amount), e.rail.as_str()),
        Event::RefundSettled(e) => format!("{} back by {}", money_text(e.amount), e.rail.as_str()),
        Event::CreditsGranted(e) if e.restores.is_some() => format!("{} restored: refund failed", e.credits),
        Event::CreditsGranted(e) if e.source == LotSource::Purchase => format!("{} bought", e.credits),
        Event::CreditsGranted(e) => format!("{} granted: {}", e.credits, word(&e.source)),
        Event::CreditsReserved(e) => format!("{} held", e.credits),
        Event::ReservationCommitted(e) if e.returned.is_empty() => format!("{} spent", gone(&e.charged)),
        Event::ReservationCommitted(e) => format!("{} spent, {} back", gone(&e.charged), of(&e.returned)),
        Event::ReservationReleased(e) => format!("{} back: {}", of(&e.returned), word(&e.reason)),
        Event::ReservationExpired(e) => format!("{} back: deadline", of(&e.returned)),
        Event::CreditsRevoked(e) => format!("{} taken back: {}", gone(&e.taken), word(&e.reason)),
        Event::CreditsExpired(e) => format!("{} expired", e.credits),
        Event::DebtIncurred(e) => format!("{} owed: refund of what was spent", e.credits),
        Event::DebtCarried(e) => format!("{} owed from an erased account", e.credits),
        Event::DebtPaid(e) => match e.by {
            DebtPayer::Lots => format!("{} of the debt paid", e.credits),
            DebtPayer::Undone => format!("{} of the debt undone", e.credits),
            DebtPayer::Forgiven => format!("{} of the debt forgiven", e.credits),
            DebtPayer::SetAside => format!("{} of the debt set aside", e.credits),
        },
        other => other.type_name().to_owned(),
    }
}
