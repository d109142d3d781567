//! `ledger cases` costs the same however much was decided before.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use e2e::judge::wait_for_projections;
use e2e::raw::of;
use e2e::shop::Shop;
use proto_events::{AccountId, Producer};
use serde_json::json;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Counts what sqlx says of its statements.
#[derive(Clone, Default)]
struct Statements(Arc<AtomicUsize>);

impl Write for Statements {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let of_sqlx = String::from_utf8_lossy(line).contains("sqlx::query");
        self.0.fetch_add(usize::from(of_sqlx), Ordering::Relaxed);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// How many cases there are, and how many statements it took to know.
fn cases(shop: &Shop) -> (usize, usize) {
    // A statement that another thread is the first to make, just while we begin to listen, can stay unheard: tracing
    // asks its listeners once. Whoever begins anew is asked again.
    let heard = || (0..100).find_map(|_| counted(shop));
    heard().expect("one of a hundred listeners hears its own statement")
}

fn counted(shop: &Shop) -> Option<(usize, usize)> {
    let (statements, now) = (Statements::default(), "SELECT now_us()");
    let writer = statements.clone();
    let lines = tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG);
    let _guard = lines.with_writer(move || writer.clone()).set_default();
    let pool = &shop.stage.pool;
    let now = shop.stage.rt.block_on(sqlx::query_scalar(now).fetch_one(pool)).unwrap();
    if statements.0.swap(0, Ordering::Relaxed) == 0 {
        return None;
    }
    let found = shop.stage.rt.block_on(ledger::cases::cases(pool, now)).unwrap();
    Some((found.count(), statements.0.load(Ordering::Relaxed)))
}

#[test]
fn a_look_at_what_waits_asks_no_more_often_after_many_decisions() {
    let shop = Shop::open().unwrap();
    let nobody = || of(AccountId::OPERATIONS);
    let (none, before) = cases(&shop);
    assert!(none == 0 && before > 3, "{none} cases in {before} statements");
    for n in 0..60 {
        let stray = format!("stray-{n}");
        let odd = json!({"rail": "yookassa", "provider_payment_id": stray, "problems": ["unknown_payment"],
            "seen": {"status": "succeeded"}});
        shop.raw.done(Producer::Payments, "payment_quarantine", &format!("quarantine:{n}"), nobody(), odd);
        let verdict = json!({"rail": "yookassa", "provider_payment_id": stray, "verdict": "dismiss",
            "reason": "nobody's"});
        if n > 0 {
            shop.raw.operator("quarantine_resolve", &format!("quarantine_resolve:{n}"), nobody(), verdict);
        }
    }
    wait_for_projections(&shop.stage);
    let (open, after) = cases(&shop);
    assert_eq!(open, 1);
    // A longer log has more to halve.
    assert!(after < before + 20, "{after} statements after 59 decisions, {before} before");
}
