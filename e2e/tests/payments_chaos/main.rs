//! Random payments by YooKassa's page and in Stars while calls fail before and after their effects, notifications are lost, doubled, late
//! or out of order, and each service, NATS and Postgres die: at the end the vendors' books equal the log, kopeck by
//! kopeck and Star by Star.
//!
//! `PLANTAIN_ROUNDS` is how many payments (`cargo xtask chaos --payments`), `PLANTAIN_SEED` repeats what people and
//! faults do; how threads meet is chance all the same.

mod desk;
mod faults;
mod plan;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use e2e::dice::{self, Dice};
use e2e::shop::{HASTY, Shop};
use e2e::{Role, booth, money};
use proto_events::catalog::Catalog;
use serde_json::json;
use xtask::machine::{Signal, Stop};

use self::desk::Desk;
use self::faults::{Fired, bend};
use self::plan::{Plan, plan};

/// People who pay at once.
const LANES: usize = 24;
/// From so many payments on a run is a long one: more people, longer peace, longer lives of bills.
const LONG: usize = 1_000;
/// Between two deaths.
const PEACE: Duration = Duration::from_millis(2_500);
/// Of a hundred, so many go their way while calls fail and services die; the last would be kept from theirs for ever.
const PESTERED: usize = 90;
/// How long a bill in Stars can be paid.
const BILL_MS: u32 = 30_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Death {
    Ledger,
    Payments,
    Telegram,
    /// The vendor's end: it comes back with its books.
    Sandbox,
    Nats,
    Postgres,
}

fn strike(shop: &mut Shop, death: Death, ledger: &[(&str, &str)], sandbox: &[(&str, &str)]) {
    match death {
        Death::Ledger => {
            shop.stage.kill9(Role::Ledger);
            shop.stage.start(Role::Ledger, ledger).unwrap();
        }
        Death::Payments => {
            shop.stage.kill9(Role::Payments);
            shop.stage.start(Role::Payments, &HASTY).unwrap();
        }
        Death::Telegram => {
            shop.stage.kill9(Role::Telegram);
            shop.stage.start(Role::Telegram, &[booth::OFTEN]).unwrap();
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
    for role in [Role::Ledger, Role::Payments, Role::Telegram] {
        shop.stage.wait_ready(role).unwrap();
    }
}

#[test]
fn random_payments_under_faults_and_deaths_leave_books_that_agree() {
    let count = dice::rounds(60);
    let scale = if count >= LONG { 8 } else { 1 };
    let mut dice = Dice::new("payments");
    let kept = std::env::temp_dir().join(format!("plantain-books-{}", std::process::id()));
    std::fs::create_dir_all(&kept).unwrap();
    let (books, catalog) = (kept.join("books.json"), kept.join("catalog.json"));
    std::fs::write(&catalog, short_lived(scale)).unwrap();
    let (books, catalog) = (books.display().to_string(), catalog.display().to_string());
    let (sandbox, ledger) = ([("SANDBOX_STATE", books.as_str())], [("CATALOG_FILE", catalog.as_str())]);
    let mut shop = Shop::open_as(&sandbox, &ledger, &[]).unwrap();
    shop.stage.start(Role::Telegram, &[booth::OFTEN]).unwrap();
    let desk = Desk::new(&shop);
    let plans: Arc<Vec<Plan>> = Arc::new((0..count).map(|index| plan(&mut dice, index)).collect());
    let (next, gone) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
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
    let enough = count * PESTERED / 100;
    let bending = shop.stage.rt.spawn(bend(desk.clone(), dice.fork(), gone.clone(), enough));

    let deaths =
        [Death::Ledger, Death::Payments, Death::Telegram, Death::Sandbox, Death::Nats, Death::Postgres];
    let (mut struck, mut turn, begun) = (BTreeMap::<Death, u32>::new(), 0, Instant::now());
    while gone.load(Ordering::SeqCst) < enough || turn < deaths.len() {
        std::thread::sleep(if scale > 1 { PEACE * 2 } else { PEACE });
        // Each in its turn first, then by chance.
        let by_chance = usize::try_from(dice.below(deaths.len() as u64)).unwrap_or(0);
        let death = deaths[if turn < deaths.len() { turn } else { by_chance }];
        strike(&mut shop, death, &ledger, &sandbox);
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
    let open = "SELECT payment FROM open_payments UNION ALL SELECT refund FROM open_refunds";
    let healed = Instant::now();
    loop {
        let left: Vec<String> =
            shop.stage.rt.block_on(sqlx::query_scalar(open).fetch_all(&shop.stage.pool)).unwrap();
        if left.is_empty() {
            break;
        }
        let dir = shop.stage.dir().display();
        assert!(healed.elapsed() < Duration::from_secs(300), "these don't end: {left:?}; logs in {dir}");
        std::thread::sleep(Duration::from_millis(250));
    }
    shop.assert_at_rest();
    report(&shop, count, seconds, healed.elapsed(), &fired, &struck);
    let _ = std::fs::remove_dir_all(kept);
}

/// The catalog, but bills that nobody pays end soon.
fn short_lived(scale: usize) -> String {
    let mut catalog = Catalog::default_catalog().unwrap();
    catalog.limits.payment_ms = BILL_MS * if scale > 1 { 8 } else { 1 };
    serde_json::to_string(&catalog).unwrap()
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
    println!("{count} payments in {seconds:.0} s, everything ended {:.1} s after that", rest.as_secs_f64());
    println!(
        "settled {}, canceled {}, quarantined {}, refunds settled {}, failed {}",
        of("PaymentSettled"),
        of("PaymentCanceled"),
        of("PaymentQuarantined"),
        of("RefundSettled"),
        of("RefundFailed")
    );
    for (provider, unit) in [("yookassa", "kopecks"), ("telegram", "Stars")] {
        let of_provider = theirs.iter().filter(|(id, _)| id.starts_with(provider)).map(|(_, sides)| sides);
        let (payments, paid, refunded) = of_provider
            .fold((0, 0, 0), |(n, paid, refunded), s| (n + 1, paid + s.paid, refunded + s.refunded));
        println!(
            "{provider}: {payments} payments, {unit}: paid {paid}, refunded {refunded}; the log says the same"
        );
    }
    for (name, times) in &fired.times {
        println!("{times:>6}  {name}");
    }
    for (death, times) in struck {
        println!("{times:>6}  death of {death:?}");
    }
}
