//! What was asked for so far, a page at a time; a number sends the result again.

use proto_events::Position;
use proto_events::queries::{GenerationState, HistoryItem};

use super::{Halt, Known, Press, Tail, Talk};
use crate::outbound::{Button, Markup};
use crate::texts::{Html, Moment, Number, Say, cut};

const PAGE: u16 = 5;
/// Of a prompt, in UTF-16 units: five of them and their headings fit a message many times.
const PROMPT_MAX: usize = 120;

impl Talk {
    pub(super) async fn history(
        &self,
        known: &Known,
        before: Option<Position>,
        message: Option<i64>,
    ) -> Result<(), Halt> {
        let mut page = self.desk.history(known.user, before, PAGE + 1).await?;
        let older = page.len() > usize::from(PAGE);
        page.truncate(PAGE.into());
        let mut rows = Vec::new();
        let text = if page.is_empty() {
            self.texts.say(known.lang, Say::HistoryNone)
        } else {
            let numbers = (1..).zip(&page).filter_map(|(n, item)| self.number(known, n, item));
            rows.push(numbers.collect());
            let head = self.texts.say(known.lang, Say::History);
            (1..)
                .zip(&page)
                .fold(head, |text, (n, item)| text.and(&Html::empty()).and(&self.line(known, n, item)))
        };
        let older = page.last().filter(|_| older).map(|last| Press::History { before: Some(last.position) });
        let newer = before.map(|_| Press::History { before: None });
        rows.push(self.leaf(known, older, newer));
        let below = [
            self.tap_button(known, Say::ButtonStatement, &Press::Statement { before: None }),
            self.tap_button(known, Say::ButtonMenu, &Press::Menu),
        ];
        rows.push(below.into_iter().flatten().collect());
        self.show(known, message, &text, &Markup::Rows(rows)).await;
        Ok(())
    }

    fn line(&self, known: &Known, n: i64, item: &HistoryItem) -> Html {
        let state = match item.state {
            GenerationState::Open => "open",
            GenerationState::Failed => "failed",
            GenerationState::Canceled => "canceled",
            GenerationState::Succeeded | GenerationState::Delivered => "done",
        };
        let prompt = item.prompt.as_deref().unwrap_or("…").split_whitespace().collect::<Vec<_>>().join(" ");
        let prompt = cut(&prompt, PROMPT_MAX);
        let (n, at, kind, credits) = (Number(n), Moment(item.at), item.kind, item.credits);
        self.texts.say(known.lang, Say::HistoryItem { n, at, kind, state, credits, prompt: &prompt })
    }

    fn number(&self, known: &Known, n: i64, item: &HistoryItem) -> Option<Button> {
        let made = matches!(item.state, GenerationState::Succeeded | GenerationState::Delivered);
        let press = Press::Resend(Tail::of(item.generation));
        made.then(|| self.tap_button(known, Say::ButtonNumber { n: Number(n) }, &press)).flatten()
    }

    /// To the page before and to the first.
    pub(super) fn leaf(&self, known: &Known, older: Option<Press>, newer: Option<Press>) -> Vec<Button> {
        let older = older.and_then(|press| self.tap_button(known, Say::ButtonOlder, &press));
        let newer = newer.and_then(|press| self.tap_button(known, Say::ButtonNewer, &press));
        older.into_iter().chain(newer).collect()
    }
}
