//! Catalogs to sell from: small limits and odd prices, so that everything is reached soon; some
//! with amounts at the bounds of their types; some that can't be sold from.

use proto_events::catalog::{Catalog, KindPrice, Lifetimes, Package, SizePrice};
use proto_events::events::GenerationKind;
use proto_events::{Credits, Currency, Days, Money, Rail, Text};

use crate::dice::Dice;

pub fn text<const N: usize>(s: &str) -> Text<N> {
    Text::new(s).unwrap()
}

fn credits(n: i64) -> Credits {
    Credits::new(n).unwrap()
}

fn money(minor: i64, currency: Currency) -> Money {
    Money::new(minor, currency).unwrap()
}

pub const PACKAGES: [&str; 4] = ["odd", "stars", "huge", "gold"];
pub const SIZES: [&str; 4] = ["1K", "2K", "4K", "8K"];
pub const RATIOS: [&str; 3] = ["1:1", "2:3", "7:5"];

/// As the default one, but tight. `gold`, `8K` and `7:5` are not in it.
pub fn first_catalog() -> Catalog {
    let mut catalog = Catalog::default_catalog().expect("the default catalog");
    let limits = &mut catalog.limits;
    (limits.running_per_person_max, limits.payments_open_max, limits.attempts_max) = (3, 3, 3);
    (limits.reservation_ms, limits.payment_ms, limits.lease_ms) = (60_000, 100_000, 5_000);
    (limits.prompt_chars_max, limits.working_per_person_max) = (40, 2);
    catalog.bonuses.referral_daily_max = 2;
    catalog.lifetimes.referral_days = Days::new(1).ok();
    for model in &mut catalog.models {
        model.references_max = model.references_max.min(2);
    }
    let rub = vec![Rail::Yookassa, Rail::TelegramYookassa];
    let package = |id: &str, n, price, rails: &[Rail]| Package {
        id: text(id),
        credits: credits(n),
        price,
        rails: rails.to_vec(),
    };
    catalog.packages = vec![
        package("odd", 37, money(10_001, Currency::Rub), &rub),
        package("stars", 13, money(50, Currency::Xtr), &[Rail::Stars]),
        package("huge", 1_000_000_000, money(999_999_999_999, Currency::Rub), &rub[..1]),
    ];
    catalog
}

/// A change of prices, sizes, limits or bonuses that leaves a catalog to sell from.
fn reprice(catalog: &mut Catalog, dice: &mut Dice) {
    match dice.below(10) {
        0 => catalog.packages[0].credits = credits(dice.of(&[1, 3, 10, 37, 1000, 1_000_000_000])),
        1 => {
            catalog.packages[0].price = money(dice.of(&[1, 7, 100, 10_001, 1_000_000_000_000]), Currency::Rub)
        }
        2 => catalog.packages[1].price = money(dice.of(&[1, 50, 51]), Currency::Xtr),
        3 => catalog.models[0].kinds[0].credits = credits(dice.of(&[1, 2, 6])),
        4 => {
            let price = dice.of(&[1, 9, 10, 1_000_000_000 - 40]);
            catalog.models[1].kinds.iter_mut().for_each(|kind| kind.credits = credits(price));
        }
        5 => {
            let model = dice.of(&[1, 2]);
            let size = dice.below(catalog.models[model].sizes.len());
            catalog.models[model].sizes[size].extra = credits(dice.of(&[0, 3, 40]));
        }
        6 => {
            let bonuses = &mut catalog.bonuses;
            bonuses.welcome = credits(dice.of(&[0, 1, 5, 1000]));
            bonuses.referral_inviter = credits(dice.of(&[0, 5]));
            bonuses.referral_invited = credits(dice.of(&[0, 5]));
            bonuses.referral_daily_max = dice.of(&[0, 1, 2, 20]);
        }
        // Nothing makes text any more.
        8 => {
            catalog.models.remove(0);
        }
        7 => {
            let mut days = || dice.percent(50).then(|| Days::new(dice.of(&[1, 2, 3_650])).unwrap());
            catalog.lifetimes = Lifetimes {
                purchase_days: days(),
                welcome_days: days(),
                referral_days: days(),
                promo_days: days(),
                admin_days: days(),
                compensation_days: days(),
            };
        }
        _ => {
            let limits = &mut catalog.limits;
            limits.attempts_max = dice.of(&[1, 2, 3, 1000]);
            limits.running_per_person_max = dice.of(&[1, 3, 5]);
            limits.working_per_person_max = dice.of(&[1, 2, 255]);
            limits.payments_open_max = dice.of(&[1, 3, 6]);
            limits.prompt_chars_max = dice.of(&[1, 40, 4096]);
            limits.reservation_ms = dice.of(&[1, 60_000, u32::MAX]);
            limits.lease_ms = dice.of(&[1, 5_000, 3_600_000]);
            limits.payment_ms = dice.of(&[1, 100_000, u32::MAX]);
        }
    }
}

/// A change after which nothing can be sold from it.
fn spoil(catalog: &mut Catalog, dice: &mut Dice) {
    match dice.below(11) {
        0 => catalog.packages[0].credits = Credits::ZERO,
        1 => catalog.packages[0].price = money(0, Currency::Rub),
        2 => catalog.packages[0].rails.clear(),
        3 => catalog.packages[1].rails = vec![Rail::Yookassa],
        4 => catalog.packages.push(catalog.packages[0].clone()),
        5 => catalog.models[0].kinds[0].credits = Credits::ZERO,
        6 => catalog.models[1].sizes.push(SizePrice {
            size: text("max"),
            extra: Credits::MAX,
            image_tokens: None,
        }),
        7 => catalog.models[0].kinds.clear(),
        8 => catalog.models[1].kinds.push(KindPrice {
            kind: GenerationKind::Text,
            credits: credits(1),
            default: true,
        }),
        9 => catalog.limits.working_per_person_max = 0,
        _ => catalog.limits.attempts_max = dice.of(&[0, 1001]),
    }
}

/// The next catalog after this one; one in four is spoilt.
pub fn next_catalog(now: &Catalog, dice: &mut Dice) -> Catalog {
    // Not from one that was changed before: changes don't pile up.
    let whole = now.models.len() == first_catalog().models.len();
    let mut catalog = if dice.percent(50) && whole { now.clone() } else { first_catalog() };
    reprice(&mut catalog, dice);
    if dice.percent(25) {
        spoil(&mut catalog, dice);
    }
    catalog
}
