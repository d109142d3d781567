//! Private: the write path alone, in this process, over NATS.
use ledger::inbox::Inbox;
use ledger::log::{COLUMNS, Row};
use ledger::sequencer::{Clock, Ground, Queue, ReplyTo, Sequencer};
use ledger::store;
use proto_events::Position;
use sqlx::{AssertSqlSafe, Connection as _};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::{oneshot, watch};
use xtask::machine::{Nats, Postgres, paths};

const PEOPLE: i64 = 1000;

struct Client {
    telegram: async_nats::Client,
    payments: async_nats::Client,
    generator: async_nats::Client,
    lat: Mutex<Vec<u32>>,
    count: AtomicUsize,
    bad: AtomicUsize,
}

impl Client {
    async fn send(&self, who: &str, verb: &str, body: String) -> Option<String> {
        let c = match who {
            "telegram" => &self.telegram,
            "payments" => &self.payments,
            _ => &self.generator,
        };
        let t = Instant::now();
        let r = match c.request(format!("cmd.ledger.{who}.{verb}"), body.into()).await {
            Ok(r) => r,
            Err(e) => {
                eprintln!("{verb}: {e}");
                self.bad.fetch_add(1, Ordering::Relaxed);
                return None;
            }
        };
        let us = t.elapsed().as_micros() as u32;
        let s = String::from_utf8_lossy(&r.payload).into_owned();
        if s.contains("\"status\":\"done\"") {
            self.lat.lock().unwrap().push(us);
            self.count.fetch_add(1, Ordering::Relaxed);
            Some(s)
        } else {
            if self.bad.fetch_add(1, Ordering::Relaxed) < 3 {
                eprintln!("{verb}: {s}");
            }
            None
        }
    }
}
fn field<'a>(s: &'a str, name: &str) -> &'a str {
    let k = format!("\"{name}\":\"");
    let i = s.find(&k).map(|i| i + k.len()).unwrap_or(0);
    let j = s[i..].find('"').unwrap_or(0);
    &s[i..i + j]
}
fn account(id: &str) -> String {
    let b: Vec<&str> = id.split('-').collect();
    let h = b[1];
    format!("{}-{}-{}-{}-{}", &h[0..8], &h[8..12], &h[12..16], &h[16..20], &h[20..32])
}

static N: AtomicI64 = AtomicI64::new(0);
async fn cycle(c: &Client, user: i64, run: i64, stop: &std::sync::atomic::AtomicBool) {
    let n = N.fetch_add(1, Ordering::Relaxed);
    macro_rules! stopped {
        () => {
            if stop.load(Ordering::Relaxed) {
                return;
            }
        };
    }
    let Some(r) = c.send("telegram", "topup_open", format!(r#"{{"id":"topup:{run}:{n}","account":{{"telegram":{user}}},"body":{{"package":"rub-100","rail":"yookassa","context":{{"chat":1,"message":1}}}}}}"#)).await else { return };
    let p = field(&r, "payment").to_owned();
    let a = account(&p);
    let Some(_) = c.send("payments", "payment_settle", format!(r#"{{"id":"settle:yookassa:x{run}-{n}","account":{{"id":"{a}"}},"body":{{"payment":"{p}","rail":"yookassa","provider_payment_id":"x{run}-{n}","amount":{{"amount":10000,"currency":"RUB"}},"test":false}}}}"#)).await else { return };
    for k in 0..5 {
        stopped!();
        let Some(r) = c.send("telegram", "generation_request", format!(r#"{{"id":"msg:{run}:{n}:{k}","account":{{"telegram":{user}}},"body":{{"kind":"picture","prompt":"a plantain leaf in the rain","references":[],"context":{{"chat":{user},"message":1}}}}}}"#)).await else { return };
        let g = field(&r, "generation").to_owned();
        let Some(_) = c.send("generator", "generation_claim", format!(r#"{{"id":"claim:{g}:1:w","account":{{"id":"{a}"}},"body":{{"generation":"{g}","worker":"w","attempt":1}}}}"#)).await else { return };
        if k % 2 == 0 {
            c.send("generator", "generation_complete", format!(r#"{{"id":"complete:{g}:1","account":{{"id":"{a}"}},"body":{{"generation":"{g}","attempt":1,"outputs":[{{"object":"{g}/1/0","sha256":"{}","media_type":"png","bytes":1000,"width":1024,"height":1024}}],"spent":{{"latency_ms":900}}}}}}"#, "0".repeat(64))).await;
        } else {
            c.send("generator", "generation_fail", format!(r#"{{"id":"fail:{g}:1","account":{{"id":"{a}"}},"body":{{"generation":"{g}","attempt":1,"reason":"policy","spent":{{"latency_ms":900}}}}}}"#)).await;
        }
    }
}

fn cpu() -> String {
    // utime+stime of this process and of all postgres / nats children
    let mut me = 0f64;
    let mut pg = 0f64;
    let mut nats = 0f64;
    for d in std::fs::read_dir("/proc").unwrap().flatten() {
        let Ok(s) = std::fs::read_to_string(d.path().join("stat")) else { continue };
        let name = s[s.find('(').unwrap() + 1..s.rfind(')').unwrap()].to_owned();
        let f: Vec<&str> = s[s.rfind(')').unwrap() + 2..].split(' ').collect();
        let ppid: u32 = f[1].parse().unwrap();
        let t = (f[11].parse::<f64>().unwrap() + f[12].parse::<f64>().unwrap()) / 100.0;
        let pid: u32 = d.file_name().to_string_lossy().parse().unwrap_or(0);
        if pid == std::process::id() {
            me = t
        }
        if ppid == std::process::id() && name.starts_with("nats") {
            nats = t
        }
        if name == "postgres" && PG.load(Ordering::Relaxed) == ppid as i64 {
            pg += t
        }
    }
    format!("{me:.2} {pg:.2} {nats:.2}")
}
static PG: AtomicI64 = AtomicI64::new(0);

#[tokio::main(flavor = "multi_thread", worker_threads = 4)]
async fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let depths: Vec<usize> = args
        .get(1)
        .map_or("1,16,64,256,2048", |s| s.as_str())
        .split(',')
        .map(|s| s.parse().unwrap())
        .collect();
    let secs: f64 = args.get(2).map_or(4.0, |s| s.parse().unwrap());
    let overlap: usize = args.get(3).map_or(64, |s| s.parse().unwrap());
    let mut postgres = tokio::task::spawn_blocking(|| {
        Postgres::start_temporary_with(&[
            ("max_connections", "100"),
            ("max_wal_size", "4GB"),
            ("shared_buffers", "256MB"),
            ("checkpoint_timeout", "15min"),
        ])
    })
    .await??;
    PG.store(postgres.process().unwrap().pid() as i64, Ordering::Relaxed);
    let nats = tokio::task::spawn_blocking(|| Nats::start_temporary(&paths::root().join("nats.conf"), &[]))
        .await??;
    postgres.create_database("plantain")?;
    postgres.create_database("ceiling")?;
    let url = postgres.url("plantain");
    store::migrate(&url).await?;
    store::migrate(&postgres.url("ceiling")).await?;
    let client = |user: &'static str| {
        let config = service::nats::NatsConfig { url: nats.url(), seed_file: nats.seed_file(user) };
        async move { service::nats::connect(&config, user).await.unwrap() }
    };
    let (pool, readers) = (store::connect(&url, 4).await?, store::connect(&url, 8).await?);
    let head = store::take_over(&pool).await?.unwrap();
    let queue = Arc::new(Queue::default());
    let (committed, seen) = watch::channel(Position::ZERO);
    let stop = tokio_util::sync::CancellationToken::new();
    let clock = Arc::new(Mutex::new(Clock::new(head.now)));
    let ground = Ground {
        pool: pool.clone(),
        readers: readers.clone(),
        head,
        epoch: Arc::new(AtomicI64::new(head.epoch)),
        clock,
        overlap_from: overlap,
    };
    let sequencer = Sequencer::start(ground, committed).await?;
    let (q, s) = (queue.clone(), stop.clone());
    let st = tokio::spawn(async move { sequencer.run(&q, s).await });
    let (tx, rx) = oneshot::channel();
    let cat = proto_events::catalog::Catalog::default_catalog()?;
    let mut cat = serde_json::to_value(cat)?;
    cat["limits"]["running_max"] = 1000.into();
    if let Some(l) = cat["limits"].as_object_mut() {
        eprintln!("{l:?}");
    }
    let cat =
        serde_json::from_value(serde_json::to_value(proto_events::catalog::Catalog::default_catalog()?)?)?;
    let command = proto_events::commands::CatalogPublish { version: 1, catalog: cat }.into();
    let _ = queue.push((
        ledger::inbox::own_request(
            proto_events::CommandId::new("catalog:1").unwrap(),
            proto_events::envelope::AccountRef::Id(proto_events::AccountId::CATALOG),
            command,
            None,
        ),
        ReplyTo::Here(tx),
    ));
    eprintln!("{:?}", rx.await?);
    let inbox = Inbox {
        client: client("ledger").await,
        pool: readers.clone(),
        queue: queue.clone(),
        committed: seen.clone(),
        incarnation: 1,
        telling_lease_us: 1,
    };
    let s = stop.clone();
    tokio::spawn(async move { inbox.run(s).await.unwrap() });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let c = Arc::new(Client {
        telegram: client("telegram").await,
        payments: client("payments").await,
        generator: client("generator").await,
        lat: Mutex::new(vec![]),
        count: AtomicUsize::new(0),
        bad: AtomicUsize::new(0),
    });
    let open = (1..=PEOPLE).map(|u| { let c = c.clone(); async move { c.send("telegram", "account_open", format!(r#"{{"id":"start:1:{u}","account":{{"telegram":{u}}},"body":{{"language":"ru","name":"Ada"}}}}"#)).await } });
    futures_util::future::join_all(open).await;
    println!("in flight   cmds/s  events/s   p50 ms  p99 ms  bad   cpu s (us pg nats)");
    for depth in depths {
        let stopped = Arc::new(std::sync::atomic::AtomicBool::new(false));
        c.lat.lock().unwrap().clear();
        let run = depth as i64;
        let lines: Vec<_> = (0..depth)
            .map(|i| {
                let (c, stopped) = (c.clone(), stopped.clone());
                tokio::spawn(async move {
                    while !stopped.load(Ordering::Relaxed) {
                        cycle(&c, 1 + (i as i64 % PEOPLE), run, &stopped).await;
                    }
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(700)).await;
        let (cpu0, p0, n0, t0) =
            (cpu(), seen.borrow().get(), c.count.load(Ordering::Relaxed), Instant::now());
        c.lat.lock().unwrap().clear();
        tokio::time::sleep(Duration::from_secs_f64(secs)).await;
        let (cpu1, p1, n1, dt) =
            (cpu(), seen.borrow().get(), c.count.load(Ordering::Relaxed), t0.elapsed().as_secs_f64());
        let mut lat = c.lat.lock().unwrap().clone();
        lat.sort_unstable();
        stopped.store(true, Ordering::Relaxed);
        for l in lines {
            let _ = l.await;
        }
        let q = |f: f64| lat.get((lat.len() as f64 * f) as usize).copied().unwrap_or(0) as f64 / 1000.0;
        let d: Vec<f64> = cpu1
            .split(' ')
            .zip(cpu0.split(' '))
            .map(|(a, b)| a.parse::<f64>().unwrap() - b.parse::<f64>().unwrap())
            .collect();
        println!(
            "{depth:9} {:8.0} {:9.0} {:8.2} {:7.2} {:4}   {:.2} {:.2} {:.2} /s",
            (n1 - n0) as f64 / dt,
            (p1 - p0) as f64 / dt,
            q(0.5),
            q(0.99),
            c.bad.load(Ordering::Relaxed),
            d[0] / dt,
            d[1] / dt,
            d[2] / dt
        );
    }
    stop.cancel();
    st.await??;
    // ceilings, of the rows of the run
    let mut conn = sqlx::postgres::PgConnection::connect(&url).await?;
    let sql = format!("SELECT {COLUMNS} FROM events WHERE position > 10000 ORDER BY position LIMIT 120000");
    let rows: Vec<Row> = sqlx::query(AssertSqlSafe(sql))
        .fetch_all(&mut conn)
        .await?
        .iter()
        .map(|r| Row::read(r).unwrap())
        .collect();
    println!(
        "rows {} payload avg {:.0}",
        rows.len(),
        rows.iter().map(|r| r.payload.len()).sum::<usize>() as f64 / rows.len().max(1) as f64
    );
    let mut conn = sqlx::postgres::PgConnection::connect(&postgres.url("ceiling")).await?;
    let t = Instant::now(); let cpu0 = cpu();
    let mut busy = Duration::ZERO;
    for chunk in rows.chunks(1000) {
        let q = e2e_insert(chunk);
        let t = Instant::now();
        q.execute(&mut conn).await?;
        busy += t.elapsed();
    }
    println!(
        "ceiling, events alone, 1000: {:.0} rows/s (with encoding {:.0})",
        rows.len() as f64 / busy.as_secs_f64(),
        rows.len() as f64 / t.elapsed().as_secs_f64()
    );
    println!("cpu before {cpu0} after {}", cpu());
    sqlx::raw_sql("ALTER TABLE events DISABLE TRIGGER ALL; TRUNCATE events").execute(&mut conn).await?;
    let mut one = vec![];
    for r in rows.iter().take(2000) {
        let q = e2e_insert(std::slice::from_ref(r));
        let t = Instant::now();
        q.execute(&mut conn).await?;
        one.push(t.elapsed().as_micros());
    }
    one.sort_unstable();
    println!("single insert p50 {} us", one[one.len() / 2]);
    let echo = client("ledger").await;
    let mut sub = echo.subscribe("cmd.ledger.telegram.nothing").await?;
    let e2 = echo.clone();
    tokio::spawn(async move {
        use futures_util::StreamExt;
        while let Some(m) = sub.next().await {
            e2.publish(m.reply.unwrap(), "x".into()).await.unwrap();
        }
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    let mut rt = vec![];
    for _ in 0..2000 {
        let t = Instant::now();
        c.telegram.request("cmd.ledger.telegram.nothing", "{}".into()).await?;
        rt.push(t.elapsed().as_micros());
    }
    rt.sort_unstable();
    println!("nats round trip p50 {} us", rt[rt.len() / 2]);
    Ok(())
}
fn e2e_insert(rows: &[Row]) -> sqlx::query::Query<'_, sqlx::Postgres, sqlx::postgres::PgArguments> {
    fn column<'a, T>(rows: &'a [Row], get: impl Fn(&'a Row) -> T) -> Vec<T> {
        rows.iter().map(get).collect()
    }
    sqlx::query("INSERT INTO events (position, account_id, version, type, schema_version, available_delta, reserved_delta, debt_delta, payload, producer, command_id, ordinal, request_digest, actor, causation, trace_id, recorded_at, prev_hash, hash) SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::bigint[], $4::text[], $5::smallint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::text[], $10::text[], $11::text[], $12::smallint[], $13::bytea[], $14::text[], $15::bigint[], $16::bytea[], $17::bigint[], $18::bytea[], $19::bytea[])")
        .bind(column(rows, |r| r.position)).bind(column(rows, |r| r.account_id)).bind(column(rows, |r| r.version)).bind(column(rows, |r| r.event_type.as_str())).bind(column(rows, |r| r.schema_version)).bind(column(rows, |r| r.available_delta)).bind(column(rows, |r| r.reserved_delta)).bind(column(rows, |r| r.debt_delta)).bind(column(rows, |r| r.payload.as_str())).bind(column(rows, |r| r.producer.as_str())).bind(column(rows, |r| r.command_id.as_str())).bind(column(rows, |r| r.ordinal)).bind(column(rows, |r| r.request_digest.as_slice())).bind(column(rows, |r| r.actor.as_str())).bind(column(rows, |r| r.causation)).bind(column(rows, |r| r.trace_id.as_ref().map(<[u8; 16]>::as_slice))).bind(column(rows, |r| r.recorded_at)).bind(column(rows, |r| r.prev_hash.as_slice())).bind(column(rows, |r| r.hash.as_slice()))
}
