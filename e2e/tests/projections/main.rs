//! Projections as operators meet them: damaged, rebuilt beside the live ones, compared, exchanged, rolled back, stopped
//! at an event, killed in the middle; always beside a ledger that people use.

mod damage;
mod deaths;
mod hall;
mod rebuilds;
mod stops;
