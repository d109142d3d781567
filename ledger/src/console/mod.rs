//! The console: pages for finance, operators and administrators, served by each ledger, whether it leads or stands by.
//!
//! A request's way, and there is only this one: `door` (is it from our own page, who is it, may they) → a `view`, which reads
//! projections and side tables, or an act, which is sent to whichever ledger leads → `page` (the frame around it), or `api`
//! (the same as JSON).
//! Nothing is kept in the process but how often somebody tried to sign in (`attempts`).

mod act;
mod acts;
mod api;
mod asked;
mod assets;
mod attempts;
mod books;
mod cases;
mod door;
mod first;
mod form;
mod home;
mod lang;
mod log;
mod me;
mod openapi;
mod page;
mod password;
mod payment;
mod reconciliation;
mod session;
mod sign_in;
mod staff;
mod table;
#[cfg(test)]
mod tests;
mod view;

use std::sync::Arc;

use axum::Router;
use proto_events::Producer;
use service::ledger::Ledger;
use sqlx::PgPool;

use attempts::Attempts;
use door::Door;
use lang::Texts;

pub use door::{Need, Room};
pub use first::{BadPassword, check as check_first_password, let_in as let_first_in};
pub use password::{PASSWORD_CHARS_MIN, hash as hash_password};

/// What pages share.
pub struct Console {
    pool: PgPool,
    /// Whichever leads, asked as the console.
    ledger: Ledger,
    attempts: Attempts,
    texts: Texts,
}

impl Console {
    /// # Errors
    /// The texts are broken; a test reads them.
    pub fn new(pool: PgPool, nats: async_nats::Client) -> anyhow::Result<Arc<Self>> {
        let ledger = Ledger::new(nats, Producer::Console);
        Ok(Arc::new(Self { pool, ledger, attempts: Attempts::default(), texts: Texts::read()? }))
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
    home::rooms(&mut door);
    books::rooms(&mut door);
    payment::rooms(&mut door);
    cases::rooms(&mut door);
    reconciliation::rooms(&mut door);
    log::rooms(&mut door);
    acts::rooms(&mut door);
    staff::rooms(&mut door);
    openapi::rooms(&mut door);
    door
}
