//! How far the consumers of the event stream have done everything, and so where a new stream begins.

use proto_events::subjects::CONSUMERS;
use sqlx::PgPool;

/// What a consumer has done. 0: it has never said.
#[derive(Debug, Clone, Copy)]
pub(super) struct Done {
    pub name: &'static str,
    pub types: &'static [&'static str],
    pub through: i64,
}

pub(super) async fn done_by_each(pool: &PgPool) -> Result<Vec<Done>, sqlx::Error> {
    let head: i64 = sqlx::query_scalar("SELECT position FROM log_head").fetch_one(pool).await?;
    let said: Vec<(String, i64)> =
        sqlx::query_as("SELECT consumer, done_through FROM consumers").fetch_all(pool).await?;
    let through = |name: &str| said.iter().find(|(who, _)| who == name).map_or(0, |(_, at)| *at);
    Ok(CONSUMERS
        .iter()
        .map(|(producer, types)| {
            let name = producer.as_str();
            // A restored database may be behind what its consumers had done.
            Done { name, types, through: through(name).min(head) }
        })
        .collect())
}

/// The position after which a new stream begins: before the first event that a consumer has not
/// done. A consumer that rarely gets an event does not make the window long, since what is not for
/// it is skipped.
pub(super) async fn floor(pool: &PgPool, done: &[Done]) -> Result<i64, sqlx::Error> {
    let mut floor = i64::MAX;
    for consumer in done {
        let through = match consumer.through {
            0 => 0,
            // One statement, so that the next event and the head are of one moment.
            through => {
                sqlx::query_scalar(
                    "SELECT coalesce((SELECT position FROM events WHERE position > $1 AND type = ANY($2) \
                                      ORDER BY position LIMIT 1) - 1, (SELECT position FROM log_head))",
                )
                .bind(through)
                .bind(consumer.types)
                .fetch_one(pool)
                .await?
            }
        };
        floor = floor.min(through);
    }
    Ok(floor)
}
