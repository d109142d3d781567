//! What is said to one who comes in: what there is, and what it is enough for by the prices of the moment; the menu from which
//! everything can be reached, edited in its place.

use proto_events::Credits;
use proto_events::catalog::Catalog;
use proto_events::envelope::TraceId;
use proto_events::events::GenerationKind;

use super::request::picture_price;
use super::{Halt, Known, Press, Talk};
use crate::outbound::Markup;
use crate::texts::{Answers, Day, Html, Number, People, Pictures, Say};

impl Talk {
    pub(super) async fn start(
        &self,
        known: &Known,
        inviter: Option<&str>,
        trace: &TraceId,
    ) -> Result<(), Halt> {
        if let Some(inviter) = inviter {
            self.invited(known, inviter, trace).await?;
        }
        let catalog = self.desk.catalog().await?;
        let price = picture_price(&catalog, &known.settings);
        let (hello, reach) = match known.welcome {
            // In a group what somebody has is nobody else's business.
            _ if !known.is_private() => (Say::WelcomeBare, None),
            Some(credits) if credits.is_zero() => (Say::WelcomeBare, reach(price, credits, Credits::ZERO)),
            Some(credits) => (Say::Welcome { credits }, reach(price, credits, Credits::ZERO)),
            None => {
                let balance = self.desk.balance(known.user, known.since).await?;
                let available = balance.available;
                (Say::WelcomeBack { available }, reach(price, available, balance.debt))
            }
        };
        let mut text = self.texts.say(known.lang, hello);
        if let Some(reach) = reach {
            text = text.and(&self.texts.say(known.lang, reach));
        }
        text = text
            .and(&Html::empty())
            .and(&self.texts.say(known.lang, Say::StartHow { answer: answer_price(&catalog) }));
        let markup = if known.is_private() { self.home(known).await } else { Markup::None };
        self.tell(known, hello, &text, &markup).await;
        Ok(())
    }

    /// In the place of `message`.
    pub(super) async fn menu(&self, known: &Known, message: Option<i64>) -> Result<(), Halt> {
        let balance = self.desk.balance(known.user, known.since);
        let (catalog, balance, home) = tokio::join!(self.desk.catalog(), balance, self.home(known));
        let (catalog, available) = (catalog?, balance?.available);
        let text = self.texts.say(known.lang, Say::Balance { available });
        let text = text
            .and(&Html::empty())
            .and(&self.texts.say(known.lang, Say::StartHow { answer: answer_price(&catalog) }));
        self.show(known, message, &text, &home).await;
        Ok(())
    }

    pub(super) async fn help(&self, known: &Known, message: Option<i64>) -> Result<(), Halt> {
        let catalog = self.desk.catalog().await?;
        let price = picture_price(&catalog, &known.settings).unwrap_or_default();
        let help = Say::Help { price, answer: answer_price(&catalog) };
        let text = self.texts.say(known.lang, help);
        let menu = self.tap_button(known, Say::ButtonMenu, &Press::Menu).filter(|_| known.is_private());
        let markup = Markup::Buttons(menu.into_iter().collect());
        self.show_or_tell(known, message, help, &text, &markup).await;
        Ok(())
    }

    pub(super) async fn balance(&self, known: &Known, message: Option<i64>) -> Result<(), Halt> {
        let (balance, totals) = (self.desk.balance(known.user, known.since), self.desk.totals(known.user));
        let (catalog, balance, totals) = tokio::try_join!(self.desk.catalog(), balance, totals)?;
        let price = picture_price(&catalog, &known.settings);
        let available = balance.available;
        let mut text = self.texts.say(known.lang, Say::Balance { available });
        let mut below = |say| text = text.clone().and(&self.texts.say(known.lang, say));
        if let Some(reach) = reach(price, available, balance.debt) {
            below(reach);
        }
        if !balance.reserved.is_zero() {
            below(Say::BalanceReserved { reserved: balance.reserved });
        }
        if !balance.debt.is_zero() {
            below(Say::BalanceDebt { debt: balance.debt });
        }
        if let Some(ends) = totals.ends {
            below(Say::BalanceEnds { credits: ends.credits, at: Day(ends.at) });
        }
        let (spent, bought, given) = (totals.spent, totals.bought, totals.given);
        below(Say::BalanceSpent { spent, bought, given });
        if totals.pictures + totals.answers > 0 {
            let pictures = Pictures(totals.pictures.into());
            below(Say::BalanceMade { pictures, answers: Answers(totals.answers.into()) });
        }
        if totals.invited > 0 {
            let people = People(totals.invited.into());
            below(Say::BalanceInvited { people, earned: totals.earned_by_invites });
        }
        let button = |say, press| self.tap_button(known, say, &press);
        let rows = [
            vec![
                button(Say::ButtonTopup, Press::Topup),
                button(Say::ButtonStatement, Press::Statement { before: None }),
            ],
            vec![button(Say::ButtonMenu, Press::Menu)],
        ];
        let rows = rows.into_iter().map(|row| row.into_iter().flatten().collect()).collect();
        self.show(known, message, &text, &Markup::Rows(rows)).await;
        Ok(())
    }

    /// The way to everything.
    async fn home(&self, known: &Known) -> Markup {
        let photos = self.desk.references(known.user).await.map_or(0, |photos| photos.len());
        let photos = Number(i64::try_from(photos).unwrap_or(i64::MAX));
        let button = |say, press| self.tap_button(known, say, &press);
        let rows = [
            vec![button(Say::ButtonTopup, Press::Topup), button(Say::ButtonBalance, Press::Balance)],
            vec![
                button(Say::ButtonSettings, Press::Settings),
                button(Say::ButtonRefs { photos }, Press::References),
            ],
            vec![
                button(Say::ButtonHistory, Press::History { before: None }),
                button(Say::ButtonInvite, Press::Invite),
            ],
            vec![button(Say::ButtonHelp, Press::Help)],
        ];
        Markup::Rows(rows.into_iter().map(|row| row.into_iter().flatten().collect()).collect())
    }
}

/// What an answer in chat costs.
fn answer_price(catalog: &Catalog) -> Credits {
    catalog.model(GenerationKind::Text, None).map_or(Credits::ZERO, |(_, price)| price)
}

/// What these credits are enough for. A top-up pays the debt first. `None`: pictures have no price, or none
/// that counts.
fn reach(price: Option<Credits>, available: Credits, debt: Credits) -> Option<Say<'static>> {
    let price = price.filter(|price| !price.is_zero())?;
    match price.checked_sub(available).filter(|short| !short.is_zero()) {
        Some(short) => {
            let missing = short.checked_add(debt)?;
            Some(Say::ShortBy { price, missing })
        }
        None => Some(Say::EnoughFor { price, pictures: Pictures(available.get() / price.get()) }),
    }
}

#[cfg(test)]
mod tests {
    use proto_events::queries::Settings;

    use super::*;

    fn c(n: i64) -> Credits {
        Credits::new(n).unwrap()
    }

    #[test]
    fn credits_buy_whole_pictures_and_never_none() {
        let price = picture_price(&Catalog::default_catalog().unwrap(), &Settings::default());
        let enough = |pictures| Some(Say::EnoughFor { price: c(10), pictures: Pictures(pictures) });
        let short = |missing| Some(Say::ShortBy { price: c(10), missing: c(missing) });
        let buys = |credits| reach(price, c(credits), Credits::ZERO);
        assert_eq!([buys(0), buys(9), buys(10), buys(105)], [short(10), short(1), enough(1), enough(10)]);
        assert_eq!(reach(price, c(0), c(7)), short(17), "the debt is paid first");
    }

    #[test]
    fn without_a_price_nothing_is_counted() {
        assert_eq!(reach(Some(Credits::ZERO), c(5), Credits::ZERO), None);
        assert_eq!(reach(None, c(5), Credits::ZERO), None);
    }
}
