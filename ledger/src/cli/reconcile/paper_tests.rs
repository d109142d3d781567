use std::collections::BTreeSet;

use proto_events::events::Disagreement;
use proto_events::{Currency, Money, Provider};

use super::*;
use crate::reconcile::Report;

fn rub(minor: i64) -> Money {
    Money::new(minor, Currency::Rub).unwrap()
}

/// 2026-11-21, 14:05:09 in Moscow.
const AT: i64 = 1_795_259_109_000_000;
const OURS: &str = "p-f3d0c9a25b1e4c7d9a601b2c3d4e5f60-0123456789abcdef";

fn difference(
    what: Disagreement,
    kind: MoneyMoved,
    id: &str,
    here: Option<i64>,
    there: Option<i64>,
) -> Difference {
    Difference {
        what,
        kind,
        id: id.to_owned(),
        ours: here.map(|_| OURS.to_owned()),
        position: here.map(|_| 1_234_567),
        here: here.map(rub),
        there: there.map(rub),
        at: Some(AT),
        times: None,
    }
}

fn outcome(differences: Vec<Difference>) -> Outcome {
    let here = Sum { count: 12, amount: 123_456_789, fees: 4_200, fees_unknown: 1 };
    let line = Line {
        kind: MoneyMoved::Payment,
        currency: Currency::Rub,
        here,
        there: Sum { count: 13, fees_unknown: 0, ..here },
    };
    let report = Report { matched: 12, lines: vec![line], differences, waiting: Vec::new() };
    Outcome {
        provider: Provider::Yookassa,
        days: BTreeSet::from([Day(20_778)]),
        by: StatedBy::File,
        through: 2_345_678,
        covered: BTreeSet::from([MoneyMoved::Payment]),
        report,
    }
}

fn assert_narrow(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
    }
}

#[test]
fn a_comparison_fits_its_paper_and_names_each_difference() {
    use Disagreement::{AmountDiffers, FeeUnknownHere, MissingHere, MissingThere, TwiceThere};
    use MoneyMoved::{Payment, Refund};
    let twice = Difference {
        times: Some(2),
        ..difference(TwiceThere, Payment, "21b212e1-0016-50fb-9000-07aebf184c41", Some(10_000), Some(10_000))
    };
    let unknown = Difference {
        here: None,
        ..difference(FeeUnknownHere, Payment, "21b212e1-0016-50fb-9000-07aebf184c42", Some(1), Some(350))
    };
    let text = paper(&outcome(vec![
        difference(MissingHere, Payment, "276a9776-000f-5000-a000-179a4d5c6bad", None, Some(10_000)),
        difference(AmountDiffers, Payment, "21b212e1-0016-50fb-9000-07aebf184c41", Some(9_900), Some(10_000)),
        twice,
        unknown,
        difference(MissingThere, Refund, "31b212e1-0016-50fb-9000-07aebf184c41", Some(5_000), None),
    ]));
    let wanted = "\
Reconciliation with yookassa, 2026-11-21
its registry file and the log through position 2,345,678

                                           Provider                         Log
────────────────────────────────────────────────────────────────────────────────
Payments RUB                  13       1,234,567.89       12       1,234,567.89
  fees known                  13              42.00       11              42.00
No refunds are stated here: they are not compared.

On both sides by id: 12

Differences: 5
────────────────────────────────────────────────────────────────────────────────
missing here     payment 276a9776-000f-5000-a000-179a4d5c6bad
                 there 100.00 RUB; here nothing; 2026-11-21 14:05:09
amount differs   payment 21b212e1-0016-50fb-9000-07aebf184c41
                 there 100.00 RUB; here 99.00 RUB
                 p-f3d0c9a25b1e4c7d9a601b2c3d4e5f60-0123456789abcdef
                 position 1,234,567, 2026-11-21 14:05:09
twice there      payment 21b212e1-0016-50fb-9000-07aebf184c41
                 there 100.00 RUB, 2 times; here 100.00 RUB
                 p-f3d0c9a25b1e4c7d9a601b2c3d4e5f60-0123456789abcdef
                 position 1,234,567, 2026-11-21 14:05:09
fee unknown here payment 21b212e1-0016-50fb-9000-07aebf184c42
                 there a fee of 3.50 RUB; here not known
                 p-f3d0c9a25b1e4c7d9a601b2c3d4e5f60-0123456789abcdef
                 position 1,234,567, 2026-11-21 14:05:09
missing there    refund  31b212e1-0016-50fb-9000-07aebf184c41
                 there nothing; here 50.00 RUB
                 p-f3d0c9a25b1e4c7d9a601b2c3d4e5f60-0123456789abcdef
                 position 1,234,567, 2026-11-21 14:05:09
";
    assert_eq!(text, wanted);
    assert_narrow(&text);
}

#[test]
fn what_waits_for_the_neighbouring_day_is_said_and_nothing_differs() {
    let mut quiet = outcome(Vec::new());
    quiet.report.waiting.push(Booked {
        kind: MoneyMoved::Payment,
        position: 7,
        ours: OURS.to_owned(),
        id: "276a9776-000f-5000-a000-179a4d5c6bad".to_owned(),
        amount: rub(10_000),
        net: None,
        at: AT,
    });
    quiet.days.insert(Day(20_779));
    let text = paper(&quiet);
    assert_narrow(&text);
    assert!(text.starts_with("Reconciliation with yookassa, 2026-11-21 to 2026-11-22\n"), "{text}");
    assert!(text.contains("Near midnight") && text.ends_with("Nothing differs.\n"), "{text}");
    assert_narrow(&ending(&[], true));
    assert_eq!(ending(&[1_234, 5], false), "Recorded: position 1,234, 5.");
}
