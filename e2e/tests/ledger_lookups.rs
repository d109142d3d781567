//! What a running ledger asks the log finds by its indexes, however long the log is: Postgres' own counters
//! say so, for the very statements of the store.

use e2e::Stage;
use e2e::bulk::{Size, write};
use ledger::store::{self, Thing};
use proto_events::{AccountId, CommandId, Producer};
use sqlx::PgPool;

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
        let mut before = Vec::new();
        for table in ["events", "natural_keys"] {
            before.push(scans(&stage.pool, table).await);
        }

        let pool = store::connect(&stage.database_url(), 1).await.unwrap();
        let first = store::first_answers(&pool, std::slice::from_ref(&id)).await.unwrap();
        assert_eq!(first.len(), 1);
        let rows = store::events_of_accounts(&pool, &[account], 0).await.unwrap();
        assert!(rows[&account].len() > 2);
        let things = [Thing { account, id: payment.clone(), after: 0 }];
        assert!(store::events_about(&pool, &things).await.unwrap()[&payment].len() >= 3);
        let owners = store::owners_of_keys(&pool, &[("settled", key)]).await.unwrap();
        assert_eq!(owners.len(), 1);
        assert!(store::event_at(&pool, 7).await.unwrap().is_some());
        assert!(!store::command_ids(&pool, 19_000, 19_100).await.unwrap().is_empty());
        // A session reports when it ends.
        pool.close().await;

        for (table, (whole, by_index)) in ["events", "natural_keys"].into_iter().zip(before) {
            let mut now = scans(&stage.pool, table).await;
            while now.1 == by_index {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                now = scans(&stage.pool, table).await;
            }
            println!("{table}: {} look-ups by index", now.1 - by_index);
            assert_eq!(now.0, whole, "{table} was read from end to end");
        }
    });
}
