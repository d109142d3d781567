//! Roles first, then the migrations as the owner of the tables.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::migrate::{MigrateError as SqlxMigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgConnection};
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
