//! Steps of a life, and the commands they turn into.
//!
//! A step names a person, a verb and a seed; what it picks (the latest payment, a job that isn't
//! there, an old attempt) it picks when it is played. So any steps can be left out and the rest
//! still make sense: that is what makes a failing life shrink.

use crate::desk::{Desk, PEOPLE, Sent};
use crate::dice::Dice;
use crate::write::write;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The command is sent at once.
    Send {
        person: usize,
        verb: &'static str,
        seed: u64,
    },
    /// The command is written, and stays under way.
    Write {
        person: usize,
        verb: &'static str,
        seed: u64,
    },
    /// One of those under way arrives.
    Arrive {
        seed: u64,
    },
    /// One that was sent is sent again, under its own id or a new one.
    Repeat {
        seed: u64,
    },
    Later {
        seed: u64,
    },
    Pass {
        ms: i64,
    },
}

/// How often each verb is chosen. A command without a line here can't be played, and `main.rs` says so.
pub const WEIGHTS: &[(&str, u32)] = &[
    ("account_open", 6),
    ("account_ban", 1),
    ("account_unban", 4),
    ("account_erase", 4),
    ("referral_register", 3),
    ("referral_bonus", 5),
    ("credits_grant", 8),
    ("credits_revoke", 2),
    ("debt_forgive", 2),
    ("lots_expire", 6),
    ("topup_open", 14),
    ("payment_register", 6),
    ("payment_settle", 18),
    ("payment_fee", 4),
    ("payment_cancel", 3),
    ("payment_quarantine", 4),
    ("quarantine_resolve", 5),
    ("refund_open", 7),
    ("refund_settle", 4),
    ("refund_fail", 4),
    ("generation_request", 30),
    ("generation_claim", 24),
    ("generation_attempt", 5),
    ("generation_complete", 22),
    ("generation_fail", 5),
    ("generation_cancel", 3),
    ("reservation_expire", 9),
    ("delivery_confirm", 4),
    ("delivery_fail", 5),
    ("message_request", 2),
    ("broadcast_start", 2),
    ("broadcast_pause", 1),
    ("broadcast_finish", 1),
    ("content_put", 1),
    ("picture_put", 2),
    ("staff_put", 1),
    ("four_eyes_set", 1),
    ("catalog_publish", 4),
    ("operator_act", 1),
    ("projection_swap", 1),
    ("reconciliation_record", 1),
];

/// Runs of verbs that bring an account somewhere; `later` and `much later` let time pass.
const WAYS: &[&[&str]] = &[
    &["topup_open", "payment_register", "payment_settle"],
    &["generation_request", "generation_claim", "generation_complete", "delivery_confirm"],
    &["generation_request", "generation_claim", "generation_complete", "delivery_fail"],
    &["generation_request", "generation_claim", "generation_attempt", "generation_fail"],
    // A result after its deadline.
    &["generation_request", "generation_claim", "later", "reservation_expire", "generation_complete"],
    // Money back before, while and after its credits are spent.
    &["topup_open", "payment_settle", "refund_open", "refund_settle"],
    &[
        "topup_open",
        "payment_settle",
        "generation_request",
        "refund_open",
        "generation_cancel",
        "refund_fail",
    ],
    &["topup_open", "payment_settle", "generation_request", "generation_claim", "refund_open"],
    &["generation_complete", "refund_fail", "topup_open", "payment_settle"],
    &["generation_request", "generation_claim", "generation_complete", "refund_open", "debt_forgive"],
    &["refund_open", "credits_grant", "refund_fail", "refund_open", "generation_cancel"],
    // All is spent, then the money goes back: a debt, which the next credits pay.
    &[
        "topup_open",
        "payment_settle",
        "generation_request",
        "generation_claim",
        "generation_complete",
        "generation_request",
        "generation_claim",
        "generation_complete",
        "generation_request",
        "generation_claim",
        "generation_complete",
        "refund_open",
        "credits_grant",
        "refund_fail",
    ],
    &["refund_open", "debt_forgive", "account_erase", "account_open", "topup_open", "payment_settle"],
    // Lots that end in the purse and under a hold.
    &["credits_grant", "generation_request", "much later", "lots_expire", "generation_cancel"],
    &["credits_grant", "much later", "lots_expire"],
    &["topup_open", "payment_quarantine", "quarantine_resolve"],
    &["payment_quarantine", "quarantine_resolve", "refund_open"],
    &["generation_fail", "refund_open", "refund_settle", "account_erase", "account_open", "topup_open"],
    &["referral_register", "referral_bonus", "referral_bonus"],
];

/// A life of `len` steps or a few more.
pub fn life(dice: &mut Dice, len: usize) -> Vec<Step> {
    // Nearly everybody begins with an account.
    let open = |person, seed| Step::Send { person, verb: "account_open", seed };
    let mut steps: Vec<Step> =
        (0..PEOPLE).filter(|_| dice.percent(90)).map(|person| open(person, 1)).collect();
    while steps.len() < len {
        let person = dice.weighted(&[(0, 6), (1, 2), (2, 1)]);
        if dice.percent(30) {
            let way: &[&'static str] = dice.of(WAYS);
            steps.extend(way.iter().map(|verb| on_the_way(person, verb, dice.roll())));
            continue;
        }
        let seed = dice.roll();
        steps.push(match dice.below(100) {
            0..=4 => Step::Later { seed },
            5..=8 => Step::Repeat { seed },
            9..=12 => Step::Write { person, verb: dice.weighted(WEIGHTS), seed },
            13..=16 => Step::Arrive { seed },
            _ => Step::Send { person, verb: dice.weighted(WEIGHTS), seed },
        });
    }
    steps
}

fn on_the_way(person: usize, verb: &'static str, seed: u64) -> Step {
    match verb {
        "later" => Step::Pass { ms: 61_000 },
        "much later" => Step::Pass { ms: 2 * 86_400_000 },
        verb => Step::Send { person, verb, seed },
    }
}

/// What a step sends now, if anything.
pub fn play(step: Step, desk: &mut Desk) -> Option<Sent> {
    match step {
        Step::Send { person, verb, seed } => Some(write(person, verb, seed, desk)),
        Step::Write { person, verb, seed } => {
            let sent = write(person, verb, seed, desk);
            desk.drawer.push(sent);
            None
        }
        Step::Arrive { seed } => {
            let mut dice = Dice::new(seed);
            (!desk.drawer.is_empty()).then(|| desk.drawer.remove(dice.below(desk.drawer.len())))
        }
        Step::Repeat { seed } => {
            let mut dice = Dice::new(seed);
            let mut again = dice.latest(&desk.sent)?;
            match dice.below(4) {
                0 | 1 => {}
                2 => again.id = desk.fresh_id(),
                // The id of another command.
                _ => again.id = dice.latest(&desk.sent)?.id,
            }
            Some(again)
        }
        Step::Pass { ms } => {
            desk.later(ms);
            None
        }
        Step::Later { seed } => {
            let mut dice = Dice::new(seed);
            let ms = match dice.below(40) {
                0 => 400 * 86_400_000,
                1..=3 => 86_400_000,
                4 => 3_600_000,
                5..=20 => dice.between(1, 5_000),
                _ => dice.between(1_000, 90_000),
            };
            desk.later(ms);
            None
        }
    }
}
