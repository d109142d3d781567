//! Load: people who go the whole way, one after the other, in several lines at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use proto_events::Position;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::deeds::Deeds;
use crate::stage::Stage;

/// Between two people of one line, so that the log stays short enough to be read whole.
const PAUSE: Duration = Duration::from_millis(100);
/// How often somebody new comes who only says hello: shows when commands are answered again.
const KNOCK: Duration = Duration::from_millis(100);

pub struct Crowd {
    stop: CancellationToken,
    lines: Vec<JoinHandle<Vec<i64>>>,
    knocks: JoinHandle<Vec<i64>>,
}

/// What a crowd left behind.
pub struct Crossed {
    /// Telegram ids of those who went the whole way.
    pub whole: Vec<i64>,
    /// Telegram ids of those who only opened an account.
    pub opened: Vec<i64>,
}

impl Crowd {
    /// People are numbered from `first` on.
    pub fn start(stage: &Stage, deeds: &Deeds, lines: usize, first: i64) -> Self {
        let stop = CancellationToken::new();
        let next = Arc::new(AtomicI64::new(first));
        let lines = (0..lines).map(|_| stage.rt.spawn(line(deeds.clone(), Arc::clone(&next), stop.clone())));
        let lines = lines.collect();
        let knocks = stage.rt.spawn(knock(deeds.clone(), next, stop.clone()));
        Self { stop, lines, knocks }
    }

    /// Lets everyone under way finish; a command that is refused or never answered fails the test.
    pub fn finish(self, stage: &Stage) -> Crossed {
        self.stop.cancel();
        stage.rt.block_on(async {
            let mut whole = Vec::new();
            for line in self.lines {
                whole
                    .extend(line.await.unwrap_or_else(|error| panic!("a line of people broke off: {error}")));
            }
            Crossed {
                whole,
                opened: self.knocks.await.unwrap_or_else(|error| panic!("the knocking broke off: {error}")),
            }
        })
    }
}

async fn line(deeds: Deeds, next: Arc<AtomicI64>, stop: CancellationToken) -> Vec<i64> {
    let mut whole = Vec::new();
    while !stop.is_cancelled() {
        let user = next.fetch_add(1, Ordering::SeqCst);
        let way = deeds.whole_way(user).await;
        assert!(way.is_ok_and(|at| at > Position::ZERO), "{user}: {:?}", deeds.witness.not_done());
        whole.push(user);
        tokio::time::sleep(PAUSE).await;
    }
    whole
}

/// Does not wait for the last one before it lets the next one knock.
async fn knock(deeds: Deeds, next: Arc<AtomicI64>, stop: CancellationToken) -> Vec<i64> {
    let mut opening = Vec::new();
    while !stop.is_cancelled() {
        let (deeds, user) = (deeds.clone(), next.fetch_add(1, Ordering::SeqCst));
        opening.push(tokio::spawn(async move {
            deeds.start(user).await.unwrap_or_else(|error| panic!("{user} could not start: {error}"));
            user
        }));
        tokio::time::sleep(KNOCK).await;
    }
    let mut opened = Vec::new();
    for one in opening {
        opened.push(one.await.unwrap_or_else(|error| panic!("somebody could not start: {error}")));
    }
    opened
}
