//! The stage on which the whole system is tested: a real Postgres, a real nats-server, the real
//! services as processes, the vendors' stand-ins. Nothing is shared between tests.

pub mod bench;
pub mod booth;
pub mod botapi;
pub mod browser;
pub mod bulk;
pub mod crowd;
pub mod deeds;
pub mod dice;
pub mod disk;
pub mod hearing;
pub mod history;
pub mod judge;
pub mod leaders;
pub mod money;
pub mod pages;
pub mod people;
pub mod proxy;
pub mod raw;
pub mod rivals;
pub mod round;
pub mod shop;
pub mod stage;
pub mod studio;
pub mod supervisor;
pub mod witness;

pub use stage::{Role, Stage};
