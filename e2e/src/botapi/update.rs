//! The other direction: what the sandbox tells the bot, as the Bot API would.

use frankenstein::updates::Update;
use serde_json::Value;

use super::round;

/// What is wrong with an update. What people bent on purpose (`raw`) is found here too.
pub fn judge_update(update: &Value) -> Vec<String> {
    round::<Update>(update)
}
