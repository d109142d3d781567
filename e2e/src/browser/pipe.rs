//! Chromium's DevTools protocol over its pipe: JSON messages, each ended by a zero byte.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::stage::PATIENCE;

/// What is kept of a page's complaints.
const COMPLAINTS_MAX: usize = 100;

pub(super) struct Pipe {
    child: Mutex<Child>,
    to: Mutex<ChildStdin>,
    next: AtomicU64,
    heard: Arc<Heard>,
}

#[derive(Default)]
struct Heard {
    inner: Mutex<Inner>,
    more: Condvar,
}

#[derive(Default)]
struct Inner {
    answers: HashMap<u64, Value>,
    /// By session: exceptions, and errors in the log.
    complaints: HashMap<String, Vec<String>>,
    /// By session: the element that has asked for files, by the node's id.
    choosers: HashMap<String, i64>,
    ended: bool,
}

impl Pipe {
    pub(super) fn start(program: &Path, profile: &Path) -> Result<Self> {
        // Chromium reads from 3 and writes to 4; the shell makes them of what Rust can give a child. When this
        // process ends, so does the pipe, and with it Chromium.
        let mut command = Command::new("sh");
        command.args(["-c", "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>/dev/null", "sh"]).arg(program);
        command.args([
            "--headless=new",
            "--remote-debugging-pipe",
            "--no-first-run",
            "--no-proxy-server",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--hide-scrollbars",
            "--force-color-profile=srgb",
        ]);
        command.arg(format!("--user-data-dir={}", profile.display()));
        if nix::unistd::geteuid().is_root() {
            // Its own sandbox does not work for root; only pages of ours are opened.
            command.arg("--no-sandbox");
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("cannot start Chromium")?;
        let to = child.stdin.take().context("no way in")?;
        let from = child.stdout.take().context("no way out")?;
        let heard = Arc::new(Heard::default());
        let listener = heard.clone();
        std::thread::spawn(move || listener.listen(BufReader::new(from)));
        Ok(Self { child: Mutex::new(child), to: Mutex::new(to), next: AtomicU64::new(1), heard })
    }

    /// Calls a method of the protocol; `session` is empty for the browser itself.
    pub(super) fn call(&self, session: &str, method: &str, params: &Value) -> Result<Value> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut message = json!({"id": id, "method": method, "params": params});
        if !session.is_empty() {
            message["sessionId"] = json!(session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.to
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write_all(&bytes)
            .context("Chromium has gone")?;
        let answer = self.heard.answer(id).with_context(|| format!("no answer to {method}"))?;
        if let Some(error) = answer.get("error") {
            bail!("{method}: {error}");
        }
        Ok(answer["result"].clone())
    }

    /// What has asked for files in a page since it was asked last.
    pub(super) fn chooser(&self, session: &str) -> Option<i64> {
        let mut inner = self.heard.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.choosers.remove(session)
    }

    /// What a page has complained of since it was asked last.
    pub(super) fn complaints(&self, session: &str) -> Vec<String> {
        let mut inner = self.heard.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.complaints.remove(session).unwrap_or_default()
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        // It may have ended by itself.
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Heard {
    fn listen(&self, mut from: BufReader<std::process::ChildStdout>) {
        let mut bytes = Vec::new();
        while from.read_until(0, &mut bytes).is_ok_and(|read| read > 0) {
            bytes.pop();
            if let Ok(message) = serde_json::from_slice::<Value>(&bytes) {
                self.hear(message);
            }
            bytes.clear();
        }
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
        self.more.notify_all();
    }

    fn hear(&self, message: Value) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = message["id"].as_u64() {
            inner.answers.insert(id, message);
            self.more.notify_all();
            return;
        }
        let params = &message["params"];
        let session = message["sessionId"].as_str().unwrap_or_default().to_owned();
        let complaint = match message["method"].as_str() {
            Some("Runtime.exceptionThrown") => params["exceptionDetails"].to_string(),
            Some("Log.entryAdded") if params["entry"]["level"] == "error" => params["entry"].to_string(),
            Some("Page.fileChooserOpened") => {
                inner.choosers.extend(params["backendNodeId"].as_i64().map(|node| (session, node)));
                return;
            }
            _ => return,
        };
        let all = inner.complaints.entry(session).or_default();
        if all.len() < COMPLAINTS_MAX {
            all.push(complaint);
        }
    }

    fn answer(&self, id: u64) -> Result<Value> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = |inner: &mut Inner| !inner.ended && !inner.answers.contains_key(&id);
        let (mut inner, _) =
            self.more.wait_timeout_while(inner, PATIENCE, waiting).unwrap_or_else(PoisonError::into_inner);
        inner.answers.remove(&id).context("Chromium has ended, or hangs")
    }
}
