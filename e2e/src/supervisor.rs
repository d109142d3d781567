//! Starts a service again when it dies, as a service manager would.

use std::time::Instant;

use crate::stage::{PATIENCE, Role, Stage};

/// Watches `role` until it runs and `done`, starting it again with `extra` whenever it has died;
/// answers how often that was. `done` is told how often it has been so far.
pub fn watch(
    stage: &mut Stage,
    role: Role,
    extra: &[(&str, &str)],
    what: &str,
    mut done: impl FnMut(u32) -> bool,
) -> u32 {
    let end = Instant::now() + PATIENCE;
    let mut deaths = 0;
    while !done(deaths) {
        assert!(Instant::now() < end, "waited {PATIENCE:?} for {what}; logs in {}", stage.dir().display());
        if !stage.is_running(role) {
            deaths += 1;
            stage.spawn(role, extra).unwrap_or_else(|error| panic!("{role:?} should start again: {error:?}"));
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    deaths
}
