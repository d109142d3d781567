//! What adapters report of the vendors' own words and books.

use proto_events::Refused;
use proto_events::commands::{NOTICE_BYTES_MAX, NoticeKeep, PROVIDER_ROWS_MAX, ProviderRowsPut};
use serde_json::Value;
use sqlx::PgPool;

use super::Problem;
use crate::books::moscow::Day;
use crate::sequencer::refused;
use crate::store;

/// Cut at its bound; Postgres takes no zero bytes in a text.
pub(super) async fn keep_notice(pool: &PgPool, mut notice: NoticeKeep, now: i64) -> Result<Value, Problem> {
    notice.body.truncate(notice.body.floor_char_boundary(NOTICE_BYTES_MAX));
    notice.body = notice.body.replace('\0', "\u{fffd}");
    store::keep_notice(pool, &notice, now).await?;
    Ok(Value::Null)
}

pub(super) async fn put_rows(pool: &PgPool, put: &ProviderRowsPut) -> Result<Value, Problem> {
    if put.rows.len() > PROVIDER_ROWS_MAX {
        let why = format!("{} rows; at most {PROVIDER_ROWS_MAX} in one command", put.rows.len());
        return Err(Problem::Refused(invalid(why)));
    }
    let wrong = put.rows.iter().find(|row| {
        row.net.is_some_and(|net| net.currency != row.amount.currency || net.minor() > row.amount.minor())
    });
    if let Some(row) = wrong {
        return Err(Problem::Refused(invalid(format!("the net of {} is more than its amount", row.id))));
    }
    let days: Vec<i32> = put.rows.iter().map(|row| Day::of(row.at.get()).0).collect();
    store::put_provider_rows(pool, put.provider, &put.rows, &days).await?;
    Ok(Value::Null)
}

fn invalid(why: String) -> Refused {
    refused("invalid", why)
}
