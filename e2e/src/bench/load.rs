//! The load: commands over NATS, so many in flight, as lean as it can be made.
//!
//! Phases: accounts are opened and given their first credits → for each measurement all messages are
//! built beforehand → sent and awaited by one task over the three adapters' connections. Which command
//! an answer belongs to stands in the subject it comes to.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use async_nats::{Client, Message, Subject};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{SelectAll, select_all};
use ledger::inbox::{NAMES_KEY, Names};
use proto_events::queries::AccountWelcomed;
use proto_events::{Producer, Reply, subjects};

use super::stand::Stand;
use super::stats::percentile;
use crate::bulk::life::{self, Cycle, Said};
use crate::dice::Dice;

/// The adapters, whose commands these are: users of nats.conf.
const PRODUCERS: [Producer; 3] = [Producer::Telegram, Producer::Payments, Producer::Generator];
/// An account may have three generations at a time.
const STRANDS_PER_ACCOUNT: usize = 3;
const PATIENCE: Duration = Duration::from_secs(20);
const OPEN_IN_FLIGHT: usize = 64;

/// What one measurement found.
#[derive(Debug, Clone, Copy, Default)]
pub struct Measured {
    /// All that were sent, and those within `seconds`.
    pub total: usize,
    pub commands: usize,
    /// Before anything was sent.
    pub built_seconds: f64,
    /// From the first sent to the last answered but those that were in flight at the end.
    pub seconds: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    /// Answers that the ledger was busy; those commands were sent again.
    pub busy: usize,
}

/// What one account does, one command after another.
struct Strand {
    cycle: Cycle,
    cycles: u64,
}

/// A message that was built beforehand.
struct Parcel {
    connection: usize,
    subject: Subject,
    reply: Subject,
    body: Bytes,
}

pub struct Load {
    clients: Vec<Client>,
    inboxes: Vec<String>,
    answers: SelectAll<async_nats::Subscriber>,
    names: Names,
    strands: Vec<Strand>,
    dice: Dice,
    run: String,
}

impl Load {
    /// Opens so many accounts anew, and gives them credits.
    pub fn new(stand: &Stand, accounts: usize) -> Result<Self> {
        let clients = PRODUCERS.iter().map(|p| stand.client(p.as_str())).collect::<Result<Vec<_>>>()?;
        let inboxes: Vec<String> = PRODUCERS.iter().map(|p| format!("_INBOX_{p}.bench")).collect();
        let subscriptions = clients.iter().zip(&inboxes);
        let answers = stand.rt.block_on(async {
            let mut all = Vec::new();
            for (client, inbox) in subscriptions {
                all.push(client.subscribe(format!("{inbox}.*")).await?);
                client.flush().await?;
            }
            anyhow::Ok(select_all(all))
        })?;
        let key = stand.rt.block_on(ledger::store::service_key(&stand.pool, NAMES_KEY))?;
        let run = format!("{:x}", std::time::UNIX_EPOCH.elapsed()?.as_millis());
        let (names, strands) = (Names::new(key), Vec::new());
        let mut load = Self { clients, inboxes, answers, names, strands, dice: Dice::seeded(7), run };
        stand.rt.block_on(load.open(accounts))?;
        Ok(load)
    }

    async fn open(&mut self, accounts: usize) -> Result<()> {
        let first = 2_000_000_000 + i64::from_str_radix(&self.run, 16)? % 1_000_000_000 * 1_000_000;
        let openings = (0..accounts).map(|n| life::open(first + i64::try_from(n).unwrap_or(0)));
        let parcels = openings.enumerate().map(|(n, said)| Ok(vec![self.parcel(n, &said)?]));
        let parcels = parcels.collect::<Result<Vec<_>>>()?;
        let mut opened = Vec::new();
        self.exchange(parcels, OPEN_IN_FLIGHT, |message| {
            let Ok(Reply::Done { result, .. }) = serde_json::from_slice(&message.payload) else { return };
            opened.extend(serde_json::from_value::<AccountWelcomed>(result).map(|w| w.account));
        })
        .await?;
        if opened.len() != accounts {
            bail!("only {} of {accounts} accounts were opened", opened.len());
        }
        for n in 0..STRANDS_PER_ACCOUNT {
            for account in &opened {
                let cycle = Cycle::new(*account, format!("{}:{n}:{}", self.run, self.strands.len()));
                self.strands.push(Strand { cycle, cycles: 0 });
            }
        }
        // The top-ups; after them each strand goes on from another place of its cycle.
        let funding = self.parcels(self.strands.len(), 3)?;
        self.exchange(funding, 256, |_| ()).await?;
        for strand in &mut self.strands {
            strand.cycle.skip_pictures(u32::try_from(self.dice.below(12)).unwrap_or(0));
        }
        Ok(())
    }

    /// Sends so many commands, so many in flight.
    ///
    /// # Errors
    /// A command was refused, or was not answered in time.
    pub fn measure(&mut self, stand: &Stand, in_flight: usize, commands: usize) -> Result<Measured> {
        let accounts = self.strands.len() / STRANDS_PER_ACCOUNT;
        let strands = if in_flight <= accounts / 2 { accounts } else { self.strands.len() };
        let begun = Instant::now();
        let parcels = self.parcels(strands, commands.div_ceil(strands))?;
        let built_seconds = begun.elapsed().as_secs_f64();
        let measured = stand.rt.block_on(self.exchange(parcels, in_flight, |_| ()))?;
        Ok(Measured { built_seconds, ..measured })
    }

    fn parcels(&mut self, strands: usize, each: usize) -> Result<Vec<Vec<Parcel>>> {
        (0..strands)
            .map(|index| {
                let said: Vec<Said> = (0..each).map(|_| self.next(index)).collect();
                said.iter().map(|said| self.parcel(index, said)).collect()
            })
            .collect()
    }

    fn next(&mut self, index: usize) -> Said {
        let strand = &mut self.strands[index];
        loop {
            if let Some(said) = strand.cycle.next(&self.names) {
                return said;
            }
            strand.cycles += 1;
            let name = format!("{}:{index}:{}", self.run, strand.cycles);
            strand.cycle = Cycle::new(strand.cycle.account(), format!("{name}:c"));
        }
    }

    fn parcel(&self, strand: usize, said: &Said) -> Result<Parcel> {
        let connection =
            PRODUCERS.iter().position(|p| *p == said.producer).context("an adapter's command")?;
        Ok(Parcel {
            connection,
            subject: subjects::command(said.producer, said.command.verb()).into(),
            reply: format!("{}.{strand}", self.inboxes[connection]).into(),
            body: said.wire()?.into(),
        })
    }

    /// Sends each strand's messages in order, the next after the answer to the one before.
    async fn exchange(
        &mut self,
        parcels: Vec<Vec<Parcel>>,
        in_flight_max: usize,
        mut heard: impl FnMut(&Message),
    ) -> Result<Measured> {
        let total: usize = parcels.iter().map(Vec::len).sum();
        let mut ready: Vec<usize> = (0..parcels.len()).filter(|n| !parcels[*n].is_empty()).collect();
        let mut next = vec![0usize; parcels.len()];
        let mut sent_at = vec![Instant::now(); parcels.len()];
        let mut latencies = Vec::with_capacity(total);
        let (mut in_flight, mut busy) = (0, 0);
        let begun = Instant::now();
        let mut seconds = None;
        while latencies.len() < total {
            while in_flight < in_flight_max && !ready.is_empty() {
                let chosen = usize::try_from(self.dice.below(ready.len() as u64)).unwrap_or(0);
                let strand = ready.swap_remove(chosen);
                let parcel = &parcels[strand][next[strand]];
                sent_at[strand] = Instant::now();
                self.clients[parcel.connection]
                    .publish_with_reply(parcel.subject.clone(), parcel.reply.clone(), parcel.body.clone())
                    .await?;
                in_flight += 1;
            }
            let answer = tokio::time::timeout(PATIENCE, self.answers.next()).await;
            let message = answer.context("no answer")?.context("NATS is gone")?;
            let strand: usize = message.subject.rsplit('.').next().context("a subject")?.parse()?;
            in_flight -= 1;
            match status(&message.payload) {
                Status::Done => {
                    latencies.push(sent_at[strand].elapsed().as_secs_f64() * 1e3);
                    heard(&message);
                    next[strand] += 1;
                    if next[strand] < parcels[strand].len() {
                        ready.push(strand);
                    } else if seconds.is_none() && ready.len() + in_flight < in_flight_max {
                        // From here on there is less in flight than was asked for.
                        seconds = Some((begun.elapsed().as_secs_f64(), latencies.len()));
                    }
                }
                Status::Busy => {
                    busy += 1;
                    ready.push(strand);
                }
                Status::Other => {
                    bail!("{} was answered {}", parcels[strand][next[strand]].subject, text(&message.payload))
                }
            }
        }
        let (seconds, commands) = seconds.unwrap_or((begun.elapsed().as_secs_f64(), latencies.len()));
        latencies.sort_by(f64::total_cmp);
        let (p50_ms, p99_ms) = (percentile(&latencies, 0.5), percentile(&latencies, 0.99));
        Ok(Measured { total, commands, built_seconds: 0.0, seconds, p50_ms, p99_ms, busy })
    }
}

/// Bytes of a reply in which its status stands, behind what it repeats of its question.
const BEGINNING: usize = 64;

enum Status {
    Done,
    Busy,
    Other,
}

/// By its beginning, since parsing thousands of replies a second would be a good part of the load.
fn status(payload: &[u8]) -> Status {
    let begins =
        |status: &[u8]| payload[..payload.len().min(BEGINNING)].windows(status.len()).any(|w| w == status);
    if begins(br#""status":"done""#) {
        Status::Done
    } else if begins(br#""status":"busy""#) {
        Status::Busy
    } else {
        Status::Other
    }
}

fn text(payload: &[u8]) -> String {
    String::from_utf8_lossy(payload).into_owned()
}
