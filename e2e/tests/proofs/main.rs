//! Proofs over a real log: each kind of tampering is found and named; checkpoints are kept in three places;
//! an export verifies anywhere, also by a program in another language that was written from
//! docs/PROOFS.md alone.

mod auditor;
mod exports;
mod kept;
mod newer;
mod tampering;
