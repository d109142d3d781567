//! `up`, `down`, `status`: the whole system on this machine.

mod build;
mod down;
mod interrupt;
pub mod layout;
mod ledger;
mod prepare;
mod psql;
mod remarks;
mod services;
pub mod state;
mod status;
mod supervisor;

use std::{
    io::{Read, Seek, SeekFrom},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

pub use build::cargo;
pub(crate) use build::executables;
pub use down::down;
pub use ledger::{ledger, needs_no_system};
pub use psql::psql;
pub(crate) use psql::psql_command;
pub(crate) use services::ledger_command;
pub use status::status;

use self::{
    layout::Layout,
    state::{Phase, State},
    supervisor::Supervisor,
};
use crate::{settings::Settings, words::folded};

#[derive(Debug, Clone, clap::Args)]
pub struct UpArgs {
    /// Build the services with optimisations
    #[arg(long)]
    release: bool,
    /// Go on in the background; `cargo xtask down` stops it
    #[arg(long)]
    detach: bool,
    /// Delete the data of earlier runs first, after asking
    #[arg(long)]
    fresh: bool,
    /// Do not ask before --fresh deletes
    #[arg(long)]
    yes: bool,
}

pub fn up(args: &UpArgs) -> Result<()> {
    let settings = Settings::read()?;
    remarks::of(&settings).iter().for_each(|remark| println!("{}", folded(&format!("! {remark}"))));
    let layout = Layout::open()?;
    let lock = prepare::take_lock(&layout)?;
    prepare::clean_up(&layout)?;
    prepare::check_ports(&settings)?;
    prepare::check_servers(&settings, &layout)?;
    if args.fresh {
        prepare::delete_data(&layout, args.yes)?;
    }
    // Again: deleting removed the folder for logs.
    let layout = Layout::open()?;
    prepare::turn_logs(&layout);
    println!("Building the services (the first time takes minutes)");
    let begun = Instant::now();
    build::build_and_copy(&layout, args.release)?;
    let took = Took { build: begun.elapsed(), starting: Instant::now() };
    if args.detach {
        drop(lock);
        return detach(&layout, &settings, &took);
    }
    interrupt::watch()?;
    println!("Starting");
    run(&layout, &settings, false, || greet(&layout, &settings, &took))
}

/// The hidden command behind `--detach`: goes on in a session of its own, without a terminal.
pub fn supervise() -> Result<()> {
    // Fails only for the leader of a group, who has no terminal to lose.
    let _ = nix::unistd::setsid();
    interrupt::watch()?;
    let settings = Settings::read()?;
    let layout = Layout::open()?;
    let _lock = prepare::take_lock(&layout)?;
    run(&layout, &settings, true, || ())
}

/// Start, watch, stop; whatever goes wrong, what was started is stopped.
fn run(layout: &Layout, settings: &Settings, detached: bool, ready: impl FnOnce()) -> Result<()> {
    let mut supervisor = Supervisor::new(layout, settings, detached);
    let outcome = supervisor.start().and_then(|()| {
        ready();
        supervisor.watch()
    });
    if outcome.is_err() {
        println!();
    }
    if interrupt::asked() {
        println!("\nStopping");
        supervisor.stop();
        return Ok(());
    }
    supervisor.stop();
    outcome
}

/// Starts the supervisor in the background and repeats what it says until all is ready.
fn detach(layout: &Layout, settings: &Settings, took: &Took) -> Result<()> {
    interrupt::watch()?;
    let log = layout.log("up");
    let mut seen = std::fs::metadata(&log).map(|m| m.len()).unwrap_or(0);
    let output = std::fs::File::options().create(true).append(true).open(&log)?;
    let mut command = Command::new(layout.program("xtask"));
    command.arg("supervise").stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    let mut child = command.spawn().context("cannot start the supervisor")?;
    println!("Starting");
    let outcome = wait_for(&mut child, layout, |_| repeat(&log, &mut seen));
    repeat(&log, &mut seen);
    match outcome? {
        true => greet(layout, settings, took),
        false => bail!("it did not start; its words are above and in {}", log.display()),
    }
    Ok(())
}

/// True once the supervisor `child` says that all is ready, false if it ended instead.
fn wait_for(child: &mut Child, layout: &Layout, mut repeat: impl FnMut(&())) -> Result<bool> {
    loop {
        repeat(&());
        if child.try_wait()?.is_some() {
            return Ok(false);
        }
        let state = State::read(layout).ok().flatten();
        if state.is_some_and(|s| s.supervisor.pid == child.id() && s.phase == Phase::Ready) {
            return Ok(true);
        }
        if interrupt::asked() {
            let pid = nix::unistd::Pid::from_raw(child.id().cast_signed());
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
            child.wait()?;
            bail!("interrupted");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Prints what was added to the log since `seen`.
fn repeat(log: &std::path::Path, seen: &mut u64) {
    let mut text = String::new();
    let read = std::fs::File::open(log).and_then(|mut file| {
        file.seek(SeekFrom::Start(*seen))?;
        file.read_to_string(&mut text)
    });
    if let Ok(len) = read {
        *seen += len as u64;
        print!("{text}");
        let _ = std::io::Write::flush(&mut std::io::stdout());
    }
}

/// What `up` spends, without the building of itself, which is over before it can look at a clock.
struct Took {
    build: Duration,
    starting: Instant,
}

fn greet(layout: &Layout, settings: &Settings, took: &Took) {
    let (ports, sandboxed) = (&settings.ports, settings.sandboxed);
    let [build, start] = [took.build, took.starting.elapsed()].map(|time| time.as_secs_f64());
    println!("\nPlantain is up. The services took {build:.0} s to build and {start:.0} s to start.\n");
    if sandboxed.telegram {
        println!("  Chat with the bot   http://127.0.0.1:{}/", ports.sandbox);
    } else {
        println!("  Chat with the bot   in Telegram, as TELEGRAM_BOT_TOKEN says");
    }
    println!("  Console             http://127.0.0.1:{}/ as admin, with ADMIN_PASSWORD", ports.ledger);
    if settings.variables.get("ADMIN_PASSWORD").is_none() {
        println!("                      (admin_password in secrets.json below)");
    }
    let replaced =
        [(sandboxed.telegram, "Telegram"), (sandboxed.yookassa, "YooKassa"), (sandboxed.gemini, "Gemini")];
    let replaced: Vec<&str> = replaced.into_iter().filter(|(is, _)| *is).map(|(_, name)| name).collect();
    if !replaced.is_empty() {
        println!("  Sandbox             stands in for {} (no key is set)", replaced.join(", "));
    }
    if sandboxed == (crate::settings::Sandboxed { telegram: true, yookassa: true, gemini: true }) {
        println!("  A whole way         cargo xtask demo");
    }
    println!("  Logs and data       {}", layout.data.display());
    println!(
        "  Stop                {}",
        if State::is_detached(layout) { "cargo xtask down" } else { "Ctrl-C" }
    );
}
