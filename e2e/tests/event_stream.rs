//! EVT over real NATS and Postgres: an exact, contiguous copy of a window of the log, whatever is
//! lost, wiped, repeated or run twice; and a consumer that is told nothing twice.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_nats::jetstream;
use e2e::Stage;
use e2e::deeds::Deeds;
use ledger::log::hex;
use proto_events::subjects::EVT_STREAM;
use proto_events::{Position, Producer, PublishedEvent};
use service::consumer::{self, Verdict};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The window that EVT holds, once it has reached the head: (first, last). Panics where it is not
/// the log.
fn window(stage: &Stage) -> (i64, i64) {
    let core = core(stage);
    let head = || stage.rt.block_on(Stage::log(&stage.pool)).last().map_or(0, |row| row.position);
    let state = stage.until("EVT reaches the head of the log", || {
        let stream = stage.rt.block_on(core.get_stream(EVT_STREAM)).ok()?;
        let state = stream.cached_info().state.clone();
        (state.last_sequence == head().unsigned_abs()).then_some(state)
    });
    let log = stage.rt.block_on(Stage::log(&stage.pool));
    stage.rt.block_on(async {
        let stream = core.get_stream(EVT_STREAM).await.unwrap();
        for sequence in state.first_sequence..=state.last_sequence {
            let message = stream.get_raw_message(sequence).await.unwrap();
            let event: PublishedEvent = serde_json::from_slice(&message.payload).unwrap();
            let row = &log[usize::try_from(sequence).unwrap() - 1];
            assert_eq!(event.position.get(), row.position, "sequence {sequence}");
            assert_eq!(event.hash, hex(&row.hash), "position {sequence}");
            assert_eq!(message.headers.get("Nats-Msg-Id").unwrap().as_str(), sequence.to_string());
        }
    });
    (state.first_sequence.cast_signed(), state.last_sequence.cast_signed())
}

fn core(stage: &Stage) -> jetstream::Context {
    let client = stage.client("ledger");
    let _runtime = stage.rt.enter();
    jetstream::new(client)
}

fn ways(stage: &Stage, deeds: &Deeds, users: std::ops::Range<i64>) {
    stage.rt.block_on(async {
        for user in users {
            deeds.whole_way(user).await.unwrap();
        }
    });
}

/// What telegram's consumer was told, in the order of telling.
struct Told {
    positions: Arc<Mutex<Vec<i64>>>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Told {
    fn start(stage: &Stage) -> Self {
        let positions: Arc<Mutex<Vec<i64>>> = Arc::default();
        let (stop, heard) = (CancellationToken::new(), Arc::clone(&positions));
        let handler = move |event: PublishedEvent| {
            let heard = Arc::clone(&heard);
            async move {
                let position = event.position.get();
                let mut heard = heard.lock().unwrap();
                // Every fifth is put back once.
                if position % 5 == 0 && !heard.contains(&-position) {
                    heard.push(-position);
                    return Verdict::Again(Duration::from_millis(50));
                }
                heard.push(position);
                Verdict::Done
            }
        };
        let options = consumer::Options { in_flight_max: 4, ack_wait: Duration::from_secs(30) };
        let (client, ledger) = (stage.client("telegram"), stage.ledger_as(Producer::Telegram));
        let task =
            stage.rt.spawn(consumer::run(client, Producer::Telegram, ledger, options, stop.clone(), handler));
        Self { positions, stop, task }
    }

    fn positions(&self) -> Vec<i64> {
        self.positions.lock().unwrap().iter().copied().filter(|p| *p > 0).collect()
    }

    /// Waits until everything for telegram up to the head was told, and asserts that nothing was
    /// told twice.
    fn assert_all_once(&self, stage: &Stage, after: i64) {
        let wanted = for_telegram(stage, after);
        stage.until("telegram is told everything", || {
            let told = self.positions();
            wanted.iter().all(|p| told.contains(p)).then_some(())
        });
        let mut told = self.positions();
        told.sort_unstable();
        assert_eq!(told, wanted, "told twice, or what is not for it");
    }

    fn finish(self, stage: &Stage) {
        self.stop.cancel();
        stage.rt.block_on(self.task).unwrap();
    }
}

fn for_telegram(stage: &Stage, after: i64) -> Vec<i64> {
    let (_, types) =
        proto_events::subjects::CONSUMERS.iter().find(|(p, _)| *p == Producer::Telegram).unwrap();
    let log = stage.rt.block_on(Stage::log(&stage.pool));
    log.iter()
        .filter(|r| r.position > after && types.contains(&r.event_type.as_str()))
        .map(|r| r.position)
        .collect()
}

fn done_through(stage: &Stage) -> i64 {
    let sql = "SELECT coalesce(max(done_through), 0) FROM consumers WHERE consumer = 'telegram'";
    stage.rt.block_on(sqlx::query_scalar(sql).fetch_one(&stage.pool)).unwrap()
}

#[test]
fn the_stream_stays_a_copy_of_the_log_through_kills_and_wipes_and_nothing_is_told_twice() {
    let mut stage = Stage::with_ledger().unwrap();
    let deeds = Deeds::new(&stage);
    let told = Told::start(&stage);
    ways(&stage, &deeds, 0..3);
    assert_eq!(window(&stage).0, 1);
    told.assert_all_once(&stage, 0);

    stage.nats.kill9();
    stage.nats.restart().unwrap();
    ways(&stage, &deeds, 3..5);
    assert_eq!(window(&stage).0, 1, "a server that was killed continues its store");
    told.assert_all_once(&stage, 0);

    for wipe in 0..3 {
        stage.until("telegram says how far it is", || {
            (Some(done_through(&stage)) == for_telegram(&stage, 0).last().copied()).then_some(())
        });
        let before = done_through(&stage);
        stage.nats.wipe_store().unwrap();
        // The aim is 30 s; it takes 2 to 4.
        let since = Instant::now();
        ways(&stage, &deeds, 10 + wipe..11 + wipe);
        told.assert_all_once(&stage, 0);
        let (first, last) = window(&stage);
        // Nobody listens for payments and generator here: their share is published again.
        assert_eq!(first, 1, "payments and generator have done nothing");
        assert!(last > before, "{last}, and {before} before the wipe");
        println!("wipe {wipe}: healed in {:.2} s", since.elapsed().as_secs_f64());
    }
    told.finish(&stage);
    assert_eq!(Some(done_through(&stage)), for_telegram(&stage, 0).last().copied(), "said again at the end");
    stage.assert_verified();
}

#[test]
fn after_a_wipe_the_stream_and_a_new_process_begin_where_all_is_done() {
    let mut stage = Stage::with_ledger().unwrap();
    let deeds = Deeds::new(&stage);
    ways(&stage, &deeds, 0..4);
    let (_, last) = window(&stage);
    let rows = [("telegram", last), ("payments", 3), ("generator", last - 1)];
    stage.rt.block_on(async {
        for (consumer, through) in rows {
            let sql = "INSERT INTO consumers VALUES ($1, $2) ON CONFLICT (consumer) DO UPDATE SET done_through = $2";
            sqlx::query(sql).bind(consumer).bind(through).execute(&stage.pool).await.unwrap();
        }
    });
    let log = stage.rt.block_on(Stage::log(&stage.pool));
    let next_opened =
        log.iter().find(|r| r.position > 3 && r.event_type == "PaymentOpened").unwrap().position;
    stage.nats.wipe_store().unwrap();
    assert_eq!(window(&stage), (next_opened, last), "before the first event that somebody has not done");
    let told = Told::start(&stage);
    ways(&stage, &deeds, 4..5);
    told.assert_all_once(&stage, last);
    told.finish(&stage);
    // Everything done: the stream begins after the head, and is still continued exactly.
    let (_, last) = window(&stage);
    let all = "UPDATE consumers SET done_through = $1";
    stage.rt.block_on(sqlx::query(all).bind(last).execute(&stage.pool)).unwrap();
    stage.nats.wipe_store().unwrap();
    let told = Told::start(&stage);
    ways(&stage, &deeds, 5..6);
    assert!(window(&stage).0 > last, "nothing old is published again");
    told.assert_all_once(&stage, last);
    told.finish(&stage);
}

#[test]
fn two_relays_at_once_and_a_lost_stream_or_consumer_leave_an_exact_copy() {
    let stage = Stage::with_ledger().unwrap();
    let deeds = Deeds::new(&stage);
    let stop = CancellationToken::new();
    let (_head, seen) = watch::channel(Position::ZERO);
    for _ in 0..2 {
        let tail = ledger::tail::Tail::new(stage.pool.clone(), seen.clone());
        let relay = ledger::relay::run(stage.pool.clone(), stage.client("ledger"), tail, 1, stop.clone());
        stage.rt.spawn(relay);
    }
    let told = Told::start(&stage);
    ways(&stage, &deeds, 0..3);
    window(&stage);
    let core = core(&stage);
    let evt = stage.rt.block_on(core.get_stream(EVT_STREAM)).unwrap();
    stage.rt.block_on(evt.delete_consumer("telegram")).unwrap();
    ways(&stage, &deeds, 3..5);
    told.assert_all_once(&stage, 0);
    stage.rt.block_on(core.delete_stream(EVT_STREAM)).unwrap();
    ways(&stage, &deeds, 5..7);
    window(&stage);
    told.assert_all_once(&stage, 0);
    let purged =
        stage.rt.block_on(async { core.get_stream(EVT_STREAM).await.unwrap().purge().await.unwrap().purged });
    assert!(purged > 0);
    let purged_at = i64::try_from(stage.rt.block_on(Stage::log(&stage.pool)).len()).unwrap();
    ways(&stage, &deeds, 7..8);
    assert_eq!(window(&stage).0, purged_at + 1, "a purged stream is continued");
    told.assert_all_once(&stage, 0);
    told.finish(&stage);
    stop.cancel();
}
