//! The client and the shelf against the sandbox's Gemini over HTTP and a real nats-server.

mod cases;
mod edits;
mod keys;
mod outcomes;
mod pictures;
mod pixels;
mod store;
mod words;
mod world;
