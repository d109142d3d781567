//! Who is signed in: a random token in a cookie, known here by its SHA-256 alone.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderValue, header};
use sha2::{Digest as _, Sha256};
use sqlx::PgPool;
use uuid::Uuid;

use super::lang::Lang;
use crate::store::{self, Origin, Seen, Session};

/// Only over TLS or to this machine, only for the whole host, unread by scripts.
const COOKIE: &str = "__Host-session";
/// What `console.js` says of its looks.
pub(super) const LIVE: &str = "x-live";
/// Between the password and the code.
const HALF_COOKIE: &str = "__Host-sign-in";
const MINUTE_US: i64 = 60_000_000;
/// Without a look at any page.
const IDLE_US: i64 = 30 * MINUTE_US;
/// However busy.
const LIFE_US: i64 = 12 * 60 * MINUTE_US;
/// Since the password was given last, for acts that move money or say who signs in.
const PROVEN_US: i64 = 10 * MINUTE_US;

/// From the password to the code.
const HALF_US: i64 = 5 * MINUTE_US;
const HALF_TRIES: i16 = 5;
/// Of what a browser says of itself.
const BROWSER_CHARS_MAX: usize = 200;

/// Who asks for a page, as the door has found.
#[derive(Debug, Clone)]
pub(super) struct Visitor {
    pub(super) session: Option<Session>,
    pub(super) lang: Lang,
    pub(super) path: String,
    pub(super) address: IpAddr,
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

/// A new session of somebody whose password was right, and whose code if there is one; its cookie. `None`: the password is
/// another by now, or a code is asked for since.
pub(super) async fn begin(
    pool: &PgPool,
    name: &str,
    password_hash: &str,
    coded: bool,
    from: &Origin,
) -> Result<Option<HeaderValue>, sqlx::Error> {
    let token = new_token();
    let begun = store::begin_session(pool, &hash(&token), name, password_hash, coded, from, IDLE_US).await?;
    Ok(begun.then(|| cookie(COOKIE, &token, LIFE_US / 1_000_000)).flatten())
}

/// From where somebody signs in, to tell their sessions apart by.
pub(super) fn origin(visitor: &Visitor, headers: &HeaderMap) -> Origin {
    let browser = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Origin {
        address: visitor.address.to_string(),
        browser: browser.chars().take(BROWSER_CHARS_MAX).collect(),
    }
}

/// Those of somebody that go on.
pub(super) async fn all(pool: &PgPool, name: &str) -> Result<Vec<Seen>, sqlx::Error> {
    store::sessions(pool, name, IDLE_US, LIFE_US).await
}

/// Ends the session, if there is one; what takes the cookie away.
pub(super) async fn end(pool: &PgPool, headers: &HeaderMap) -> Result<Option<HeaderValue>, sqlx::Error> {
    if let Some(hash) = token_hash(headers) {
        store::end_session(pool, &hash).await?;
    }
    Ok(cookie(COOKIE, "", 0))
}

/// The password was right, and a code is to follow; its cookie opens no page.
pub(super) async fn begin_half(
    pool: &PgPool,
    name: &str,
    password_hash: &str,
) -> Result<Option<HeaderValue>, sqlx::Error> {
    let token = new_token();
    store::begin_sign_in(pool, &hash(&token), name, password_hash, HALF_US).await?;
    Ok(cookie(HALF_COOKIE, &token, HALF_US / 1_000_000))
}

/// Whoever is half signed in, with what their password was checked against; one of their tries.
pub(super) async fn half(
    pool: &PgPool,
    headers: &HeaderMap,
) -> Result<Option<(String, String)>, sqlx::Error> {
    let Some(hash) = half_hash(headers) else { return Ok(None) };
    store::try_sign_in(pool, &hash, HALF_US, HALF_TRIES).await
}

pub(super) async fn end_half(pool: &PgPool, headers: &HeaderMap) -> Result<Option<HeaderValue>, sqlx::Error> {
    if let Some(hash) = half_hash(headers) {
        store::end_sign_in(pool, &hash).await?;
    }
    Ok(cookie(HALF_COOKIE, "", 0))
}

fn half_hash(headers: &HeaderMap) -> Option<Token> {
    read_cookie(headers, HALF_COOKIE).filter(|token| !token.is_empty()).map(hash)
}

fn new_token() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

fn cookie(name: &str, token: &str, seconds: i64) -> Option<HeaderValue> {
    let cookie = format!("{name}={token}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Strict");
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
