//! Who the bot is: whether a message in a group is for it can be told only by that.

use std::sync::{Arc, OnceLock};

/// A handle, cheap to clone.
#[derive(Debug, Clone)]
pub struct Us {
    id: i64,
    username: Arc<OnceLock<String>>,
}

impl Us {
    /// `id` is the number before the colon of the token.
    pub fn new(id: i64) -> Self {
        Self { id, username: Arc::default() }
    }

    /// The bot's name without the @, once Telegram has told it. It stays until the next start.
    pub fn is_called(&self, username: String) {
        let _ = self.username.set(username);
    }

    pub const fn id(&self) -> i64 {
        self.id
    }

    /// `None` until Telegram has told it.
    pub fn username(&self) -> Option<&str> {
        self.username.get().map(String::as_str)
    }
}
