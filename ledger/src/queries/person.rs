//! What a person has set, keeps and sends.

use proto_events::commands::Photo;
use proto_events::queries::{
    AccountQuery, AccountView, Awaited, FileOf, FileQuery, OpenAlbum, ReferencesView, Settings, SupportQuery,
    SupportView, WishView,
};
use proto_events::{AccountId, Text};
use sqlx::PgPool;

use super::{Problem, not_found, resolve};
use crate::store::{self, Profile};

pub(super) async fn account(pool: &PgPool, query: AccountQuery) -> Result<AccountView, Problem> {
    let profile = store::profile(pool, query.account).await?;
    profile.map(view).ok_or_else(|| not_found("account"))
}

fn view(profile: Profile) -> AccountView {
    let awaits = profile.awaits.zip(profile.awaits_since).map(|(what, since)| Awaited {
        what: Text::lossy(&what),
        since: since.try_into().unwrap_or_default(),
    });
    AccountView {
        account: AccountId(profile.account_id),
        language: Text::lossy(&profile.language),
        banned: profile.banned,
        email: profile.email.as_deref().map(Text::lossy),
        settings: Settings {
            model: profile.model.as_deref().map(Text::lossy),
            aspect_ratio: profile.aspect_ratio.as_deref().map(Text::lossy),
            size: profile.size.as_deref().map(Text::lossy),
            as_file: profile.as_file,
        },
        conversation: Text::lossy(&profile.conversation),
        awaits,
        away: profile.away,
    }
}

/// The photos that are kept for a person, oldest first.
///
/// # Errors
/// Postgres does not answer.
pub async fn references(pool: &PgPool, account: AccountId) -> Result<ReferencesView, sqlx::Error> {
    let kept = store::references(pool, account).await?;
    let side = |n: i64| u32::try_from(n).unwrap_or_default();
    let photos = kept.into_iter().map(|photo| Photo {
        file_id: Text::lossy(&photo.file_id),
        unique_id: Text::lossy(&photo.unique_id),
        width: side(photo.width),
        height: side(photo.height),
    });
    Ok(ReferencesView { photos: photos.collect() })
}

pub(super) async fn albums_due(pool: &PgPool, limit: i64, now: i64) -> Result<Vec<OpenAlbum>, Problem> {
    let due = store::due_albums(pool, limit, now).await?;
    let open = |album: store::DueAlbum| OpenAlbum {
        account: AccountId(album.account_id),
        chat: album.chat,
        group: Text::lossy(&album.name),
    };
    Ok(due.into_iter().map(open).collect())
}

pub(super) async fn wish(pool: &PgPool, query: AccountQuery) -> Result<WishView, Problem> {
    let account = resolve(pool, query.account).await?;
    let kept = store::wish(pool, account).await?;
    let read = |(wish, kept_at): (String, i64)| {
        let request = serde_json::from_str(&wish).ok()?;
        Some(WishView { request, kept_at: kept_at.try_into().unwrap_or_default() })
    };
    // One that this version can't read is no wish any more.
    kept.and_then(read).ok_or_else(|| not_found("wish"))
}

pub(super) async fn generation_of_file(pool: &PgPool, query: FileQuery) -> Result<FileOf, Problem> {
    let account = resolve(pool, query.account).await?;
    let found = store::generation_of_file(pool, account, &query.unique_id).await?;
    let generation = found.and_then(|id| id.parse().ok()).ok_or_else(|| not_found("generation"))?;
    Ok(FileOf { generation })
}

pub(super) async fn support_of(pool: &PgPool, query: SupportQuery) -> Result<SupportView, Problem> {
    let found = store::support_note(pool, query.chat, query.message).await?;
    let (account, telegram_user, language) = found.ok_or_else(|| not_found("note"))?;
    Ok(SupportView { account: AccountId(account), telegram_user, language: Text::lossy(&language) })
}
