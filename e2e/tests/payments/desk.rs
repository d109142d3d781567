//! The operators' commands: give back, decide, see what waits.

use std::time::SystemTime;

use e2e::raw::of;
use e2e::shop::Shop;
use ledger::cases::cases;
use proto_events::Producer;
use serde_json::{Value, json};

pub fn run(shop: &Shop, args: &[&str]) -> (i32, String) {
    let output = shop.stage.ledger_command(args).unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let wide: Vec<&str> =
        said.lines().filter(|line| line.chars().count() > 80 && !line.starts_with('{')).collect();
    assert_eq!(wide, Vec::<&str>::new());
    (output.status.code().unwrap_or(-1), said)
}

fn json_of(shop: &Shop, args: &[&str], wanted: i32) -> Value {
    let (code, said) = run(shop, args);
    assert_eq!(code, wanted, "{said}");
    serde_json::from_str(said.lines().last().unwrap_or_default()).unwrap_or_else(|_| panic!("{said}"))
}

#[test]
fn an_operator_sees_what_a_refund_takes_before_it_is_taken() {
    let shop = Shop::open().unwrap();
    let (payment, theirs) = shop.sell(1, 0);
    shop.spend(1, 3);
    // Held: nobody has made it yet.
    shop.stage.rt.block_on(shop.deeds.request(1, 4)).unwrap();
    assert_eq!(shop.balance(payment), (65, 10, 0));
    let ours = payment.to_string();
    let seen = json_of(&shop, &["refund", &theirs, "--reason", "asked for", "--dry-run", "--json"], 0);
    let figures = ["credits", "taken_now", "held", "debt", "debt_after", "available_after"]
        .map(|name| seen[name].clone());
    assert_eq!(figures, [100, 65, 10, 25, 25, 0].map(|n| json!(n)));
    assert_eq!(shop.count(payment, "RefundOpened"), 0, "only shown");
    // Nobody to ask, and nothing said.
    let (code, said) = run(&shop, &["refund", &ours, "--reason", "asked for"]);
    assert!(code == 2 && said.contains("--yes"), "{code} {said}");
    let (code, said) = run(&shop, &["refund", &ours, "--reason", "r", "--amount", "100.01", "--yes"]);
    assert!(code == 2 && said.contains("left to give back"), "{said}");
    let (code, said) = run(&shop, &["refund", "p-nonsense", "--reason", "r", "--yes"]);
    assert!(code == 2 && said.contains("p-…"), "{said}");

    let part =
        json_of(&shop, &["refund", &ours, "--amount", "40.00", "--reason", "a part", "--yes", "--json"], 0);
    let refund = part["refund"].as_str().unwrap().to_owned();
    shop.until_event(refund.as_str(), "RefundSettled");
    let (code, said) = run(&shop, &["refund", &ours, "--reason", "the rest", "--yes"]);
    assert!(code == 0 && said.contains("60.00 RUB"), "{said}");
    shop.stage.until("both", || (settled(&shop) == 2).then_some(()));
    let (code, said) = run(&shop, &["refund", &ours, "--reason", "once more", "--yes"]);
    assert!(code == 2 && said.contains("nothing is left to give back of 100.00 RUB"), "{said}");
    let books = shop.stage.books();
    let back = &books["yookassa"]["payments"][0]["refunded_amount"]["value"];
    assert_eq!(back, "100.00");
}

fn settled(shop: &Shop) -> i64 {
    let sql = "SELECT count(*) FROM events WHERE type = 'RefundSettled'";
    shop.stage.rt.block_on(sqlx::query_scalar(sql).fetch_one(&shop.stage.pool)).unwrap()
}

#[test]
fn a_chargeback_is_applied_and_the_provider_is_not_asked() {
    let shop = Shop::open().unwrap();
    let (payment, theirs) = shop.sell(1, 0);
    let seen = json_of(
        &shop,
        &["refund", &theirs, "--reason", "the bank took it back", "--already", "cb-7", "--yes", "--json"],
        0,
    );
    assert_eq!(seen["taken_now"], 100);
    assert_eq!((shop.balance(payment), settled(&shop)), ((5, 0, 0), 1));
    let books = shop.stage.books();
    assert_eq!(books["yookassa"]["refunds"], json!([]));
    let (code, said) = run(&shop, &["refund", &theirs, "--reason", "again", "--already", "cb-7", "--yes"]);
    assert_eq!(code, 2, "{said}");
}

#[test]
fn money_that_another_claims_once_it_is_settled_waits_for_a_person_too() {
    let shop = Shop::open().unwrap();
    let (_, theirs) = shop.sell(1, 0);
    let other = shop.order(2, 0);
    let body = json!({"payment": other, "rail": "yookassa", "provider_payment_id": theirs,
        "problems": ["id_differs"], "seen": {"status": "succeeded"}});
    let account = e2e::raw::of(other.account());
    shop.raw.done(proto_events::Producer::Payments, "payment_quarantine", "quarantine:1", account, body);
    let (code, said) = run(&shop, &["cases"]);
    assert!(code == 1 && said.contains(&other.to_string()), "{said}");
    let (code, said) =
        run(&shop, &["quarantine", "dismiss", &theirs, "--reason", "it is another's", "--yes"]);
    assert_eq!((code, run(&shop, &["cases"]).0), (0, 0), "{said}");
}

#[test]
fn what_waits_for_a_person_is_shown_until_they_have_decided() {
    let shop = Shop::open().unwrap();
    assert_eq!(run(&shop, &["cases"]), (0, "Nothing about money waits for a person.\n".to_owned()));
    let payments = [1, 2].map(|user| shop.order(user, 0));
    let theirs = payments.map(|payment| shop.registered(payment));
    let bend = json!({"vendor": "yookassa", "call": "get_payment", "times": "always",
        "fault": {"patch": {"amount": {"value": "70.00"}}}});
    shop.stage.post("/faults", &bend);
    for (payment, id) in payments.iter().zip(&theirs) {
        shop.stage.pay(id);
        shop.until_event(*payment, "PaymentQuarantined");
    }
    let (code, said) = run(&shop, &["cases"]);
    assert_eq!(code, 1);
    for words in ["amount_differs", "70.00 RUB", &theirs[0], &theirs[1], "ledger quarantine"] {
        assert!(said.contains(words), "{words} is not in {said}");
    }
    let settle = ["quarantine", "settle", &theirs[0], "--amount", "70.00", "--credits", "70", "--test"];
    let settle = [&settle[..], &["--reason", "the shop says so", "--yes", "--json"]].concat();
    let decided = json_of(&shop, &settle, 0);
    assert_eq!(decided["events"], json!(["QuarantineResolved", "PaymentSettled", "CreditsGranted"]));
    // Said again, it is the same decision.
    let (code, said) = run(&shop, &settle);
    assert!(code == 2 && said.contains("nothing in quarantine"), "{said}");
    let ours = payments[1].to_string();
    let (code, said) =
        run(&shop, &["quarantine", "dismiss", &ours, "--reason", "given back by hand", "--yes"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(payments.map(|payment| shop.balance(payment)), [(75, 0, 0), (5, 0, 0)]);
    assert_eq!(run(&shop, &["cases"]).0, 0);
}

#[test]
fn what_does_not_end_and_what_came_to_an_erased_account_waits_for_a_person() {
    let shop = Shop::open().unwrap();
    let all = |hours: i64| {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_micros();
        let now = i64::try_from(now).unwrap() + hours * 3_600_000_000;
        shop.stage.rt.block_on(cases(&shop.stage.pool, now)).unwrap()
    };
    let unpaid = shop.order(1, 0);
    shop.registered(unpaid);
    let (paid, _) = shop.sell(2, 0);
    let refused = json!({"vendor": "yookassa", "call": "create_refund", "times": "always", "fault": 500});
    shop.stage.post("/faults", &refused);
    let refund = shop.refund(paid, 4_000, "stuck");
    assert_eq!(all(1).count(), 0, "it may still end");
    let late = all(4);
    let ids = |late: &[ledger::cases::Late]| late.iter().map(|one| one.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&late.late_payments), [unpaid.to_string()]);
    assert_eq!((ids(&late.late_refunds), late.count()), (vec![refund.to_string()], 2));

    // Given up, erased, and paid all the same.
    let gone = shop.order(3, 0);
    let theirs = shop.registered(gone);
    let account = || of(gone.account());
    let rail = json!({"payment": gone, "rail": "yookassa", "provider_payment_id": theirs});
    let with = |more: Value| {
        let mut body = rail.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let cancel = json!({"payment": gone, "rail": "yookassa", "party": "merchant", "reason": "expired"});
    shop.raw.done(
        Producer::Payments,
        "payment_cancel",
        &format!("cancel:yookassa:{theirs}"),
        account(),
        cancel,
    );
    shop.raw.operator("account_erase", "erase:3", account(), json!({"forfeit": true}));
    let paid = with(json!({"amount": {"amount": 10_000, "currency": "RUB"}, "test": true}));
    shop.raw.done(
        Producer::Payments,
        "payment_settle",
        &format!("settle:yookassa:{theirs}"),
        account(),
        paid,
    );
    let stranded = ledger::cases::Stranded { account: gone.account(), credits: 100 };
    shop.stage.until("its credits", || (all(0).stranded == [stranded.clone()]).then_some(()));
    let (code, said) = run(&shop, &["cases"]);
    assert!(code == 1 && said.contains(&gone.account().to_string()), "{said}");
}
