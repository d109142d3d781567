//! Connections of `serve`: under the restricted role, with bounds on how long anything may hang.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Executor as _};

/// Owns the tables; cannot log in.
pub const OWNER_ROLE: &str = "plantain_owner";
/// What `serve` works as.
pub const SERVICE_ROLE: &str = "plantain_ledger";

/// A transaction of a writer that was cut off holds the head's row; Postgres ends it after this,
/// so that a standby takes over within 5 s.
const IDLE_IN_TRANSACTION_MS: u32 = 2_000;
const STATEMENT_MS: u32 = 15_000;
/// How long Postgres lets sent data stay unacknowledged before it gives a connection up.
const TCP_USER_MS: u32 = 5_000;
const ACQUIRE: Duration = Duration::from_secs(5);

/// A pool whose sessions have dropped to the service's role.
///
/// # Errors
/// The URL is wrong or Postgres is away.
pub async fn connect(database_url: &str, connections_max: u32) -> Result<PgPool, sqlx::Error> {
    let options = PgConnectOptions::from_str(database_url)?.application_name("plantain-ledger");
    PgPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(ACQUIRE)
        .after_connect(|connection, _| {
            Box::pin(async move {
                let setup = format!(
                    "SET ROLE {SERVICE_ROLE}; SET statement_timeout = {STATEMENT_MS}; \
                     SET idle_in_transaction_session_timeout = {IDLE_IN_TRANSACTION_MS}; \
                     SET tcp_user_timeout = {TCP_USER_MS}; SET client_connection_check_interval = 1000; \
                     SET synchronous_commit = on"
                );
                connection.execute(AssertSqlSafe(setup)).await?;
                Ok(())
            })
        })
        .connect_with(options)
        .await
}
