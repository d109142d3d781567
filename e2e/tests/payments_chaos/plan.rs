//! How each payment is to go.

use e2e::dice::Dice;

/// Payments of one person: fewer than may be open at once.
const EACH: usize = 4;
/// Of a hundred payments, those in Stars.
const STARS: u64 = 20;

#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub user: i64,
    pub n: usize,
    pub way: Way,
    /// Goes back at the provider, by nobody here.
    pub elsewhere: Option<i64>,
    /// An operator gives back; minor units. Stars go back whole.
    pub operator: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Page(Ending),
    /// A bill in the chat. `again`: also one that was paid before.
    Stars {
        again: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Paid,
    Declined,
    Expired,
    /// Nobody does anything: it expires at the end.
    Left,
}

pub fn plan(dice: &mut Dice, index: usize) -> Plan {
    let ending = match dice.below(100) {
        0..=6 => Ending::Declined,
        7..=11 => Ending::Expired,
        12..=15 => Ending::Left,
        _ => Ending::Paid,
    };
    let mut refund = |percent: u64| {
        let minor = [10_000, 5_000, 3_333, 1, 9_999][usize::try_from(dice.below(5)).unwrap_or(0)];
        (dice.below(100) < percent).then_some(minor)
    };
    let (operator, elsewhere) = (refund(15), refund(12));
    let stars = dice.below(100) < STARS;
    let way = if stars { Way::Stars { again: dice.below(10) == 0 } } else { Way::Page(ending) };
    let user = i64::try_from(index / EACH).expect("fewer payments than an i64 counts") + 1;
    Plan { user, n: index % EACH, way, elsewhere, operator }
}
