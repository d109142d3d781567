//! What is done before anything starts: the lock, leftovers of a dead run, `--fresh`, ports, programs.

use std::{
    fs::File,
    io::{BufRead, IsTerminal, Write},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use nix::sys::signal::Signal;

use super::{
    layout::Layout,
    state::{Record, State},
};
use crate::{
    machine::{paths, ports, postgres},
    settings::Settings,
    words::folded,
};

/// A process left behind gets this long to end by itself.
const LEFTOVER_TIMEOUT: Duration = Duration::from_secs(15);

/// Takes the lock that only one `up` can hold.
pub(super) fn take_lock(layout: &Layout) -> Result<File> {
    let file = paths::open_lock(&layout.lock())?;
    if file.try_lock().is_err() {
        let pid = State::read(layout).ok().flatten().map(|state| format!(" (pid {})", state.supervisor.pid));
        bail!(
            "it is running already{}: `cargo xtask status` shows it, `cargo xtask down` stops it",
            pid.unwrap_or_default()
        );
    }
    Ok(file)
}

/// Ends what a run that died left behind. Call it with the lock held: then no supervisor lives.
pub(super) fn clean_up(layout: &Layout) -> Result<()> {
    let Some(state) = State::read(layout)? else { return Ok(()) };
    let left: Vec<&Record> = state.processes.iter().filter(|record| record.is_alive()).collect();
    if !left.is_empty() {
        let left = names(&left);
        println!("{}", folded(&format!("  the last run ended hard; stopping what it left: {left}")));
        stop_all(&state.processes);
    }
    State::remove(layout);
    Ok(())
}

/// Sets the logs of the last run aside (`.log.1`), so that what is read now is of this run.
pub(super) fn turn_logs(layout: &Layout) {
    for entry in std::fs::read_dir(layout.logs()).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "log") {
            // A log that cannot be moved is appended to.
            let _ = std::fs::rename(&path, path.with_added_extension("1"));
        }
    }
}

/// Services first, then the servers they need, each asked before it is killed.
pub(super) fn stop_all(processes: &[Record]) {
    for record in processes.iter().rev() {
        let gentle = if record.name == "postgres" { Signal::SIGINT } else { Signal::SIGTERM };
        record.signal(gentle);
        if !record.wait_gone(LEFTOVER_TIMEOUT) {
            record.signal(Signal::SIGKILL);
            record.wait_gone(LEFTOVER_TIMEOUT);
        }
    }
}

fn names(records: &[&Record]) -> String {
    records.iter().map(|r| format!("{} (pid {})", r.name, r.pid)).collect::<Vec<_>>().join(", ")
}

/// Deletes the data of earlier runs, after asking.
pub(super) fn delete_data(layout: &Layout, yes: bool) -> Result<()> {
    let doomed = layout.fresh_paths()?;
    if doomed.is_empty() {
        println!("  there is no data of earlier runs");
        return Ok(());
    }
    if !yes && !confirmed(&doomed)? {
        bail!("nothing was deleted; without --fresh `up` goes on with the data there is");
    }
    for path in doomed {
        let deleted =
            if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        deleted.with_context(|| format!("cannot delete {}", path.display()))?;
    }
    println!("  the data of earlier runs is deleted");
    Ok(())
}

fn confirmed(doomed: &[std::path::PathBuf]) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!(
            "--fresh deletes the ledger and all else of earlier runs; where nobody can be asked, add --yes"
        );
    }
    println!("--fresh deletes the ledger, the chats and all else of earlier runs:");
    doomed.iter().for_each(|path| println!("    {}", path.display()));
    print!("Delete them? [y/N] ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}

/// All ports that are taken, with who holds them and which variable moves them.
pub(super) fn check_ports(settings: &Settings) -> Result<()> {
    let taken = settings.used_ports().into_iter().filter(|(_, port, _)| !ports::is_free(*port));
    let lines: Vec<String> = taken
        .map(|(variable, port, what)| {
            let holder = ports::holder(port);
            format!(
                "port {port} ({what}) is taken by {holder};\n  stop that, or set {variable} to another port"
            )
        })
        .collect();
    if !lines.is_empty() {
        bail!("{}", lines.join("\n"));
    }
    Ok(())
}

/// Fails early, before minutes of building, if Postgres' data is of a version that is not here.
pub(super) fn check_servers(settings: &Settings, layout: &Layout) -> Result<()> {
    if settings.database_url.is_none() {
        postgres::unprivileged()?;
        let (data, _) = layout.postgres_data()?;
        crate::machine::install::postgres::find_or_install(postgres::major_of(&data))?;
    }
    if settings.nats_url.is_none() {
        crate::machine::install::nats::find_or_install()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{dotenv::Variables, machine::lease_port};

    #[test]
    fn a_taken_port_is_told_with_its_holder_and_its_variable() {
        // A leased port may still be some connection's own end.
        let take = || {
            std::iter::repeat_with(|| lease_port().unwrap())
                .find_map(|lease| std::net::TcpListener::bind(("127.0.0.1", lease.port())).ok())
                .unwrap()
        };
        let (first, second) = (take(), take());
        let [one, two] = [&first, &second].map(|taken| taken.local_addr().unwrap().port().to_string());
        let variables = Variables::of(&[("PORT", &one), ("SANDBOX_PORT", &two)]);
        let error = check_ports(&Settings::from(variables).unwrap()).unwrap_err().to_string();
        let pid = std::process::id().to_string();
        for part in
            ["console and ledger", "set PORT", "set SANDBOX_PORT", one.as_str(), two.as_str(), pid.as_str()]
        {
            assert!(error.contains(part), "{part} in {error}");
        }
    }

    #[test]
    fn a_second_up_is_refused_while_the_first_holds_the_lock() {
        let scratch = crate::machine::Scratch::new("lock").unwrap();
        let layout = Layout { data: scratch.path().to_path_buf() };
        let held = take_lock(&layout).unwrap();
        let error = take_lock(&layout).unwrap_err().to_string();
        assert!(error.contains("running already") && error.contains("down"), "{error}");
        drop(held);
        take_lock(&layout).unwrap();
    }

    #[test]
    fn leftovers_of_a_dead_run_are_stopped_and_strangers_are_not() {
        use crate::machine::{Plan, Process, process};
        let scratch = crate::machine::Scratch::new("leftovers").unwrap();
        let plan = || Plan::new("sleep", "/bin/sleep", scratch.path().join("log")).args(["60"]);
        let (mut ours, mut stranger) = (Process::start(plan()).unwrap(), Process::start(plan()).unwrap());
        let mut wrong = Record::of(&stranger, 0);
        wrong.born = "7".to_owned();
        let records = [Record::of(&ours, 0), wrong];
        std::thread::scope(|scope| {
            scope.spawn(|| stop_all(&records));
            assert!(ours.wait(Duration::from_secs(5)).is_some());
        });
        assert!(stranger.is_running() && process::born(stranger.pid()).is_some());
    }
}
