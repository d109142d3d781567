//! What is said to one who comes in: what there is, and what it is enough for by the prices of the moment.

use proto_events::Credits;

use super::{Halt, Known, Talk};
use crate::bill::topup_button;
use crate::desk::picture_price;
use crate::outbound::Markup;
use crate::texts::{Html, Lang, Say};

impl Talk {
    pub(super) async fn start(&self, known: Known) -> Result<(), Halt> {
        let price = picture_price(&self.desk.catalog().await?);
        let (hello, reach) = match known.welcome {
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
            if hello == Say::WelcomeBare {
                text = text.and(&Html::empty());
            }
            text = text.and(&self.texts.say(known.lang, reach));
        }
        if !matches!(reach, Some(Say::ShortBy { .. })) {
            text = text.and(&Html::empty()).and(&self.texts.say(known.lang, Say::DrawHow));
        }
        text = text.and(&Html::empty()).and(&self.texts.say(known.lang, Say::HelpWhere));
        self.reply(known.chat, &text, &self.home(known.lang), None).await;
        Ok(())
    }

    pub(super) async fn help(&self, known: Known) -> Result<(), Halt> {
        let price = picture_price(&self.desk.catalog().await?).unwrap_or_default();
        self.said(known, Say::Help { price }).await
    }

    pub(super) async fn balance(&self, known: Known) -> Result<(), Halt> {
        let price = picture_price(&self.desk.catalog().await?);
        let balance = self.desk.balance(known.user, known.since).await?;
        let available = balance.available;
        let mut text = self.texts.say(known.lang, Say::Balance { available });
        if let Some(reach) = reach(price, available, balance.debt) {
            text = text.and(&self.texts.say(known.lang, reach));
        }
        if !balance.reserved.is_zero() {
            text = text.and(&self.texts.say(known.lang, Say::BalanceReserved { reserved: balance.reserved }));
        }
        if !balance.debt.is_zero() {
            text = text.and(&self.texts.say(known.lang, Say::BalanceDebt { debt: balance.debt }));
        }
        self.reply(known.chat, &text, &self.home(known.lang), None).await;
        Ok(())
    }

    fn home(&self, lang: Lang) -> Markup {
        Markup::Buttons(vec![topup_button(&self.texts, lang)])
    }
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
        None => Some(Say::EnoughFor { price, pictures: available.get() / price.get() }),
    }
}

#[cfg(test)]
mod tests {
    use proto_events::catalog::Catalog;

    use super::*;

    fn c(n: i64) -> Credits {
        Credits::new(n).unwrap()
    }

    #[test]
    fn credits_buy_whole_pictures_and_never_none() {
        let price = picture_price(&Catalog::default_catalog().unwrap());
        let enough = |pictures| Some(Say::EnoughFor { price: c(10), pictures });
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
