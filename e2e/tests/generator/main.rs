//! Everything that a call to Gemini can come to: what the person is charged and told, what it cost, what is on record.

mod edits;
mod jobs;
mod keys;
mod outcomes;
mod words;
