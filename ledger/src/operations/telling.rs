//! What to tell a person of an event: the event, where they are, what they have now.

use proto_events::events::{GenerationKind, RefundOpened, Trouble};
use proto_events::queries::{BalanceView, News, OutputPlace, Telling};
use proto_events::{AccountId, Attempt, Credits, Event, GenerationId, PaymentId, Position, RefundId, Text};
use sqlx::PgPool;

use crate::log::{BadRow, Row};
use crate::snapshots;
use crate::store::{self, OutputRow, TRY_MAX, Thing};

/// `None`: the person is gone, or the event is not for telling.
pub async fn build(
    pool: &PgPool,
    position: Position,
    account: AccountId,
    subject: &str,
    attempt: i64,
    lease_until: i64,
) -> Result<Option<Telling>, BadRow> {
    let thing = Thing { account, id: subject.to_owned(), after: 0 };
    let rows = store::events_about(pool, &[thing]).await?.remove(subject).unwrap_or_default();
    let place = match subject.parse::<RefundId>() {
        Ok(refund) => refund_opened(&rows, refund)?.map(|opened| opened.payment.to_string()),
        Err(_) => Some(subject.to_owned()),
    };
    let Some(place) = place else { return Ok(None) };
    let Some(at) = store::whereabouts(pool, &place).await? else { return Ok(None) };
    let Some(state) = snapshots::load(pool, &[account]).await?.remove(&account) else { return Ok(None) };
    let balance = state.balance();
    let Some(news) = news(pool, position, subject, &rows).await? else { return Ok(None) };
    Ok(Some(Telling {
        position,
        attempt: Attempt::new(attempt.min(TRY_MAX)).unwrap_or_default(),
        account,
        chat: at.chat,
        message: Some(at.message),
        status_message: at.status_message,
        language: Text::lossy(&at.language),
        lease_until: lease_until.try_into().unwrap_or_default(),
        balance: BalanceView {
            account,
            available: balance.available,
            reserved: balance.reserved,
            debt: balance.debt,
        },
        news,
    }))
}

async fn news(
    pool: &PgPool,
    position: Position,
    subject: &str,
    rows: &[Row],
) -> Result<Option<News>, BadRow> {
    let Some(row) = rows.iter().find(|r| r.position == position.get()) else { return Ok(None) };
    let opened = |id: PaymentId| -> Result<_, BadRow> {
        for row in rows.iter().filter(|r| r.event_type == "PaymentOpened") {
            if let Event::PaymentOpened(e) = row.event()?
                && e.payment == id
            {
                return Ok(Some(e));
            }
        }
        Ok(None)
    };
    Ok(match row.event()? {
        Event::PaymentRegistered(e) => {
            let checkout_url = store::payment_side(pool, subject.to_owned()).await?.checkout_url;
            opened(e.payment)?.map(|o| News::PaymentReady {
                payment: e.payment,
                credits: o.credits,
                price: o.price,
                checkout_url,
            })
        }
        Event::PaymentSettled(e) => {
            let credits = bought(rows, position)?;
            let (payment, price, first) = (e.payment, e.amount, false);
            credits.map(|credits| News::PaymentSettled { payment, credits, price, first })
        }
        Event::PaymentCanceled(e) => opened(e.payment)?.map(|o| News::PaymentCanceled {
            payment: e.payment,
            credits: o.credits,
            price: o.price,
            reason: e.reason,
        }),
        Event::RefundSettled(e) => refund_opened(rows, e.refund)?.map(|o| News::RefundSettled {
            payment: o.payment,
            amount: o.amount,
            credits: o.credits,
        }),
        Event::RefundFailed(e) => refund_opened(rows, e.refund)?.map(|o| News::RefundFailed {
            payment: o.payment,
            amount: o.amount,
            credits: o.credits,
        }),
        Event::GenerationSucceeded(e) => {
            let outputs = store::outputs(pool, subject).await?;
            let prompt = store::prompt(pool, subject).await?;
            Some(News::GenerationSucceeded {
                generation: e.generation,
                credits: e.credits,
                prompt: prompt.map(|p| Text::lossy(&p)),
                file_ids: outputs.iter().filter_map(|o| o.file_id.as_deref()).map(Text::lossy).collect(),
                outputs: outputs.iter().map(place).collect(),
            })
        }
        Event::GenerationFailed(e) => {
            let text = match e.reason {
                Trouble::TextInstead => store::outputs(pool, subject).await?.first().map(place),
                _ => None,
            };
            let (generation, returned, reason) = (e.generation, e.returned, e.reason);
            let kind = asked(rows, generation)?;
            Some(News::GenerationFailed { generation, kind, returned, reason, text })
        }
        Event::DeliveryFailed(e) => {
            // The compensation, if there was one, is the next event of the same command.
            let next = store::event_at(pool, row.position + 1).await?;
            let next = next.filter(|r| r.command_id == row.command_id && r.account_id == row.account_id);
            let returned = match next.as_ref().map(Row::event).transpose()? {
                Some(Event::CreditsGranted(granted)) => granted.credits,
                _ => Credits::ZERO,
            };
            let kind = asked(rows, e.generation)?;
            Some(News::DeliveryFailed { generation: e.generation, kind, returned, reason: e.reason })
        }
        _ => None,
    })
}

/// What a generation was asked for.
fn asked(rows: &[Row], generation: GenerationId) -> Result<Option<GenerationKind>, BadRow> {
    for row in rows.iter().filter(|r| r.event_type == "GenerationRequested") {
        if let Event::GenerationRequested(e) = row.event()?
            && e.generation == generation
        {
            return Ok(Some(e.kind));
        }
    }
    Ok(None)
}

fn refund_opened(rows: &[Row], refund: RefundId) -> Result<Option<RefundOpened>, BadRow> {
    for row in rows.iter().filter(|r| r.event_type == "RefundOpened") {
        if let Event::RefundOpened(e) = row.event()?
            && e.refund == refund
        {
            return Ok(Some(e));
        }
    }
    Ok(None)
}

/// What the settlement at this position brought: a person may have settled for less than was asked.
fn bought(rows: &[Row], settled: Position) -> Result<Option<Credits>, BadRow> {
    let granted = |row: &&Row| row.position > settled.get() && row.event_type == "CreditsGranted";
    match rows.iter().find(granted).map(Row::event).transpose()? {
        Some(Event::CreditsGranted(e)) => Ok(Some(e.credits)),
        _ => Ok(None),
    }
}

fn place(output: &OutputRow) -> OutputPlace {
    let small = |n: Option<i64>| n.and_then(|n| u32::try_from(n).ok());
    OutputPlace {
        object: Text::lossy(&output.object),
        sha256: Text::lossy(&output.sha256),
        media_type: output.media_type,
        bytes: u32::try_from(output.bytes).unwrap_or(u32::MAX),
        width: small(output.width),
        height: small(output.height),
    }
}
