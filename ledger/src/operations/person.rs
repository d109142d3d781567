//! What people set, keep and send: settings, reference photos, albums, wishes, words to the support.

use proto_events::AccountId;
use proto_events::commands::{
    AlbumClaim, AlbumDone, AlbumPut, ProfileUpdate, REFERENCES_MAX, ReferencesPut, ReferencesRemove,
    SupportNote, WishKeep,
};
use proto_events::envelope::AccountRef;
use proto_events::queries::ClaimedAlbum;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::{Problem, resolve, unwritten};
use crate::queries;
use crate::sequencer::refused;
use crate::store::{self, AlbumClaimed, AlbumPutDone};

/// After an album's last photo: Telegram sends its photos within a second, each as an update of its own.
const ALBUM_WAIT_US: i64 = 1_200_000;
/// For dealing with one: a few commands and a message.
const ALBUM_LEASE_US: i64 = 20_000_000;

fn nobody() -> Problem {
    Problem::Refused(refused("account_not_found", "nobody has this account"))
}

pub(super) async fn update(
    pool: &PgPool,
    who: AccountRef,
    update: &ProfileUpdate,
    now: i64,
) -> Result<Value, Problem> {
    let account = resolve(pool, who).await?;
    let known = store::update_profile(pool, account, update, now).await?;
    known.then_some(Value::Null).ok_or_else(nobody)
}

pub(super) async fn reach(
    pool: &PgPool,
    who: AccountRef,
    reachable: bool,
    now: i64,
) -> Result<Value, Problem> {
    let account = resolve(pool, who).await?;
    let known = store::set_reach(pool, account, reachable, now).await?;
    known.then_some(Value::Null).ok_or_else(nobody)
}

pub(super) async fn put_references(
    pool: &PgPool,
    who: AccountRef,
    put: &ReferencesPut,
) -> Result<Value, Problem> {
    let account = resolve(pool, who).await?;
    match store::put_references(pool, account, &put.photos).await? {
        store::ReferencesPut::Kept => kept(pool, account).await,
        store::ReferencesPut::TooMany { kept } => {
            let why = format!("at most {REFERENCES_MAX} photos are kept; {kept} are");
            let mut refusal = refused("too_many_references", why);
            refusal.details = json!({"max": REFERENCES_MAX, "kept": kept});
            Err(Problem::Refused(refusal))
        }
        store::ReferencesPut::Gone => Err(nobody()),
    }
}

pub(super) async fn remove_references(
    pool: &PgPool,
    who: AccountRef,
    remove: &ReferencesRemove,
) -> Result<Value, Problem> {
    let account = resolve(pool, who).await?;
    store::remove_references(pool, account, remove.unique_id.as_deref()).await?;
    kept(pool, account).await
}

async fn kept(pool: &PgPool, account: AccountId) -> Result<Value, Problem> {
    let view = queries::references(pool, account).await?;
    serde_json::to_value(view).map_err(unwritten)
}

pub(super) async fn put_album(
    pool: &PgPool,
    who: AccountRef,
    put: AlbumPut,
    now: i64,
) -> Result<Value, Problem> {
    let account = resolve(pool, who).await?;
    let invalid = |why| Err(Problem::Refused(refused("invalid", why)));
    match store::put_album(pool, account, put, now + ALBUM_WAIT_US).await? {
        AlbumPutDone::Kept => Ok(Value::Null),
        AlbumPutDone::Gone => Err(nobody()),
        AlbumPutDone::Anothers => invalid("this album is another person's"),
        AlbumPutDone::Full => invalid("an album has ten photos at most"),
    }
}

pub(super) async fn claim_album(pool: &PgPool, claim: &AlbumClaim, now: i64) -> Result<Value, Problem> {
    let held = |code, why: &str, until: i64| {
        let mut refusal = refused(code, why);
        refusal.details = json!({"until": until});
        Err(Problem::Refused(refusal))
    };
    let done = || Err(Problem::Refused(refused("album_done", "it was dealt with, or never came")));
    let album = (claim.chat, claim.group.as_str());
    match store::claim_album(pool, album, &claim.claimant, ALBUM_LEASE_US, now).await? {
        AlbumClaimed::Yours { account, lease_until, parts } => {
            let Some(telegram_user) = store::people_of_accounts(pool, &[account]).await?.remove(&account)
            else {
                return done();
            };
            let lease_until = lease_until.try_into().unwrap_or_default();
            let claimed = ClaimedAlbum { account, telegram_user, parts, lease_until };
            serde_json::to_value(claimed).map_err(unwritten)
        }
        AlbumClaimed::Held { until } => held("album_held", "another instance deals with it", until),
        AlbumClaimed::Coming { until } => held("album_coming", "more photos of it may come", until),
        AlbumClaimed::Done => done(),
    }
}

pub(super) async fn finish_album(pool: &PgPool, done: &AlbumDone, now: i64) -> Result<Value, Problem> {
    let album = (done.chat, done.group.as_str());
    let closed = store::finish_album(pool, album, &done.claimant, now).await?;
    Ok(json!({"closed": closed}))
}

pub(super) async fn keep_wish(
    pool: &PgPool,
    who: AccountRef,
    wish: &WishKeep,
    now: i64,
) -> Result<Value, Problem> {
    let account = resolve(pool, who).await?;
    let request = wish.request.as_ref().map(serde_json::to_string).transpose().map_err(unwritten)?;
    let known = store::keep_wish(pool, account, request.as_deref(), now).await?;
    known.then_some(Value::Null).ok_or_else(nobody)
}

pub(super) async fn note_support(
    pool: &PgPool,
    who: AccountRef,
    note: SupportNote,
    now: i64,
) -> Result<Value, Problem> {
    let account = resolve(pool, who).await?;
    let known = store::put_support_note(pool, account, (note.chat, note.message), now).await?;
    known.then_some(Value::Null).ok_or_else(nobody)
}
