//! Notifications of YooKassa handled to their commit, with the proof by GET: how many a second, and how long each took.
//!
//! Ceilings of the same run: the proof alone (GETs of the sandbox, which is one of the four that share the machine)
//! and the commit alone (the same commands straight to the ledger).

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Result, ensure};
use futures_util::future::join_all;
use proto_events::{PaymentId, Producer};
use serde::Serialize;
use serde_json::{Value, json};
use xtask::machine::Postgres;

use super::stats::{Spread, percentile, short};
use crate::deeds::{Deeds, rubles};
use crate::judge::wait_for_projections;
use crate::raw::{Raw, of};
use crate::{Role, Stage};

const IN_FLIGHT: usize = 32;
/// Payments of one person: as many as may be open at once.
const EACH: usize = 4;
const SHOP: (&str, &str) = ("100500", "test_secret");

#[derive(Debug, Clone, Serialize)]
pub struct Notices {
    pub count: usize,
    pub in_flight: usize,
    /// A second, each round.
    pub handled_s: f64,
    pub handled_min: f64,
    pub handled_max: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub gets_s: f64,
    pub commits_s: f64,
    /// Of the slower ceiling.
    pub of_ceiling: f64,
}

/// A payment that is paid at YooKassa, and of which the ledger does not know that.
struct Paid {
    payment: PaymentId,
    theirs: String,
}

/// # Errors
/// A service does not start, or an answer is not as it must be.
pub fn measure(quick: bool, say: &dyn Fn(&str)) -> Result<Notices> {
    let (rounds, count) = if quick { (1, 1_000) } else { (5, 2_000) };
    let postgres = Postgres::start_temporary_with(&[("fsync", "on"), ("synchronous_commit", "on")])?;
    let mut stage = Stage::on(postgres)?;
    for role in [Role::Sandbox, Role::Ledger] {
        stage.start(role, &[("RUST_LOG", "warn")])?;
    }
    // Only the notifications bring anything: nothing is open here, the lists are silent, and the adapter is away while
    // payments are made in its place.
    stage.fault("yookassa", "notification", json!("lost"), 1_000_000);
    let silent = json!({"vendor": "yookassa", "call": "list_payments", "fault": 500, "times": "always"});
    stage.post("/faults", &silent);
    let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
    let (mut handled, mut gets, mut commits, mut times) = (vec![], vec![], vec![], vec![]);
    for round in 0..rounds {
        say(&format!("notifications, round {} of {rounds}", round + 1));
        let first = round * 2 * count;
        let paid = stage.rt.block_on(prepare(&stage, &deeds, &raw, first, 2 * count))?;
        stage.start(Role::Payments, &[("RUST_LOG", "error"), ("PAYMENTS_RECONCILE_SECONDS", "86400")])?;
        at_rest(&stage);
        let (told, direct) = paid.split_at(count);
        gets.push(rate(&stage, told.len(), |n| get(&stage, &told[n].theirs))?.0);
        let (rate_s, mut took) = rate(&stage, told.len(), |n| knock(&stage, &told[n].theirs))?;
        handled.push(rate_s);
        times.append(&mut took);
        commits.push(rate(&stage, direct.len(), |n| commit(&deeds, &direct[n]))?.0);
        ensure!(stage.stop(Role::Payments), "the payments adapter does not stop");
    }
    let settled = "SELECT count(*) FROM events WHERE type = 'PaymentSettled'";
    let settled: i64 = stage.rt.block_on(sqlx::query_scalar(settled).fetch_one(&stage.pool))?;
    ensure!(usize::try_from(settled)? == rounds * 2 * count, "{settled} payments are settled");
    times.sort_by(f64::total_cmp);
    let (handled, gets, commits) = (Spread::of(handled), Spread::of(gets).median, Spread::of(commits).median);
    Ok(Notices {
        count: rounds * count,
        in_flight: IN_FLIGHT,
        handled_s: handled.median,
        handled_min: handled.min,
        handled_max: handled.max,
        p50_ms: percentile(&times, 0.5),
        p99_ms: percentile(&times, 0.99),
        gets_s: gets,
        commits_s: commits,
        of_ceiling: handled.median / gets.min(commits),
    })
}

/// Until what was prepared is projected and the adapter has heard of it: a shop is not measured while it catches up.
fn at_rest(stage: &Stage) {
    let heard = "SELECT (SELECT done_through FROM consumers WHERE consumer = 'payments') >= \
        (SELECT max(position) FROM events WHERE type IN ('PaymentOpened', 'PaymentSettled'))";
    stage.until("the adapter to have heard everything", || {
        let heard: Option<bool> = stage.sql(sqlx::query_scalar(heard).fetch_one(&stage.pool));
        heard.unwrap_or(false).then_some(())
    });
    wait_for_projections(stage);
}

/// Opened here and given up, so that no sweep shows them; made and paid there.
async fn prepare(stage: &Stage, deeds: &Deeds, raw: &Raw, first: usize, count: usize) -> Result<Vec<Paid>> {
    let next = Arc::new(AtomicUsize::new(0));
    let lanes = (0..IN_FLIGHT).map(|_| {
        let next = Arc::clone(&next);
        async move {
            let mut made = Vec::new();
            // A person's payments one after the other.
            loop {
                let person = next.fetch_add(1, Ordering::SeqCst);
                if person * EACH >= count {
                    return anyhow::Ok(made);
                }
                let user = i64::try_from(first / EACH + person)? + 1;
                deeds.start(user).await?;
                for n in 0..EACH.min(count - person * EACH) {
                    made.push(one(stage, deeds, raw, user, n).await?);
                }
            }
        }
    });
    let mut all = Vec::with_capacity(count);
    for lane in join_all(lanes).await {
        all.append(&mut lane?);
    }
    Ok(all)
}

async fn one(stage: &Stage, deeds: &Deeds, raw: &Raw, user: i64, n: usize) -> Result<Paid> {
    let payment = deeds.topup(user, &format!("b{user}x{n}")).await?;
    let give_up = json!({"payment": payment, "rail": "yookassa", "party": "plantain", "reason": "expired"});
    let id = format!("cancel:{payment}");
    raw.ask(Producer::Payments, "payment_cancel", &id, of(payment.account()), give_up).await;
    let sandbox = stage.url(Role::Sandbox);
    let body = json!({
        "amount": {"value": "100.00", "currency": "RUB"}, "capture": true,
        "confirmation": {"type": "redirect", "return_url": "https://t.me/x"},
        "metadata": {"payment_id": payment},
    });
    let request = stage.http.post(format!("{sandbox}/yookassa/v3/payments")).basic_auth(SHOP.0, Some(SHOP.1));
    // Not the adapter's own key: it may have been there first, in its own words.
    let made: Value =
        request.header("Idempotence-Key", format!("b-{payment}")).json(&body).send().await?.json().await?;
    let theirs = made["id"].as_str().unwrap_or_default().to_owned();
    let pay = stage.http.post(format!("{sandbox}/checkout/{theirs}/succeed")).json(&json!({})).send().await?;
    ensure!(pay.status().is_success(), "{made}");
    Ok(Paid { payment, theirs })
}

/// So many a second, and the ms of each.
fn rate<F>(stage: &Stage, count: usize, call: impl Fn(usize) -> F) -> Result<(f64, Vec<f64>)>
where
    F: Future<Output = Result<()>>,
{
    let next = AtomicUsize::new(0);
    let lane = || async {
        let mut took = Vec::new();
        loop {
            let n = next.fetch_add(1, Ordering::SeqCst);
            if n >= count {
                return anyhow::Ok(took);
            }
            let begun = Instant::now();
            call(n).await?;
            took.push(begun.elapsed().as_secs_f64() * 1e3);
        }
    };
    let begun = Instant::now();
    let lanes = stage.rt.block_on(join_all((0..IN_FLIGHT).map(|_| lane())));
    let seconds = begun.elapsed().as_secs_f64();
    let mut all = Vec::with_capacity(count);
    for took in lanes {
        all.append(&mut took?);
    }
    Ok((count as f64 / seconds, all))
}

async fn get(stage: &Stage, id: &str) -> Result<()> {
    let url = format!("{}/yookassa/v3/payments/{id}", stage.url(Role::Sandbox));
    let answer = stage.http.get(url).basic_auth(SHOP.0, Some(SHOP.1)).send().await?;
    ensure!(answer.status() == 200, "GET {id}: {}", answer.status());
    answer.bytes().await?;
    Ok(())
}

async fn knock(stage: &Stage, id: &str) -> Result<()> {
    let url = format!("{}/yookassa/webhook", stage.url(Role::Payments));
    let body = json!({"type": "notification", "event": "payment.succeeded",
        "object": {"id": id, "status": "succeeded", "amount": {"value": "100.00", "currency": "RUB"}}});
    let answer = stage.http.post(url).json(&body).send().await?;
    ensure!(answer.status() == 200, "a notification of {id}: {}", answer.status());
    Ok(())
}

async fn commit(deeds: &Deeds, paid: &Paid) -> Result<()> {
    deeds.settle_as(paid.payment, &paid.theirs, rubles(100)).await?;
    Ok(())
}

impl Notices {
    /// # Errors
    /// Never: it writes to a String.
    pub fn print(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "\nNotifications to their commit, each proven by GET, {} in flight", self.in_flight)?;
        writeln!(
            out,
            "  {}/s ({} to {}), p50 {:.1} ms, p99 {:.1} ms; {} in all",
            short(self.handled_s),
            short(self.handled_min),
            short(self.handled_max),
            self.p50_ms,
            self.p99_ms,
            self.count
        )?;
        writeln!(
            out,
            "  {:.2} of the slower ceiling: GETs alone {}/s, commits alone {}/s",
            self.of_ceiling,
            short(self.gets_s),
            short(self.commits_s)
        )
    }
}
