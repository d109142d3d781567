//! `cargo xtask`: the system on one machine, with one command.
//!
//! # For tests
//! [`machine`] gives a test real servers of its own; nothing is shared with a running `up` or another test
//! process, and everything is gone on drop, or when the process dies:
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! use xtask::machine::{Nats, Plan, Postgres, Process, Signal, Stop, lease_port, paths};
//!
//! let mut postgres = Postgres::start_temporary()?; // found or installed; fsync off; about 1.5 s
//! postgres.create_database("one_test")?;
//! let url = postgres.url("one_test"); // as superuser; url_as(user, password, database) for others
//! assert_eq!(postgres.query("one_test", "SELECT 1")?, "1"); // through psql_path()
//! postgres.stop(Stop::Kill)?; // or Fast, Immediate
//! postgres.restart()?; // the same port and data
//!
//! let mut nats = Nats::start_temporary(&paths::root().join("nats.conf"), &[])?; // env is added to the keys'
//! let (address, seed) = (nats.url(), nats.seed_file("telegram"));
//! nats.kill9();
//! nats.restart()?; // the same ports and store
//! nats.wipe_store()?; // SIGKILL, store deleted, started again
//!
//! let port = lease_port()?; // nobody else's while this lives, for a service under test
//! let service = Plan::new("ledger", "target/debug/ledger", "ledger.log")
//!     .args(["serve", "--migrate"])
//!     .envs([("DATABASE_URL".into(), url), ("NATS_URL".into(), address), ("PORT".into(), port.port().to_string())]);
//! let mut service = Process::start(service)?; // own process group, dies with us; killed on drop
//! service.signal(Signal::SIGSTOP);
//! service.kill9();
//! # Ok(()) }
//! ```
//! All of it is synchronous: in async tests start things before the runtime works, or in `spawn_blocking`.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]
#![allow(clippy::print_stdout)]

pub mod bench;
pub mod chaos;
pub mod check;
pub mod conformance;
pub mod demo;
pub mod dotenv;
pub mod machine;
pub mod settings;
pub mod test;
pub mod up;
pub mod words;
