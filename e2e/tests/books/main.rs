//! What finance reads: each projection against an answer computed another way, books of any position
//! against the fold of the log up to it, exports against the trial balance. `PLANTAIN_SEED` repeats a
//! history.

mod as_of;
mod cli;
mod exports;
mod folds;
mod office;
