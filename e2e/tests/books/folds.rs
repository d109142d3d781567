//! Each projection against an answer computed another way.

use std::collections::{BTreeMap, BTreeSet};

use ledger::books::moscow::Day;
use ledger::projections;
use ledger_domain::{Account, Asset, evolve, postings};
use proto_events::Event;
use serde_json::Value;
use uuid::Uuid;

use crate::office::{Office, sums};

#[test]
fn every_projection_is_what_the_log_says() {
    let office = Office::open("books", 12, 12_000, 40);
    println!("{} events: {:?}", office.head(), office.history.types);
    for wanted in ["RefundFailed", "DebtPaid", "CreditsExpired", "QuarantineResolved"] {
        assert!(office.history.types.contains_key(wanted), "no {wanted} in this history");
    }
    statement_lines(&office);
    lots(&office);
    payments_and_refunds(&office);
    generations(&office);
    revenue(&office);
    daily(&office);
    referrals_and_operators(&office);
    people(&office);
    trial_balances(&office);
}

fn statement_lines(office: &Office) {
    let mut running: BTreeMap<Uuid, [i64; 3]> = BTreeMap::new();
    let mut wanted: Vec<(i64, Uuid, i64, i64, i64, Option<i64>)> = Vec::new();
    for (row, event) in office.events().filter(|(row, _)| row.account().is_person()) {
        let sums = running.entry(row.account_id).or_default();
        let before = *sums;
        *sums = [before[0] + row.available_delta, before[1] + row.reserved_delta, before[2] + row.debt_delta];
        let money = match &event {
            Event::PaymentSettled(e) => Some(e.amount.minor()),
            Event::RefundSettled(e) => Some(-e.amount.minor()),
            _ => None,
        };
        if *sums != before || money.is_some() || row.available_delta != 0 {
            wanted.push((row.position, row.account_id, sums[0], sums[1], sums[2], money));
        }
    }
    let table = office.table("statement", "");
    let found = office.rows::<(i64, Uuid, i64, i64, i64, Option<i64>)>(&format!(
        "SELECT position, account_id, available, reserved, debt, money_minor FROM {table} ORDER BY position"
    ));
    assert_eq!(found.len(), wanted.len());
    assert_eq!(found, wanted, "statement lines");
}

/// Against the core's own purses, and lot by lot: what was paid is what became of it.
fn lots(office: &Office) {
    let mut accounts: BTreeMap<Uuid, Account> = BTreeMap::new();
    for (row, event) in office.events().filter(|(row, _)| row.account().is_person()) {
        let state = accounts.remove(&row.account_id).unwrap_or_default();
        accounts.insert(row.account_id, evolve(state, &event));
    }
    let mut open: BTreeMap<(Uuid, i64), (i64, i64)> = BTreeMap::new();
    for (account, state) in &accounts {
        let state: Value = serde_json::to_value(state).unwrap();
        for lot in state["purse"]["lots"].as_object().unwrap().values() {
            let n = |field: &str| lot[field].as_i64().unwrap();
            open.insert((*account, n("id")), (n("left"), n("reserved")));
        }
    }
    let table = office.table("lots", "");
    type Lot = (Uuid, i64, i64, i64, Option<i64>, i64, i64);
    let found = office.rows::<Lot>(&format!(
        "SELECT account_id, lot, available, reserved, price_minor, recognised + breakage + refunded, credits FROM {table}"
    ));
    let (mut unearned, mut granted) = (0, 0);
    for (account, lot, available, reserved, price, money, credits) in found {
        let left = open.remove(&(account, lot)).unwrap_or_default();
        assert_eq!((available, reserved), left, "lot {lot} of {account}");
        if left == (0, 0) {
            assert_eq!(money, price.unwrap_or(0), "the parts of lot {lot} of {account}, {credits} credits");
        }
        unearned += price.unwrap_or(0) - money;
        granted += credits;
    }
    assert!(open.is_empty(), "lots that have no row: {open:?}");
    let all = office.events().filter_map(|(_, event)| match event {
        Event::CreditsGranted(e) => Some(e.credits.get()),
        _ => None,
    });
    assert_eq!(granted, all.sum::<i64>());
    // What is not earned of all lots is what the books call deferred.
    let books = sums(&office.history.rows, office.head());
    let deferred: i64 = [Asset::Rub, Asset::Xtr]
        .iter()
        .filter_map(|asset| books.get(&(*asset, "deferred".to_owned())))
        .map(|(debit, credit)| credit - debit)
        .sum();
    assert_eq!(unearned, deferred);
}

fn payments_and_refunds(office: &Office) {
    let mut payments: BTreeMap<String, (&str, Option<i64>)> = BTreeMap::new();
    let mut refunds: BTreeMap<String, &str> = BTreeMap::new();
    let (mut quarantined, mut resolved) = (0i64, 0i64);
    for (_, event) in office.events() {
        match event {
            Event::PaymentOpened(e) => drop(payments.insert(e.payment.to_string(), ("opened", None))),
            Event::PaymentRegistered(e) => payments.get_mut(&e.payment.to_string()).unwrap().0 = "registered",
            Event::PaymentSettled(e) => {
                let paid = ("settled", Some(e.amount.minor()));
                *payments.get_mut(&e.payment.to_string()).unwrap() = paid;
            }
            Event::PaymentCanceled(e) => payments.get_mut(&e.payment.to_string()).unwrap().0 = "canceled",
            Event::PaymentQuarantined(_) => quarantined += 1,
            Event::QuarantineResolved(_) => resolved += 1,
            Event::RefundOpened(e) => drop(refunds.insert(e.refund.to_string(), "opened")),
            Event::RefundSettled(e) => drop(refunds.insert(e.refund.to_string(), "settled")),
            Event::RefundFailed(e) => drop(refunds.insert(e.refund.to_string(), "failed")),
            _ => {}
        }
    }
    let table = office.table("payments", "");
    let found = office
        .rows::<(String, String, Option<i64>)>(&format!("SELECT payment, state, paid_minor FROM {table}"));
    assert_eq!(found.len(), payments.len());
    for (payment, state, paid) in found {
        assert_eq!((state.as_str(), paid), payments[&payment], "{payment}");
    }
    let found = office.rows::<(String, String)>(&format!(
        "SELECT refund, state FROM {}",
        office.table("payments", "refunds")
    ));
    assert_eq!(found.len(), refunds.len());
    for (refund, state) in found {
        assert_eq!(state, refunds[&refund], "{refund}");
    }
    for (suffix, wanted) in [("quarantine", quarantined), ("resolved", resolved)] {
        let table = office.table("payments", suffix);
        assert_eq!(office.rows::<(i64,)>(&format!("SELECT count(*) FROM {table}")), [(wanted,)], "{suffix}");
    }
}

fn generations(office: &Office) {
    let mut wanted: BTreeMap<i64, (&str, i64, i64)> = BTreeMap::new();
    let mut names: BTreeMap<String, i64> = BTreeMap::new();
    // Estimated cost, tokens of all kinds, milliseconds, money earned in minor units.
    let mut sums: BTreeMap<i64, [i64; 5]> = BTreeMap::new();
    // What the command's charge has earned: its success is the next event.
    let mut earned = [0, 0];
    for (row, event) in office.events() {
        let json: Value = serde_json::from_str(&row.payload).unwrap();
        if let Event::ReservationCommitted(_) = event {
            earned = ["RUB", "XTR"].map(|currency| {
                let parts = json["charged"].as_array().unwrap().iter();
                let of = parts.filter(|part| part["revenue"]["currency"] == currency);
                of.map(|part| part["revenue"]["amount"].as_i64().unwrap()).sum()
            });
            continue;
        }
        let Some(name) = json["generation"].as_str().map(ToOwned::to_owned) else { continue };
        if matches!(event, Event::GenerationRequested(_)) {
            names.insert(name, row.position);
            wanted.insert(row.position, ("open", 0, 0));
            continue;
        }
        let now = wanted.get_mut(&names[&name]).unwrap();
        let cost = json["spent"]["cost_micro_usd"].as_i64().unwrap_or(0);
        let more = sums.entry(names[&name]).or_default();
        if json["spent"]["estimated"] == true {
            more[0] += cost
        } else {
            now.2 += cost
        }
        let tokens = ["prompt_tokens", "output_tokens", "thought_tokens", "image_tokens"];
        let usage = &json["spent"]["usage"];
        more[1] +=
            tokens.iter().zip(1..).map(|(kind, n)| n * usage[*kind].as_i64().unwrap_or(0)).sum::<i64>();
        more[2] += json["spent"]["latency_ms"].as_i64().unwrap_or(0);
        if row.event_type == "GenerationSucceeded" {
            let [kopecks, stars] = std::mem::take(&mut earned);
            (more[3], more[4]) = (kopecks, stars);
        }
        match row.event_type.as_str() {
            "GenerationSucceeded" => {
                let charged =
                    if json["settlement"] == "given_away" { 0 } else { json["credits"].as_i64().unwrap() };
                (now.0, now.1) = ("succeeded", charged);
            }
            "GenerationFailed" => now.0 = "failed",
            "GenerationCanceled" => now.0 = "canceled",
            _ => {}
        }
    }
    let table = office.table("generations", "");
    let found = office.rows::<(i64, String, i64, i64)>(&format!(
        "SELECT position, state, charged, cost_micro_usd FROM {table}"
    ));
    assert_eq!(found.len(), wanted.len());
    for (position, state, charged, cost) in found {
        assert_eq!((state.as_str(), charged, cost), wanted[&position], "the generation of {position}");
    }
    let found = office.rows::<(i64, i64, i64, i64, i64, i64)>(&format!(
        "SELECT position, estimated_micro_usd, \
            prompt_tokens + 2 * output_tokens + 3 * thought_tokens + 4 * image_tokens, latency_ms, revenue_kopecks, \
            revenue_stars FROM {table}"
    ));
    let mut all = [0; 5];
    for (position, estimated, tokens, latency, kopecks, stars) in found {
        let found = [estimated, tokens, latency, kopecks, stars];
        assert_eq!(found, sums.get(&position).copied().unwrap_or_default(), "the generation of {position}");
        all.iter_mut().zip(found).for_each(|(sum, n)| *sum += n);
    }
    assert!(all.iter().all(|sum| *sum > 0), "the history has none of something: {all:?}");
}

/// By day from the postings, which know nothing of lots and rails; by rail from what was paid.
fn revenue(office: &Office) {
    let mut wanted: BTreeMap<(i32, &str), [i64; 4]> = BTreeMap::new();
    let mut by_rail: BTreeMap<(String, &str), i64> = BTreeMap::new();
    for (row, event) in office.events() {
        for posting in postings(&event).into_iter().filter(|p| p.asset != Asset::Credit) {
            let day = wanted.entry((Day::of(row.recorded_at).0, posting.asset.code())).or_default();
            match posting.account.as_ref() {
                "revenue" => day[0] -= posting.amount,
                "breakage" => day[1] -= posting.amount,
                "fees" => day[2] += posting.amount,
                "deferred" => day[3] -= posting.amount,
                _ => {}
            }
        }
        if let Event::PaymentSettled(e) = event {
            *by_rail.entry((e.rail.as_str().to_owned(), e.amount.currency.code())).or_default() +=
                e.amount.minor();
        }
    }
    wanted.retain(|_, day| *day != [0; 4]);
    let table = office.table("revenue", "");
    let found = office.rows::<(i32, String, i64, i64, i64, i64)>(&format!(
        "SELECT day - date '1970-01-01', currency, sum(recognised)::bigint, sum(breakage)::bigint, \
            sum(fees)::bigint, sum(paid + restored - recognised - breakage - refunded)::bigint \
         FROM {table} GROUP BY 1, 2"
    ));
    let found: BTreeMap<(i32, String), [i64; 4]> = found
        .into_iter()
        .map(|(day, currency, a, b, c, d)| ((day, currency), [a, b, c, d]))
        .filter(|(_, sums)| *sums != [0; 4])
        .collect();
    let wanted: BTreeMap<(i32, String), [i64; 4]> =
        wanted.into_iter().map(|((day, code), sums)| ((day, code.to_owned()), sums)).collect();
    assert_eq!(found, wanted, "revenue by day: recognised, breakage, fees, change of what is deferred");
    assert!(found.len() > 2, "the history has several days");
    let rails = office.rows::<(String, String, i64)>(&format!(
        "SELECT origin, currency, sum(paid)::bigint FROM {table} GROUP BY 1, 2 HAVING sum(paid) > 0"
    ));
    let rails: BTreeMap<(String, String), i64> = rails.into_iter().map(|(o, c, n)| ((o, c), n)).collect();
    assert_eq!(rails, by_rail.into_iter().map(|((o, c), n)| ((o, c.to_owned()), n)).collect());
    // Nothing is earned on a rail that was not paid on it.
    let lost = office.rows::<(String, i64)>(&format!(
        "SELECT origin, sum(recognised + breakage + refunded - restored - paid)::bigint FROM {table} \
         GROUP BY origin HAVING sum(recognised + breakage + refunded - restored - paid) > 0"
    ));
    assert!(lost.is_empty(), "{lost:?}");
}

fn daily(office: &Office) {
    let mut wanted: BTreeMap<(i32, &str, String), i64> = BTreeMap::new();
    let mut active: BTreeSet<(i32, Uuid)> = BTreeSet::new();
    let (mut opened, mut payers): (BTreeMap<Uuid, i32>, BTreeSet<Uuid>) = Default::default();
    let mut kinds: BTreeMap<String, (String, i64)> = BTreeMap::new();
    let (mut times, mut successes) = (0i64, 0i64);
    for (row, _) in office.events() {
        let day = Day::of(row.recorded_at).0;
        let json: Value = serde_json::from_str(&row.payload).unwrap();
        let text = |field: &str| json[field].as_str().unwrap_or_default().to_owned();
        let mut count = |figure, part: String| *wanted.entry((day, figure, part)).or_default() += 1;
        match row.event_type.as_str() {
            "AccountOpened" => {
                count("new_people", String::new());
                opened.insert(row.account_id, day);
                active.insert((day, row.account_id));
            }
            "PaymentOpened" => drop(active.insert((day, row.account_id))),
            "GenerationRequested" => {
                active.insert((day, row.account_id));
                count("requested", text("kind"));
                kinds.insert(text("generation"), (text("kind"), row.recorded_at));
            }
            "GenerationSucceeded" => {
                let (kind, since) = kinds[&text("generation")].clone();
                count("succeeded", kind);
                times += i64::from(projections::slot_of((row.recorded_at - since) / 1_000));
                successes += 1;
            }
            "GenerationFailed" => {
                count("failures", text("reason"));
                count("failed", kinds[&text("generation")].0.clone());
            }
            "PaymentSettled" if payers.insert(row.account_id) => {
                count("first_payers", String::new());
                *wanted.entry((opened[&row.account_id], "new_people_paid", String::new())).or_default() += 1;
            }
            _ => {}
        }
    }
    for (day, _) in &active {
        *wanted.entry((*day, "active_people", String::new())).or_default() += 1;
    }
    let table = office.table("daily", "");
    let found = office.rows::<(i32, String, String, i64)>(&format!(
        "SELECT day - date '1970-01-01', figure, part, n FROM {table}"
    ));
    let found: BTreeMap<(i32, String, String), i64> =
        found.into_iter().map(|(day, figure, part, n)| ((day, figure, part), n)).collect();
    let asked: BTreeSet<&str> = wanted.keys().map(|(_, figure, _)| *figure).collect();
    let found: BTreeMap<_, _> =
        found.into_iter().filter(|((_, f, _), _)| asked.contains(f.as_str())).collect();
    let wanted: BTreeMap<_, _> =
        wanted.into_iter().map(|((day, figure, part), n)| ((day, figure.to_owned(), part), n)).collect();
    assert_eq!(found, wanted, "daily figures");
    let table = office.table("daily", "times");
    let found = office.rows::<(i64, i64)>(&format!(
        "SELECT coalesce(sum(slot * n), 0)::bigint, coalesce(sum(n), 0)::bigint FROM {table}"
    ));
    assert_eq!(found, [(times, successes)], "the histogram of times");
}

fn referrals_and_operators(office: &Office) {
    let registered = office.events().filter(|(_, e)| matches!(e, Event::ReferralRegistered(_))).count();
    let bonuses: i64 = office
        .events()
        .filter_map(|(row, event)| match event {
            Event::CreditsGranted(e) if e.cause.is_some() && row.payload.contains("\"referral\"") => {
                Some(e.credits.get())
            }
            _ => None,
        })
        .sum();
    let table = office.table("referrals", "");
    let found = office.rows::<(i64, i64)>(&format!(
        "SELECT count(*), coalesce(sum(coalesce(inviter_credits, 0) + coalesce(invited_credits, 0)), 0)::bigint FROM {table}"
    ));
    assert_eq!(found, [(i64::try_from(registered).unwrap(), bonuses)]);
    assert!(bonuses > 0, "no referral was paid in this history");
    let acts: Vec<(i64,)> = office
        .events()
        .filter(|(row, _)| row.actor.starts_with("operator:") || !row.account().is_person())
        .map(|(row, _)| (row.position,))
        .collect();
    let table = office.table("operators", "");
    assert_eq!(office.rows::<(i64,)>(&format!("SELECT position FROM {table} ORDER BY position")), acts);
}

/// Against the core's own accounts.
fn people(office: &Office) {
    let (mut accounts, mut opened): (BTreeMap<Uuid, Account>, BTreeMap<Uuid, i64>) = Default::default();
    let (mut paid, mut active): (BTreeMap<Uuid, i64>, BTreeMap<Uuid, i64>) = Default::default();
    for (row, event) in office.events().filter(|(row, _)| row.account().is_person()) {
        opened.entry(row.account_id).or_insert(row.position);
        match event {
            Event::PaymentSettled(_) => *paid.entry(row.account_id).or_default() += 1,
            Event::GenerationRequested(_) => {
                active.insert(row.account_id, i64::from(Day::of(row.recorded_at).0));
            }
            _ => {}
        }
        let state = accounts.remove(&row.account_id).unwrap_or_default();
        accounts.insert(row.account_id, evolve(state, &event));
    }
    let table = office.table("people", "");
    type Person = (Uuid, i64, bool, i64, bool, i64, bool, Option<i64>);
    let found = office.rows::<Person>(&format!(
        "SELECT account_id, opened, banned, debt, in_debt, payments, payer, active_day FROM {table} ORDER BY account_id"
    ));
    let wanted: Vec<Person> = accounts
        .iter()
        .map(|(id, state)| {
            let (debt, payments) = (state.balance().debt.get(), paid.get(id).copied().unwrap_or(0));
            let day = active.get(id).copied();
            (*id, opened[id], state.banned(), debt, debt > 0, payments, payments > 0, day)
        })
        .collect();
    assert_eq!(found, wanted);
    let was_banned = office.events().any(|(_, event)| matches!(event, Event::AccountBanned(_)));
    assert!(was_banned && wanted.iter().any(|person| person.6), "a history without bans or payers");
}

fn trial_balances(office: &Office) {
    let table = office.table("trial_balance", "");
    let found = office.rows::<(String, String, i64, i64)>(&format!(
        "SELECT asset, account, debit, credit FROM {table} WHERE through = (SELECT max(through) FROM {table})"
    ));
    let wanted = sums(&office.history.rows, office.head());
    assert_eq!(found.len(), wanted.len());
    for (asset, account, debit, credit) in found {
        let of = wanted.iter().find(|((a, name), _)| a.code() == asset && *name == account);
        assert_eq!(Some((debit, credit)), of.map(|(_, sums)| *sums), "{asset} {account}");
    }
}
