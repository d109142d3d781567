//! The client and the shelf against the sandbox's Gemini over HTTP and a real nats-server.

mod outcomes;
mod world;
