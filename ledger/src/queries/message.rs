//! Broadcasts as they stand, and texts in the place of built-in ones.

use proto_events::Text;
use proto_events::queries::{BroadcastState, BroadcastView, ContentView, ContentsView};
use sqlx::PgPool;

use super::{Problem, not_found};
use crate::store::{self, Broadcast};

/// Answered at once.
const BROADCASTS_MAX: i64 = 20;

pub(super) async fn broadcast(pool: &PgPool, id: &str) -> Result<BroadcastView, Problem> {
    let found = store::broadcasts(pool, Some(id), 1).await?;
    found.into_iter().find_map(view).ok_or_else(|| not_found("broadcast"))
}

pub(super) async fn broadcasts(pool: &PgPool) -> Result<Vec<BroadcastView>, Problem> {
    let found = store::broadcasts(pool, None, BROADCASTS_MAX).await?;
    Ok(found.into_iter().filter_map(view).collect())
}

/// `None`: not to be read by this version.
pub fn view(row: Broadcast) -> Option<BroadcastView> {
    let count = |n: i32| u32::try_from(n).unwrap_or_default();
    Some(BroadcastView {
        broadcast: Text::lossy(&row.broadcast),
        state: match row.state.as_str() {
            "draft" => BroadcastState::Draft,
            "running" => BroadcastState::Running,
            "paused" => BroadcastState::Paused,
            _ => BroadcastState::Finished,
        },
        segment: serde_json::from_str(&row.segment).ok()?,
        content: serde_json::from_str(&row.content).ok()?,
        recipients: count(row.recipients),
        sent: count(row.sent),
        failed: count(row.failed),
        blocked: count(row.blocked),
        drafted_at: row.drafted_at.try_into().unwrap_or_default(),
        changed: row.changed.try_into().unwrap_or_default(),
    })
}

pub(super) async fn contents(pool: &PgPool, after: i64) -> Result<ContentsView, Problem> {
    let changed = store::contents(pool, after).await?;
    let version = changed.last().map_or(after, |newest| newest.version);
    let text = |content: store::Content| ContentView {
        key: Text::lossy(&content.key),
        language: Text::lossy(&content.language),
        text: content.text.as_deref().map(Text::lossy),
    };
    Ok(ContentsView { version, texts: changed.into_iter().map(text).collect() })
}
