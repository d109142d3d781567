//! How far the follow-ups are, and what an erasure deletes after its event.

use sqlx::PgPool;
use uuid::Uuid;

pub async fn followed_through(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT position FROM follow_ups").fetch_one(pool).await
}

/// Never back: an old leader that wakes up may say less.
pub async fn set_followed_through(pool: &PgPool, position: i64) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE follow_ups SET position = $1 WHERE position < $1")
        .bind(position)
        .execute(pool)
        .await?;
    Ok(())
}

/// What a person wrote and was sent, by the ids of what it belongs to; tellings that wait are called off.
/// Their positions in the log stay.
/// `objects`: the providers' ids of their payments and refunds.
pub async fn delete_content(
    pool: &PgPool,
    account: Uuid,
    subjects: &[String],
    objects: &[String],
) -> Result<(), sqlx::Error> {
    const DELETES: [&str; 6] = [
        "DELETE FROM chat_contexts WHERE subject = ANY($1) AND account_id = $2",
        "DELETE FROM payment_links WHERE payment = ANY($1) AND account_id = $2",
        "DELETE FROM generation_contents WHERE generation = ANY($1) AND account_id = $2",
        "DELETE FROM generation_outputs WHERE generation = ANY($1) AND account_id = $2",
        "DELETE FROM notices WHERE payment = ANY($1) AND account_id = $2",
        "DELETE FROM deliveries WHERE subject = ANY($1) AND account_id = $2",
    ];
    let mut transaction = pool.begin().await?;
    for sql in DELETES {
        sqlx::query(sql).bind(subjects).bind(account).execute(&mut *transaction).await?;
    }
    // Words that came before it was known whose they are.
    let words = "DELETE FROM notices WHERE object = ANY($1) AND account_id IS NULL";
    sqlx::query(words).bind(objects).execute(&mut *transaction).await?;
    transaction.commit().await
}
