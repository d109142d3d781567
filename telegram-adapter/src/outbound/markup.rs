//! What stands under a message: buttons, or the request to reply.

use reqwest::Url;
use teloxide::types::{ForceReply, InlineKeyboardButton, InlineKeyboardMarkup, ReplyMarkup};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Button {
    /// Comes back as a tap with this data, at most 64 bytes: see `talk::callback`.
    Tap {
        label: String,
        data: String,
    },
    Link {
        label: String,
        url: Url,
    },
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Markup {
    #[default]
    None,
    /// One button a row, as on a telephone.
    Buttons(Vec<Button>),
    /// The reply field opens with this as its hint.
    Ask(String),
}

/// Bot API: `input_field_placeholder` is 1–64 characters.
const PLACEHOLDER_CHARS_MAX: usize = 64;

impl Markup {
    pub(super) fn for_sending(&self) -> Option<ReplyMarkup> {
        match self {
            Self::None => None,
            Self::Buttons(buttons) => Some(keyboard(buttons).into()),
            Self::Ask(hint) => {
                let hint: String = hint.chars().take(PLACEHOLDER_CHARS_MAX).collect();
                Some(ForceReply::new().input_field_placeholder(hint).into())
            }
        }
    }

    /// Edits take inline keyboards only; none takes the old one away.
    pub(super) fn for_editing(&self) -> Option<InlineKeyboardMarkup> {
        match self {
            Self::Buttons(buttons) => Some(keyboard(buttons)),
            Self::None | Self::Ask(_) => None,
        }
    }
}

fn keyboard(buttons: &[Button]) -> InlineKeyboardMarkup {
    InlineKeyboardMarkup::new(buttons.iter().map(|button| {
        [match button.clone() {
            Button::Tap { label, data } => InlineKeyboardButton::callback(label, data),
            Button::Link { label, url } => InlineKeyboardButton::url(label, url),
        }]
    }))
}
