//! Money in Telegram: Stars, invoices with a provider's token, ways to pay; judged by the vendors' books.

mod back;
mod book;
mod checkout;
mod deaths;
mod polling;
mod provider;
mod stars;
mod ways;
