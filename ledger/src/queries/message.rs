//! Broadcasts as they stand, texts in the place of built-in ones, and pictures above them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proto_events::Text;
use proto_events::events::{MediaType, TextPicture};
use proto_events::queries::{
    BroadcastState, BroadcastView, ContentView, ContentsView, PicturePart, PictureQuery, PictureView,
    PicturesView,
};
use sqlx::PgPool;

use super::{Problem, not_found};
use crate::store::{self, Broadcast};

/// Of a picture, in one answer: in Base64 it is 699 052 characters, and NATS takes a million.
const PART_BYTES_MAX: i32 = 512 << 10;
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
    // First: what comes of another log after this look is not taken for what this one has.
    let incarnation = store::incarnation(pool).await?;
    let changed = store::contents(pool, after).await?;
    let version = changed.last().map_or(after, |newest| newest.version);
    let text = |content: store::Content| ContentView {
        key: Text::lossy(&content.key),
        language: Text::lossy(&content.language),
        text: content.text.as_deref().map(Text::lossy),
    };
    Ok(ContentsView { version, texts: changed.into_iter().map(text).collect(), incarnation })
}

pub(super) async fn pictures(pool: &PgPool, after: i64) -> Result<PicturesView, Problem> {
    let incarnation = store::incarnation(pool).await?;
    let changed = store::changed_pictures(pool, after).await?;
    let version = changed.last().map_or(after, |newest| newest.version);
    let picture = |above: &store::PictureAbove| {
        Some(TextPicture {
            sha256: Text::lossy(above.sha256.as_deref()?),
            media_type: if above.media_type.as_deref()? == "png" { MediaType::Png } else { MediaType::Jpeg },
            bytes: above.size?.try_into().ok()?,
        })
    };
    let view = |above: store::PictureAbove| PictureView {
        picture: picture(&above),
        key: Text::lossy(&above.key),
        language: Text::lossy(&above.language),
    };
    Ok(PicturesView { version, pictures: changed.into_iter().map(view).collect(), incarnation })
}

pub(super) async fn picture(pool: &PgPool, query: &PictureQuery) -> Result<PicturePart, Problem> {
    let from = i32::try_from(query.from).unwrap_or(i32::MAX - 1);
    let found = store::picture_bytes(pool, &query.sha256, from, PART_BYTES_MAX).await?;
    let (bytes, part) = found.ok_or_else(|| not_found("picture"))?;
    Ok(PicturePart { bytes: bytes.try_into().unwrap_or_default(), part: STANDARD.encode(part) })
}
