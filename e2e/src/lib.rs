//! The stage on which the whole system is tested: a real Postgres, a real nats-server, the real
//! services as processes, the vendors' stand-ins. Nothing is shared between tests.

pub mod deeds;
pub mod stage;

pub use stage::{Role, Stage};
