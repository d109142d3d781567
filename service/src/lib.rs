//! What the services share at run time, and nothing else: configuration, telemetry, NATS, the
//! ledger's client, a consumer of the event stream, a reader of objects, health pages and reports, clients behind proxies, shutdown, crash
//! points.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]

pub mod client;
pub mod config;
pub mod consumer;
#[cfg(feature = "crash-points")]
pub mod crash;
pub mod http;
pub mod ledger;
pub mod nats;
pub mod objects;
pub mod report;
pub mod shutdown;
pub mod telemetry;
