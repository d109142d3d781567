//! The stream of operations.

use ledger_domain::{Facts, OperationsStream, Refusal, decide_operations, evolve_operations};
use proto_events::commands::*;
use proto_events::events::*;
use proto_events::{AccountId, CommandId, Currency, Event, Micros, Money, Position, Producer, Provider};
use serde_json::json;

use crate::quarantine::{odd, resolve, settle};
use crate::world::{open_account, text, types};

fn when(state: &OperationsStream, command: impl Into<Command>) -> Result<Vec<Event>, Refusal> {
    let command = command.into();
    let by = match command {
        Command::PaymentQuarantine(_) => Producer::Payments,
        _ => Producer::Console,
    };
    by_whom(by, state, &command)
}

fn by_whom(by: Producer, state: &OperationsStream, command: &Command) -> Result<Vec<Event>, Refusal> {
    let id = CommandId::new("act:1").unwrap();
    let facts = Facts::new(Micros::default(), AccountId::OPERATIONS, by, &id);
    decide_operations(state, command, &facts)
}

fn did(state: OperationsStream, command: impl Into<Command>) -> OperationsStream {
    when(&state, command).unwrap().iter().fold(state, evolve_operations)
}

fn stray() -> PaymentQuarantine {
    odd(None, PaymentProblem::UnknownPayment)
}

#[test]
fn acts_and_swaps_are_recorded() {
    let state = OperationsStream::default();
    let act = OperatorAct { act: text("consumer_reset"), subject: text("telegram"), reason: text("stuck") };
    assert_eq!(types(&when(&state, act.clone()).unwrap()), ["OperatorActed"]);
    let swap = ProjectionSwap {
        projection: text("balances"),
        from: text("balances_1"),
        to: text("balances_2"),
        position: Position::new(7).unwrap(),
    };
    assert_eq!(types(&when(&state, swap.clone()).unwrap()), ["ProjectionSwapped"]);
    assert_eq!(did(did(state, act), swap).version, 2);
}

#[test]
fn a_stray_payment_is_quarantined_once_and_can_only_be_dismissed() {
    let state = OperationsStream::default();
    let dismiss = || resolve(QuarantineVerdict::Dismiss);
    assert_eq!(when(&state, dismiss()).unwrap_err().code(), "quarantine_not_found");
    // A person has seen no money.
    let by_hand = by_whom(Producer::Console, &state, &stray().into());
    assert_eq!(by_hand.unwrap_err().code(), "quarantine_not_found");
    let state = did(state, stray());
    let again = when(&state, stray()).unwrap_err();
    assert_eq!(
        (again.code(), &again.details()["account"]),
        ("already_quarantined", &json!(AccountId::OPERATIONS))
    );
    assert_eq!(when(&state, resolve(settle(1, 1))).unwrap_err().code(), "payment_not_found");
    assert_eq!(types(&when(&state, dismiss()).unwrap()), ["QuarantineResolved"]);
    assert_eq!(when(&did(state, dismiss()), dismiss()).unwrap_err().code(), "quarantine_not_found");
}

#[test]
fn what_is_for_accounts_is_not_for_this_stream() {
    let state = OperationsStream::default();
    assert_eq!(when(&state, open_account()).unwrap_err().code(), "account_not_found");
}

#[test]
fn a_compared_day_is_recorded_with_what_differs_first() {
    let rub = |kopecks| Money::new(kopecks, Currency::Rub).unwrap();
    let (day, by) = (DayNumber::new(20_778).unwrap(), StatedBy::File);
    let tally = |count, sum| Tally { count, sum: rub(sum) };
    let finished = ReconciliationFinished {
        provider: Provider::Yookassa,
        day,
        by,
        payments: Tallies { ours: tally(1, 10_000), theirs: tally(2, 20_000) },
        refunds: Tallies { ours: tally(0, 0), theirs: tally(0, 0) },
        fees: Tallies { ours: tally(1, 350), theirs: tally(2, 700) },
        matched: 1,
        differences: 1,
    };
    let missing = DifferenceFound {
        provider: Provider::Yookassa,
        day,
        by,
        what: Disagreement::MissingHere,
        of: MoneyMoved::Payment,
        provider_id: text("y-2"),
        payment: None,
        refund: None,
        ours: None,
        theirs: Some(rub(10_000)),
    };
    let record = ReconciliationRecord { finished, differences: vec![missing] };
    let state = OperationsStream::default();
    assert_eq!(types(&when(&state, record.clone()).unwrap()), ["DifferenceFound", "ReconciliationFinished"]);
    assert_eq!(did(state, record).version, 2);
}
