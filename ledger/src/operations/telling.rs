//! What to tell a person of an event: the event, where they are, what they have now.

use ledger_domain::Account;
use proto_events::events::{GenerationKind, PaymentOpened, RefundOpened, Trouble};
use proto_events::queries::{BalanceView, News, OutputPlace, Telling};
use proto_events::{AccountId, Attempt, Credits, Event, GenerationId, PaymentId, Position, RefundId, Text};
use sqlx::PgPool;

use crate::log::{BadRow, Row};
use crate::snapshots;
use crate::store::{self, OutputRow, TRY_MAX, Thing};

/// Of an event: its row, and what is known of the thing it is about.
struct Told<'a> {
    pool: &'a PgPool,
    account: AccountId,
    subject: &'a str,
    row: Row,
    /// Of that thing: its events so far.
    rows: Vec<Row>,
}

/// Where in Telegram to tell it.
struct Place {
    chat: i64,
    message: Option<i64>,
    status_message: Option<i64>,
    language: String,
}

/// `None`: the person is gone, the event is not for telling, or what it says is over.
pub async fn build(
    pool: &PgPool,
    position: Position,
    account: AccountId,
    subject: &str,
    attempt: i64,
    lease_until: i64,
) -> Result<Option<Telling>, BadRow> {
    let Some(row) = store::event_at(pool, position.get()).await? else { return Ok(None) };
    let thing = Thing { account, id: subject.to_owned(), after: 0 };
    let about_all = subject == account.to_string() || row.event_type == "PaymentQuarantined";
    let rows = if about_all {
        Vec::new()
    } else {
        store::events_about(pool, &[thing]).await?.remove(subject).unwrap_or_default()
    };
    let told = Told { pool, account, subject, row, rows };
    let Some(at) = told.place().await? else { return Ok(None) };
    let state = snapshots::load(pool, &[account]).await?.remove(&account);
    let state = state.filter(|_| account.is_person()).unwrap_or_default();
    let Some(news) = told.news(&state).await? else { return Ok(None) };
    let balance = state.balance();
    Ok(Some(Telling {
        position,
        attempt: Attempt::new(attempt.min(TRY_MAX)).unwrap_or_default(),
        account,
        chat: at.chat,
        message: at.message,
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

impl Told<'_> {
    async fn place(&self) -> Result<Option<Place>, BadRow> {
        let own = store::own_chat(self.pool, self.account).await?;
        if self.row.event_type == "PaymentQuarantined" {
            // For administrators, also of who is gone and of what is nobody's.
            let (chat, language) = own.unwrap_or((0, "en".to_owned()));
            return Ok(Some(Place { chat, message: None, status_message: None, language }));
        }
        if self.subject == self.account.to_string() {
            let place = |(chat, language)| Place { chat, message: None, status_message: None, language };
            return Ok(own.map(place));
        }
        let place = match self.subject.parse::<RefundId>() {
            Ok(refund) => refund_opened(&self.rows, refund)?.map(|opened| opened.payment.to_string()),
            Err(_) => Some(self.subject.to_owned()),
        };
        let Some(place) = place else { return Ok(None) };
        let at = store::whereabouts(self.pool, &place).await?;
        Ok(at.map(|at| Place {
            chat: at.chat,
            message: Some(at.message),
            status_message: at.status_message,
            language: at.language,
        }))
    }

    async fn news(&self, state: &Account) -> Result<Option<News>, BadRow> {
        Ok(match self.row.event()? {
            Event::CreditsGranted(e) => Some(News::CreditsGranted {
                credits: e.credits,
                source: e.source,
                expires_at: e.expires_at,
                // Only their bonuses are bounded by the day.
                inviter: e.day.is_some(),
            }),
            Event::CreditsRevoked(e) => {
                Some(News::CreditsRevoked { credits: sum(e.taken.iter().map(|part| part.credits)) })
            }
            Event::CreditsExpired(e) => Some(News::CreditsExpired { credits: e.credits }),
            Event::DebtPaid(e) => Some(News::DebtForgiven { credits: e.credits }),
            Event::AccountBanned(_) => state.banned().then_some(News::AccountBanned {}),
            Event::AccountUnbanned(_) => (!state.banned()).then_some(News::AccountUnbanned {}),
            Event::MessageRequested(e) => self.message(e.message).await?,
            Event::PaymentQuarantined(e) => {
                Some(News::PaymentQuarantined { rail: e.rail, problems: e.problems })
            }
            Event::GenerationCanceled(e) => {
                let (generation, by) = (e.generation, e.by);
                let (kind, returned) = (asked(&self.rows, generation)?, self.released().await?);
                Some(News::GenerationCanceled { generation, kind, returned, by })
            }
            event => self.of_a_thing(event).await?,
        })
    }

    async fn message(&self, message: Text<64>) -> Result<Option<News>, BadRow> {
        let content = store::message_content(self.pool, self.row.position).await?;
        let content = content.and_then(|content| serde_json::from_str(&content).ok());
        Ok(content.map(|content| News::Message { message, content }))
    }

    /// What the command gave back, by its events before this one.
    async fn released(&self) -> Result<Credits, BadRow> {
        let first = self.row.position - i64::from(self.row.ordinal);
        for position in first..self.row.position {
            if let Some(row) = store::event_at(self.pool, position).await?
                && let Event::ReservationReleased(e) = row.event()?
            {
                return Ok(sum(e.returned.iter().map(|part| part.credits)));
            }
        }
        Ok(Credits::ZERO)
    }

    /// Of a payment, a refund or a generation.
    async fn of_a_thing(&self, event: Event) -> Result<Option<News>, BadRow> {
        let (pool, subject, rows, row) = (self.pool, self.subject, &self.rows, &self.row);
        let opened = |id: PaymentId| payment_opened(rows, id);
        Ok(match event {
            // Once it is paid or over, its link is of no use.
            Event::PaymentRegistered(e) if !is_over(rows, e.payment)? => {
                let checkout_url = store::payment_side(pool, subject.to_owned()).await?.checkout_url;
                opened(e.payment)?.map(|o| News::PaymentReady {
                    payment: e.payment,
                    credits: o.credits,
                    price: o.price,
                    checkout_url,
                })
            }
            Event::PaymentSettled(e) => {
                let first = self.is_first_paid().await?;
                let credits = bought(rows, row.position)?;
                let (payment, price) = (e.payment, e.amount);
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

    /// Whether nothing was settled for this account before.
    async fn is_first_paid(&self) -> Result<bool, BadRow> {
        let settled = store::events_of_type(self.pool, self.account, "PaymentSettled", 0).await?;
        Ok(settled.first().is_some_and(|first| first.position == self.row.position))
    }
}

fn sum(credits: impl Iterator<Item = Credits>) -> Credits {
    credits.fold(Credits::ZERO, |sum, credits| sum.checked_add(credits).unwrap_or(Credits::MAX))
}

fn payment_opened(rows: &[Row], payment: PaymentId) -> Result<Option<PaymentOpened>, BadRow> {
    for row in rows.iter().filter(|r| r.event_type == "PaymentOpened") {
        if let Event::PaymentOpened(e) = row.event()?
            && e.payment == payment
        {
            return Ok(Some(e));
        }
    }
    Ok(None)
}

fn is_over(rows: &[Row], payment: PaymentId) -> Result<bool, BadRow> {
    for row in rows.iter().filter(|r| matches!(r.event_type.as_str(), "PaymentSettled" | "PaymentCanceled")) {
        match row.event()? {
            Event::PaymentSettled(e) if e.payment == payment => return Ok(true),
            Event::PaymentCanceled(e) if e.payment == payment => return Ok(true),
            _ => {}
        }
    }
    Ok(false)
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
fn bought(rows: &[Row], settled: i64) -> Result<Option<Credits>, BadRow> {
    let granted = |row: &&Row| row.position > settled && row.event_type == "CreditsGranted";
    match rows.iter().find(granted).map(Row::event).transpose()? {
        Some(Event::CreditsGranted(e)) => Ok(Some(e.credits)),
        _ => Ok(None),
    }
}

/// Where a made thing is, on the wire.
pub fn place(output: &OutputRow) -> OutputPlace {
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
