//! Connections that go back to the pool only when what was done with them is over.
//!
//! sqlx takes a connection back in the middle of a BEGIN or a COPY whose caller was cut off, and whoever has it next works in a
//! transaction that nobody commits, or reads the answers to another question. Here it is closed instead; Postgres rolls back.

use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::{Executor as _, PgConnection, PgPool, Postgres};

/// A connection of the pool that is closed when it is dropped, unless it was given back.
pub struct Lent {
    connection: PoolConnection<Postgres>,
    is_over: bool,
}

/// # Errors
/// Postgres does not answer.
pub async fn lend(pool: &PgPool) -> Result<Lent, sqlx::Error> {
    Ok(Lent { connection: pool.acquire().await?, is_over: false })
}

impl Lent {
    pub fn give_back(mut self) {
        self.is_over = true;
    }
}

impl Deref for Lent {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if !self.is_over {
            self.connection.close_on_drop();
        }
    }
}

/// Rolled back, and its connection closed, unless it comes to its end by [`Self::commit`] or [`Self::rollback`].
pub struct Transaction(Lent);

/// # Errors
/// Postgres does not answer.
pub async fn begin(pool: &PgPool) -> Result<Transaction, sqlx::Error> {
    let mut connection = lend(pool).await?;
    connection.execute("BEGIN").await?;
    Ok(Transaction(connection))
}

impl Transaction {
    /// # Errors
    /// It is not committed, or whether it is is not known.
    pub async fn commit(self) -> Result<(), sqlx::Error> {
        self.end("COMMIT").await
    }

    /// # Errors
    /// Postgres does not answer.
    pub async fn rollback(self) -> Result<(), sqlx::Error> {
        self.end("ROLLBACK").await
    }

    async fn end(mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        self.0.execute(sql).await?;
        self.0.give_back();
        Ok(())
    }
}

impl Deref for Transaction {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.0
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.0
    }
}
