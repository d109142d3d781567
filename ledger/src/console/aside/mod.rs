//! Long work that reads the whole log runs aside, as this program's own command line: a page, its connections and its memory
//! are not touched by it, and it ends with whoever asked.

mod exports;
mod verifications;

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use super::door::Door;

pub(super) fn rooms(door: &mut Door) {
    exports::rooms(door);
    verifications::rooms(door);
}

/// `ledger ARGS`, in the same environment; killed when it is dropped.
fn ledger(args: &[&str]) -> std::io::Result<Command> {
    // Also when the file was replaced since.
    let own = Path::new("/proc/self/exe");
    let program = if own.exists() { own.to_owned() } else { std::env::current_exe()? };
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    Ok(command)
}
