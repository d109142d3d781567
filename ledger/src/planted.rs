//! Known bugs, to show that the tests would catch them. Only with the feature `planted-bugs`, which
//! nothing but those tests switches on; without it nothing of this is compiled.
//!
//! `LEDGER_PLANTED` names the bug of this process.

use std::sync::LazyLock;
use std::time::Duration;

/// No command is looked up by its id before it is decided.
pub const NO_DEDUPE: &str = "no_dedupe";
/// Replies leave when a batch takes off, not when it is in the log.
pub const REPLY_BEFORE_COMMIT: &str = "reply_before_commit";

/// So long a batch stays in the air after its replies: as on a slow disk, every time.
pub(crate) const IN_THE_AIR: Duration = Duration::from_millis(50);

static PLANTED: LazyLock<String> = LazyLock::new(|| std::env::var("LEDGER_PLANTED").unwrap_or_default());

pub(crate) fn is(bug: &str) -> bool {
    *PLANTED == bug
}
