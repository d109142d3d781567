//! The machine under the system: Postgres and nats-server, found or installed, as private instances.
//!
//! What it promises: nothing here touches an instance, a port or a file that it did not make. Ports are
//! leased between processes ([`ports`]), every child is started from one thread that never ends and dies
//! with us where the system can do that ([`process`]), and Postgres never runs as root ([`postgres`]).
//!
//! Synchronous on purpose: `cargo xtask` is the first thing compiled on a fresh machine, so it carries no
//! async runtime. From async tests call it through `spawn_blocking`, or just before the work starts.

pub mod http;
pub mod install;
pub mod keys;
pub mod nats;
pub mod paths;
pub mod ports;
pub mod postgres;
pub mod process;
mod scratch;

/// In the environment of tests: the folder of the programs that they start.
pub const PROGRAMS_DIR: &str = "PLANTAIN_TEST_PROGRAMS";

pub use install::ensure;
pub use keys::Keys;
pub use nats::{Nats, NatsOptions};
pub use nix::sys::signal::Signal;
pub use ports::{PortLease, lease_port};
pub use postgres::{LOG_SETTINGS, Postgres, PostgresOptions, Stop};
pub use process::{Plan, Process};
pub use scratch::Scratch;
