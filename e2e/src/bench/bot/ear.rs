//! What the bot says in every chat, as Telegram shows it: the sandbox's stream of changes, handed to whoever waits for it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinHandle;

use crate::{Role, Stage};

/// Something of the bot's own doing in a chat.
#[derive(Debug)]
pub struct Heard {
    pub at: Instant,
    pub what: What,
}

#[derive(Debug)]
pub enum What {
    Message { id: i64, picture: bool, buttons: Value },
    Edited { id: i64, buttons: Value },
    Deleted { id: i64 },
}

type Chats = Arc<Mutex<HashMap<i64, UnboundedSender<Heard>>>>;

pub struct Ear {
    chats: Chats,
    broken: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

#[derive(Deserialize)]
struct Change {
    chat: i64,
    data: Value,
}

impl Ear {
    /// Hears everything that is said from now on.
    pub fn open(stage: &Stage) -> Result<Self> {
        let (chats, broken): (Chats, Arc<AtomicBool>) = Default::default();
        let url = format!("{}/events", stage.url(Role::Sandbox));
        let client = reqwest::Client::builder().no_proxy().build()?;
        let mut stream = stage.rt.block_on(async { client.get(url).send().await?.error_for_status() })?;
        let (hears, lost) = (Arc::clone(&chats), Arc::clone(&broken));
        let task = stage.rt.spawn(async move {
            let mut unread = Vec::new();
            while let Ok(Some(chunk)) = stream.chunk().await {
                unread.extend_from_slice(&chunk);
                let mut begin = 0;
                while let Some(end) = unread[begin..].windows(2).position(|pair| pair == b"\n\n") {
                    if !hand_on(&hears, &unread[begin..begin + end]) {
                        lost.store(true, Ordering::SeqCst);
                    }
                    begin += end + 2;
                }
                unread.drain(..begin);
            }
            lost.store(true, Ordering::SeqCst);
        });
        Ok(Self { chats, broken, task })
    }

    /// One chat's; whoever listened to it before hears nothing more.
    pub fn listen(&self, chat: i64) -> UnboundedReceiver<Heard> {
        let (says, hears) = mpsc::unbounded_channel();
        self.chats.lock().unwrap_or_else(PoisonError::into_inner).insert(chat, says);
        hears
    }

    /// # Errors
    /// The sandbox was faster than this could listen: nothing can be said of what was missed.
    pub fn heard_all(&self) -> Result<()> {
        ensure!(!self.broken.load(Ordering::SeqCst), "the stream of what the bot says broke off");
        Ok(())
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// False: something was missed.
fn hand_on(chats: &Chats, event: &[u8]) -> bool {
    match read(event) {
        Ok(Some((chat, what))) => {
            let chats = chats.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(says) = chats.get(&chat) {
                // Whoever has gone needs it no more.
                let _ = says.send(Heard { at: Instant::now(), what });
            }
            true
        }
        Ok(None) => true,
        Err(_) => false,
    }
}

fn read(event: &[u8]) -> Result<Option<(i64, What)>> {
    let text = std::str::from_utf8(event)?;
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
    let name = field("event: ").unwrap_or_default();
    ensure!(name != "reload", "the sandbox dropped what was not read in time");
    if !matches!(name, "message" | "edited" | "deleted") {
        return Ok(None);
    }
    let Change { chat, data } = serde_json::from_str(field("data: ").context("an event without data")?)?;
    let message = &data["message"];
    let id = |of: &Value| of["message_id"].as_i64().context("a message without an id");
    if name == "deleted" {
        return Ok(Some((chat, What::Deleted { id: id(&data)? })));
    }
    if message["from"]["is_bot"] != true {
        return Ok(None);
    }
    let (id, buttons) = (id(message)?, message["reply_markup"]["inline_keyboard"].clone());
    let picture = message["photo"].is_array() || message["document"].is_object();
    let what =
        if name == "message" { What::Message { id, picture, buttons } } else { What::Edited { id, buttons } };
    Ok(Some((chat, what)))
}
