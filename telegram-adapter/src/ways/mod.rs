//! The ways to pay: what the shop has switched on, and which of them a package can be paid by.
//!
//! A rail is open to a package if the catalog lists it there and the adapter is set up for it; YooKassa's
//! page can be entered through one method of paying at once, which makes several ways of one rail.

mod config;
mod receipt;

use proto_events::Rail;
use proto_events::catalog::Package;
use proto_events::events::PayMethod;

pub use config::Ways;
pub(crate) use config::switch;
pub use receipt::Receipts;

/// One button.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// YooKassa's page, with every method it has.
    Page,
    /// The same page, opened at this method.
    Method(PayMethod),
    /// An invoice in Telegram, paid through YooKassa.
    Invoice,
    Stars,
}

impl Way {
    pub const ALL: [Self; 8] = [
        Self::Page,
        Self::Method(PayMethod::BankCard),
        Self::Method(PayMethod::Sbp),
        Self::Method(PayMethod::Sberbank),
        Self::Method(PayMethod::TinkoffBank),
        Self::Method(PayMethod::YooMoney),
        Self::Invoice,
        Self::Stars,
    ];

    pub const fn rail(self) -> Rail {
        match self {
            Self::Page | Self::Method(_) => Rail::Yookassa,
            Self::Invoice => Rail::TelegramYookassa,
            Self::Stars => Rail::Stars,
        }
    }

    pub const fn method(self) -> Option<PayMethod> {
        match self {
            Self::Method(method) => Some(method),
            Self::Page | Self::Invoice | Self::Stars => None,
        }
    }

    /// In a button's data: 64 bytes hold a nonce, this and a package.
    pub const fn letter(self) -> char {
        match self {
            Self::Page => 'p',
            Self::Method(PayMethod::BankCard) => 'c',
            Self::Method(PayMethod::Sbp) => 'f',
            Self::Method(PayMethod::Sberbank) => 'b',
            Self::Method(PayMethod::TinkoffBank) => 't',
            Self::Method(PayMethod::YooMoney) => 'y',
            Self::Invoice => 'i',
            Self::Stars => 's',
        }
    }

    pub fn of_letter(letter: &str) -> Option<Self> {
        let mut letters = letter.chars();
        let letter = letters.next().filter(|_| letters.next().is_none())?;
        Self::ALL.into_iter().find(|way| way.letter() == letter)
    }
}

impl Ways {
    /// How this package can be paid, in the order of the buttons.
    pub fn of(&self, package: &Package) -> Vec<Way> {
        let mut ways = Vec::new();
        if package.rails.contains(&Rail::Yookassa) {
            ways.extend(self.yookassa.iter().copied());
        }
        if package.rails.contains(&Rail::TelegramYookassa) && self.provider.is_some() {
            ways.push(Way::Invoice);
        }
        if package.rails.contains(&Rail::Stars) && self.stars {
            ways.push(Way::Stars);
        }
        ways
    }
}

#[cfg(test)]
mod tests {
    use proto_events::catalog::Catalog;

    use super::*;

    #[test]
    fn every_way_has_a_letter_of_its_own() {
        for way in Way::ALL {
            assert_eq!(Way::of_letter(&way.letter().to_string()), Some(way));
        }
        assert_eq!([Way::of_letter(""), Way::of_letter("pp"), Way::of_letter("z")], [None; 3]);
        assert!(PayMethod::ALL.iter().all(|method| Way::ALL.contains(&Way::Method(*method))));
    }

    #[test]
    fn a_package_is_paid_by_what_the_catalog_and_the_shop_both_have() {
        let catalog = Catalog::default_catalog().unwrap();
        let [rubles, stars] = ["rub-100", "xtr-100"].map(|id| catalog.package(id).unwrap());
        let all = Ways {
            yookassa: vec![Way::Page, Way::Method(PayMethod::Sbp)],
            provider: Some("381764678:TEST:1".to_owned().into()),
            stars: true,
            receipts: None,
        };
        assert_eq!(all.of(rubles), [Way::Page, Way::Method(PayMethod::Sbp), Way::Invoice]);
        assert_eq!(all.of(stars), [Way::Stars]);
        let none = Ways { yookassa: vec![], provider: None, stars: false, receipts: None };
        assert_eq!((none.of(rubles), none.of(stars)), (vec![], vec![]));
    }
}
