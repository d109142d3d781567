//! What lets anyone check the log without believing us: the tree, its checkpoints, its proofs.
//! docs/PROOFS.md is the specification.

pub mod checkpoint;
pub mod config;
pub mod export;
pub mod guard;
pub mod keeper;
pub mod merkle;
pub mod note;
pub mod proof;
pub mod remote;
pub mod shelf;
pub mod tree;

pub use checkpoint::{BadCheckpoint, Checkpoint, SignedCheckpoint, notes_in};
pub use config::ProofsConfig;
pub use note::{BadKey, BadNote, PublicKey, SecretKey};
