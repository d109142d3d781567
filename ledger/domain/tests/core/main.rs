//! The core from outside: given what happened, when a command comes, then events or a refusal.

mod auditor;
mod books;
mod catalogs;
mod debts;
mod deliveries;
mod lots;
mod model;
mod opening;
mod precedence;
mod random;
mod requests;
mod steps;
mod topups;
mod work;
mod world;
