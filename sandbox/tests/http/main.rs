//! The sandbox over real HTTP: is it as strict as the vendors, and does it fail as asked?

mod content;
mod edits;
mod faults;
mod gemini;
mod gemini_answers;
mod gemini_quotas;
mod groups;
mod payment_faults;
mod payments;
mod people;
mod provider;
mod receipts;
mod registry;
mod relay;
mod state;
mod support;
mod telegram;
mod webhook;
mod yookassa;
