//! What a person asked for, newest first.

use std::collections::HashMap;

use proto_events::events::GenerationKind;
use proto_events::queries::{GenerationState, HistoryItem, PageQuery};
use proto_events::{AccountId, Text};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool};

use super::{Reader, before, credits, generation_id, page};
use crate::queries::{Problem, resolve};

#[derive(Debug, sqlx::FromRow)]
struct Asked {
    position: i64,
    tail: i64,
    kind: String,
    model: String,
    state: String,
    credits: i64,
    charged: i64,
    reason: Option<String>,
    requested_at: i64,
    delivered: bool,
    /// It reached nobody, and was compensated.
    lost: bool,
}

pub(in crate::queries) async fn history(
    reader: Reader<'_>,
    query: PageQuery,
) -> Result<Vec<HistoryItem>, Problem> {
    let account = resolve(reader.pool, query.account).await?;
    let reader = reader.about(account);
    let sql = format!(
        "SELECT g.* FROM generate_series(0, $3) b(n), LATERAL ( \
            SELECT position, tail, kind, model, state, credits, charged, reason, requested_at, \
                delivered_at IS NOT NULL AS delivered, \
                delivered_at IS NULL AND coalesce(delivery_trouble IN ('bytes_lost', 'refused'), false) AS lost \
            FROM {} WHERE bucket = b.n AND account_id = $1 AND position < $2 ORDER BY position DESC LIMIT $4) g \
         ORDER BY g.position DESC LIMIT $4",
        reader.tables("generations").await?.main()
    );
    let asked: Vec<Asked> = sqlx::query_as(AssertSqlSafe(sql))
        .bind(account.0)
        .bind(before(query.before))
        .bind(reader.newest_bucket(query.before))
        .bind(page(query.limit))
        .fetch_all(reader.pool)
        .await?;
    let ids: Vec<String> = asked
        .iter()
        .filter_map(|row| generation_id(account, row.tail))
        .map(|generation| generation.to_string())
        .collect();
    let mut contents = contents(reader.pool, &ids).await?;
    Ok(asked.into_iter().filter_map(|row| item(account, row, &mut contents)).collect())
}

type Contents = HashMap<String, (String, Vec<String>)>;

/// Prompt and file ids, of those that there are.
async fn contents(pool: &PgPool, generations: &[String]) -> Result<Contents, sqlx::Error> {
    let sql = "SELECT generation, prompt, ARRAY(SELECT o.file_id FROM generation_outputs o \
                  WHERE o.generation = c.generation AND o.file_id IS NOT NULL ORDER BY o.ordinal) \
               FROM generation_contents c WHERE generation = ANY($1)";
    let found: Vec<(String, String, Vec<String>)> =
        sqlx::query_as(sql).bind(generations).fetch_all(pool).await?;
    Ok(found.into_iter().map(|(generation, prompt, files)| (generation, (prompt, files))).collect())
}

fn item(account: AccountId, row: Asked, contents: &mut Contents) -> Option<HistoryItem> {
    let generation = generation_id(account, row.tail)?;
    let state = match row.state.as_str() {
        "succeeded" if row.delivered => GenerationState::Delivered,
        "succeeded" => GenerationState::Succeeded,
        "failed" => GenerationState::Failed,
        "canceled" => GenerationState::Canceled,
        _ => GenerationState::Open,
    };
    let charged = match state {
        GenerationState::Open => row.credits,
        _ if row.lost => 0,
        _ => row.charged,
    };
    let (prompt, files) = contents.remove(&generation.to_string()).unzip();
    Some(HistoryItem {
        position: row.position.try_into().ok()?,
        generation,
        kind: GenerationKind::named(&row.kind)?,
        model: Text::lossy(&row.model),
        state,
        at: row.requested_at.try_into().unwrap_or_default(),
        credits: credits(charged),
        prompt: prompt.as_deref().map(Text::lossy),
        file_ids: files.unwrap_or_default().iter().map(|file| Text::lossy(file)).collect(),
        // Who canceled is no trouble.
        reason: row.reason.and_then(|reason| serde_json::from_value(Value::String(reason)).ok()),
    })
}
