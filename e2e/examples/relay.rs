//! How fast the relay alone brings a log into EVT, beside bare publishes of the same bodies:
//! `cargo run --profile measured -p e2e --example relay`.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use async_nats::jetstream::{self, Context};
use e2e::Stage;
use futures_util::StreamExt as _;
use ledger::log::Row;
use ledger::tail::Tail;
use proto_events::Position;
use proto_events::subjects::{self, EVT_STREAM};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const EVENTS: i64 = 200_000;
/// Publishes without an answer, each answered: what JetStream was measured with elsewhere.
const IN_FLIGHT: usize = 256;
const RUNS: usize = 3;

/// Rows as a busy day leaves them; the chain is of no interest to the relay.
const FILL: &str = "INSERT INTO events SELECT n, \
     ('00000000-0000-4000-8000-' || lpad(to_hex(n % 1000 + 16), 12, '0'))::uuid, n, 'CreditsReserved', 1, -10, 10, 0, \
     '{\"credits\":10,\"deadline\":1760000600000000,\"lots\":[{\"credits\":10,\"lot\":2}],\"reservation\":\"r-' || n || '\"}', \
     'telegram', 'c:' || n, 0, substr(sha256(n::text::bytea), 1, 16), 'person', NULL, NULL, 1760000000000000 + n, \
     sha256((n - 1)::text::bytea), sha256(n::text::bytea) FROM generate_series(1, $1) n";

fn main() -> Result<()> {
    let stage = Stage::new()?;
    stage.rt.block_on(async {
        sqlx::query(FILL).bind(EVENTS).execute(&stage.pool).await?;
        let head = "UPDATE log_head SET position = $1";
        sqlx::query(head).bind(EVENTS).execute(&stage.pool).await
    })?;
    let (client, media) = (stage.client("ledger"), stage.client("media-ledger"));
    let log = stage.rt.block_on(Stage::log(&stage.pool));
    for _ in 0..RUNS {
        let bare = stage.rt.block_on(async {
            let context = fresh(&stage, &client, &media).await?;
            bare(&context, &log).await
        })?;
        let (relay, cpu) = stage.rt.block_on(async {
            let context = fresh(&stage, &client, &media).await?;
            relay(&stage, &client, &context).await
        })?;
        let rate = |took: Duration| EVENTS as f64 / took.as_secs_f64() / 1_000.0;
        println!(
            "relay {:>6.1} K events/s ({:.2} cores of its own)   bare publishes {:>6.1} K/s   ratio {:.2}",
            rate(relay),
            cpu.as_secs_f64() / relay.as_secs_f64(),
            rate(bare),
            rate(relay) / rate(bare)
        );
    }
    Ok(())
}

/// EVT, empty, from the log's beginning.
async fn fresh(stage: &Stage, client: &async_nats::Client, media: &async_nats::Client) -> Result<Context> {
    let context = jetstream::new(client.clone());
    let _ = context.delete_stream(EVT_STREAM).await;
    ledger::provision::ensure(&stage.pool, client, media).await.context("EVT can't be made")?;
    Ok(context)
}

async fn relay(
    stage: &Stage,
    client: &async_nats::Client,
    context: &Context,
) -> Result<(Duration, Duration)> {
    let (stop, (_, seen)) = (CancellationToken::new(), watch::channel(Position::ZERO));
    let tail = Tail::new(stage.pool.clone(), seen);
    let (begun, cpu) = (Instant::now(), own_cpu());
    tokio::spawn(ledger::relay::run(stage.pool.clone(), client.clone(), tail, 1, stop.clone()));
    loop {
        let stream = context.get_stream(EVT_STREAM).await.context("EVT is not there")?;
        if stream.cached_info().state.last_sequence == EVENTS.unsigned_abs() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let took = (begun.elapsed(), own_cpu() - cpu);
    stop.cancel();
    Ok(took)
}

async fn bare(context: &Context, log: &[Row]) -> Result<Duration> {
    let body = |row: &Row| {
        Ok((subjects::event(row.account(), &row.event_type), row.published_json(1).context("no body")?))
    };
    let bodies: Vec<(String, Vec<u8>)> = log.iter().map(body).collect::<Result<_>>()?;
    let begun = Instant::now();
    let sent = futures_util::stream::iter(bodies)
        .map(|(subject, body)| async move { context.publish(subject, body.into()).await?.await });
    let lost = sent.buffered(IN_FLIGHT).filter(|sent| std::future::ready(sent.is_err())).count().await;
    ensure!(lost == 0, "{lost} messages were not taken into EVT");
    Ok(begun.elapsed())
}

/// CPU time of this process, from /proc: in hundredths of a second.
fn own_cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<u64>().ok()).sum::<u64>();
    Duration::from_millis(ticks * 10)
}
