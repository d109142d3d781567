use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::super::operation::KINDS;
use super::*;

const WHATS: [Disagreement; 7] = [
    Disagreement::MissingHere,
    Disagreement::MissingThere,
    Disagreement::CurrencyDiffers,
    Disagreement::AmountDiffers,
    Disagreement::FeeDiffers,
    Disagreement::FeeUnknownHere,
    Disagreement::TwiceThere,
];

const DAY: Day = Day(20_778);

fn money(minor: i64, currency: Currency) -> Money {
    Money::new(minor, currency).unwrap()
}

fn rub(minor: i64) -> Money {
    money(minor, Currency::Rub)
}

/// At noon of the day, `seconds` later.
fn noon(seconds: i64) -> i64 {
    DAY.start_us() + (12 * 3_600 + seconds) * 1_000_000
}

fn booked(kind: MoneyMoved, id: &str, amount: Money, net: Option<Money>, at: i64) -> Booked {
    let letter = if kind == MoneyMoved::Payment { 'p' } else { 'f' };
    Booked { kind, position: 7, ours: format!("{letter}-{id}"), id: id.to_owned(), amount, net, at }
}

fn stated_as(b: &Booked) -> Operation {
    let payment_id = (b.kind == MoneyMoved::Refund).then(|| "some-payment".to_owned());
    Operation { kind: b.kind, id: b.id.clone(), payment_id, amount: b.amount, net: b.net, at: Some(b.at) }
}

fn only(day: Day) -> BTreeSet<Day> {
    BTreeSet::from([day])
}

fn known(days: &[Day]) -> BTreeSet<(MoneyMoved, Day)> {
    KINDS.into_iter().flat_map(|kind| days.iter().map(move |day| (kind, *day))).collect()
}

fn stated(operations: Vec<Operation>) -> Stated {
    Stated { operations, known: known(&[DAY]), elsewhere: BTreeSet::new() }
}

fn found(report: &Report) -> Vec<(Disagreement, MoneyMoved, &str)> {
    report.differences.iter().map(|d| (d.what, d.kind, d.id.as_str())).collect()
}

#[test]
fn sums_of_both_sides_are_told_by_kind_and_currency() {
    let ours = [
        booked(MoneyMoved::Payment, "a", rub(10_000), Some(rub(9_650)), noon(0)),
        booked(MoneyMoved::Payment, "b", rub(5_000), None, noon(1)),
        booked(MoneyMoved::Payment, "s", money(50, Currency::Xtr), None, noon(2)),
        booked(MoneyMoved::Refund, "r", rub(5_000), None, noon(3)),
    ];
    let report = compare(&only(DAY), &ours, &stated(ours.iter().map(stated_as).collect()));
    assert_eq!((report.matched, &report.differences, report.lines.len()), (4, &Vec::new(), 3));
    let rubles = report.lines[0];
    assert_eq!(
        (rubles.kind, rubles.currency, rubles.here),
        (MoneyMoved::Payment, Currency::Rub, rubles.there)
    );
    assert_eq!(rubles.here, Sum { count: 2, amount: 15_000, fees: 350, fees_unknown: 1 });
}

#[test]
fn matching_is_by_id_whatever_the_day_and_a_stars_refund_is_not_its_payment() {
    let long_ago = booked(MoneyMoved::Payment, "a", rub(1), None, DAY.start_us() - 40 * 86_400_000_000);
    let paid = booked(MoneyMoved::Payment, "s", money(5, Currency::Xtr), None, noon(0));
    let back = Operation { kind: MoneyMoved::Refund, ..stated_as(&paid) };
    let there = stated(vec![stated_as(&long_ago), back]);
    let report = compare(&only(DAY), &[long_ago, paid], &there);
    assert_eq!(
        found(&report),
        [
            (Disagreement::MissingThere, MoneyMoved::Payment, "s"),
            (Disagreement::MissingHere, MoneyMoved::Refund, "s")
        ]
    );
    assert_eq!(report.matched, 1);
}

#[test]
fn a_kind_that_is_not_stated_is_not_judged() {
    let back = booked(MoneyMoved::Refund, "r", rub(1), None, noon(0));
    let there = Stated { known: BTreeSet::from([(MoneyMoved::Payment, DAY)]), ..Stated::default() };
    assert_eq!(found(&compare(&only(DAY), &[back], &there)), []);
}

/// One of ours at 23:50, of which the provider says nothing for the day.
#[test]
fn near_midnight_the_neighbouring_day_decides() {
    let (before, after) = (Day(DAY.0 - 1), Day(DAY.0 + 1));
    let late = booked(MoneyMoved::Payment, "late", rub(1), None, DAY.end_us() - 600 * 1_000_000);
    let ours = [late.clone()];
    let look = |day: Day, known_days: &[Day], elsewhere: &[Key]| {
        let elsewhere = elsewhere.iter().cloned().collect();
        let there = Stated { operations: Vec::new(), known: known(known_days), elsewhere };
        let report = compare(&only(day), &ours, &there);
        (found(&report).len(), report.waiting.len())
    };
    assert_eq!(look(DAY, &[DAY], &[]), (0, 1), "the next day is not known yet");
    assert_eq!(look(DAY, &[DAY, after], &[]), (1, 0), "it is on neither");
    assert_eq!(look(DAY, &[DAY, after], &[late.key()]), (0, 0), "the next day has it");
    assert_eq!(look(DAY, &[before, DAY], &[]), (0, 1), "the day before can't have it");
    // The next day's own comparison: the first that knows both.
    assert_eq!(look(after, &[DAY, after], &[]), (1, 0));
    assert_eq!(look(after, &[after], &[]), (0, 0), "what the day itself states is not known");
    assert_eq!(look(after, &[DAY, after], &[late.key()]), (0, 0));
    // The same just after midnight, seen from the day before: its own day judges it.
    let early = [booked(MoneyMoved::Payment, "early", rub(1), None, DAY.start_us() + 1)];
    let there = Stated { known: known(&[before, DAY]), ..Stated::default() };
    assert_eq!(found(&compare(&only(before), &early, &there)), []);
    assert_eq!(found(&compare(&only(DAY), &early, &there)).len(), 1);
    assert_eq!(compare(&only(DAY), &early, &stated(Vec::new())).waiting, early);
}

#[test]
fn at_the_same_time_on_both_days_nothing_is_missed_or_told_twice() {
    let after = Day(DAY.0 + 1);
    let both = BTreeSet::from([DAY, after]);
    let late = booked(MoneyMoved::Payment, "late", rub(1), None, DAY.end_us());
    let there = Stated { known: known(&[DAY, after]), ..Stated::default() };
    assert_eq!(found(&compare(&both, &[late], &there)).len(), 1);
}

fn side() -> impl Strategy<Value = Vec<Booked>> {
    let one = (any::<bool>(), 1_i64..1_000_000, any::<bool>(), 0..=60_i64, any::<bool>(), 0..36_000_i64);
    vec(one, 1..40).prop_map(|all| {
        let make = |(i, (refund, minor, stars, fee, fee_known, at)): (usize, _)| {
            let (kind, currency) = match (refund, stars) {
                (true, _) => (MoneyMoved::Refund, Currency::Rub),
                (false, true) => (MoneyMoved::Payment, Currency::Xtr),
                (false, false) => (MoneyMoved::Payment, Currency::Rub),
            };
            let net = (fee_known && !stars && !refund).then(|| money(minor - minor * fee / 100, currency));
            booked(kind, &format!("id-{i}"), money(minor, currency), net, noon(at - 18_000))
        };
        all.into_iter().enumerate().map(make).collect()
    })
}

proptest! {
    #[test]
    fn a_side_does_not_differ_from_itself(ours in side()) {
        let report = compare(&only(DAY), &ours, &stated(ours.iter().map(stated_as).collect()));
        prop_assert_eq!(&report.differences, &Vec::new());
        prop_assert_eq!(report.matched, ours.len() as u64);
        prop_assert!(report.lines.iter().all(|l| l.here == l.there));
    }

    /// Each planted difference is named, with what was seen, and nothing else is.
    #[test]
    fn a_planted_difference_is_found_and_named(
        ours in side(),
        plants in vec((any::<Index>(), 0..WHATS.len()), 0..12),
    ) {
        let mut theirs: Vec<Vec<Operation>> = ours.iter().map(|b| vec![stated_as(b)]).collect();
        let mut here: Vec<Option<Booked>> = ours.iter().cloned().map(Some).collect();
        let mut wanted = Vec::new();
        let mut taken = BTreeSet::new();
        for (index, what) in plants {
            let (i, what) = (index.index(ours.len()), WHATS[what]);
            if !taken.insert(i) {
                continue;
            }
            let there = &mut theirs[i];
            let amount = there[0].amount;
            match what {
                Disagreement::MissingHere => here[i] = None,
                Disagreement::MissingThere => there.clear(),
                Disagreement::CurrencyDiffers => {
                    let other = if amount.currency == Currency::Rub { Currency::Xtr } else { Currency::Rub };
                    there[0].amount = money(amount.minor(), other);
                }
                Disagreement::AmountDiffers => there[0].amount = money(amount.minor() + 1, amount.currency),
                Disagreement::FeeDiffers => {
                    let booked = here[i].as_mut().unwrap();
                    (booked.net, there[0].net) = (Some(amount), Some(money(amount.minor() - 1, amount.currency)));
                }
                Disagreement::FeeUnknownHere => {
                    (here[i].as_mut().unwrap().net, there[0].net) = (None, Some(amount));
                }
                Disagreement::TwiceThere => there.push(there[0].clone()),
            }
            wanted.push((what, ours[i].kind, ours[i].id.clone()));
        }
        let here: Vec<Booked> = here.into_iter().flatten().collect();
        let report = compare(&only(DAY), &here, &stated(theirs.concat()));
        let mut found: Vec<_> = report.differences.iter().map(|d| (d.what, d.kind, d.id.clone())).collect();
        found.sort();
        wanted.sort();
        prop_assert_eq!(found, wanted);
        prop_assert_eq!(report.waiting, Vec::new());
    }

    /// However the other side dates what lies within an hour of a midnight, three days that are all known tell the same
    /// as if both sides had dated alike: nothing.
    #[test]
    fn an_hour_around_midnight_makes_no_difference(
        near in vec((0..4_i64, 0..MARGIN_US, any::<bool>(), any::<bool>()), 1..20),
    ) {
        let make = |(i, (midnight, off, before, _)): (usize, &(i64, i64, bool, bool))| {
            let at = Day(DAY.0 + *midnight as i32).start_us() + if *before { -1 - off } else { *off };
            booked(MoneyMoved::Payment, &format!("id-{i}"), rub(1), None, at)
        };
        let ours: Vec<Booked> = near.iter().enumerate().map(make).collect();
        // They date some of them to the other side of that midnight.
        let theirs: Vec<(Day, Operation)> = ours.iter().zip(&near).map(|(b, (_, _, before, moved))| {
            let day = Day::of(b.at);
            let other = if *before { Day(day.0 + 1) } else { Day(day.0 - 1) };
            (if *moved { other } else { day }, stated_as(b))
        }).collect();
        let all: Vec<Day> = (-2..7).map(|n| Day(DAY.0 + n)).collect();
        for day in &all[1..8] {
            let of_day = |o: &&(Day, Operation)| o.0 == *day;
            let there = Stated {
                operations: theirs.iter().filter(of_day).map(|(_, o)| o.clone()).collect(),
                known: known(&all),
                elsewhere: theirs.iter().filter(|o| !of_day(o)).map(|(_, o)| o.key()).collect(),
            };
            let report = compare(&only(*day), &ours, &there);
            prop_assert_eq!(found(&report), vec![]);
            prop_assert_eq!(report.waiting.len(), 0);
        }
        // One that they lack altogether is missed on the day that is compared last, however the days come in.
        let lost = ours[0].clone();
        let without: Vec<_> = theirs.iter().filter(|(_, o)| o.id != lost.id).cloned().collect();
        let mut told = 0;
        let mut so_far = Vec::new();
        for day in &all {
            so_far.push(*day);
            let of_day = |o: &&(Day, Operation)| o.0 == *day;
            let there = Stated {
                operations: without.iter().filter(of_day).map(|(_, o)| o.clone()).collect(),
                known: known(&so_far),
                elsewhere: without.iter().filter(|o| so_far.contains(&o.0)).map(|(_, o)| o.key()).collect(),
            };
            let report = compare(&only(*day), std::slice::from_ref(&lost), &there);
            told += report.of(Disagreement::MissingThere).count();
        }
        prop_assert_eq!(told, 1);
    }
}
