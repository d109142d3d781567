//! The core, from outside: given events, when a command, then events or a refusal.
