//! Who is signed in: a random token in a cookie, known here by its SHA-256 alone.

use axum::http::{HeaderMap, HeaderValue, header};
use sha2::{Digest as _, Sha256};
use sqlx::PgPool;
use uuid::Uuid;

use super::lang::Lang;
use crate::store::{self, Session};

/// Only over TLS or to this machine, only for the whole host, unread by scripts.
const COOKIE: &str = "__Host-session";
/// What `console.js` says of its looks.
const LIVE: &str = "x-live";
const MINUTE_US: i64 = 60_000_000;
/// Without a look at any page.
const IDLE_US: i64 = 30 * MINUTE_US;
/// However busy.
const LIFE_US: i64 = 12 * 60 * MINUTE_US;
/// Since the password was given last, for acts that move money or say who signs in.
const PROVEN_US: i64 = 10 * MINUTE_US;

/// Who asks for a page, as the door has found.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    pub(super) session: Option<Session>,
    pub(super) lang: Lang,
    pub(super) path: String,
}

pub(super) type Token = [u8; 32];

/// Of whoever has this cookie. `None`: nobody, or it is over.
pub(super) async fn of(pool: &PgPool, headers: &HeaderMap) -> Result<Option<Session>, sqlx::Error> {
    let Some(hash) = token_hash(headers) else { return Ok(None) };
    // A page that fetches itself again is no sign of somebody in front of it.
    let is_seen = !headers.contains_key(LIVE);
    store::session(pool, &hash, IDLE_US, LIFE_US, is_seen).await
}

pub(super) const fn is_proven(session: &Session) -> bool {
    session.proven_us_ago < PROVEN_US
}

/// A new session of somebody whose password was right; its cookie. `None`: the password is another by now.
pub(super) async fn begin(
    pool: &PgPool,
    name: &str,
    password_hash: &str,
) -> Result<Option<HeaderValue>, sqlx::Error> {
    let token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let begun = store::begin_session(pool, &hash(&token), name, password_hash, IDLE_US).await?;
    Ok(begun.then(|| cookie(&token, LIFE_US / 1_000_000)).flatten())
}

/// Ends the session, if there is one; what takes the cookie away.
pub(super) async fn end(pool: &PgPool, headers: &HeaderMap) -> Result<Option<HeaderValue>, sqlx::Error> {
    if let Some(hash) = token_hash(headers) {
        store::end_session(pool, &hash).await?;
    }
    Ok(cookie("", 0))
}

fn cookie(token: &str, seconds: i64) -> Option<HeaderValue> {
    let cookie = format!("{COOKIE}={token}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Strict");
    HeaderValue::from_str(&cookie).ok()
}

pub(super) fn token_hash(headers: &HeaderMap) -> Option<Token> {
    read_cookie(headers, COOKIE).filter(|token| !token.is_empty()).map(hash)
}

fn hash(token: &str) -> Token {
    Sha256::digest(token.as_bytes()).into()
}

pub(super) fn read_cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    all.flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}
