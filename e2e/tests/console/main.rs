//! The console as people use it: who comes in, who does not, and what they do there.

mod books;
mod desk;
mod door;
mod faces;
mod log;
mod staff;
