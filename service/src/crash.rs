//! Named crash points for tests: `CRASH_AT=name:n` kills the process when the point `name` is
//! reached for the n-th time, as kill -9 would. `CRASH_LOG` names a file that gets a line then.
//! Behind the feature `crash-points`, which release builds don't have.

use std::io::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};

/// Arms the point that the environment names.
pub fn arm() {
    let Ok(wanted) = std::env::var("CRASH_AT") else { return };
    let (name, count) = wanted.split_once(':').unwrap_or((&wanted, "1"));
    let (name, left) = (name.to_owned(), AtomicU32::new(count.parse().unwrap_or(1)));
    let point = name.clone();
    let armed = fail::cfg_callback(point, move || {
        if left.fetch_sub(1, Ordering::SeqCst) == 1 {
            note(&name);
            std::process::abort();
        }
    });
    if let Err(reason) = armed {
        tracing::error!(reason, "a crash point could not be armed");
    }
}

fn note(name: &str) {
    let Some(path) = std::env::var_os("CRASH_LOG") else { return };
    if let Ok(mut file) = std::fs::OpenOptions::new().create(true).append(true).open(path) {
        let _ = writeln!(file, "{name}");
    }
}
