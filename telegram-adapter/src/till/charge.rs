//! Money as Telegram tells of it: by a message, or by a row of its book of Stars.

use proto_events::commands::ChatContext;
use proto_events::events::ProviderId;
use proto_events::{Currency, Micros, Money, PaymentId, Rail};

use super::provider_id;
use crate::clock;
use crate::inbound::Notice;

/// Money that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    pub rail: Rail,
    /// What the invoice said: our payment.
    pub payload: String,
    /// Of Stars Telegram's charge, else the provider's payment.
    pub id: ProviderId,
    /// False: the provider's id is missing, and this is Telegram's.
    pub id_is_its_own: bool,
    /// `None`: not in a currency of ours, or no amount.
    pub amount: Option<Money>,
    /// Amount and currency as they were written.
    pub written: String,
    pub at: Option<Micros>,
    /// Where it was paid.
    pub context: Option<ChatContext>,
}

/// Money that went back: which charge, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Return {
    pub charge: Charge,
    pub at: Option<Micros>,
}

impl Charge {
    pub fn of_notice(notice: &Notice) -> Self {
        let rail = if notice.currency == Currency::Xtr.code() { Rail::Stars } else { Rail::TelegramYookassa };
        let own = match rail {
            Rail::Stars => &notice.charge,
            Rail::Yookassa | Rail::TelegramYookassa => &notice.provider_charge,
        };
        Self {
            rail,
            payload: notice.payload.clone(),
            id: provider_id(if own.is_empty() { &notice.charge } else { own }),
            id_is_its_own: !own.is_empty(),
            amount: money(&notice.currency, notice.amount),
            written: format!("{} {}", notice.amount, notice.currency),
            at: clock::of_seconds(notice.date),
            context: Some(ChatContext { chat: notice.chat, message: notice.message, status_message: None }),
        }
    }

    pub fn payment(&self) -> Option<PaymentId> {
        self.payload.parse().ok()
    }
}

impl Return {
    /// The message does not say when it was paid.
    pub fn of_notice(notice: &Notice) -> Self {
        let charge = Charge { at: None, ..Charge::of_notice(notice) };
        Self { charge, at: clock::of_seconds(notice.date) }
    }
}

pub fn money(currency: &str, amount: i64) -> Option<Money> {
    let currency = [Currency::Rub, Currency::Xtr].into_iter().find(|known| known.code() == currency)?;
    Money::new(amount, currency).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbound::Person;

    fn notice(currency: &str, amount: i64, provider_charge: &str) -> Notice {
        Notice {
            chat: 42,
            message: 7,
            date: 1_790_000_000,
            person: Person { id: 42, name: String::new(), language: None },
            currency: currency.to_owned(),
            amount,
            payload: format!("p-{}-{}", "0".repeat(32), "1".repeat(16)),
            charge: "stx1".to_owned(),
            provider_charge: provider_charge.to_owned(),
            words: String::new(),
        }
    }

    #[test]
    fn stars_are_known_by_telegrams_charge_and_rubles_by_the_providers_payment() {
        let stars = Charge::of_notice(&notice("XTR", 75, "42_0"));
        assert_eq!((stars.rail, stars.id.as_str(), stars.id_is_its_own), (Rail::Stars, "stx1", true));
        assert_eq!(stars.amount, Some(Money::new(75, Currency::Xtr).unwrap()));
        let rubles = Charge::of_notice(&notice("RUB", 10_000, "2d1"));
        assert_eq!((rubles.rail, rubles.id.as_str()), (Rail::TelegramYookassa, "2d1"));
        assert!(stars.payment().is_some());
    }

    #[test]
    fn what_can_not_be_understood_is_kept_as_it_was_written() {
        let euros = Charge::of_notice(&notice("EUR", 500, "2d1"));
        assert_eq!((euros.amount, &*euros.written), (None, "500 EUR"));
        let nameless = Charge::of_notice(&notice("RUB", 10_000, ""));
        assert_eq!((nameless.id.as_str(), nameless.id_is_its_own), ("stx1", false));
        assert_eq!(Charge::of_notice(&notice("XTR", -1, "")).amount, None);
    }
}
