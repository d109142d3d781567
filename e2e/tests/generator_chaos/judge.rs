//! What became of each job, by the log, the sandbox's books and the chats.

use std::collections::{BTreeMap, HashMap};

use e2e::Stage;
use e2e::people::{Person, is_picture, said};
use futures_util::StreamExt as _;
use proto_events::events::{GenerationKind, Trouble};
use proto_events::subjects::IMAGES_BUCKET;
use serde_json::Value;

use crate::Job;
use crate::plan::Fate;
use crate::workers::RETRIES_IN_DOUBT;

/// Faults that leave an answer whole: what came with them was made for the person.
const HARMLESS: [&str; 6] =
    ["pictures", "image_in_thought", "huge_signature", "metadata", "drip_bytes", "model_version"];

/// How attempts end that are followed by others.
pub const ATTEMPTS: [Trouble; 5] =
    [Trouble::Overloaded, Trouble::RateLimited, Trouble::VendorError, Trouble::Truncated, Trouble::TimedOut];

/// What the run counts, by name.
pub type Counts = BTreeMap<String, u64>;

/// A job's events, in their order.
struct Course {
    events: Vec<(String, Value)>,
}

impl Course {
    fn all(&self, kind: &str) -> Vec<&Value> {
        self.events.iter().filter(|(name, _)| name == kind).map(|(_, payload)| payload).collect()
    }

    /// Claimed, and never heard of again: whoever had it died. The next one may have put that on record.
    fn lost(&self) -> usize {
        let told = self.ended().filter(|attempted| !is_lost(attempted)).count();
        self.all("GenerationStarted").len() - told - self.all("GenerationSucceeded").len()
    }

    /// Attempts on record that made nothing.
    fn ended(&self) -> impl Iterator<Item = &Value> {
        self.all("GenerationAttempted").into_iter()
    }
}

fn is_lost(attempted: &Value) -> bool {
    attempted["outcome"] == "worker_lost"
}

/// Everything, after everything has ended.
pub fn judge(stage: &Stage, jobs: &[Job], kills: u32) -> Counts {
    let (mut courses, mut calls, stored) = (courses(stage), calls(stage), stored(stage));
    let mut counts = Counts::new();
    let mut charged: BTreeMap<i64, i64> = BTreeMap::new();
    let mut lost = 0;
    for job in jobs {
        let course = courses.remove(&job.generation.to_string()).expect("every job is in the log");
        let calls = calls.remove(&job.prompt).unwrap_or_default();
        let whole = stored.get(&job.generation.to_string()).copied();
        assert!(
            whole.is_none_or(|attempt| calls.len() <= attempt + refusals(&calls)),
            "{}: a call was paid after \
            attempt {whole:?} had stored its result: {:#?}\n{calls:#?}",
            job.fate.name,
            course.events
        );
        *charged.entry(job.user).or_default() += one(job, &course, &calls, &mut counts);
        lost += course.lost();
        paid(job, &course, &calls, &mut counts);
    }
    assert!(calls.is_empty(), "calls that nobody asked for: {:?}", calls.keys());
    assert!(lost <= kills as usize * 4, "{lost} attempts were lost in {kills} deaths of four at once");
    counts.insert("attempts lost with their worker".to_owned(), lost as u64);
    for (user, charged) in charged {
        assert_eq!(stage.balance_of(Person(user)), (crate::CREDITS - charged, 0, 0), "{user}'s balance");
    }
    delivered(stage, jobs, &mut counts);
    counts
}

/// One job; the credits it was charged.
fn one(job: &Job, course: &Course, calls: &[Value], counts: &mut Counts) -> i64 {
    let tell = || format!("{}: {:#?}\n{calls:#?}", job.fate.name, course.events);
    let (made, failed) = (course.all("GenerationSucceeded"), course.all("GenerationFailed"));
    let started = course.all("GenerationStarted").len();
    let (lost, recorded) = (course.lost(), course.ended().filter(|attempted| !is_lost(attempted)).count());
    let taken = calls.iter().filter(|call| !is_of_the_key(call)).count();
    assert!(taken <= started, "a call without a claim: {}", tell());
    let mut doubts = 0;
    for attempt in course.ended() {
        let outcome: Trouble = serde_json::from_value(attempt["outcome"].clone()).unwrap();
        *counts.entry(format!("attempts: {outcome:?}")).or_default() += 1;
        doubts += usize::from(outcome.is_in_doubt() && !is_lost(attempt));
    }
    let last = usize::from(!made.is_empty());
    assert!(taken <= lost + recorded + last, "more calls than deaths and retries: {}", tell());
    let paid = calls.iter().filter(|call| !is_unpaid(call)).count();
    let allowed = 1 + lost + RETRIES_IN_DOUBT;
    assert!(paid <= allowed, "{paid} paid calls, {allowed} allowed: {}", tell());
    let good = calls.iter().filter(|call| is_good(call)).count();
    match (made.as_slice(), failed.as_slice()) {
        ([made], []) => {
            *counts.entry(format!("charged and delivered: {:?}", job.fate.kind)).or_default() += 1;
            assert_eq!(made["settlement"], "charged", "{}", tell());
            assert!(job.fate.ends.is_none(), "made against all faults: {}", tell());
            let most = 1 + lost + doubts;
            assert!((1..=most).contains(&good), "{good} answers, {most} at the most: {}", tell());
            assert_eq!(course.all("GenerationDelivered").len(), 1, "{}", tell());
            made["credits"].as_i64().unwrap_or(0)
        }
        ([], [failed]) => {
            let reason: Trouble = serde_json::from_value(failed["reason"].clone()).unwrap();
            *counts.entry(format!("released: {reason:?}")).or_default() += 1;
            let worn_out = matches!(reason, Trouble::AttemptsExhausted | Trouble::Deadline)
                || reason.is_in_doubt() && doubts + lost > RETRIES_IN_DOUBT;
            assert!(worn_out || job.fate.ends == Some(reason), "{reason:?} is not its end: {}", tell());
            assert!(
                good <= lost + doubts,
                "an answer that reached a worker who lived is not charged: {}",
                tell()
            );
            0
        }
        _ => panic!("it ended {} times: {}", made.len() + failed.len(), tell()),
    }
}

/// Refused before any work.
fn is_unpaid(call: &Value) -> bool {
    is_of_the_key(call) || call["status"] == 503
}

/// Refused for its key, before any work: the same claim may ask with another key.
fn is_of_the_key(call: &Value) -> bool {
    matches!(call["status"].as_u64(), Some(400 | 403 | 429))
}

/// Made for the person, and handed to the line whole.
fn is_good(call: &Value) -> bool {
    let made = matches!(call["outcome"].as_str(), Some("picture" | "text"));
    made && call["last_byte_us"].is_u64() && call["whole"] == true
}

/// Calls that their claims may make more than one of.
fn refusals(calls: &[Value]) -> usize {
    calls.iter().filter(|call| is_of_the_key(call)).count()
}

/// By generation, the first attempt whose whole result lies in the store.
fn stored(stage: &Stage) -> HashMap<String, usize> {
    let client = stage.client("media-ledger");
    let _in_runtime = stage.rt.enter();
    let jetstream = async_nats::jetstream::new(client);
    let names: Vec<String> = stage.rt.block_on(async {
        let store = jetstream.get_object_store(IMAGES_BUCKET).await.unwrap();
        store.list().await.unwrap().map(|object| object.unwrap().name).collect().await
    });
    let mut first = HashMap::new();
    for name in names {
        let mut parts = name.split('/');
        if let (Some(generation), Some(attempt), Some("result")) = (parts.next(), parts.next(), parts.next())
        {
            let attempt: usize = attempt.parse().unwrap();
            first
                .entry(generation.to_owned())
                .and_modify(|one: &mut usize| *one = attempt.min(*one))
                .or_insert(attempt);
        }
    }
    assert!(!first.is_empty(), "results are not where they were");
    first
}

/// What the log says a job has cost is what Google bills for the answers that were read to their end; what
/// was lost with its worker or on the way is estimated or unknown.
fn paid(job: &Job, course: &Course, calls: &[Value], counts: &mut Counts) {
    let spent = ["GenerationAttempted", "GenerationSucceeded"].map(|kind| course.all(kind)).concat();
    let cost = |payload: &&Value| payload["spent"]["cost_micro_usd"].as_i64().unwrap_or(0);
    let ours: i64 = spent.iter().map(cost).sum();
    let theirs: i64 = calls.iter().map(|call| call["cost_micro_usd"].as_i64().unwrap_or(0)).sum();
    let estimated = spent.iter().any(|payload| payload["spent"]["estimated"] == true);
    // Whether Google bills the words of a prompt that it blocks is not published: here they are counted.
    let blocked = calls.iter().any(|call| call["outcome"] == "blocked");
    let exact = !estimated && !blocked && course.lost() == 0 && job.fate.vain == 0;
    if exact {
        // Each call is rounded once, there and here.
        let slack = i64::try_from(calls.len()).unwrap_or(0);
        let name = job.fate.name;
        let differ = (ours - theirs).abs();
        assert!(differ <= slack, "{name}: {ours} µ$ here, {theirs} there: {:#?}\n{calls:#?}", course.events);
        *counts.entry("costs that agree to the micro-dollar".to_owned()).or_default() += 1;
    } else if estimated {
        *counts.entry("costs with an estimate".to_owned()).or_default() += 1;
    }
    *counts.entry("µ$ in the log".to_owned()).or_default() += u64::try_from(ours).unwrap_or(0);
    *counts.entry("µ$ in Google's books".to_owned()).or_default() += u64::try_from(theirs).unwrap_or(0);
}

/// Each end and each kind of failed attempt that the fates hold was there.
pub fn assert_all_happened(counts: &Counts, fates: &[Fate]) {
    let ends = fates.iter().filter_map(|fate| fate.ends).map(|end| format!("released: {end:?}"));
    let kinds = fates.iter().map(|fate| format!("charged and delivered: {:?}", fate.kind));
    let attempts = ATTEMPTS.iter().map(|outcome| format!("attempts: {outcome:?}"));
    let others =
        ["attempts: WorkerLost", "attempts lost with their worker", "pictures in chats"].map(str::to_owned);
    for name in ends.chain(kinds).chain(attempts).chain(others) {
        assert!(counts.get(&name).is_some_and(|times| *times > 0), "{name}: never; {counts:#?}");
    }
}

/// Chats hold what was delivered, once.
fn delivered(stage: &Stage, jobs: &[Job], counts: &mut Counts) {
    let sql = "SELECT count(*) FROM events WHERE type = 'GenerationSucceeded' \
               AND payload::json ->> 'generation' = $1";
    let mut pictures: BTreeMap<i64, usize> = BTreeMap::new();
    for job in jobs {
        let made: i64 =
            stage.sql(sqlx::query_scalar(sql).bind(job.generation.to_string()).fetch_one(&stage.pool));
        let expected = pictures.entry(job.user).or_default();
        match job.fate.kind {
            GenerationKind::Text => {
                let told = stage.bot_said(Person(job.user)).iter().filter(|m| said(m, &job.prompt)).count();
                assert_eq!(told, usize::from(made == 1), "words of {}", job.prompt);
            }
            _ if made == 1 => *expected += job.fate.pictures,
            _ => {}
        }
    }
    for (user, expected) in pictures {
        let there = stage.bot_said(Person(user)).iter().filter(|m| is_picture(m)).count();
        assert_eq!(there, expected, "pictures in the chat of {user}");
        *counts.entry("pictures in chats".to_owned()).or_default() += there as u64;
    }
}

fn courses(stage: &Stage) -> HashMap<String, Course> {
    let sql = "SELECT payload::json ->> 'generation', type, payload FROM events \
               WHERE type LIKE 'Generation%' ORDER BY position";
    let rows = sqlx::query_as::<_, (String, String, String)>(sql).fetch_all(&stage.pool);
    let mut courses: HashMap<String, Course> = HashMap::new();
    for (generation, kind, payload) in stage.sql(rows) {
        let payload = serde_json::from_str(&payload).unwrap();
        let course = courses.entry(generation).or_insert_with(|| Course { events: Vec::new() });
        course.events.push((kind, payload));
    }
    courses
}

/// Gemini's calls by their prompts; of each, whether its answer was whole, which the arrivals know.
fn calls(stage: &Stage) -> HashMap<String, Vec<Value>> {
    let books = stage.books();
    let mut calls: HashMap<String, Vec<Value>> = HashMap::new();
    for call in books["gemini"]["calls"].as_array().into_iter().flatten() {
        let mut call = call.clone();
        let fault: Value = serde_json::from_str(call["fault"].as_str().unwrap_or("{}")).unwrap_or_default();
        let bent = fault.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
        call["whole"] = bent.into_iter().all(|name| HARMLESS.contains(&name) || name == "drip_ms").into();
        calls.entry(call["prompt"].as_str().unwrap_or_default().to_owned()).or_default().push(call);
    }
    calls
}
