//! What changed the balance, line by line, a page at a time.

use proto_events::Position;

use super::{Halt, Known, Press, Talk};
use crate::outbound::Markup;
use crate::texts::{Change, Html, Moment, Number, Say};

const PAGE: u16 = 10;

impl Talk {
    pub(super) async fn statement(
        &self,
        known: &Known,
        before: Option<Position>,
        message: Option<i64>,
    ) -> Result<(), Halt> {
        let mut page = self.desk.statement(known.user, before, PAGE + 1).await?;
        let older = page.len() > usize::from(PAGE);
        page.truncate(PAGE.into());
        let text = if page.is_empty() {
            self.texts.say(known.lang, Say::StatementNone)
        } else {
            let available = self.desk.balance(known.user, known.since).await?.available;
            let head = self.texts.say(known.lang, Say::Statement { available });
            page.iter().fold(head.and(&Html::empty()), |text, line| {
                let (at, what, left) = (Moment(line.at), line.kind, Number(line.left.get()));
                let change = Change(line.change);
                text.and(&self.texts.say(known.lang, Say::StatementLine { at, what, change, left }))
            })
        };
        let older =
            page.last().filter(|_| older).map(|last| Press::Statement { before: Some(last.position) });
        let newer = before.map(|_| Press::Statement { before: None });
        let below = [
            self.tap_button(known, Say::ButtonHistory, &Press::History { before: None }),
            self.tap_button(known, Say::ButtonMenu, &Press::Menu),
        ];
        let rows = vec![self.leaf(known, older, newer), below.into_iter().flatten().collect()];
        self.show(known, message, &text, &Markup::Rows(rows)).await;
        Ok(())
    }
}
