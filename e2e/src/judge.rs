//! The truth about a run, read from Postgres and from the stream: nothing here asks a service.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use async_nats::jetstream;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use futures_util::StreamExt as _;
use ledger::log::{Row, hex};
use proto_events::PublishedEvent;
use proto_events::subjects::EVT_STREAM;
use sqlx::PgPool;

use crate::stage::{PATIENCE, Stage};

/// What the whole way of [`crate::deeds::Deeds::whole_way`] leaves in the log, once each.
pub const WHOLE_WAY: [&str; 18] = [
    "AccountOpened",
    "CreditsGranted",
    "PaymentOpened",
    "PaymentRegistered",
    "PaymentSettled",
    "CreditsGranted",
    "GenerationRequested",
    "CreditsReserved",
    "GenerationStarted",
    "ReservationCommitted",
    "GenerationSucceeded",
    "GenerationDelivered",
    "GenerationRequested",
    "CreditsReserved",
    "GenerationStarted",
    "GenerationAttempted",
    "ReservationReleased",
    "GenerationFailed",
];

/// Waits until every projection has folded the whole log.
pub fn wait_for_projections(stage: &Stage) {
    let sql = "SELECT count(*) = $1 AND bool_and(position = (SELECT position FROM log_head)) \
               FROM projection_instances WHERE state = 'live'";
    let all = i64::try_from(ledger::projections::ALL.len()).expect("there are a dozen projections");
    stage.until("the projections to catch up", || {
        let caught_up = sqlx::query_scalar::<_, bool>(sql).bind(all).fetch_one(&stage.pool);
        stage.sql(caught_up).then_some(())
    });
}

/// Everybody's events are exactly those of the whole way, and their balance is 95, 0, 0.
pub fn assert_whole_ways(stage: &Stage, people: &[i64]) {
    let log = stage.rt.block_on(Stage::log(&stage.pool));
    let mut types: BTreeMap<uuid::Uuid, Vec<&str>> = BTreeMap::new();
    for row in &log {
        types.entry(row.account_id).or_default().push(&row.event_type);
    }
    let found = stage.rt.block_on(balances(&stage.pool, people));
    for user in people {
        let Some((account, balance)) = found.get(user) else { panic!("{user} has no balance") };
        assert_eq!(types[account], WHOLE_WAY, "the events of {user}");
        assert_eq!(*balance, (95, 0, 0), "the balance of {user}");
    }
}

type Balance = (i64, i64, i64);

async fn balances(pool: &PgPool, people: &[i64]) -> BTreeMap<i64, (uuid::Uuid, Balance)> {
    let (tables, _) = ledger::projections::live(pool, "balances")
        .await
        .unwrap_or_else(|error| panic!("Postgres should show the projections: {error:?}"))
        .expect("whoever asks has waited for the projections");
    let sql = format!(
        "SELECT telegram_user_id, account_id, available, reserved, debt FROM telegram_identities \
         JOIN {} USING (account_id) WHERE telegram_user_id = ANY($1)",
        tables.main()
    );
    let found: Vec<(i64, uuid::Uuid, i64, i64, i64)> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(people)
        .fetch_all(pool)
        .await
        .unwrap_or_else(|error| panic!("Postgres should show the balances: {error:?}"));
    found.into_iter().map(|(user, account, a, r, d)| (user, (account, (a, r, d)))).collect()
}

/// Each command's events stand together, numbered from 0, and no command is there twice.
pub fn assert_commands_once(log: &[Row]) {
    let mut seen: BTreeMap<(&str, &str), (i64, i16)> = BTreeMap::new();
    for row in log {
        let key = (row.producer.as_str(), row.command_id.as_str());
        let next = match seen.get(&key) {
            None => 0,
            Some((position, ordinal)) => {
                assert_eq!(position + 1, row.position, "{key:?} is in the log at two places");
                ordinal + 1
            }
        };
        assert_eq!(row.ordinal, next, "{key:?}");
        seen.insert(key, (row.position, row.ordinal));
    }
}

/// How long one reading of EVT may wait for its next message.
const NEXT: Duration = Duration::from_secs(2);
/// Messages asked for at once: well below what a subscription may hold.
const READ_MAX: usize = 4_000;

/// What EVT holds, in order, read by a consumer that goes by itself. An error if a message is missing.
pub async fn evt(client: &async_nats::Client) -> Result<Vec<PublishedEvent>, String> {
    let context = jetstream::new(client.clone());
    let stream = context.get_stream(EVT_STREAM).await.map_err(|e| e.to_string())?;
    let state = stream.cached_info().state.clone();
    if state.messages == 0 {
        return Ok(Vec::new());
    }
    let config = pull::Config {
        deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: state.first_sequence },
        ack_policy: AckPolicy::None,
        inactive_threshold: Duration::from_secs(5),
        ..pull::Config::default()
    };
    let consumer = stream.create_consumer(config).await.map_err(|e| e.to_string())?;
    let mut batch = None;
    let mut events: Vec<PublishedEvent> = Vec::new();
    for sequence in state.first_sequence..=state.last_sequence {
        let left = usize::try_from(state.last_sequence + 1 - sequence).unwrap_or(usize::MAX);
        if events.len().is_multiple_of(READ_MAX) {
            let more = consumer.fetch().max_messages(left.min(READ_MAX)).messages();
            batch = Some(more.await.map_err(|e| e.to_string())?);
        }
        let Some(batch) = &mut batch else { break };
        let next = tokio::time::timeout(NEXT, batch.next()).await.map_err(|_| "EVT stopped being read")?;
        let message = next.ok_or("EVT ended early")?.map_err(|e| e.to_string())?;
        let at = message.info().map_err(|e| e.to_string())?.stream_sequence;
        if at != sequence {
            return Err(format!("EVT has {at} where {sequence} should be"));
        }
        let event: PublishedEvent = serde_json::from_slice(&message.payload).map_err(|e| e.to_string())?;
        assert_eq!(event.position.get().unsigned_abs(), sequence, "a sequence is not the position");
        let named = message.headers.as_ref().and_then(|h| h.get("Nats-Msg-Id")).map(ToString::to_string);
        assert_eq!(named, Some(event.position.to_string()), "a message is not named by its position");
        let subject = proto_events::subjects::event(event.account, &event.r#type);
        assert_eq!(message.subject.as_str(), subject);
        events.push(event);
    }
    Ok(events)
}

/// What of `events` is not a contiguous window of `log`, if anything.
pub fn window_differs(events: &[PublishedEvent], log: &[Row]) -> Option<String> {
    let first = events.first()?.position.get();
    for (index, event) in events.iter().enumerate() {
        let expected = first + i64::try_from(index).ok()?;
        if event.position.get() != expected {
            return Some(format!("position {} stands where {expected} should", event.position));
        }
        let Some(row) = usize::try_from(expected - 1).ok().and_then(|i| log.get(i)) else {
            return Some(format!("position {expected} is not in the log"));
        };
        let same = event.hash == hex(&row.hash)
            && serde_json::from_str(&row.payload)
                .is_ok_and(|stored: serde_json::Value| stored == event.payload)
            && event.r#type == row.event_type
            && event.command_id.as_str() == row.command_id;
        if !same {
            return Some(format!("position {expected} is not that of the log"));
        }
    }
    None
}

/// Waits until EVT reaches the position that the log ends with now, and asserts that it is a
/// contiguous window of the log. Answers the first position in it and how long it took.
pub fn assert_evt_heals(stage: &Stage, client: &async_nats::Client) -> (i64, Duration) {
    let start = Instant::now();
    let head = stage.sql(ledger::store::head(&stage.pool)).position;
    loop {
        let found = stage.rt.block_on(evt(client));
        if let Ok(events) = &found {
            let log = stage.rt.block_on(Stage::log(&stage.pool));
            if let Some(wrong) = window_differs(events, &log) {
                panic!("EVT is not a window of the log: {wrong}");
            }
            if let (Some(first), Some(last)) = (events.first(), events.last())
                && last.position.get() >= head
            {
                return (first.position.get(), start.elapsed());
            }
        }
        let seen = found.map(|e| e.last().map(|e| e.position.get()));
        assert!(start.elapsed() < PATIENCE, "EVT did not reach {head}: {seen:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The same where a window may be broken for a moment, since messages were taken out of it.
pub fn assert_evt_heals_whole(stage: &Stage, client: &async_nats::Client) -> Duration {
    let start = Instant::now();
    stage.until("EVT to have no holes", || {
        let state = stage.rt.block_on(async {
            let stream = jetstream::new(client.clone()).get_stream(EVT_STREAM).await.ok()?;
            Some(stream.cached_info().state.clone())
        })?;
        (state.messages > 0 && state.last_sequence + 1 - state.first_sequence == state.messages).then_some(())
    });
    assert_evt_heals(stage, client);
    start.elapsed()
}

/// "what min, median, max".
pub fn print_times(what: &str, took: &mut [Duration]) {
    took.sort();
    let seconds = |at: usize| took.get(at).map_or(0.0, Duration::as_secs_f64);
    let (min, median, max) = (seconds(0), seconds(took.len() / 2), seconds(took.len().saturating_sub(1)));
    println!("{what} min {min:.2} s, median {median:.2} s, max {max:.2} s");
}

/// Everything that must hold when all is quiet: log and projections verify, EVT is the whole log.
pub fn assert_at_rest(stage: &Stage, client: &async_nats::Client) {
    wait_for_projections(stage);
    stage.assert_verified();
    let log = stage.rt.block_on(Stage::log(&stage.pool));
    assert_commands_once(&log);
    let (first, _) = assert_evt_heals(stage, client);
    let events =
        stage.rt.block_on(evt(client)).unwrap_or_else(|error| panic!("EVT should be readable: {error}"));
    assert_eq!(first, 1, "EVT does not begin with the log");
    assert_eq!(events.len(), log.len(), "EVT is not as long as the log");
}
