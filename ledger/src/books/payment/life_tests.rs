use proto_events::events::{
    ConsumedPart, CreditsGranted, CreditsReserved, CreditsRevoked, DebtIncurred, DebtPaid, LotPart,
    LotSource, PaymentFeeRecorded, PaymentProblem, PaymentQuarantined, PaymentRegistered, PaymentSeen,
    PaymentSettled, RefundBy, RefundOpened, RefundSettled, ReservationCommitted, RevokeReason,
};
use proto_events::{AccountId, Credits, Currency, Micros, Rail, ReservationId, Text};

use super::*;

const ACCOUNT: &str = "f3d0c9a2-5b1e-4c7d-9a60-1b2c3d4e5f60";
const PAYMENT: &str = "p-f3d0c9a25b1e4c7d9a601b2c3d4e5f60-0123456789abcdef";
const REFUND: &str = "f-f3d0c9a25b1e4c7d9a601b2c3d4e5f60-0123456789abcdef";
/// 2026-11-21, 14:05:09 in Moscow.
const START: i64 = 1_795_259_109_000_000;

fn text<const N: usize>(text: &str) -> Text<N> {
    Text::new(text).unwrap()
}

fn rub(minor: i64) -> Money {
    Money::new(minor, Currency::Rub).unwrap()
}

fn credits(n: i64) -> Credits {
    Credits::new(n).unwrap()
}

fn lot(n: i64) -> LotId {
    LotId::new(n).unwrap()
}

fn gone(n: i64, minor: i64) -> ConsumedPart {
    ConsumedPart { lot: lot(5), credits: credits(n), revenue: Some(rub(minor)) }
}

/// An account's rows: each event with who sent it, under which command.
fn rows(events: Vec<(&str, &str, Event)>) -> Vec<Row> {
    let row = |(index, (producer, command, event)): (i64, (&str, &str, Event))| Row {
        position: 1_234_000 + index,
        account_id: ACCOUNT.parse().unwrap(),
        version: index + 1,
        event_type: event.type_name().to_owned(),
        schema_version: 1,
        available_delta: 0,
        reserved_delta: 0,
        debt_delta: 0,
        payload: event.payload().unwrap(),
        producer: producer.to_owned(),
        command_id: command.to_owned(),
        ordinal: 0,
        request_digest: [0; 16],
        actor: if producer == "console" { "operator:ann" } else { "person" }.to_owned(),
        causation: None,
        trace_id: None,
        recorded_at: START + index * 1_000_000,
        prev_hash: [0; 32],
        hash: [0; 32],
    };
    (0..).zip(events).map(row).collect()
}

/// A payment that was doubted, settled, partly spent, and half given back.
fn story() -> Vec<Row> {
    let (payment, refund): (PaymentId, RefundId) = (PAYMENT.parse().unwrap(), REFUND.parse().unwrap());
    let (rail, theirs) = (Rail::Yookassa, || text("276a9776-000f-5000-a000-179a4d5c6bad"));
    let reservation: ReservationId = PAYMENT.replacen('p', "r", 1).parse().unwrap();
    let seen = PaymentSeen {
        amount: Some(rub(7_000)),
        status: text("succeeded"),
        test: Some(false),
        other_amount: None,
        shop: None,
        named: None,
    };
    let opened = PaymentOpened {
        payment,
        rail,
        package: text("rub-100"),
        catalog_version: 1,
        credits: credits(100),
        price: rub(10_000),
        expires_at: Micros::new(START + 3_600_000_000).unwrap(),
        method: None,
        again_of: None,
    };
    let settled = PaymentSettled {
        payment,
        rail,
        provider_payment_id: theirs(),
        amount: rub(10_000),
        net: None,
        test: false,
        paid_at: Micros::new(START + 500_000).ok(),
    };
    let granted = CreditsGranted {
        lot: lot(5),
        source: LotSource::Purchase,
        credits: credits(100),
        price: Some(rub(10_000)),
        expires_at: None,
        payment: Some(payment),
        restores: None,
        cause: None,
        reason: None,
        day: None,
    };
    let part = |n: i64| vec![LotPart { lot: lot(5), credits: credits(n) }];
    rows(vec![
        ("telegram", "topup", opened.into()),
        ("payments", "register", PaymentRegistered { payment, rail, provider_payment_id: theirs() }.into()),
        (
            "payments",
            "quarantine",
            PaymentQuarantined {
                payment: Some(payment),
                rail,
                provider_payment_id: theirs(),
                problems: vec![PaymentProblem::AmountDiffers],
                seen,
            }
            .into(),
        ),
        ("payments", "settle", settled.into()),
        ("payments", "settle", granted.into()),
        (
            "payments",
            "settle",
            DebtPaid { credits: credits(1), taken: vec![gone(1, 100)], by: DebtPayer::Lots }.into(),
        ),
        (
            "payments",
            "fee",
            PaymentFeeRecorded { payment, rail, provider_payment_id: theirs(), fee: rub(350) }.into(),
        ),
        (
            "telegram",
            "draw",
            CreditsReserved {
                reservation,
                generation: PAYMENT.replacen('p', "g", 1).parse().unwrap(),
                credits: credits(60),
                taken: part(60),
                deadline: Micros::new(START + 1).unwrap(),
            }
            .into(),
        ),
        (
            "generator",
            "done",
            ReservationCommitted { reservation, charged: vec![gone(60, 6_000)], returned: Vec::new() }.into(),
        ),
        (
            "console",
            "refund",
            RefundOpened {
                refund,
                payment,
                amount: rub(5_000),
                credits: credits(50),
                by: RefundBy::Operator,
                reason: text(
                    "asked for in the chat, since the pictures were not what was meant by the prompt at all",
                ),
            }
            .into(),
        ),
        (
            "console",
            "refund",
            CreditsRevoked {
                taken: vec![gone(39, 3_900)],
                reason: RevokeReason::Refund,
                payment: Some(payment),
                refund: Some(refund),
            }
            .into(),
        ),
        ("console", "refund", DebtIncurred { credits: credits(11), payment, refund }.into()),
        (
            "payments",
            "refunded",
            RefundSettled {
                refund,
                rail,
                provider_refund_id: text("back-1"),
                amount: rub(5_000),
                refunded_at: Micros::new(START + 12_500_000).ok(),
            }
            .into(),
        ),
    ])
}

pub(crate) fn sample() -> Life {
    fold(&story(), PAYMENT.parse().unwrap()).unwrap().unwrap()
}

#[test]
fn a_payment_is_told_from_its_opening_to_what_became_of_it() {
    let life = sample();
    assert_eq!((life.state, life.account), (State::Settled, ACCOUNT.parse::<AccountId>().unwrap()));
    assert_eq!((life.paid, life.fee, life.net), (Some(rub(10_000)), Some(rub(350)), Some(rub(9_650))));
    let [bought] = life.lots.as_slice() else { panic!("{:?}", life.lots) };
    let lot = &bought.stands;
    assert_eq!((lot.available, lot.reserved, lot.consumed, lot.revoked), (0, 0, 61, 39));
    assert_eq!((lot.recognised, lot.refunded), (6_100, 3_900));
    let [refund] = life.refunds.as_slice() else { panic!("{:?}", life.refunds) };
    assert_eq!((refund.state, refund.taken, refund.debt), (RefundState::Settled, 39, 11));
    assert_eq!(refund.provider_refund_id.as_deref(), Some("back-1"));
    let [doubt] = life.quarantine.as_slice() else { panic!("{:?}", life.quarantine) };
    assert_eq!(doubt.outcome, Some(QuarantineOutcome::Settled), "put right at the provider");
    // What is held and spent of its lots is told by the lots.
    let types: Vec<&str> = life.events.iter().map(|line| line.r#type.as_str()).collect();
    let all: Vec<String> = story().iter().map(|row| row.event_type.clone()).collect();
    let wanted: Vec<&String> = all.iter().filter(|t| !t.contains("Reserv")).collect();
    assert_eq!(types, wanted);
}

#[test]
fn another_payment_of_the_account_is_not_told_here() {
    let other = PAYMENT.replace("abcdef", "abcdee").parse().unwrap();
    assert_eq!(fold(&story(), other).unwrap(), None);
    let mut rows = story();
    rows.truncate(1);
    let life = fold(&rows, PAYMENT.parse().unwrap()).unwrap().unwrap();
    assert_eq!((life.state, life.events.len(), life.lots.len()), (State::Opened, 1, 0));
}
