//! The command line: one file a command.

mod broadcast;
mod cases;
mod checkpoint_key;
mod close;
mod content;
mod export;
mod generations;
mod message;
mod migrate;
mod money;
mod operator;
mod out;
mod payment;
pub(crate) mod progress;
mod projections;
mod prove;
mod quarantine;
mod quarantine_claim;
mod reconcile;
mod refund;
mod replay;
mod republish;
mod serve;
mod staff;
mod statement;
mod table;
mod texts;
mod trial_balance;
mod verify;
mod vouchers;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The ledger of Plantain: every change of a balance is an event in one log.
#[derive(Parser)]
#[command(name = "ledger", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write to many: written down, counted, sent, paused, ended.
    #[command(subcommand)]
    Broadcast(broadcast::Broadcast),
    /// What about money waits for a person; 1: something does.
    Cases(cases::Wish),
    /// End by hand a payment or refund that does not end.
    Close(close::Wish),
    /// Write the log or its books to a file for other programs.
    Export(export::Wish),
    /// What generations cost and earned, and each model in all.
    Generations(generations::Wish),
    /// Decide about a payment that is not as it should be.
    #[command(subcommand)]
    Quarantine(quarantine::Quarantine),
    /// Give money back, whole or in part; shows what it takes, asks.
    Refund(refund::Wish),
    /// Write to one person; shows what, asks.
    Message(message::Wish),
    /// Apply the migrations that are not applied yet (DATABASE_URL).
    Migrate,
    /// Who may sign in to the console, and as what.
    #[command(subcommand)]
    Operator(staff::Operator),
    /// A payment's whole life, by any of its ids.
    Payment(payment::Wish),
    /// Show what is read and rebuilt and how far it is; 1: one stands.
    Projections {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Compare days of a provider's books with ours; 1: they differ.
    Reconcile(reconcile::Wish),
    /// Make projections anew beside the live ones, compare, swap in.
    Replay(replay::Wish),
    /// Take commands, append to the log, publish it, project it.
    Serve(serve::Serve),
    /// Make the key that signs checkpoints, or show its public half.
    CheckpointKey(checkpoint_key::CheckpointKey),
    /// Prove that an event is in the log, or that the log only grew.
    #[command(subcommand)]
    Prove(prove::Prove),
    /// Make the event stream anew from a position on; asks first.
    Republish(republish::Wish),
    /// An account's lines and balance, at any position or time.
    Statement(statement::Wish),
    /// The bot's words: read them, put your own in their place.
    #[command(subcommand)]
    Texts(texts::Texts),
    /// Debits and credits of the books, at any position or time.
    TrialBalance(trial_balance::Wish),
    /// Check the log and every projection; 1: something is wrong.
    Verify(verify::Verify),
}

/// Runs the command line; exit codes: 0 done, 1 the log is not as it should be, 2 it could not be done, 141 nobody read
/// what it said.
pub async fn main() -> ExitCode {
    let command = match Cli::try_parse() {
        Ok(cli) => cli.command,
        Err(error) => return out::ended(out::no_command(&error), false),
    };
    let logs = matches!(command, Command::Serve(_));
    let outcome = match command {
        Command::Broadcast(what) => broadcast::run(what).await,
        Command::Cases(wish) => cases::run(wish).await,
        Command::Close(wish) => close::run(wish).await,
        Command::Quarantine(what) => quarantine::run(what).await,
        Command::Refund(wish) => refund::run(wish).await,
        Command::Export(wish) => export::run(wish).await,
        Command::Generations(wish) => generations::run(wish).await,
        Command::Message(wish) => message::run(wish).await,
        Command::Migrate => migrate::run().await.map(|()| ExitCode::SUCCESS),
        Command::Operator(what) => staff::run(what).await,
        Command::Payment(wish) => payment::run(wish).await,
        Command::Prove(what) => prove::run(what).await,
        Command::Projections { json } => projections::run(json).await,
        Command::Reconcile(wish) => reconcile::run(wish).await,
        Command::Replay(wish) => replay::run(wish).await,
        Command::Republish(wish) => republish::run(wish).await,
        Command::Statement(wish) => statement::run(wish).await,
        Command::Texts(what) => texts::run(what).await,
        Command::TrialBalance(wish) => trial_balance::run(wish).await,
        Command::CheckpointKey(args) => checkpoint_key::run(&args),
        Command::Serve(args) => serve::run(args).await.map(|()| ExitCode::SUCCESS),
        Command::Verify(args) => verify::run(args).await,
    };
    out::ended(outcome, logs)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn too_wide(command: &mut clap::Command) -> Vec<String> {
        let helps = [command.render_help(), command.render_long_help()].map(|help| help.to_string());
        let lines = helps.iter().flat_map(|help| help.lines());
        let mut wide: Vec<String> =
            lines.filter(|line| line.chars().count() > 80).map(str::to_owned).collect();
        wide.extend(command.get_subcommands_mut().flat_map(too_wide));
        wide
    }

    #[test]
    fn help_is_readable_in_80_columns() {
        let mut all = Cli::command();
        all.build();
        assert_eq!(too_wide(&mut all), Vec::<String>::new());
    }
}
