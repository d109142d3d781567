//! The console: pages for finance, operators and administrators, served by each ledger, whether it leads or stands by.
//!
//! A request's way, and there is only this one: `door` (is it from our own page, who is it, may they) → a `view`, which reads
//! projections and side tables, or an act, which is sent to whichever ledger leads → `page` (the frame around it), or `api`
//! (the same as JSON).
//! Nothing is kept in the process but how often somebody tried to sign in (`attempts`), and how fast requests come (`pace`).

mod act;
mod acts;
mod api;
mod aside;
mod asked;
mod assets;
mod attempts;
mod books;
mod cases;
mod days;
mod door;
mod first;
mod form;
mod home;
mod known;
mod lang;
mod log;
mod me;
mod ops;
mod pace;
mod page;
mod password;
mod payment;
mod people;
mod proposals;
mod reconciliation;
mod requests;
mod second;
mod session;
mod sessions;
mod shop;
mod sign_in;
mod staff;
mod statistics;
mod table;
mod taken;
mod telegram_html;
#[cfg(test)]
mod tests;
mod today;
mod totp;
mod view;

use std::sync::Arc;

use axum::Router;
use proto_events::Producer;
use service::client::Hops;
use service::ledger::Ledger;
use sqlx::PgPool;
use tokio::sync::Semaphore;

use crate::projections::Bench;
use attempts::Attempts;
use door::Door;
use lang::Texts;
use pace::Pace;

pub use act::{NEEDS_APPROVAL, put_aside};
pub use door::{Need, Room};
pub use first::{BadPassword, check as check_first_password, let_in as let_first_in};
pub(crate) use ops::LEADS;
pub use password::{PASSWORD_CHARS_MIN, hash as hash_password};
pub use second::TOTP_RESET;

/// What the console works with.
pub struct Means {
    /// Of pages alone.
    pub pool: PgPool,
    pub nats: async_nats::Client,
    /// The account MEDIA.
    pub media: async_nats::Client,
    pub bench: Bench,
    pub hops: Hops,
}

/// What pages share.
pub struct Console {
    pool: PgPool,
    nats: async_nats::Client,
    media: async_nats::Client,
    /// Whichever leads, asked as the console.
    ledger: Ledger,
    /// For works on projections that outlive a page.
    bench: Bench,
    attempts: Attempts,
    pace: Pace,
    /// Proxies of ours before it.
    hops: Hops,
    texts: Texts,
    /// Of the log, that may be read at once.
    streams: Arc<Semaphore>,
    /// That may be made at once: each reads the log from end to end.
    exports: Arc<Semaphore>,
}

const STREAMS_MAX: usize = 16;
const EXPORTS_MAX: usize = 2;

impl Console {
    /// # Errors
    /// The texts are broken; a test reads them.
    pub fn new(means: Means) -> anyhow::Result<Arc<Self>> {
        let Means { pool, nats, media, bench, hops } = means;
        let ledger = Ledger::new(nats.clone(), Producer::Console);
        let (attempts, pace, texts) = (Attempts::default(), Pace::default(), Texts::read()?);
        let [streams, exports] = [STREAMS_MAX, EXPORTS_MAX].map(|max| Arc::new(Semaphore::new(max)));
        Ok(Arc::new(Self { pool, nats, media, ledger, bench, attempts, pace, hops, texts, streams, exports }))
    }
}

/// All pages.
pub fn router(console: Arc<Console>) -> Router {
    door(&console).open(console)
}

/// Every page with who may see it, for whoever wants to walk them all.
pub fn rooms(console: &Arc<Console>) -> Vec<Room> {
    door(console).rooms()
}

fn door(console: &Arc<Console>) -> Door {
    let mut door = Door::new(console);
    assets::rooms(&mut door);
    sign_in::rooms(&mut door);
    me::rooms(&mut door);
    sessions::rooms(&mut door);
    second::rooms(&mut door);
    home::rooms(&mut door);
    books::rooms(&mut door);
    statistics::rooms(&mut door);
    payment::rooms(&mut door);
    cases::rooms(&mut door);
    reconciliation::rooms(&mut door);
    log::rooms(&mut door);
    people::rooms(&mut door);
    requests::rooms(&mut door);
    shop::rooms(&mut door);
    aside::rooms(&mut door);
    acts::rooms(&mut door);
    staff::rooms(&mut door);
    ops::rooms(&mut door);
    proposals::rooms(&mut door);
    api::rooms(&mut door);
    door
}
