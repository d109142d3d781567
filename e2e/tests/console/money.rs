//! What finance works off: payments in quarantine, days that differ, who owes, what providers hold.

use e2e::Stage;
use e2e::deeds::{Deeds, provider_id, rubles};
use e2e::raw::{Raw, of};
use ledger::books::moscow::Day;
use proto_events::{AccountId, PaymentId, Producer, Provider};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::desk::{PASSWORD, Seat, hires, open};
use crate::log::with_history;
use crate::statistics::takes_out;

/// Noon in Moscow of 2026-11-21.
const NOON: i64 = 1_795_251_600_000_000;
const DAY: &str = "2026-11-21";

fn rub(minor: i64) -> Value {
    json!({"amount": minor, "currency": "RUB"})
}

pub fn order(stage: &Stage, deeds: &Deeds, user: i64) -> PaymentId {
    stage.rt.block_on(async {
        deeds.start(user).await.unwrap();
        deeds.topup(user, &format!("n{user}")).await.unwrap()
    })
}

pub fn quarantine(raw: &Raw, payment: Option<PaymentId>, id: &str) {
    let account = payment.map_or(AccountId::OPERATIONS, |payment| payment.account());
    let seen = json!({"status": "succeeded", "amount": rub(7_000)});
    let body = json!({"payment": payment, "rail": "yookassa", "provider_payment_id": id,
                      "problems": ["amount_differs"], "seen": seen});
    raw.done(Producer::Payments, "payment_quarantine", &format!("quarantine:{id}"), of(account), body);
}

#[test]
fn a_payment_in_quarantine_is_decided_once_by_an_administrator() {
    let stage = open();
    hires(&stage, "fin", "finance");
    let (raw, deeds) = (Raw::new(&stage), Deeds::new(&stage));
    let payment = order(&stage, &deeds, 7);
    quarantine(&raw, Some(payment), "y-1");
    quarantine(&raw, None, "y-2");
    let (fin, admin) = (Seat::signed_in(&stage, "fin", PASSWORD), Seat::signed_in(&stage, "admin", PASSWORD));
    let waiting = || fin.reads("/cases")["quarantined"].as_array().unwrap().len();
    assert_eq!(waiting(), 2);
    let page = fin.gets("/cases/quarantine?id=y-1");
    assert!(page.text.contains("70.00 ₽") && !page.text.contains("name=\"verdict\""), "{}", page.text);
    admin.proves(PASSWORD);
    let decide = |seat: &Seat<'_>, once: &str, id: &str, more: &[(&str, &str)]| {
        let mut form = vec![("once", once), ("id", id), ("reason", "asked the shop"), ("sure", "on")];
        form.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
        form.extend(more);
        seat.posts("/cases/decide", &form)
    };
    let settle = [("verdict", "settle"), ("amount", "70"), ("credits", "70")];
    let once = admin.gets("/cases/quarantine?id=y-1").hidden("once");
    assert_eq!(decide(&fin, &once, "y-1", &settle).status, StatusCode::FORBIDDEN);
    for (what, words) in [
        (&[("verdict", "settle"), ("amount", "7.5"), ("credits", "70")][..], "сумма не подходит"),
        (&[("verdict", "settle"), ("amount", "70"), ("credits", "-1")], "кредиты"),
        (&[("verdict", "keep")], "выберите решение"),
        (&[("verdict", "dismiss"), ("sure", "")], "окончательно"),
        (&[("verdict", "dismiss"), ("reason", " ")], "причину"),
    ] {
        let refused = decide(&admin, &once, "y-1", what);
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{what:?}");
        assert!(refused.text.contains(words), "{what:?}: {}", refused.text);
    }
    let nobodys = decide(&admin, &once, "y-2", &settle);
    assert_eq!(nobodys.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", nobodys.text);
    assert_eq!(waiting(), 2, "nothing was decided");
    assert_eq!(decide(&admin, &once, "y-1", &settle).to, "/cases?done=decided");
    assert_eq!(decide(&admin, &once, "y-1", &settle).status, StatusCode::CONFLICT, "it waits no more");
    let once = admin.gets("/cases/quarantine?id=y-2").hidden("once");
    assert_eq!(decide(&admin, &once, "y-2", &[("verdict", "dismiss")]).to, "/cases?done=decided");
    assert_eq!(waiting(), 0);
    let life = &fin.reads("/payment?id=y-1")["payment"];
    assert_eq!((life["state"].as_str(), &life["paid"]), (Some("settled"), &rub(7_000)), "{life:#}");
    let events = life["events"].as_array().unwrap();
    assert!(events.iter().any(|event| event["actor"] == "operator:admin"), "{events:#?}");
    assert_eq!(fin.gets("/payment?id=nothing").status, StatusCode::UNPROCESSABLE_ENTITY);
    stage.assert_verified();
}

/// The provider's whole day: ids of payments and kopecks.
fn uploads(raw: &Raw, payments: &[(&str, i64)]) {
    let rows: Vec<Value> = payments
        .iter()
        .map(|(id, minor)| {
            json!({"of": "payment", "id": id, "amount": rub(*minor), "net": rub(minor - 350), "at": NOON})
        })
        .collect();
    let uploaded = [
        ("provider_rows_put", json!({"provider": "yookassa", "rows": rows})),
        ("provider_day_done", json!({"provider": "yookassa", "day": Day::parse(DAY).unwrap().0})),
    ];
    for (verb, body) in uploaded {
        let account = of(AccountId::OPERATIONS);
        assert_eq!(raw.send(Producer::Payments, verb, verb, account, body)["status"], "done", "{verb}");
    }
}

/// A whole day on which the provider has something that is not here.
pub fn day_to_compare(raw: &Raw) -> &'static str {
    uploads(raw, &[("ghost", 500)]);
    DAY
}

#[test]
fn a_day_is_compared_with_the_providers_and_recorded() {
    let stage = open();
    hires(&stage, "fin", "finance");
    let (raw, deeds) = (Raw::new(&stage), Deeds::new(&stage));
    let fin = Seat::signed_in(&stage, "fin", PASSWORD);
    let paid: Vec<PaymentId> = [1, 2].map(|user| order(&stage, &deeds, user)).into();
    for payment in &paid {
        stage.rt.block_on(deeds.register(*payment)).unwrap();
        let body = json!({"payment": payment, "rail": "yookassa", "provider_payment_id": provider_id(*payment),
                          "amount": rub(10_000), "net": rub(9_650), "test": false, "paid_at": NOON});
        let id = format!("settle:yookassa:{}", provider_id(*payment));
        raw.done(Producer::Payments, "payment_settle", &id, of(payment.account()), body);
    }
    let path = format!("/reconciliation/day?provider=yookassa&day={DAY}");
    assert!(fin.reads(&path)["comparison"].is_null(), "nobody has compared it yet");
    let compares = |once: &str| {
        fin.posts("/reconciliation/compare", &[("once", once), ("provider", "yookassa"), ("day", DAY)])
    };
    let early = compares(&fin.gets(&path).hidden("once"));
    assert_eq!(early.status, StatusCode::CONFLICT, "the provider has said nothing yet: {}", early.text);
    uploads(&raw, &[(&provider_id(paid[0]), 10_000), (&provider_id(paid[1]), 9_000), ("ghost", 500)]);
    let once = fin.gets(&path).hidden("once");
    for _ in 0..2 {
        let done = compares(&once);
        assert!(done.to.ends_with("&done=compared"), "{} {}", done.status, done.text);
    }
    let day = fin.reads(&path);
    let newest = &day["comparison"];
    assert_eq!(
        (newest["actor"].as_str(), newest["found"]["matched"].as_u64()),
        (Some("operator:fin"), Some(2)),
        "{day:#}"
    );
    let differences = day["differences"].as_array().unwrap();
    let what: Vec<&str> = differences.iter().map(|one| one["found"]["what"].as_str().unwrap()).collect();
    assert_eq!(what, ["missing_here", "amount_differs"], "{day:#}");
    let page = fin.gets(&path);
    assert!(page.text.contains("ghost") && page.text.contains("operator:fin"), "{}", page.text);
    // The ledger may have compared it by itself, too.
    let listed = fin.reads("/reconciliation");
    let listed = listed["comparisons"].as_array().unwrap();
    let by_fin = listed.iter().filter(|one| one["position"] == newest["position"]).count();
    assert_eq!((by_fin, listed[0]["differences"].as_u64()), (1, Some(2)), "{listed:#?}");
    assert!(listed.len() <= 2, "sent twice, it was recorded once: {listed:#?}");
    assert_eq!(fin.reads("/cases")["differing"][0]["day"], DAY);
    for query in ["provider=paypal&day=2026-11-21", "provider=yookassa&day=today"] {
        let answer = fin.gets(&format!("/reconciliation/day?{query}"));
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
    }
    stage.assert_verified();
}

#[test]
fn debts_and_clearing_are_those_of_the_log() {
    let (stage, history) = with_history();
    hires(&stage, "fin", "finance");
    let fin = Seat::signed_in(&stage, "fin", PASSWORD);
    let mut debts = std::collections::BTreeMap::<String, i64>::new();
    for row in &history.rows {
        *debts.entry(row.account_id.to_string()).or_default() += row.debt_delta;
    }
    debts.retain(|_, debt| *debt > 0);
    let told = stage.until("the projection to be there", || {
        let told = fin.reads("/debts");
        (told["sum"].as_i64() == Some(debts.values().sum())).then_some(told)
    });
    let listed = told["accounts"].as_array().unwrap().iter();
    let listed =
        listed.map(|one| (one["account_id"].as_str().unwrap().to_owned(), one["debt"].as_i64().unwrap()));
    assert_eq!(listed.collect::<std::collections::BTreeMap<_, _>>(), debts);
    // A page begins with the account that it names.
    let owe = "UPDATE projections.people_1 SET debt = 3 WHERE account_id IN \
               (SELECT account_id FROM projections.people_1 ORDER BY opened DESC LIMIT 3)";
    stage.sql(sqlx::query(owe).execute(&stage.pool));
    let told = fin.reads("/debts");
    let all = told["accounts"].as_array().unwrap();
    assert!(all.len() >= 3, "{told:#}");
    for (n, one) in all.iter().enumerate() {
        let from = fin.reads(&format!("/debts?next={}", one["opened"]));
        assert_eq!(from["accounts"].as_array().unwrap(), &all[n..]);
        assert_eq!(from["sum"], told["sum"], "of all, whatever the page");
    }
    let at = history.rows.len();
    let clearing = fin.reads(&format!("/clearing?at={at}"));
    let books = fin.reads(&format!("/books?at={at}"));
    let rails = clearing["rails"].as_array().unwrap();
    assert!(!rails.is_empty());
    for rail in rails {
        let account = format!("clearing:{}", rail["rail"].as_str().unwrap());
        let same = |line: &&Value| line["account"] == account.as_str() && line["asset"] == rail["currency"];
        let line = books["lines"].as_array().unwrap().iter().find(same).unwrap();
        assert_eq!((&rail["paid_in"], &rail["balance"]), (&line["debit"], &line["balance"]), "{account}");
    }
}

#[test]
fn a_provider_whose_day_nobody_compared_is_named_whatever_is_projected() {
    let stage = open();
    let deeds = Deeds::new(&stage);
    takes_out(&stage, "daily");
    let now: i64 = stage.sql(sqlx::query_scalar("SELECT now_us()").fetch_one(&stage.pool));
    let named = |days: i64| -> Vec<Provider> {
        let then = now + days * 86_400_000_000;
        let cases = stage.rt.block_on(ledger::cases::cases(&stage.pool, then)).unwrap();
        assert!(cases.uncompared.iter().all(|(_, newest)| newest.is_none()), "{:?}", cases.uncompared);
        cases.uncompared.into_iter().map(|(provider, _)| provider).collect()
    };
    let first = order(&stage, &deeds, 7);
    assert_eq!(named(3), [], "nothing is settled");
    stage.rt.block_on(async {
        deeds.register(first).await.unwrap();
        deeds.settle(first, rubles(100)).await.unwrap();
    });
    assert_eq!(named(3), [Provider::Yookassa], "a shop without Stars has no book of theirs");
    assert_eq!(named(0), [], "its first day is not over");
    let keys = "INSERT INTO natural_keys SELECT 'settled', 'telegram:charge-' || n, gen_random_uuid(), '', \
                    (SELECT position FROM log_head) + n - 1 FROM generate_series(1, 5000) n";
    stage.sql(sqlx::query(keys).execute(&stage.pool));
    assert_eq!(named(3), [Provider::Yookassa, Provider::Telegram]);
}
