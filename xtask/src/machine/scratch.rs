//! Temporary folders of tests: removed on drop, and swept later if their process died hard.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use anyhow::{Context, Result};

use super::{
    postgres::can_enter,
    process::{self, Account},
};

/// A folder whose name holds the pid of its owner: `plantain-<pid>-<n>-<what>`.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

static NEXT: AtomicU32 = AtomicU32::new(0);

impl Scratch {
    pub fn new(what: &str) -> Result<Self> {
        Self::within(&std::env::temp_dir(), what)
    }

    /// A folder in a place that `user` can reach, for servers that do not run as we do.
    pub fn reachable(what: &str, user: Option<Account>) -> Result<Self> {
        let places = [std::env::temp_dir(), "/tmp".into(), "/var/tmp".into()];
        let place =
            places.iter().find(|place| can_enter(user, place)).context("no folder for temporary files")?;
        Self::within(place, what)
    }

    /// A folder in this one.
    pub fn within(base: &Path, what: &str) -> Result<Self> {
        sweep(base);
        let name = format!("plantain-{}-{}-{what}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = base.join(name);
        std::fs::create_dir(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self { path })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A folder left behind is swept by a later run.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Removes the folders of processes that are gone. A folder of another user stays, quietly.
fn sweep(base: &Path) {
    let Ok(entries) = std::fs::read_dir(base) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(rest) = name.to_str().and_then(|n| n.strip_prefix("plantain-")) else { continue };
        let Some(pid) = rest.split('-').next().and_then(|p| p.parse::<u32>().ok()) else { continue };
        if pid != std::process::id() && process::born(pid).is_none() {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_process_folder_is_swept_and_a_living_one_stays() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let dead = std::env::temp_dir().join(format!("plantain-{}-0-dead", child.id()));
        child.wait().unwrap();
        std::fs::create_dir_all(&dead).unwrap();
        let alive = Scratch::new("alive").unwrap();
        let other = Scratch::new("other").unwrap();
        assert!(!dead.exists());
        assert!(alive.path().exists() && other.path().exists());
    }
}
