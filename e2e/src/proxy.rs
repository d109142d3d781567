//! A way to Postgres (or NATS) that can go dead: it stops forwarding without closing anything, as a lost
//! network does, at a chosen moment of a transaction of the ledger.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Which way bytes are held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dead {
    Both,
    ToServer,
    ToClient,
    /// Not held back: the connection is reset.
    Reset,
}

/// What goes dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The connection on which the moment came.
    One,
    /// Every connection there is; new ones work.
    Existing,
    /// New ones too.
    All,
}

/// When it goes dead.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// At this many appends from now …
    pub appends: u32,
    /// … at this message of it (0: the rows) or at what commits it (rows and commit may be one message) …
    pub message: Option<u32>,
    /// … before the server gets it, or after.
    pub before: bool,
    pub dead: Dead,
    pub reach: Reach,
}

#[derive(Debug, Clone, Copy, Default)]
struct Gate {
    to_server: bool,
    to_client: bool,
    reset: bool,
}

#[derive(Debug, Default)]
struct State {
    connections: Vec<watch::Sender<Gate>>,
    moment: Option<Moment>,
    /// New connections are dead as well.
    gate: Gate,
    /// How many appends were seen, and how many moments came.
    appends: u32,
    came: u32,
}

#[derive(Debug, Clone, Default)]
struct Shared(Arc<Mutex<State>>);

pub struct Proxy {
    shared: Shared,
    port: u16,
    _stop: DropGuard,
}

impl Proxy {
    /// Forwards to a port on this machine.
    pub async fn start(server: u16) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let (shared, stop) = (Shared::default(), CancellationToken::new());
        tokio::spawn(stop.clone().run_until_cancelled_owned(accept(listener, server, shared.clone())));
        Ok(Self { shared, port, _stop: stop.drop_guard() })
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The URL of a database, by this way.
    pub fn url(&self, direct: &str, port: u16) -> String {
        direct.replace(&format!(":{port}/"), &format!(":{}/", self.port))
    }

    pub fn at(&self, moment: Moment) {
        let mut state = self.shared.state();
        (state.moment, state.appends) = (Some(moment), 0);
    }

    /// Goes dead now.
    pub fn cut(&self, dead: Dead, reach: Reach) {
        self.shared.cut(dead, reach, None);
    }

    /// How many moments have come.
    pub fn came(&self) -> u32 {
        self.shared.state().came
    }

    /// What was held back flows again, and new connections work.
    pub fn heal(&self) {
        let mut state = self.shared.state();
        (state.gate, state.moment) = (Gate::default(), None);
        for gate in &state.connections {
            gate.send_modify(|g| (g.to_server, g.to_client) = (false, false));
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cut(&self, dead: Dead, reach: Reach, own: Option<&watch::Sender<Gate>>) {
        let close = |gate: &mut Gate| match dead {
            Dead::Both => (gate.to_server, gate.to_client) = (true, true),
            Dead::ToServer => gate.to_server = true,
            Dead::ToClient => gate.to_client = true,
            Dead::Reset => gate.reset = true,
        };
        let mut state = self.state();
        match (reach, own) {
            (Reach::One, Some(own)) => own.send_modify(close),
            _ => state.connections.iter().for_each(|gate| gate.send_modify(close)),
        }
        if reach == Reach::All {
            close(&mut state.gate);
        }
        state.came += 1;
    }
}

async fn accept(listener: TcpListener, server: u16, shared: Shared) {
    while let Ok((client, _)) = listener.accept().await {
        let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).await else { continue };
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let gate = {
            let mut state = shared.state();
            let gate = watch::Sender::new(state.gate);
            state.connections.retain(|g| g.receiver_count() > 0);
            state.connections.push(gate.clone());
            gate
        };
        let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
        let watcher = Some(Watcher { shared: shared.clone(), gate: gate.clone(), append: Append::No });
        tokio::spawn(pump(from_client, to_server, gate.subscribe(), |g| g.to_server, watcher));
        tokio::spawn(pump(from_server, to_client, gate.subscribe(), |g| g.to_client, None));
    }
}

async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut gate: watch::Receiver<Gate>,
    dead: fn(&Gate) -> bool,
    mut watcher: Option<Watcher>,
) {
    let mut buffer = vec![0; 64 * 1024];
    let mut closed = gate.clone();
    let reset = async move { closed.wait_for(|g| g.reset).await.is_ok() };
    tokio::pin!(reset);
    loop {
        let step = async {
            // While it is dead, not even an end is heard of.
            gate.wait_for(|g| !dead(g)).await.ok()?;
            let read = from.read(&mut buffer).await.ok().filter(|n| *n > 0)?;
            let moment = watcher.as_mut().and_then(|w| w.see(&buffer[..read]));
            if let (Some(watcher), Some(moment)) = (&watcher, moment.filter(|m| m.before)) {
                watcher.shared.cut(moment.dead, moment.reach, Some(&watcher.gate));
                // A reset connection must not forward what it was reset for.
                tokio::task::yield_now().await;
                gate.wait_for(|g| !g.reset).await.ok()?;
            }
            gate.wait_for(|g| !dead(g)).await.ok()?;
            to.write_all(&buffer[..read]).await.ok()?;
            if let (Some(watcher), Some(moment)) = (&watcher, moment.filter(|m| !m.before)) {
                watcher.shared.cut(moment.dead, moment.reach, Some(&watcher.gate));
            }
            Some(())
        };
        tokio::select! {
            biased;
            _ = &mut reset => return,
            went_on = step => if went_on.is_none() { break },
        }
    }
    let _ = to.shutdown().await;
}

/// Follows one connection's transactions, to know an append when it sees one.
struct Watcher {
    shared: Shared,
    gate: watch::Sender<Gate>,
    append: Append,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Append {
    No,
    /// A transaction began.
    Begun,
    /// In a transaction that is no append.
    Other,
    /// Its first message held rows; messages seen since.
    Message(u32),
}

/// Every row names its producer and the type of its event.
const PRODUCERS: [&[u8]; 4] = [b"telegram", b"payments", b"generator", b"ledger"];
const TYPES: [&[u8]; 6] = [b"Account", b"Payment", b"Credits", b"Reservation", b"Generation", b"Catalog"];

impl Watcher {
    /// The moment, if it is now.
    fn see(&mut self, bytes: &[u8]) -> Option<Moment> {
        let holds = |what: &[u8]| bytes.windows(what.len()).any(|window| window == what);
        let rows = PRODUCERS.iter().any(|p| holds(p)) && TYPES.iter().any(|t| holds(t));
        let commits = holds(b"COMMIT");
        // One statement that is an append whole.
        let alone = self.append == Append::No && rows;
        self.append = match self.append {
            _ if holds(b"BEGIN") => Append::Begun,
            // A projection's or an operation's transaction does not begin with rows.
            Append::No | Append::Begun if rows => {
                self.shared.state().appends += 1;
                Append::Message(0)
            }
            Append::Message(n) => Append::Message(n + 1),
            Append::Begun => Append::Other,
            Append::Other if commits || holds(b"ROLLBACK") => Append::No,
            as_before => as_before,
        };
        let Append::Message(message) = self.append else { return None };
        if commits || alone {
            self.append = Append::No;
        }
        let mut state = self.shared.state();
        let due = state.moment.filter(|m| state.appends >= m.appends)?;
        let now = match due.message {
            Some(wanted) => message == wanted && !commits,
            None => commits || alone,
        };
        if now { state.moment.take() } else { None }
    }
}
