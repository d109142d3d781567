//! The console as people use it: who comes in, who does not, and what they do there.

mod api;
mod aside;
mod axe;
mod books;
mod broadcasts;
mod catalog;
mod desk;
mod door;
mod explain;
mod faces;
mod four_eyes;
mod hands;
mod letters;
mod log;
mod money;
mod ops;
mod people;
mod pictures;
mod pictures_by_hand;
mod requests;
mod sessions;
mod staff;
mod statistics;
mod texts;
mod totp;
mod work;
