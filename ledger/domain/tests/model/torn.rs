//! A log with events lost, repeated or out of order, as after a fault in the database: `verify` must
//! get through it and say what is wrong, so nothing of the fold may panic or lose count.

use ledger_domain::{Account, check, effect, evolve, postings};

use crate::dice::Dice;
use crate::play::logs_of;

/// Lives whose logs are torn, and how often each.
const LIVES: u64 = 20;
const TEARS: usize = 10;
const EVENTS: usize = 200;

#[test]
fn a_log_with_events_lost_repeated_or_out_of_order_is_folded_all_the_same() {
    let first = crate::number("PLANTAIN_MODEL_SEED").unwrap_or_else(crate::any_seed);
    println!("seed {first}");
    let mut broken = 0;
    for seed in first..first + LIVES {
        let mut dice = Dice::new(seed);
        for log in logs_of(seed).iter().filter(|log| !log.is_empty()) {
            for _ in 0..TEARS {
                let mut state = Account::default();
                for _ in 0..EVENTS {
                    let event = &log[dice.below(log.len())];
                    let _ = (effect(event), postings(event), state.balance());
                    state = evolve(state, event);
                }
                assert_eq!(usize::try_from(state.version()).unwrap(), EVENTS);
                broken += usize::from(check(&state).is_err());
            }
        }
    }
    assert!(broken > 0, "a torn log is told by `check`");
}
