//! The core from outside: given what happened, when a command comes, then events or a refusal.

mod books;
mod catalogs;
mod debts;
mod deliveries;
mod erasure;
mod four_eyes;
mod grants;
mod lots;
mod opening;
mod operations;
mod precedence;
mod precedence_money;
mod quarantine;
mod referrals;
mod refunds;
mod requests;
mod topups;
mod work;
mod world;
