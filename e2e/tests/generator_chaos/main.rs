//! Two generators die at every named step, and at any moment, while random jobs meet all that Gemini can do:
//! by the sandbox's books every answer that reached a worker who lived is charged once and delivered, every
//! other job is released, and no job costs more calls than deaths and configured retries explain.
//!
//! `PLANTAIN_ROUNDS` is how many jobs (`cargo xtask chaos --generator`), `PLANTAIN_SEED` repeats fates and deaths;
//! how threads meet is chance all the same.

mod judge;
mod plan;
mod workers;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use e2e::deeds::{Deeds, text};
use e2e::dice::{self, Dice};
use e2e::people::Person;
use e2e::{Role, Stage};
use proto_events::GenerationId;
use proto_events::catalog::Catalog;
use proto_events::commands::{ChatContext, GenerationRequest};
use serde_json::json;
use sqlx::PgPool;

use self::plan::{Fate, fates};
use self::workers::Workers;

/// Everybody's, to begin with: more than all jobs of one can cost.
pub const CREDITS: i64 = 100_000;
/// People, each with a job at a time.
const LANES: i64 = 12;
/// Between two looks at who has died.
const LOOK: Duration = Duration::from_millis(200);
/// Of the whole run.
const LONGEST: Duration = Duration::from_secs(1_800);
/// Between two looks at whether a job has ended.
const MOMENT: Duration = Duration::from_millis(100);

/// A job that somebody asked for.
pub struct Job {
    pub user: i64,
    pub prompt: String,
    pub generation: GenerationId,
    pub fate: Fate,
}

/// Someone who asks for one thing after the other.
#[derive(Clone)]
struct Lane {
    user: i64,
    deeds: Deeds,
    pool: PgPool,
    http: reqwest::Client,
    sandbox: String,
}

impl Lane {
    async fn go(
        self,
        fates: Arc<Vec<Fate>>,
        next: Arc<AtomicUsize>,
        count: usize,
        peace: Arc<AtomicBool>,
    ) -> Vec<Job> {
        let mut jobs = Vec::new();
        loop {
            let n = next.fetch_add(1, Ordering::SeqCst);
            // Until every point has killed and every failure was seen there is something to die for.
            if n >= count && peace.load(Ordering::SeqCst) {
                return jobs;
            }
            jobs.push(self.job(n, fates[n % fates.len()].clone()).await);
        }
    }

    async fn job(&self, n: usize, fate: Fate) -> Job {
        let prompt = format!("chaos <{n}>.");
        if let Some((fault, times)) = &fate.fault {
            let body = json!({"vendor": "gemini", "fault": fault, "times": times, "match": prompt});
            let sent = self.http.post(format!("{}/faults", self.sandbox)).json(&body).send().await;
            let status = sent.expect("the sandbox lives").status();
            assert!(status.is_success(), "{}: the fault was not taken: {status}", fate.name);
        }
        let message = i64::try_from(n).expect("few jobs") + 1_000;
        let context = ChatContext { chat: self.user, message, status_message: None };
        let mut request = GenerationRequest::new(fate.kind, text(&prompt), context);
        request.model = Some(text(fate.model));
        let generation = self.deeds.order(request).await.expect("a job is taken");
        self.ended(generation).await;
        Job { user: self.user, prompt, generation, fate }
    }

    async fn ended(&self, generation: GenerationId) {
        let sql = "SELECT EXISTS (SELECT FROM events WHERE payload::json ->> 'generation' = $1 \
                   AND type IN ('GenerationSucceeded', 'GenerationFailed'))";
        let begun = Instant::now();
        loop {
            let ended = sqlx::query_scalar(sql).bind(generation.to_string()).fetch_one(&self.pool).await;
            if matches!(ended, Ok(true)) {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(240), "{generation} does not end");
            tokio::time::sleep(MOMENT).await;
        }
    }
}

#[test]
fn workers_that_die_anywhere_charge_once_what_arrived_and_release_the_rest() {
    let mut kinds = fates();
    let count = dice::rounds(kinds.len());
    let mut dice = Dice::new("generator");
    dice.shuffle(&mut kinds);
    let mut stage = open();
    let deeds = Deeds::new(&stage);
    let (fates, next, peace) =
        (Arc::new(kinds), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let begun = Instant::now();
    let mut workers = Workers::start(&mut stage, dice.fork());
    let lanes: Vec<_> = (1..=LANES)
        .map(|user| {
            let lane = Lane {
                user,
                deeds: deeds.clone(),
                pool: stage.pool.clone(),
                http: stage.http.clone(),
                sandbox: stage.url(Role::Sandbox),
            };
            stage.rt.spawn(lane.go(fates.clone(), next.clone(), count, peace.clone()))
        })
        .collect();
    while next.load(Ordering::SeqCst) < count || !workers.all_have_died() || !all_was_tried(&stage) {
        assert!(begun.elapsed() < LONGEST, "it does not come to an end; logs in {}", stage.dir().display());
        std::thread::sleep(LOOK);
        workers.look_after(&mut stage);
    }
    peace.store(true, Ordering::SeqCst);
    workers.rest(&mut stage);
    let lanes = stage.rt.block_on(futures_util::future::join_all(lanes));
    let jobs: Vec<Job> = lanes.into_iter().flat_map(|lane| lane.expect("a lane goes its way")).collect();
    let seconds = begun.elapsed().as_secs_f64();
    stage.heal();
    until_delivered(&stage);
    let deaths = workers.deaths();
    let kills = deaths.values().sum::<u32>() + workers.outright;
    let counts = judge::judge(&stage, &jobs, kills);
    println!("{} jobs in {seconds:.0} s", jobs.len());
    for (name, times) in &counts {
        println!("{times:>9}  {name}");
    }
    for (point, times) in &deaths {
        println!("{times:>9}  deaths at {point}");
    }
    println!("{:>9}  deaths at any moment", workers.outright);
    judge::assert_all_happened(&counts, &fates);
    stage.assert_verified();
}

/// Everything but the generators; everybody has come.
fn open() -> Stage {
    let mut stage = Stage::new().unwrap();
    let catalog = stage.dir().join("chaos.json");
    std::fs::write(&catalog, short_leases()).unwrap();
    stage.start(Role::Sandbox, &[]).unwrap();
    stage.start(Role::Ledger, &[("CATALOG_FILE", &catalog.display().to_string())]).unwrap();
    stage.start(Role::Telegram, &[]).unwrap();
    for user in 1..=LANES {
        stage.write(Person(user), "/start");
    }
    for user in 1..=LANES {
        stage.until("an account", || (stage.count_of(Person(user), "AccountOpened") == 1).then_some(()));
    }
    stage
}

fn short_leases() -> String {
    let mut catalog = serde_json::to_value(Catalog::default_catalog().unwrap()).unwrap();
    catalog["bonuses"]["welcome"] = CREDITS.into();
    catalog["limits"]["lease_ms"] = 2_000.into();
    catalog["limits"]["attempts_max"] = 30.into();
    catalog["limits"]["reservation_ms"] = 120_000.into();
    catalog.to_string()
}

/// Each kind of attempt that fails before another one was recorded: some die before they can be.
fn all_was_tried(stage: &Stage) -> bool {
    let sql = "SELECT DISTINCT payload::json ->> 'outcome' FROM events WHERE type = 'GenerationAttempted'";
    let seen: Vec<String> = stage.sql(sqlx::query_scalar(sql).fetch_all(&stage.pool));
    judge::ATTEMPTS.iter().all(|outcome| seen.iter().any(|one| json!(outcome) == json!(one)))
}

fn until_delivered(stage: &Stage) {
    let sql = "SELECT count(*) FILTER (WHERE type = 'GenerationSucceeded') \
               = count(*) FILTER (WHERE type = 'GenerationDelivered') FROM events";
    stage.until("every delivery", || {
        stage.sql(sqlx::query_scalar::<_, bool>(sql).fetch_one(&stage.pool)).then_some(())
    });
}
