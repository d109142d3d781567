//! Connections of `serve`: under the restricted role, with bounds on how long anything may hang.
//!
//! A connection can go dead without being closed, and no answer ever comes: so each answer is
//! waited for with a bound on our side too, and no connection goes into the pool untested, nor out of it unless
//! it was tested just before. None goes back in the middle of something: `lent`.
//! The writer's own connections (`append`) are outside: each of their uses is a test.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection};

/// Owns the tables; cannot log in.
pub const OWNER_ROLE: &str = "plantain_owner";
/// What `serve` works as.
pub const SERVICE_ROLE: &str = "plantain_ledger";

/// What the console's connections call themselves.
pub const PAGES_NAME: &str = "plantain-console";

/// A transaction of a writer that was cut off holds the head's row; Postgres ends it after this,
/// so that a standby takes over within 5 s.
const IDLE_IN_TRANSACTION_MS: u32 = 2_000;
const STATEMENT_MS: u32 = 15_000;
/// How long Postgres lets sent data stay unacknowledged before it gives a connection up.
const TCP_USER_MS: u32 = 5_000;
const ACQUIRE: Duration = Duration::from_secs(5);
/// How long an answer of Postgres is waited for where the lead hangs on it: longer than a writer
/// that was cut off can hold the head's row, short enough to go on within 5 s.
const ANSWER: Duration = Duration::from_secs(3);
/// A connection that does not even say "here" for this long is dead.
const PING: Duration = Duration::from_secs(1);
/// Whoever said so this long ago is still here.
const JUST_NOW: Duration = Duration::from_millis(500);

/// Gives a connection up that does not answer in time; what it was doing is in doubt.
///
/// # Errors
/// Those of `work`, or that the time is over.
pub async fn answered<T, E: From<sqlx::Error>>(work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    tokio::time::timeout(ANSWER, work).await.unwrap_or_else(|_| Err(too_late().into()))
}

fn too_late() -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "Postgres did not answer in time"))
}

/// As an error when it is not there: the pool then drops it without a farewell.
async fn is_there(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    tokio::time::timeout(PING, connection.ping()).await.unwrap_or_else(|_| Err(too_late()))?;
    Ok(true)
}

/// How the service's sessions plan: by index, row by row, and each statement once. Tables of open work are nearly
/// empty and full of dead rows, others grow from nothing: Postgres, which counts pages, would read them from end to
/// end, or keep a plan that does. And for a look-up by key, planning costs more than the look-up, as compiling does.
pub const BY_KEYS: &str = "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; \
     SET plan_cache_mode = force_generic_plan; SET jit = off";

/// A pool whose sessions have dropped to the service's role.
///
/// # Errors
/// The URL is wrong or Postgres is away.
pub async fn connect(database_url: &str, connections_max: u32) -> Result<PgPool, sqlx::Error> {
    connect_with(database_url, connections_max, "SET synchronous_commit = on".to_owned()).await
}

/// The same for the running service.
///
/// # Errors
/// The URL is wrong or Postgres is away.
pub async fn connect_serving(database_url: &str, connections_max: u32) -> Result<PgPool, sqlx::Error> {
    connect_with(database_url, connections_max, format!("SET synchronous_commit = on; {BY_KEYS}")).await
}

/// The same for the console's pages, by a name of their own: what people look at is told apart from what the service does.
///
/// # Errors
/// The URL is wrong or Postgres is away.
pub async fn connect_pages(database_url: &str, connections_max: u32) -> Result<PgPool, sqlx::Error> {
    let manner = format!("SET synchronous_commit = on; {BY_KEYS}; SET application_name = '{PAGES_NAME}'");
    connect_with(database_url, connections_max, manner).await
}

/// The same for what can be made from the log again: its commits don't wait for the disk.
///
/// # Errors
/// The URL is wrong or Postgres is away.
pub async fn connect_relaxed(database_url: &str, connections_max: u32) -> Result<PgPool, sqlx::Error> {
    connect_with(database_url, connections_max, format!("SET synchronous_commit = off; {BY_KEYS}")).await
}

/// The same for long work beside the service, such as a rebuild: statements may take as long as they do, on one core.
///
/// # Errors
/// The URL is wrong or Postgres is away.
pub async fn connect_patient(database_url: &str, connections_max: u32) -> Result<PgPool, sqlx::Error> {
    let patient = "SET synchronous_commit = off; SET statement_timeout = 0; \
         SET idle_in_transaction_session_timeout = 60000; SET work_mem = '64MB'; SET maintenance_work_mem = '256MB'; \
         SET max_parallel_workers_per_gather = 0; SET max_parallel_maintenance_workers = 0";
    connect_with(database_url, connections_max, patient.to_owned()).await
}

async fn connect_with(
    database_url: &str,
    connections_max: u32,
    manner: String,
) -> Result<PgPool, sqlx::Error> {
    let options = PgConnectOptions::from_str(database_url)?.application_name("plantain-ledger");
    PgPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(ACQUIRE)
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(
                async move { if meta.idle_for < JUST_NOW { Ok(true) } else { is_there(connection).await } },
            )
        })
        .after_release(|connection, _| Box::pin(is_there(connection)))
        .after_connect(move |connection, _| {
            let manner = manner.clone();
            Box::pin(async move { set_up(connection, &manner).await })
        })
        .connect_with(options)
        .await
}

/// Lets this transaction take its time: for whoever reads the whole log in one snapshot.
///
/// # Errors
/// Postgres does not answer.
pub async fn take_time(tx: &mut PgConnection) -> Result<(), sqlx::Error> {
    tx.execute(
        "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; \
         SET LOCAL tcp_user_timeout = 0",
    )
    .await?;
    Ok(())
}

/// A connection like the pool's, but outside it, for appends.
pub(super) async fn connect_alone(pool: &PgPool) -> Result<PgConnection, sqlx::Error> {
    let mut connection = pool.connect_options().connect().await?;
    set_up(&mut connection, &format!("SET synchronous_commit = on; {BY_KEYS}")).await?;
    Ok(connection)
}

/// `jit`: look-ups here are small, and compiling one takes longer than a second on a busy machine.
async fn set_up(connection: &mut PgConnection, manner: &str) -> Result<(), sqlx::Error> {
    let setup = format!(
        "SET ROLE {SERVICE_ROLE}; SET statement_timeout = {STATEMENT_MS}; \
         SET idle_in_transaction_session_timeout = {IDLE_IN_TRANSACTION_MS}; \
         SET tcp_user_timeout = {TCP_USER_MS}; SET client_connection_check_interval = 1000; \
         {manner}; SET jit = off"
    );
    connection.execute(AssertSqlSafe(setup)).await?;
    Ok(())
}
