//! The wire of Plantain: what services say to each other and what the log holds.
//!
//! Follows `docs/EVENTS.md`. Ids, amounts and texts are types that refuse bad values when they
//! are decoded, so that whoever holds one need not look again. JSON schemas are generated from
//! these types ([`schema`]) and committed under `schemas/`.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]

pub mod amounts;
pub mod authority;
pub mod canonical;
pub mod catalog;
pub mod commands;
pub mod envelope;
pub mod events;
pub mod ids;
pub mod media;
pub mod queries;
pub mod schema;
pub mod subjects;
pub mod text;

pub use amounts::{Credits, Currency, Days, MicroUsd, Micros, Money, SomeCredits, SomeMoney};
pub use authority::{Producer, Provider, Rail};
pub use envelope::{Answer, Ask, CommandEnvelope, PublishedEvent, Query, QueryReply, Refused, Reply};
pub use events::Event;
pub use ids::{
    AccountId, Attempt, CommandId, GenerationId, LotId, PaymentId, Position, RefundId, ReservationId,
};
pub use text::Text;
