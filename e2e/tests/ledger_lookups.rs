//! What a running ledger asks the log finds by its indexes, however long the log is: Postgres' own counters
//! say so, for the very statements of the store.

use std::time::{Duration, Instant};

use e2e::Stage;
use e2e::bulk::{Size, write};
use e2e::stage::PATIENCE;
use ledger::store::{self, Snapshot, Thing};
use proto_events::{AccountId, CommandId, Producer};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{PgPool, Postgres, Transaction};

const TABLES: [&str; 5] = ["events", "natural_keys", "jobs", "telegram_identities", "erased_fingerprints"];

/// (scans of the whole table, look-ups by an index), of all sessions that have ended.
async fn scans(pool: &PgPool, table: &str) -> (i64, i64) {
    let sql = "SELECT seq_scan, idx_scan FROM pg_stat_user_tables WHERE relname = $1";
    sqlx::query_as(sql).bind(table).fetch_one(pool).await.unwrap()
}

#[test]
fn no_look_up_reads_the_log_or_the_natural_keys_from_end_to_end() {
    let stage = Stage::new().unwrap();
    let size = Size { events: 20_000, accounts: 500 };
    stage.rt.block_on(async {
        write::write(&stage.database_url(), size, |_| ()).await.unwrap();
        let one = "SELECT account_id, producer, command_id, payload::jsonb->>'payment' FROM events \
            WHERE type = 'PaymentSettled' ORDER BY position DESC LIMIT 1";
        let (account, producer, command, payment): (uuid::Uuid, String, String, String) =
            sqlx::query_as(one).fetch_one(&stage.pool).await.unwrap();
        let (kind, key): (String, String) =
            sqlx::query_as("SELECT kind, key FROM natural_keys WHERE kind = 'settled' LIMIT 1")
                .fetch_one(&stage.pool)
                .await
                .unwrap();
        assert_eq!(kind, "settled");
        let (account, producer): (AccountId, Producer) = (AccountId(account), producer.parse().unwrap());
        let id = (producer, CommandId::new(command).unwrap());
        // Open work and erased people are few in a log that was made: one of each is enough to be looked up.
        let job = "g-by-hand".to_owned();
        let open = "INSERT INTO jobs (generation, account_id, position, deadline, kind, model) \
            VALUES ($1, $2, 1, 1, 'picture', 'm')";
        sqlx::query(open).bind(&job).bind(account.0).execute(&stage.pool).await.unwrap();
        let gone = "INSERT INTO erased_fingerprints (fingerprint, debt, banned) VALUES ('gone', 0, false)";
        sqlx::query(gone).execute(&stage.pool).await.unwrap();
        let mut before = Vec::new();
        for table in TABLES {
            before.push(scans(&stage.pool, table).await);
        }

        let pool = store::connect_serving(&stage.database_url(), 1).await.unwrap();
        let first = store::first_answers(&pool, std::slice::from_ref(&id)).await.unwrap();
        assert_eq!(first.len(), 1);
        let rows = store::events_of_accounts(&pool, &[account], 0).await.unwrap();
        assert!(rows[&account].len() > 2);
        let things = [Thing { account, id: payment.clone(), after: 0 }];
        assert!(store::events_about(&pool, &things).await.unwrap()[&payment].len() >= 3);
        let owners = store::owners_of_keys(&pool, &[("settled", key)]).await.unwrap();
        assert_eq!(owners.len(), 1);
        assert!(store::event_at(&pool, 7).await.unwrap().is_some());
        assert_eq!(store::leases(&pool, std::slice::from_ref(&job)).await.unwrap().len(), 1);
        assert_eq!(store::open_jobs(&pool, 10, 1, 1, &[]).await.unwrap().len(), 1);
        assert!(store::newest_event(&pool, AccountId::CATALOG).await.unwrap().is_some());
        assert_eq!(store::people_of_accounts(&pool, &[account]).await.unwrap().len(), 1);
        assert_eq!(store::kept(&pool, &["gone".to_owned()]).await.unwrap().len(), 1);
        assert!(!store::command_ids(&pool, 19_000, 19_100).await.unwrap().is_empty());
        // A session reports when it ends.
        pool.close().await;

        for (table, (whole, by_index)) in TABLES.into_iter().zip(before) {
            let (end, mut now) = (Instant::now() + PATIENCE, scans(&stage.pool, table).await);
            while now.1 == by_index {
                assert!(Instant::now() < end, "nothing was looked up by an index in {table}");
                tokio::time::sleep(Duration::from_millis(20)).await;
                now = scans(&stage.pool, table).await;
            }
            println!("{table}: {} look-ups by index", now.1 - by_index);
            assert_eq!(now.0, whole, "{table} was read from end to end");
        }
    });
}

/// Sessions of this name give a statement up after 100 ms.
const HASTY: &str = "hasty";

async fn hasty(url: &str) -> PgPool {
    let options = url.parse::<PgConnectOptions>().unwrap().application_name(HASTY);
    PgPoolOptions::new().connect_with(options.options([("statement_timeout", "100")])).await.unwrap()
}

/// Keeps snapshots from being changed.
async fn hold(pool: &PgPool) -> Transaction<'static, Postgres> {
    let mut held = pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE account_snapshots IN SHARE MODE").execute(&mut *held).await.unwrap();
    held
}

/// Until a statement of a hasty session has been under way for far longer than it is allowed to.
async fn until_overdue(pool: &PgPool) {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock' \
        AND clock_timestamp() - query_start > interval '500 ms'";
    let end = Instant::now() + Duration::from_secs(10);
    while sqlx::query_scalar::<_, i64>(sql).bind(HASTY).fetch_one(pool).await.unwrap() == 0 {
        assert!(Instant::now() < end, "the statement was given up");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn snapshots_are_written_and_begun_anew_however_long_that_takes() {
    let stage = Stage::new().unwrap();
    stage.rt.block_on(async {
        let pool = hasty(&stage.database_url()).await;
        let held = hold(&stage.pool).await;
        let begun = tokio::spawn({
            let pool = pool.clone();
            async move { store::reset_snapshots(&pool).await }
        });
        until_overdue(&stage.pool).await;
        drop(held);
        begun.await.unwrap().unwrap();

        let snapshot =
            |position| Snapshot { account: AccountId::random(), version: 1, position, state: "{}".into() };
        let changed: Vec<Snapshot> = (1..=2_500).map(snapshot).collect();
        let accounts: Vec<AccountId> = changed.iter().map(|s| s.account).collect();
        let held = hold(&stage.pool).await;
        let written = tokio::spawn({
            let (pool, changed) = (pool.clone(), changed.clone());
            async move { store::write_snapshots(&pool, 0, 2_500, &changed).await }
        });
        until_overdue(&stage.pool).await;
        drop(held);
        assert!(written.await.unwrap().unwrap());
        let (through, found) = store::snapshots_of(&stage.pool, &accounts).await.unwrap();
        assert_eq!(through, 2_500);
        assert!(changed.iter().all(|s| found.get(&s.account) == Some(s)), "{} of 2500", found.len());
    });
}
