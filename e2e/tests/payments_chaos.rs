//! Random payments while calls fail before and after their effects, notifications are lost, doubled, late or out of
//! order, and each service, NATS and Postgres die: at the end the provider's books equal the log, kopeck by kopeck.
//!
//! `PLANTAIN_ROUNDS` is how many payments (`cargo xtask chaos --payments`), `PLANTAIN_SEED` repeats what people and
//! faults do; how threads meet is chance all the same.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use e2e::dice::{self, Dice};
use e2e::raw::of;
use e2e::shop::{HASTY, Shop};
use e2e::{Role, money, stage};
use proto_events::{PaymentId, Producer};
use serde_json::{Value, json};
use sqlx::PgPool;
use xtask::machine::{Signal, Stop};

/// People who pay at once.
const LANES: usize = 24;
/// From so many payments on a run is a long one: more people, longer peace.
const LONG: usize = 1_000;
/// Payments of one person: fewer than may be open at once.
const EACH: usize = 4;
/// Between two deaths.
const PEACE: Duration = Duration::from_millis(2_500);
/// Between two faults.
const FAULT_EVERY: Duration = Duration::from_millis(120);

/// How one payment is to go.
#[derive(Debug, Clone, Copy)]
struct Plan {
    user: i64,
    n: usize,
    ends: Ending,
    /// Kopecks that go back: by an operator, by the cabinet.
    refunds: [Option<i64>; 2],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Paid,
    Declined,
    Expired,
    /// Nobody does anything: it expires at the end.
    Left,
}

fn plan(dice: &mut Dice, index: usize) -> Plan {
    let ends = match dice.below(100) {
        0..=6 => Ending::Declined,
        7..=11 => Ending::Expired,
        12..=15 => Ending::Left,
        _ => Ending::Paid,
    };
    let mut refund = |percent: u64| {
        let kopecks = [10_000, 5_000, 3_333, 1, 9_999][usize::try_from(dice.below(5)).unwrap_or(0)];
        (dice.below(100) < percent).then_some(kopecks)
    };
    let refunds = [refund(15), refund(12)];
    let user = i64::try_from(index / EACH).expect("some") + 1;
    Plan { user, n: index % EACH, ends, refunds }
}

/// The ways of those who pay, and of the operator.
#[derive(Clone)]
struct Desk {
    deeds: e2e::deeds::Deeds,
    raw: e2e::raw::Raw,
    pool: PgPool,
    http: reqwest::Client,
    sandbox: String,
}

impl Desk {
    /// Until it is answered at all.
    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        loop {
            let sent = self.http.post(format!("{}{path}", self.sandbox)).json(body).send().await;
            if let Ok(answer) = sent {
                let status = answer.status().as_u16();
                if let Ok(body) = answer.json().await {
                    return (status, body);
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The id at YooKassa, or nothing if the payment was closed before it got one.
    async fn registered(&self, payment: PaymentId) -> Option<String> {
        let sql = "SELECT (SELECT checkout_url FROM payment_links WHERE payment = $1), \
                          NOT EXISTS (SELECT FROM open_payments WHERE payment = $1)";
        loop {
            let found = sqlx::query_as::<_, (Option<String>, bool)>(sql).bind(payment.to_string());
            match found.fetch_one(&self.pool).await {
                Ok((Some(url), _)) => return url.rsplit('/').next().map(str::to_owned),
                Ok((None, true)) => return None,
                // Postgres may be dead.
                Ok((None, false)) | Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    async fn is_settled(&self, id: &str) -> bool {
        let sql =
            "SELECT EXISTS (SELECT FROM natural_keys WHERE kind = 'settled' AND key = 'yookassa:' || $1)";
        loop {
            match sqlx::query_scalar(sql).bind(id).fetch_one(&self.pool).await {
                Ok(settled) => return settled,
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    async fn go(&self, plan: Plan) {
        // Answered or not, the same command again.
        while self.deeds.start(plan.user).await.is_err() {}
        let nonce = format!("n{}x{}", plan.user, plan.n);
        let payment = loop {
            match self.deeds.topup(plan.user, &nonce).await {
                Ok(payment) => break payment,
                Err(error) => assert!(error.code().is_none(), "a top-up is refused: {error}"),
            }
        };
        let Some(id) = self.registered(payment).await else { return };
        match plan.ends {
            Ending::Paid => drop(self.post(&format!("/checkout/{id}/succeed"), &json!({})).await),
            Ending::Declined => drop(self.post(&format!("/checkout/{id}/decline"), &json!({})).await),
            Ending::Expired => drop(self.post(&format!("/checkout/{id}/expire"), &json!({})).await),
            Ending::Left => {}
        }
        if plan.ends != Ending::Paid {
            return;
        }
        let [operator, cabinet] = plan.refunds;
        if let Some(kopecks) = cabinet {
            let rubles = format!("{}.{:02}", kopecks / 100, kopecks % 100);
            self.post(&format!("/checkout/{id}/refund"), &json!({"amount": rubles})).await;
        }
        if let Some(kopecks) = operator {
            while !self.is_settled(&id).await {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            let body = json!({"payment": payment, "rail": "yookassa", "reason": "asked for",
                "amount": {"amount": kopecks, "currency": "RUB"}});
            let command = format!("refund:{nonce}");
            // More than is left is refused, and that is right.
            self.raw.ask(Producer::Console, "refund_open", &command, of(payment.account()), body).await;
        }
    }
}

/// (call, fault, name)
fn faults() -> Vec<(&'static str, Value, &'static str)> {
    let mut all = Vec::new();
    for call in
        ["create_payment", "create_refund", "get_payment", "get_refund", "list_payments", "list_refunds"]
    {
        all.push((call, json!(500), "500 before"));
        all.push((call, json!({"drop": "before"}), "cut before"));
        all.push((call, json!("truncated"), "truncated"));
        all.push((call, json!({"delay_ms": 400}), "slow"));
        all.push((call, json!({"status": 429, "retry_after": 0.2}), "429"));
    }
    for call in ["create_payment", "create_refund"] {
        all.push((call, json!({"status": 500, "after_effect": true}), "500 after"));
        all.push((call, json!({"drop": "after"}), "cut after"));
        all.push((call, json!({"hold_ms": 800}), "held open"));
        all.push((call, json!({"status": 400, "code": "invalid_request"}), "refused"));
    }
    all.push(("create_refund", json!({"refund_status": "pending"}), "pending"));
    all.push(("create_refund", json!({"refund_status": "canceled"}), "canceled"));
    for _ in 0..4 {
        all.push(("notification", json!("lost"), "lost"));
        all.push(("notification", json!({"duplicate": 4}), "five at once"));
        all.push(("notification", json!({"late_ms": 3_000}), "late"));
        all.push(("notification", json!("reordered"), "reordered"));
        all.push(("notification", json!({"patch": {"object": {"status": "canceled"}}}), "stale"));
        all.push(("notification_answer", json!("lost"), "its answer lost"));
    }
    all
}

/// How often each has fired: what has is counted and taken back.
#[derive(Default)]
struct Fired(BTreeMap<String, u64>);

impl Fired {
    async fn gather(&mut self, desk: &Desk, names: &mut BTreeMap<u64, String>) {
        let Ok(answer) = desk.http.get(format!("{}/faults", desk.sandbox)).send().await else { return };
        let Ok(list) = answer.json::<Value>().await else { return };
        let list =
            list.as_array().cloned().or_else(|| list["faults"].as_array().cloned()).unwrap_or_default();
        for fault in list.iter().filter(|fault| fault["left"] == 0) {
            let Some(id) = fault["id"].as_u64() else { continue };
            let _ = desk.http.delete(format!("{}/faults/{id}", desk.sandbox)).send().await;
            if let Some(name) = names.remove(&id) {
                *self.0.entry(name).or_default() += fault["fired"].as_u64().unwrap_or(0);
            }
        }
    }
}

/// Bends calls until everyone has gone their way; how often each kind fired.
async fn bend(desk: Desk, mut dice: Dice, gone: Arc<AtomicUsize>, all: usize) -> Fired {
    let (faults, mut names, mut fired) = (faults(), BTreeMap::new(), Fired::default());
    let mut n = 0_u64;
    while gone.load(Ordering::SeqCst) < all {
        let (call, fault, name) =
            &faults[usize::try_from(dice.below(faults.len() as u64)).expect("one of them")];
        let body = json!({"vendor": "yookassa", "call": call, "fault": fault});
        let (status, made) = desk.post("/faults", &body).await;
        if let (true, Some(id)) = (status < 300, made["id"].as_u64()) {
            names.insert(id, format!("{call}: {name}"));
        }
        n += 1;
        if n.is_multiple_of(20) {
            fired.gather(&desk, &mut names).await;
        }
        tokio::time::sleep(FAULT_EVERY).await;
    }
    fired.gather(&desk, &mut names).await;
    let _ = desk.http.delete(format!("{}/faults", desk.sandbox)).send().await;
    fired
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Death {
    Ledger,
    Payments,
    /// The vendor's end: it comes back with its books.
    Sandbox,
    Nats,
    Postgres,
}

fn strike(shop: &mut Shop, death: Death, sandbox: &[(&str, &str)]) {
    match death {
        Death::Ledger => {
            shop.stage.kill9(Role::Ledger);
            shop.stage.start(Role::Ledger, &[]).unwrap();
        }
        Death::Payments => {
            shop.stage.kill9(Role::Payments);
            shop.stage.start(Role::Payments, &HASTY).unwrap();
        }
        Death::Sandbox => {
            shop.stage.signal(Role::Sandbox, Signal::SIGTERM);
            shop.stage.wait_ended(Role::Sandbox);
            shop.stage.start(Role::Sandbox, sandbox).unwrap();
        }
        Death::Nats => {
            shop.stage.nats.kill9();
            shop.stage.nats.restart().unwrap();
        }
        Death::Postgres => {
            shop.stage.postgres.stop(Stop::Immediate).unwrap();
            shop.stage.postgres.restart().unwrap();
        }
    }
    for role in [Role::Ledger, Role::Payments] {
        shop.stage.wait_ready(role).unwrap();
    }
}

#[test]
fn random_payments_under_faults_and_deaths_leave_books_that_agree() {
    let count = dice::rounds(60);
    let mut dice = Dice::new("payments");
    let state = std::env::temp_dir().join(format!("plantain-books-{}", std::process::id()));
    let file = state.join("books.json").display().to_string();
    let sandbox = [("SANDBOX_STATE", file.as_str())];
    let mut shop = Shop::open_with(&sandbox, &[]).unwrap();
    let desk = Desk {
        deeds: shop.deeds.hasty(Duration::from_secs(20)),
        raw: shop.raw.clone(),
        pool: shop.stage.pool.clone(),
        http: shop.stage.http.clone(),
        sandbox: shop.stage.url(Role::Sandbox),
    };
    let plans: Arc<Vec<Plan>> = Arc::new((0..count).map(|index| plan(&mut dice, index)).collect());
    let (next, gone) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let scale = if count >= LONG { 16 } else { 1 };
    let lanes: Vec<_> = (0..(scale * LANES).min(count))
        .map(|_| {
            let (desk, plans, next, gone) = (desk.clone(), plans.clone(), next.clone(), gone.clone());
            shop.stage.rt.spawn(async move {
                while let Some(plan) = plans.get(next.fetch_add(1, Ordering::SeqCst)) {
                    desk.go(*plan).await;
                    gone.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    let bending = shop.stage.rt.spawn(bend(desk.clone(), dice.fork(), gone.clone(), count));

    let deaths = [Death::Ledger, Death::Payments, Death::Sandbox, Death::Nats, Death::Postgres];
    let (mut struck, mut turn, begun) = (BTreeMap::<Death, u32>::new(), 0, Instant::now());
    while lanes.iter().any(|lane| !lane.is_finished()) {
        std::thread::sleep(if scale > 1 { PEACE * 2 } else { PEACE });
        // Each in its turn first, then by chance.
        let by_chance = usize::try_from(dice.below(5)).unwrap_or(0);
        let death = deaths[if turn < deaths.len() { turn } else { by_chance }];
        strike(&mut shop, death, &sandbox);
        *struck.entry(death).or_default() += 1;
        turn += 1;
        if turn.is_multiple_of(20) {
            println!(
                "{:>6.0} s: {} of {count} went their way",
                begun.elapsed().as_secs_f64(),
                gone.load(Ordering::SeqCst)
            );
        }
    }
    for lane in lanes {
        shop.stage.rt.block_on(lane).expect("everybody goes their way");
    }
    let fired = shop.stage.rt.block_on(bending).expect("faults are taken back");
    let seconds = begun.elapsed().as_secs_f64();

    shop.stage.heal();
    end_what_is_pending(&shop);
    let open = "SELECT (SELECT count(*) FROM open_payments) + (SELECT count(*) FROM open_refunds)";
    let healed = Instant::now();
    let mut left = i64::MAX;
    while left > 0 {
        left = shop.stage.rt.block_on(sqlx::query_scalar(open).fetch_one(&shop.stage.pool)).unwrap();
        assert!(healed.elapsed() < stage::PATIENCE * 5, "{left} payments and refunds don't end");
        std::thread::sleep(Duration::from_millis(250));
    }
    shop.assert_at_rest();
    report(&shop, count, seconds, healed.elapsed(), &fired, &struck);
    let _ = std::fs::remove_dir_all(state);
}

/// Banks decide, and who has not paid within the hour will not.
fn end_what_is_pending(shop: &Shop) {
    let books = shop.stage.books();
    let refunds = books["yookassa"]["refunds"].as_array().cloned().unwrap_or_default();
    for (n, refund) in refunds.iter().filter(|refund| refund["status"] == "pending").enumerate() {
        let deed = if n.is_multiple_of(2) { "succeed" } else { "decline" };
        shop.desk(refund["id"].as_str().unwrap_or_default(), deed, &json!({}));
    }
    shop.stage.post("/clock", &json!({"advance_ms": 3_700_000}));
}

fn report(
    shop: &Shop,
    count: usize,
    seconds: f64,
    rest: Duration,
    fired: &Fired,
    struck: &BTreeMap<Death, u32>,
) {
    let log = shop.stage.rt.block_on(e2e::Stage::log(&shop.stage.pool));
    let of = |name: &str| log.iter().filter(|row| row.event_type == name).count();
    let theirs = money::theirs(&shop.stage.books());
    assert_eq!(of("PaymentQuarantined"), 0, "no fault here makes money odd");
    let (paid, refunded) =
        theirs.values().fold((0, 0), |(paid, refunded), s| (paid + s.paid, refunded + s.refunded));
    println!("{count} payments in {seconds:.0} s, everything ended {:.1} s after that", rest.as_secs_f64());
    println!(
        "settled {}, canceled {}, quarantined {}, refunds settled {}, failed {}",
        of("PaymentSettled"),
        of("PaymentCanceled"),
        of("PaymentQuarantined"),
        of("RefundSettled"),
        of("RefundFailed")
    );
    println!(
        "{} at the provider, kopecks: paid {paid}, refunded {refunded}; the log says the same",
        theirs.len()
    );
    for (name, times) in &fired.0 {
        println!("{times:>6}  {name}");
    }
    for (death, times) in struck {
        println!("{times:>6}  death of {death:?}");
    }
}
