//! Postgres: the only place with SQL that writes (beside `projections`).
//!
//! A session works under the role `plantain_ledger`, which may only INSERT into and SELECT from
//! `events`. The tables belong to `plantain_owner`, which cannot log in.

mod albums;
mod api_tokens;
mod append;
mod broadcasts;
mod catalog_draft;
mod composite;
mod contents;
mod follow_ups;
mod head;
mod incidents;
mod lent;
mod letters;
mod lookup;
mod migrate;
mod payments;
mod people;
mod pictures;
mod pool;
mod proposals;
mod republish;
mod searches;
mod services;
pub mod side;
mod snapshots;
mod staff;
mod stuck;
mod tellings;
mod totp;
mod verifications;
mod work;

pub use albums::*;
pub use api_tokens::*;
pub use append::{AppendError, Batch, NaturalKey, Resolved, Writer, resolve};
pub use broadcasts::*;
pub use catalog_draft::*;
pub use contents::*;
pub use follow_ups::{
    ErasedMedia, ErasedSubject, MediaKind, delete_content, delete_kept, doom_sessions, erased_media,
    followed_through, media_is_erased, set_followed_through,
};
pub use head::{Head, JUMP_US, LEASE_US, PAUSE_US, beat, head, incarnation, release, take_over};
pub use incidents::*;
pub use lent::{Lent, Transaction, begin, lend};
pub use letters::*;
pub use lookup::{
    BUCKET_BITS, CATALOG_PUBLISHED, FirstAnswer, Thing, account_keys, accounts_of_people, catalog_of,
    columns_of, command_ids, event_at, events_about, events_before, events_of_accounts, events_of_keys,
    events_of_type, first_answers, kept, leases, natural_keys_after, newest_event, newest_of_type,
    owners_of_keys, people_of_accounts, times_of, workers_of,
};
pub use migrate::{MigrateError, Outgrown, may_be_outgrown, migrate, outgrown};
pub use payments::*;
pub use people::*;
pub use pictures::*;
pub use pool::{
    BY_KEYS, OWNER_ROLE, PAGES_NAME, SERVICE_ROLE, answered, connect, connect_pages, connect_patient,
    connect_relaxed, connect_serving, take_time,
};
pub use proposals::*;
pub use republish::{
    Republish, ask_republish, done_through, is_republish_done, last_republish, open_republish,
    republish_done, rewind_consumers,
};
pub use searches::*;
pub use services::*;
pub use side::Side;
pub use snapshots::{Snapshot, reset_snapshots, snapshots_of, snapshots_through, write_snapshots};
pub use staff::*;
pub use stuck::*;
pub use tellings::*;
pub use totp::*;
pub use verifications::*;
pub use work::*;
