//! A person at the chat page, in a real Chromium.
//!
//! Chromium is driven by its own protocol over a pipe (`--remote-debugging-pipe`): no driver, no crate, no port. What
//! is clicked is clicked by the mouse at a place on the screen, so that a button under something else, or outside of
//! the window, can't be pressed.

mod page;
mod pipe;

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use serde_json::json;
use xtask::machine::Scratch;

pub use page::Page;
use pipe::Pipe;

/// The window, as people have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    Wide,
    Phone,
}

impl Screen {
    pub const ALL: [Self; 2] = [Self::Wide, Self::Phone];

    /// Width and height in CSS pixels.
    pub fn size(self) -> (u32, u32) {
        match self {
            Self::Wide => (1440, 900),
            Self::Phone => (390, 844),
        }
    }
}

/// A browser of its own; gone on drop.
pub struct Browser {
    pipe: Arc<Pipe>,
    shots: PathBuf,
    // Dropped last: it is Chromium's folder.
    _profile: Scratch,
}

impl Browser {
    /// `shots`: the folder's name, under which screenshots are kept: in `PICTURES`, else in `target/screenshots`.
    ///
    /// # Errors
    /// Chromium is neither here nor can be installed, or does not start.
    pub fn start(shots: &str) -> Result<Self> {
        let program = xtask::machine::install::chromium::find_or_install()?;
        let profile = Scratch::new("browser")?;
        let pipe = Arc::new(Pipe::start(&program, profile.path())?);
        let root = xtask::machine::paths::root();
        let kept = std::env::var_os("PICTURES").map_or_else(|| "target/screenshots".into(), PathBuf::from);
        let shots = root.join(kept).join(shots);
        std::fs::create_dir_all(&shots).with_context(|| format!("cannot make {}", shots.display()))?;
        // Past the test harness, which would keep it to itself.
        writeln!(std::io::stderr(), "screenshots: {}", shots.display())?;
        Ok(Self { pipe, shots, _profile: profile })
    }

    /// A window nobody has used: no cookies, nothing remembered.
    ///
    /// # Errors
    /// Chromium broke off.
    pub fn open(&self, screen: Screen) -> Result<Page> {
        let context = self.pipe.call("", "Target.createBrowserContext", &json!({}))?;
        let target = json!({"url": "about:blank", "browserContextId": context["browserContextId"]});
        let target = self.pipe.call("", "Target.createTarget", &target)?;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let attached = self.pipe.call("", "Target.attachToTarget", &attach)?;
        let session = attached["sessionId"].as_str().context("a session has an id")?.to_owned();
        Page::new(self.pipe.clone(), session, screen, self.shots.clone())
    }
}
