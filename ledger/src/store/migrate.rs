//! Roles first, then the migrations as the owner of the tables.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::migrate::{MigrateError as SqlxMigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _};

use super::pool::{OWNER_ROLE, SERVICE_ROLE};

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// Roles belong to the whole cluster: another database's migration may touch them at once.
const ROLE_TRIES: u32 = 20;

#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    #[error("can't connect to Postgres by DATABASE_URL")]
    Connect(#[source] sqlx::Error),
    #[error(
        "can't set up the roles {OWNER_ROLE} and {SERVICE_ROLE}: DATABASE_URL must log in as a role that may"
    )]
    Roles(#[source] sqlx::Error),
    #[error("a migration failed")]
    Migration(#[from] SqlxMigrateError),
    #[error("Postgres {found} is too old: 15 or newer is needed")]
    Version { found: i32 },
}

/// A newer version of the ledger has migrated the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a newer ledger has migrated the database to version {found}; this one knows version {known} and can lead no more: \
     replace it by the newer one"
)]
pub struct Outgrown {
    found: i64,
    known: i64,
}

/// Has a newer version migrated the database?
///
/// # Errors
/// Postgres is away.
pub async fn outgrown(pool: &PgPool) -> Result<Option<Outgrown>, sqlx::Error> {
    let known = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0);
    let found: i64 =
        sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM _sqlx_migrations").fetch_one(pool).await?;
    Ok((found > known).then_some(Outgrown { found, known }))
}

/// Can this error be that of a version whose tables are not those of the database? Class 42: something is missing or of
/// another type. 0A000: a statement that was planned before has other columns now. 23502: a column that it does not fill.
pub fn may_be_outgrown(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| code.starts_with("42") || code == "0A000" || code == "23502")
}

/// Applies what is not applied yet.
///
/// # Errors
/// Postgres is away, too old, or its login role may not create roles.
pub async fn migrate(database_url: &str) -> Result<(), MigrateError> {
    let options = PgConnectOptions::from_str(database_url).map_err(MigrateError::Connect)?;
    let mut connection = options.connect().await.map_err(MigrateError::Connect)?;
    require_version(&mut connection).await?;
    let mut tries = 0;
    while let Err(error) = set_up_roles(&mut connection).await {
        tries += 1;
        if tries >= ROLE_TRIES {
            return Err(MigrateError::Roles(error));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    MIGRATIONS.run(&mut connection).await?;
    Ok(())
}

async fn require_version(connection: &mut PgConnection) -> Result<(), MigrateError> {
    let found: i32 = sqlx::query_scalar("SELECT current_setting('server_version_num')::int / 10000")
        .fetch_one(connection)
        .await
        .map_err(MigrateError::Connect)?;
    if found < 15 { Err(MigrateError::Version { found }) } else { Ok(()) }
}

async fn set_up_roles(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    for role in [OWNER_ROLE, SERVICE_ROLE] {
        let known: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)")
            .bind(role)
            .fetch_one(&mut *connection)
            .await?;
        if !known {
            connection.execute(AssertSqlSafe(format!("CREATE ROLE {role} NOLOGIN"))).await?;
        }
        let member: bool = sqlx::query_scalar("SELECT pg_has_role(current_user, $1, 'MEMBER')")
            .bind(role)
            .fetch_one(&mut *connection)
            .await?;
        if !member {
            connection.execute(AssertSqlSafe(format!("GRANT {role} TO CURRENT_USER"))).await?;
        }
    }
    let grants = format!(
        "GRANT USAGE, CREATE ON SCHEMA public TO {OWNER_ROLE}; GRANT USAGE ON SCHEMA public TO {SERVICE_ROLE}; \
         CREATE SCHEMA IF NOT EXISTS projections AUTHORIZATION {SERVICE_ROLE}; \
         SET ROLE {OWNER_ROLE}"
    );
    connection.execute(AssertSqlSafe(grants)).await?;
    Ok(())
}
