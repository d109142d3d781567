//! A sequencer in this process, without NATS: commands go straight into its queue.

use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use ledger::inbox::{NAMES_KEY, Names};
use ledger::sequencer::{Clock, DEEP, Ground, Lost, Queue, ReplyTo, Request, Sequencer};
use ledger::store;
use proto_events::queries::AccountWelcomed;
use proto_events::{Position, Reply};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::stand::Stand;
use crate::bulk::life::{self, Cycle};

const WRITERS: u32 = 4;
const READERS: u32 = 4;
/// First Telegram user id here.
const FIRST_USER: i64 = 4_000_000_000;

pub struct InProcess {
    queue: Arc<Queue>,
    names: Arc<Names>,
    cycles: Vec<Cycle>,
    begun: u64,
    stop: CancellationToken,
    running: JoinHandle<Result<(), Lost>>,
}

impl InProcess {
    /// Takes the log over and opens so many accounts, each with three strands of work.
    pub async fn start(stand: &Stand, accounts: usize) -> Result<Self> {
        let url = stand.log.url();
        let (pool, readers) =
            (store::connect_serving(&url, WRITERS).await?, store::connect_serving(&url, READERS).await?);
        let head = store::take_over(&pool).await?.context("somebody leads this log")?;
        let epoch = Arc::new(AtomicI64::new(head.epoch));
        let names = Arc::new(Names::new(store::service_key(&pool, NAMES_KEY).await?));
        let clock = Arc::new(Mutex::new(Clock::new(head.now)));
        let ground = Ground { pool, readers, head, epoch, clock, overlap_from: DEEP };
        // Its lease is renewed by each append; nobody else looks at it.
        let sequencer = Sequencer::start(ground, watch::channel(Position::ZERO).0).await?;
        let (queue, stop) = (Arc::new(Queue::default()), CancellationToken::new());
        let running = tokio::spawn({
            let (queue, stop) = (Arc::clone(&queue), stop.clone());
            async move { sequencer.run(&queue, stop).await }
        });
        let mut this = Self { queue, names, cycles: Vec::new(), begun: 0, stop, running };
        for n in 0..accounts {
            let said = life::open(FIRST_USER + i64::try_from(n)?);
            let Reply::Done { result, .. } = send(&this.queue, said.request(&this.names)).await? else {
                bail!("an account was not opened");
            };
            let account = serde_json::from_value::<AccountWelcomed>(result)?.account;
            this.cycles.extend((0..3).map(|strand| Cycle::new(account, format!("in:{n}:{strand}"))));
        }
        Ok(this)
    }

    /// Commands a second with so many in flight, for so long.
    pub async fn measure(&mut self, in_flight: usize, seconds: f64) -> Result<f64> {
        let begun = Instant::now();
        let share = self.cycles.len() / in_flight;
        let mut workers = Vec::new();
        for worker in 0..in_flight {
            self.begun += 1;
            let name = format!("in:{}:{worker}", self.begun);
            let mut cycles = self.cycles.split_off(self.cycles.len() - share);
            let (queue, names) = (Arc::clone(&self.queue), Arc::clone(&self.names));
            workers.push(tokio::spawn(async move {
                let (mut done, mut turn) = (0usize, 0usize);
                while begun.elapsed().as_secs_f64() < seconds {
                    let index = turn % cycles.len();
                    turn += 1;
                    let said = loop {
                        if let Some(said) = cycles[index].next(&names) {
                            break said;
                        }
                        cycles[index] = Cycle::new(cycles[index].account(), format!("{name}:{turn}"));
                    };
                    match send(&queue, said.request(&names)).await? {
                        Reply::Done { .. } => done += 1,
                        other => bail!("a command was answered {other:?}"),
                    }
                }
                Ok((done, cycles))
            }));
        }
        let mut done = 0;
        for worker in workers {
            let (count, cycles) = worker.await??;
            done += count;
            self.cycles.extend(cycles);
        }
        Ok(done as f64 / begun.elapsed().as_secs_f64())
    }

    pub async fn stop(self) -> Result<()> {
        self.stop.cancel();
        Ok(self.running.await??)
    }
}

async fn send(queue: &Queue, request: Request) -> Result<Reply> {
    let (sender, receiver) = oneshot::channel();
    if queue.push((request, ReplyTo::Here(sender))).is_err() {
        bail!("the queue is full");
    }
    receiver.await.context("the sequencer ended")
}
