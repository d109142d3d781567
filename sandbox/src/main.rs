//! The sandbox as a program.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]
#![allow(clippy::print_stdout)]

use std::{net::IpAddr, path::PathBuf};

use anyhow::Context;
use clap::Parser;
use sandbox::{FloodLimits, GeminiLimits, Options};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// Stand-ins for Telegram, YooKassa and Gemini with a chat page; nothing is real.
#[derive(Debug, Parser)]
#[command(
    version,
    next_line_help = true,
    after_help = "Every option has a variable: SANDBOX_ and its name, as in SANDBOX_PORT."
)]
struct Arguments {
    /// The port to listen on; 0 takes any and prints it
    #[arg(long, env = "SANDBOX_PORT", hide_env = true, default_value_t = 8090)]
    port: u16,
    /// Where to listen; who gets there writes as anybody
    #[arg(long, env = "SANDBOX_BIND", hide_env = true, value_name = "ADDRESS", default_value = "127.0.0.1")]
    bind: IpAddr,
    /// Where browsers reach the sandbox, if elsewhere
    #[arg(long, env = "SANDBOX_PUBLIC_URL", hide_env = true, value_name = "URL")]
    public_url: Option<String>,
    /// How much faster deadlines, redelivery and expiry pass
    #[arg(long, env = "SANDBOX_CLOCK_SPEED", hide_env = true, value_name = "TIMES", default_value_t = 1.0)]
    clock_speed: f64,
    /// Keeps books, chats and files here (and in FILE.blobs/) across restarts
    #[arg(long, env = "SANDBOX_STATE", hide_env = true, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Where YooKassa's notifications go
    #[arg(long, env = "SANDBOX_YOOKASSA_NOTIFY_URL", hide_env = true, value_name = "URL")]
    yookassa_notify_url: Option<String>,
    /// What dates show: real time, or the sandbox's clock with all its pushes
    #[arg(long, env = "SANDBOX_DATES", hide_env = true, value_enum, default_value_t = Dates::Real)]
    dates: Dates,
    /// The shop that provider tokens of Telegram's payments belong to
    #[arg(
        long,
        env = "SANDBOX_YOOKASSA_SHOP_ID",
        hide_env = true,
        value_name = "SHOP",
        default_value = "100500"
    )]
    yookassa_shop_id: String,
    /// The only bot token accepted; by default any of the right shape
    #[arg(long, env = "SANDBOX_TELEGRAM_TOKEN", hide_env = true, value_name = "TOKEN")]
    telegram_token: Option<String>,
    /// The bot's name without @
    #[arg(
        long,
        env = "SANDBOX_TELEGRAM_USERNAME",
        hide_env = true,
        value_name = "NAME",
        default_value = "plantain_sandbox_bot"
    )]
    telegram_username: String,
    /// Messages a second to one chat, after the burst
    #[arg(long, env = "SANDBOX_FLOOD_PER_CHAT", hide_env = true, value_name = "RATE", default_value_t = 1.0)]
    flood_per_chat: f64,
    /// Messages at once to one chat
    #[arg(long, env = "SANDBOX_FLOOD_BURST", hide_env = true, value_name = "COUNT", default_value_t = 10.0)]
    flood_burst: f64,
    /// Messages a second to all chats together
    #[arg(long, env = "SANDBOX_FLOOD_OVERALL", hide_env = true, value_name = "RATE", default_value_t = 30.0)]
    flood_overall: f64,
    /// Switches flood control off, for benches
    #[arg(long, env = "SANDBOX_FLOOD_OFF", hide_env = true)]
    flood_off: bool,
    /// In groups the bot hears only what is meant for it
    #[arg(long, env = "SANDBOX_GROUP_PRIVACY", hide_env = true)]
    group_privacy: bool,
    /// How long Gemini thinks
    #[arg(long, env = "SANDBOX_GEMINI_LATENCY_MS", hide_env = true, value_name = "MS", default_value_t = 0)]
    gemini_latency_ms: u64,
    /// Calls a minute for each key and model; more get a 429
    #[arg(long, env = "SANDBOX_GEMINI_PER_MINUTE", hide_env = true, value_name = "CALLS")]
    gemini_per_minute: Option<u32>,
    /// Calls a day for each key and model
    #[arg(long, env = "SANDBOX_GEMINI_PER_DAY", hide_env = true, value_name = "CALLS")]
    gemini_per_day: Option<u32>,
    /// Paints a picture of each size once, for benches
    #[arg(long, env = "SANDBOX_GEMINI_PREPAINTED", hide_env = true)]
    gemini_prepainted: bool,
    /// Where a file of all arrivals goes
    #[arg(long, env = "SANDBOX_ARRIVALS_DIR", hide_env = true, value_name = "FOLDER")]
    arrivals_dir: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Dates {
    Real,
    Clock,
}

impl Arguments {
    fn options(&self) -> Options {
        Options {
            public_url: self.public_url.clone(),
            clock_speed: self.clock_speed,
            state_file: self.state.clone(),
            yookassa_notify_url: self.yookassa_notify_url.clone(),
            dates_follow_clock: self.dates == Dates::Clock,
            yookassa_shop_id: self.yookassa_shop_id.clone(),
            telegram_token: self.telegram_token.clone(),
            telegram_username: self.telegram_username.clone(),
            flood: FloodLimits {
                off: self.flood_off,
                per_chat_per_second: self.flood_per_chat,
                per_chat_burst: self.flood_burst,
                overall_per_second: self.flood_overall,
                overall_burst: self.flood_overall,
                ..FloodLimits::default()
            },
            group_privacy: self.group_privacy,
            gemini_latency_ms: self.gemini_latency_ms,
            gemini_limits: GeminiLimits { per_minute: self.gemini_per_minute, per_day: self.gemini_per_day },
            gemini_prepainted: self.gemini_prepainted,
            arrivals_dir: self.arrivals_dir.clone(),
        }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_env("RUST_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let listener = TcpListener::bind((arguments.bind, arguments.port))
        .await
        .with_context(|| format!("port {} on {} can't be taken", arguments.port, arguments.bind))?;
    println!("sandbox: http://{}/ (nothing here is real)", listener.local_addr()?);
    let shutdown = CancellationToken::new();
    tokio::spawn(stop_on_signal(shutdown.clone()));
    sandbox::serve(listener, arguments.options(), shutdown).await?;
    Ok(())
}

async fn stop_on_signal(shutdown: CancellationToken) {
    let mut terminate = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(terminate) => terminate,
        Err(error) => {
            tracing::warn!(%error, "SIGTERM can't be heard");
            return;
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    shutdown.cancel();
}
