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
    /// Rows of buttons; Telegram shows up to 8 beside each other. Empty rows are left out.
    Rows(Vec<Vec<Button>>),
    /// The reply field opens with this as its hint.
    Ask(String),
}

/// Bot API: `input_field_placeholder` is 1–64 characters.
const PLACEHOLDER_CHARS_MAX: usize = 64;

impl Markup {
    pub(super) fn for_sending(&self) -> Option<ReplyMarkup> {
        match self {
            Self::Ask(hint) => {
                let hint: String = hint.chars().take(PLACEHOLDER_CHARS_MAX).collect();
                Some(ForceReply::new().input_field_placeholder(hint).into())
            }
            Self::None | Self::Buttons(_) | Self::Rows(_) => self.for_editing().map(Into::into),
        }
    }

    /// Edits take inline keyboards only; none takes the old one away.
    pub(super) fn for_editing(&self) -> Option<InlineKeyboardMarkup> {
        let rows: Vec<Vec<InlineKeyboardButton>> = match self {
            Self::Buttons(buttons) => buttons.iter().map(|button| vec![inline(button)]).collect(),
            Self::Rows(rows) => {
                let rows = rows.iter().filter(|row| !row.is_empty());
                rows.map(|row| row.iter().map(inline).collect()).collect()
            }
            Self::None | Self::Ask(_) => return None,
        };
        (!rows.is_empty()).then(|| InlineKeyboardMarkup::new(rows))
    }
}

fn inline(button: &Button) -> InlineKeyboardButton {
    match button.clone() {
        Button::Tap { label, data } => InlineKeyboardButton::callback(label, data),
        Button::Link { label, url } => InlineKeyboardButton::url(label, url),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stay_rows_and_no_button_is_no_keyboard() {
        let tap = |data: &str| Button::Tap { label: data.to_owned(), data: data.to_owned() };
        let rows = Markup::Rows(vec![vec![tap("a"), tap("b")], vec![], vec![tap("c")]]);
        let lens = |markup: &Markup| {
            let keyboard = markup.for_editing().unwrap().inline_keyboard;
            keyboard.iter().map(Vec::len).collect::<Vec<_>>()
        };
        assert_eq!(lens(&rows), [2, 1]);
        assert_eq!(lens(&Markup::Buttons(vec![tap("a"), tap("b")])), [1, 1]);
        for none in [Markup::None, Markup::Rows(vec![vec![]]), Markup::Buttons(vec![])] {
            assert_eq!((none.for_sending(), none.for_editing()), (None, None));
        }
    }
}
