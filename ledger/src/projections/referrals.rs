//! Referrals: who brought whom, and what each side got for it.
//!
//! One row a ReferralRegistered, by its position, which the bonuses name as their cause.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use proto_events::Event;
use proto_events::events::LotSource;
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use super::{Definition, Fold, FoldError, Needs, Rows, TableDef, Tables};
use crate::tail::Entry;

pub(super) static DEFINITION: Definition = Definition {
    name: "referrals",
    version: 1,
    needs: Needs::Payload,
    pace: Duration::from_secs(1),
    tables: &[TableDef {
        suffix: "",
        columns: "position bigint NOT NULL, registered_at bigint NOT NULL, inviter uuid NOT NULL, \
            invited uuid NOT NULL, inviter_credits bigint, inviter_position bigint, invited_credits bigint, \
            invited_position bigint",
        key: "position",
        indexes: &["inviter, position", "invited"],
        fillfactor: 70,
    }],
    make: |tables| Box::new(Referrals { tables, rows: Rows::new(KEPT_MAX) }),
};

const KEPT_MAX: usize = 20_000;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Referral {
    registered_at: i64,
    inviter: Uuid,
    invited: Uuid,
    /// Credits, and the position of their grant.
    to_inviter: Option<(i64, i64)>,
    to_invited: Option<(i64, i64)>,
}

struct Referrals {
    tables: Tables,
    rows: Rows<i64, Referral>,
}

fn concerns(event_type: &str) -> bool {
    matches!(event_type, "ReferralRegistered" | "CreditsGranted")
}

/// The registration that a grant of referral credits names.
fn cause(event: &Event) -> Option<i64> {
    match event {
        Event::CreditsGranted(e) if e.source == LotSource::Referral => e.cause.map(|p| p.get()),
        _ => None,
    }
}

impl Fold for Referrals {
    fn load<'a>(
        &'a mut self,
        tx: &'a mut PgConnection,
        entries: &'a [Arc<Entry>],
    ) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            let Some(first) = entries.first().map(|e| e.row.position) else { return Ok(()) };
            let granted = entries.iter().filter(|e| e.row.event_type == "CreditsGranted");
            let causes = granted.filter_map(|e| e.event().ok().and_then(cause)).filter(|p| *p < first);
            let missing = self.rows.missing(causes);
            if missing.is_empty() {
                return Ok(());
            }
            let sql = format!(
                "SELECT position, registered_at, inviter, invited, inviter_credits, inviter_position, \
                    invited_credits, invited_position FROM {} WHERE position = ANY($1)",
                self.tables.main()
            );
            type Found = (i64, i64, Uuid, Uuid, Option<i64>, Option<i64>, Option<i64>, Option<i64>);
            let found: Vec<Found> = sqlx::query_as(AssertSqlSafe(sql)).bind(missing).fetch_all(tx).await?;
            for (position, registered_at, inviter, invited, a, a_at, b, b_at) in found {
                let (to_inviter, to_invited) = (a.zip(a_at), b.zip(b_at));
                self.rows
                    .loaded(position, Referral { registered_at, inviter, invited, to_inviter, to_invited });
            }
            Ok(())
        })
    }

    fn take(&mut self, entry: &Entry) -> Result<(), FoldError> {
        let row = &entry.row;
        if !concerns(&row.event_type) {
            return Ok(());
        }
        let event = entry.event().map_err(|_| FoldError::unreadable(entry))?;
        if let Event::ReferralRegistered(e) = event {
            let new = Referral {
                registered_at: row.recorded_at,
                inviter: e.inviter.0,
                invited: row.account_id,
                ..Referral::default()
            };
            *self.rows.change(&row.position, Referral::default) = new;
        }
        let (Some(cause), Event::CreditsGranted(e)) = (cause(event), event) else { return Ok(()) };
        let broken = |what: &str| FoldError::broken(row.position, what);
        let referral = self.rows.change_known(&cause).ok_or_else(|| broken("its cause is no referral"))?;
        let side = match row.account_id {
            id if id == referral.invited => &mut referral.to_invited,
            id if id == referral.inviter => &mut referral.to_inviter,
            _ => return Err(broken("its cause is a referral of others")),
        };
        match side.replace((e.credits.get(), row.position)) {
            Some(_) => Err(broken("this side has had its bonus before")),
            None => Ok(()),
        }
    }

    fn flush<'a>(&'a mut self, tx: &'a mut PgConnection) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            let changed = self.rows.changed().all();
            if changed.is_empty() {
                return Ok(());
            }
            let sql = format!(
                "INSERT INTO {} (position, registered_at, inviter, invited, inviter_credits, inviter_position, \
                    invited_credits, invited_position) \
                 SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::uuid[], $4::uuid[], $5::bigint[], \
                    $6::bigint[], $7::bigint[], $8::bigint[]) \
                 ON CONFLICT (position) DO UPDATE SET inviter_credits = excluded.inviter_credits, \
                    inviter_position = excluded.inviter_position, invited_credits = excluded.invited_credits, \
                    invited_position = excluded.invited_position",
                self.tables.main()
            );
            let part =
                |get: fn(&Referral) -> Option<i64>| changed.iter().map(|(_, r)| get(r)).collect::<Vec<_>>();
            sqlx::query(AssertSqlSafe(sql))
                .bind(changed.iter().map(|(position, _)| **position).collect::<Vec<_>>())
                .bind(changed.iter().map(|(_, r)| r.registered_at).collect::<Vec<_>>())
                .bind(changed.iter().map(|(_, r)| r.inviter).collect::<Vec<_>>())
                .bind(changed.iter().map(|(_, r)| r.invited).collect::<Vec<_>>())
                .bind(part(|r| r.to_inviter.map(|(credits, _)| credits)))
                .bind(part(|r| r.to_inviter.map(|(_, at)| at)))
                .bind(part(|r| r.to_invited.map(|(credits, _)| credits)))
                .bind(part(|r| r.to_invited.map(|(_, at)| at)))
                .execute(tx)
                .await?;
            self.rows.written();
            Ok(())
        })
    }
}
