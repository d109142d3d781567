//! What operators did, and what happened on the stream of operations, in order: who, what, to
//! whom, why. One row an act, never changed.

use std::time::Duration;

use futures_util::future::BoxFuture;
use proto_events::{AccountId, Event};
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use super::{Definition, Fold, FoldError, Needs, TableDef, Tables};
use crate::log::Row;
use crate::tail::Entry;

pub(super) static DEFINITION: Definition = Definition {
    name: "operators",
    version: 3,
    needs: Needs::Payload,
    pace: Duration::from_secs(1),
    tables: &[TableDef {
        suffix: "",
        columns: "position bigint NOT NULL, recorded_at bigint NOT NULL, actor text NOT NULL, \
            producer text NOT NULL, account_id uuid NOT NULL, type text NOT NULL, subject text, reason text, \
            credits bigint, amount_minor bigint, currency text",
        key: "position",
        indexes: &["type, position"],
        fillfactor: 100,
    }],
    make: |tables| Box::new(Operators { tables, acts: Vec::new() }),
};

#[derive(Debug)]
struct Act {
    position: i64,
    recorded_at: i64,
    actor: String,
    producer: String,
    account_id: Uuid,
    event_type: String,
    /// What it was done to, besides the account: a payment, a broadcast, a projection.
    subject: Option<String>,
    reason: Option<String>,
    credits: Option<i64>,
    amount: Option<(i64, &'static str)>,
}

struct Operators {
    tables: Tables,
    acts: Vec<Act>,
}

fn is_act(row: &Row) -> bool {
    row.actor.starts_with("operator:")
        || row.account_id == AccountId::OPERATIONS.0
        || row.account_id == AccountId::CATALOG.0
}

impl Act {
    fn of(row: &Row, event: &Event) -> Self {
        let mut act = Self {
            position: row.position,
            recorded_at: row.recorded_at,
            actor: row.actor.clone(),
            producer: row.producer.clone(),
            account_id: row.account_id,
            event_type: row.event_type.clone(),
            subject: None,
            reason: None,
            credits: None,
            amount: None,
        };
        let told = |subject: String, reason: Option<String>| (Some(subject), reason);
        (act.subject, act.reason) = match event {
            Event::AccountBanned(e) => (None, Some(e.reason.to_string())),
            Event::AccountUnbanned(e) => (None, Some(e.reason.to_string())),
            Event::CreditsGranted(e) => {
                told(format!("lot {}", e.lot), e.reason.as_ref().map(ToString::to_string))
            }
            Event::RefundOpened(e) => told(e.payment.to_string(), Some(e.reason.to_string())),
            Event::PaymentQuarantined(e) => told(e.provider_payment_id.to_string(), None),
            Event::QuarantineResolved(e) => {
                let subject = format!("{}: {}", e.provider_payment_id, crate::books::words::word(&e.outcome));
                told(subject, Some(e.reason.to_string()))
            }
            Event::CatalogPublished(e) => {
                told(format!("version {}", e.version), e.reason.as_ref().map(ToString::to_string))
            }
            Event::BroadcastStarted(e) => told(e.broadcast.to_string(), None),
            Event::BroadcastPaused(e) => told(e.broadcast.to_string(), Some(e.reason.to_string())),
            Event::BroadcastFinished(e) => told(e.broadcast.to_string(), None),
            Event::ProjectionSwapped(e) => told(format!("{}: {} to {}", e.projection, e.from, e.to), None),
            Event::OperatorActed(e) => {
                let detail = e.detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
                told(format!("{}: {}{detail}", e.act, e.subject), Some(e.reason.to_string()))
            }
            Event::PictureChanged(e) => {
                let picture = e.picture.as_ref().map_or_else(
                    || "none".to_owned(),
                    |p| format!("{}, {} bytes, {}", p.media_type.as_str(), p.bytes, p.sha256),
                );
                told(format!("{}/{}: {picture}", e.language, e.key), Some(e.reason.to_string()))
            }
            Event::ActApproved(e) => told(e.approver.to_string(), Some(e.reason.to_string())),
            Event::FourEyesChanged(e) => {
                let above = e.above.map_or_else(|| "off".to_owned(), |above| format!("above {above}"));
                told(above, Some(e.reason.to_string()))
            }
            Event::ReconciliationFinished(e) => {
                let day = crate::books::moscow::Day(e.day.get());
                told(format!("{}: {day}, {} differ", e.provider.as_str(), e.differences), None)
            }
            _ => (None, None),
        };
        match event {
            Event::CreditsGranted(e) => act.credits = Some(e.credits.get()),
            Event::CreditsRevoked(_) => act.credits = Some(-row.available_delta),
            Event::RefundOpened(e) => {
                act.credits = Some(e.credits.get());
                act.amount = Some((e.amount.minor(), e.amount.currency.code()));
            }
            _ => {}
        }
        act
    }
}

impl Fold for Operators {
    fn take(&mut self, entry: &Entry) -> Result<(), FoldError> {
        if is_act(&entry.row) {
            let event = entry.event().map_err(|_| FoldError::unreadable(entry))?;
            self.acts.push(Act::of(&entry.row, event));
        }
        Ok(())
    }

    fn flush<'a>(&'a mut self, tx: &'a mut PgConnection) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            if self.acts.is_empty() {
                return Ok(());
            }
            let sql = format!(
                "INSERT INTO {} (position, recorded_at, actor, producer, account_id, type, subject, reason, credits, \
                    amount_minor, currency) \
                 SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::uuid[], $6::text[], \
                    $7::text[], $8::text[], $9::bigint[], $10::bigint[], $11::text[])",
                self.tables.main()
            );
            let acts = &self.acts;
            let texts = |get: fn(&Act) -> &str| acts.iter().map(get).collect::<Vec<_>>();
            sqlx::query(AssertSqlSafe(sql))
                .bind(acts.iter().map(|a| a.position).collect::<Vec<_>>())
                .bind(acts.iter().map(|a| a.recorded_at).collect::<Vec<_>>())
                .bind(texts(|a| &a.actor))
                .bind(texts(|a| &a.producer))
                .bind(acts.iter().map(|a| a.account_id).collect::<Vec<_>>())
                .bind(texts(|a| &a.event_type))
                .bind(acts.iter().map(|a| a.subject.as_deref()).collect::<Vec<_>>())
                .bind(acts.iter().map(|a| a.reason.as_deref()).collect::<Vec<_>>())
                .bind(acts.iter().map(|a| a.credits).collect::<Vec<_>>())
                .bind(acts.iter().map(|a| a.amount.map(|(minor, _)| minor)).collect::<Vec<_>>())
                .bind(acts.iter().map(|a| a.amount.map(|(_, c)| c)).collect::<Vec<_>>())
                .execute(tx)
                .await?;
            self.acts.clear();
            Ok(())
        })
    }
}
