//! Logs that are kept: each the data folder of a stopped Postgres, named by its size and by a digest of the migrations
//! and of the projections' versions, so that another schema makes it anew. Runs work on copies.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use ledger::projections;
use ledger::tail::Tail;
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;
use tokio::task::JoinSet;
use xtask::machine::{
    LOG_SETTINGS, PortLease, Postgres, PostgresOptions, Scratch, Signal, Stop, lease_port, paths, postgres,
};

use super::write::{self, Size};

pub const DATABASE: &str = "plantain";
/// The same log again, in a database of its own: what ceilings are measured on.
pub const TWIN: &str = "twin";
/// Raised when the generator writes something else than before.
const FORMAT: u32 = 2;
/// Only this machine's loopback sees these instances, and there is nothing of anybody in them.
const PASSWORD: &str = "bench";
/// How often to look whether the projections are there.
const LOOK: Duration = Duration::from_millis(100);

/// A running Postgres on a copy of a kept log; gone on drop.
pub struct Copy {
    pub postgres: Postgres,
    _port: PortLease,
    _scratch: Scratch,
}

impl Copy {
    pub fn url(&self) -> String {
        self.postgres.url(DATABASE)
    }
}

/// A copy of the log of this size, made first if it is not there. fsync is on; settings as `up` has them.
///
/// # Errors
/// Postgres does not start, the log can't be made, or there is no room for it.
pub fn copy(size: Size, say: &dyn Fn(&str)) -> Result<Copy> {
    let kept = ensure(size, say)?;
    let scratch = Scratch::reachable("log", postgres::unprivileged()?)?;
    let data = scratch.path().join("data");
    say(&format!("copying the log of {} events", size.events));
    let copied = Command::new("cp").args(["-a", "--reflink=auto"]).arg(&kept).arg(&data).status()?;
    if !copied.success() {
        bail!("{} could not be copied to {}", kept.display(), data.display());
    }
    // So that writing the copy out is not measured with what comes next.
    Command::new("sync").arg("-f").arg(&data).status()?;
    let port = lease_port()?;
    let postgres = start(data, &port, true)?;
    Ok(Copy { postgres, _port: port, _scratch: scratch })
}

/// The data folder of the log of this size.
///
/// # Errors
/// As [`copy`].
pub fn ensure(size: Size, say: &dyn Fn(&str)) -> Result<PathBuf> {
    let shelf = shelf()?;
    let name = format!("{}-{}-{}", size.events, size.accounts, digest()?);
    let kept = shelf.join(&name);
    if kept.is_dir() {
        return Ok(kept);
    }
    let _one_at_a_time = paths::lock(&shelf.join(format!("{}-{}.lock", size.events, size.accounts)))?;
    if kept.is_dir() {
        return Ok(kept);
    }
    remove_outdated(&shelf, size)?;
    let unfinished = shelf.join(format!("{name}.unfinished"));
    let _ = std::fs::remove_dir_all(&unfinished);
    let twin = format!("CREATE DATABASE {TWIN} TEMPLATE {DATABASE}");
    fill(&unfinished, size, Some(&twin), say)?;
    std::fs::rename(&unfinished, &kept)?;
    Ok(kept)
}

/// A log of this size for this run alone, and without its twin: of one that is kept there are four on the disk while it is
/// measured.
///
/// # Errors
/// As [`copy`].
pub fn fresh(size: Size, say: &dyn Fn(&str)) -> Result<Copy> {
    let scratch = Scratch::reachable("log", postgres::unprivileged()?)?;
    let data = scratch.path().join("data");
    fill(&data, size, None, say)?;
    let port = lease_port()?;
    let postgres = start(data, &port, true)?;
    Ok(Copy { postgres, _port: port, _scratch: scratch })
}

/// Makes the data folder; `last` is run when the log is there.
fn fill(data: &Path, size: Size, last: Option<&str>, say: &dyn Fn(&str)) -> Result<()> {
    let port = lease_port()?;
    let mut instance = start(data.to_owned(), &port, false)?;
    instance.create_database(DATABASE)?;
    let rt = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    rt.block_on(make(&instance.url(DATABASE), size, say))?;
    drop(rt);
    if let Some(sql) = last {
        instance.query("postgres", sql)?;
    }
    instance.stop(Stop::Fast)?;
    Command::new("sync").arg("-f").arg(data).status()?;
    Ok(())
}

async fn make(url: &str, size: Size, say: &dyn Fn(&str)) -> Result<()> {
    ledger::store::migrate(url).await?;
    let begun = std::time::Instant::now();
    let mut said = 0;
    let position = write::write(url, size, |events| {
        if events >= said + 250_000 {
            said = events;
            let rate = events as f64 / begun.elapsed().as_secs_f64();
            say(&format!("written {events} of {} events, {rate:.0}/s", size.events));
        }
    })
    .await?;
    say(&format!("{position} events in {:.0} s; now the projections", begun.elapsed().as_secs_f64()));
    fold(url, position).await?;
    say(&format!("made in {:.0} s", begun.elapsed().as_secs_f64()));
    Ok(())
}

/// Brings every projection to the end of the log, as a leader's followers do.
async fn fold(url: &str, position: i64) -> Result<()> {
    let pool = projections::connect(url).await?;
    // Those of the followers are all at work.
    let others = sqlx::PgPool::connect(url).await?;
    let (_committed, seen) = watch::channel(position.try_into()?);
    let tail = Tail::new(others.clone(), seen);
    let mut followers = JoinSet::new();
    for follower in projections::followers(&pool, &tail) {
        followers.spawn(follower);
    }
    loop {
        let instances = projections::instances(&others).await?;
        if instances.len() >= projections::ALL.len() && instances.iter().all(|i| i.position >= position) {
            break;
        }
        if let Some(failure) = instances.iter().find_map(|i| i.failure.as_ref()) {
            bail!("a projection can't fold the log: {failure}");
        }
        tokio::time::sleep(LOOK).await;
    }
    drop(followers);
    sqlx::query("VACUUM (ANALYZE)").execute(&others).await?;
    sqlx::query("CHECKPOINT").execute(&others).await?;
    Ok(())
}

fn start(data: PathBuf, port: &PortLease, fsync: bool) -> Result<Postgres> {
    let log = data.with_added_extension("log");
    let hasty = [("full_page_writes", "off"), ("max_wal_size", "8GB"), ("maintenance_work_mem", "1GB")];
    let mut settings = if fsync { LOG_SETTINGS.to_vec() } else { hasty.to_vec() };
    // Peers have a connection for each of what is in flight, several at once.
    settings.push(("max_connections", "300"));
    let settings = settings.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Postgres::start(PostgresOptions {
        data,
        port: port.port(),
        password: PASSWORD.to_owned(),
        log,
        fsync,
        settings,
        // Not SIGKILL: that would leave a shared memory segment behind each time.
        on_our_death: Signal::SIGQUIT,
    })
}

/// Where kept logs are: beside the data of `up`, or where the user that runs Postgres can reach it.
fn shelf() -> Result<PathBuf> {
    let user = postgres::unprivileged()?;
    let data = paths::data_dir()?;
    let shelf = if postgres::can_enter(user, &data) {
        data.join("bench")
    } else {
        let name = paths::hex(&Sha256::digest(data.as_os_str().as_encoded_bytes())[..6]);
        Path::new("/var/tmp").join(format!("plantain-bench-{name}"))
    };
    std::fs::create_dir_all(&shelf).with_context(|| format!("cannot create {}", shelf.display()))?;
    Ok(shelf)
}

/// Of the migrations, of the projections' versions and of this generator's.
fn digest() -> Result<String> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(paths::root().join("migrations"))?
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<_, _>>()?;
    files.sort();
    let mut hasher = Sha256::new();
    hasher.update(FORMAT.to_be_bytes());
    for definition in projections::ALL {
        hasher.update(definition.name);
        hasher.update(definition.version.to_be_bytes());
    }
    for file in files {
        hasher.update(std::fs::read(&file)?);
    }
    Ok(paths::hex(&hasher.finalize()[..5]))
}

/// Logs of this size for other schemas are not used again.
fn remove_outdated(shelf: &Path, size: Size) -> Result<()> {
    let prefix = format!("{}-{}-", size.events, size.accounts);
    for entry in std::fs::read_dir(shelf)?.flatten() {
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(&prefix)) && entry.path().is_dir() {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}
