//! The cases that hurt real shops (facts of YooKassa's API), each judged by the provider's own books in money.

mod cases;
mod deaths;
mod desk;
mod doubts;
mod judged;
mod late;
mod lists;
mod making;
mod quiet;
mod receipts;
mod refunds;
mod stuck;
mod telling;
