//! What can be set from outside.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use crate::gemini::limits::GeminiLimits;

/// Everything that can be configured; [`Default`] suits tests.
#[derive(Debug, Clone)]
pub struct Options {
    /// The address people's browsers reach the sandbox by; by default the listener's own.
    pub public_url: Option<String>,
    /// How much faster than real time deadlines, redelivery and expiry pass.
    pub clock_speed: f64,
    /// Where state is kept across restarts; memory only when absent.
    pub state_file: Option<PathBuf>,
    /// Where YooKassa's notifications go; none are sent when absent.
    pub yookassa_notify_url: Option<String>,
    /// Dates shown follow the sandbox's clock, so that a pushed clock makes other days' books.
    pub dates_follow_clock: bool,
    /// The shop whose money Telegram's provider tokens bring.
    pub yookassa_shop_id: String,
    /// The only bot token accepted; by default any of the right shape.
    pub telegram_token: Option<String>,
    /// The bot's name without `@`.
    pub telegram_username: String,
    pub flood: FloodLimits,
    /// In groups the bot hears only what is meant for it; as BotFather's /setprivacy says.
    pub group_privacy: bool,
    /// How long Gemini thinks, in real milliseconds.
    pub gemini_latency_ms: u64,
    /// Gemini's quotas for each key and model.
    pub gemini_limits: GeminiLimits,
    /// Gemini paints a picture of each size once, as heavy as a real one, and answers with it.
    pub gemini_prepainted: bool,
    /// A folder that gets a file of all arrivals.
    pub arrivals_dir: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            public_url: None,
            clock_speed: 1.0,
            state_file: None,
            yookassa_notify_url: None,
            dates_follow_clock: false,
            yookassa_shop_id: "100500".to_owned(),
            telegram_token: None,
            telegram_username: "plantain_sandbox_bot".to_owned(),
            flood: FloodLimits::default(),
            group_privacy: false,
            gemini_latency_ms: 0,
            gemini_limits: GeminiLimits::default(),
            gemini_prepainted: false,
            arrivals_dir: None,
        }
    }
}

/// Telegram's flood control, counting messages, edits and actions; drafts apart.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FloodLimits {
    /// Nothing is counted: for benches.
    pub off: bool,
    pub per_chat_per_second: f64,
    pub per_chat_burst: f64,
    /// Besides, in a group.
    pub per_group_per_minute: f64,
    /// Drafts to one chat: a guess, Telegram says nothing of them.
    pub drafts_per_second: f64,
    pub drafts_burst: f64,
    pub overall_per_second: f64,
    pub overall_burst: f64,
}

impl Default for FloodLimits {
    fn default() -> Self {
        Self {
            off: false,
            per_chat_per_second: 1.0,
            per_chat_burst: 10.0,
            per_group_per_minute: 20.0,
            drafts_per_second: 3.0,
            drafts_burst: 10.0,
            overall_per_second: 30.0,
            overall_burst: 30.0,
        }
    }
}
