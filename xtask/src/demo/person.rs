//! A person at the sandbox' people side: writes, taps, pays, and reads what the bot says.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde_json::{Value, json};

use super::tell;
use crate::machine::http;

const CALL_TIMEOUT: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// One line of the talk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Line {
    pub who: &'static str,
    pub text: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
}

/// A message of the bot, as far as the demo looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub id: i64,
    pub text: String,
    pub buttons: Vec<Button>,
    /// The largest size's file id.
    pub photo: Option<String>,
    /// It wants to be answered in words.
    pub asks: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Button {
    pub text: String,
    pub data: Option<String>,
    pub url: Option<String>,
}

#[derive(Debug)]
pub(super) struct Person {
    port: u16,
    id: i64,
    /// Whether the talk is told while it happens.
    aloud: bool,
    transcript: Vec<Line>,
    /// What the bot's messages were when they were last looked at.
    seen: BTreeMap<i64, Message>,
}

impl Person {
    pub(super) fn new(port: u16, id: i64, aloud: bool) -> Self {
        Self { port, id, aloud, transcript: Vec::new(), seen: BTreeMap::new() }
    }

    pub(super) fn id(&self) -> i64 {
        self.id
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn into_transcript(self) -> Vec<Line> {
        self.transcript
    }

    pub(super) fn writes(&mut self, text: &str) -> Result<()> {
        self.note(Line { who: "person", text: text.to_owned(), buttons: Vec::new(), picture: None });
        self.post(&format!("/people/{}/messages", self.id), Some(json!({ "text": text })))
    }

    pub(super) fn answers(&mut self, question: i64, text: &str) -> Result<()> {
        self.note(Line { who: "person", text: text.to_owned(), buttons: Vec::new(), picture: None });
        let body = json!({ "text": text, "reply_to": question });
        self.post(&format!("/people/{}/messages", self.id), Some(body))
    }

    pub(super) fn taps(&mut self, message: i64, button: &Button) -> Result<()> {
        let text = format!("taps [{}]", button.text);
        self.note(Line { who: "person", text, buttons: Vec::new(), picture: None });
        let body = json!({ "message_id": message, "data": button.data });
        self.post(&format!("/people/{}/taps", self.id), Some(body))
    }

    /// Pays on the vendor's page.
    pub(super) fn pays(&mut self, provider_payment_id: &str) -> Result<()> {
        let text = "opens the link and pays".to_owned();
        self.note(Line { who: "person", text, buttons: Vec::new(), picture: None });
        self.post(&format!("/checkout/{provider_payment_id}/succeed"), None)
    }

    /// Waits for a message of the bot, new or changed since the last look, in which `find` finds something.
    pub(super) fn waits_for<T>(
        &mut self,
        timeout: Duration,
        find: impl Fn(&Message) -> Option<T>,
    ) -> Result<Option<T>> {
        let begun = Instant::now();
        loop {
            // All of what is new is noted, also what comes behind the one that is waited for.
            let mut found = None;
            for message in self.news()? {
                found = found.or_else(|| find(&message));
                self.note(line(&message));
                self.seen.insert(message.id, message);
            }
            if found.is_some() || begun.elapsed() > timeout {
                return Ok(found);
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn news(&self) -> Result<Vec<Message>> {
        let chat = http::get(self.port, &format!("/people/{}/chat", self.id), CALL_TIMEOUT)?.json()?;
        let messages = bot_messages(&chat)?;
        // A question that has its answer is nothing new.
        let is_new = |message: &Message| {
            self.seen
                .get(&message.id)
                .is_none_or(|seen| *message != Message { asks: message.asks, ..seen.clone() })
        };
        Ok(messages.into_iter().filter(is_new).collect())
    }

    fn post(&self, path: &str, body: Option<Value>) -> Result<()> {
        let answer = http::post(self.port, path, body.as_ref(), CALL_TIMEOUT)?;
        if !(200..300).contains(&answer.status) {
            bail!("the sandbox answered POST {path} with {}: {}", answer.status, answer.text().trim());
        }
        Ok(())
    }

    fn note(&mut self, line: Line) {
        if self.aloud {
            tell::line(&line);
        }
        self.transcript.push(line);
    }
}

fn line(message: &Message) -> Line {
    Line {
        who: "bot",
        text: message.text.clone(),
        buttons: message.buttons.iter().map(|button| button.text.clone()).collect(),
        picture: message.photo.clone(),
    }
}

/// The bot's messages in a transcript of Bot API objects.
fn bot_messages(chat: &Value) -> Result<Vec<Message>> {
    let list =
        chat.as_array().or_else(|| chat["messages"].as_array()).context("the chat is no list of messages")?;
    let asking = chat["force_reply"]["message_id"].as_i64();
    let bots = list.iter().filter(|message| message["from"]["is_bot"] == true).filter_map(message);
    Ok(bots.map(|message| Message { asks: Some(message.id) == asking, ..message }).collect())
}

fn message(value: &Value) -> Option<Message> {
    let text = |name: &str| value[name].as_str().map(str::to_owned);
    let rows = value["reply_markup"]["inline_keyboard"].as_array().cloned().unwrap_or_default();
    let buttons = rows.iter().filter_map(Value::as_array).flatten().filter_map(button).collect();
    let photo =
        value["photo"].as_array().and_then(|sizes| sizes.last()?["file_id"].as_str().map(str::to_owned));
    let text = text("text").or_else(|| text("caption")).unwrap_or_default();
    Some(Message { id: value["message_id"].as_i64()?, text, buttons, photo, asks: false })
}

fn button(value: &Value) -> Option<Button> {
    let text = |name: &str| value[name].as_str().map(str::to_owned);
    Some(Button { text: text("text")?, data: text("callback_data"), url: text("url") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_bots_side_of_a_chat() {
        let chat = json!([
            {"message_id": 1, "from": {"is_bot": false}, "text": "/topup"},
            {"message_id": 2, "from": {"is_bot": true}, "text": "Choose", "reply_markup": {"inline_keyboard": [
                [{"text": "100", "callback_data": "p:1"}], [{"text": "Pay", "url": "http://x/checkout/1"}]]}},
            {"message_id": 3, "from": {"is_bot": true}, "caption": "Done", "photo": [{"file_id": "s"}, {"file_id": "l"}]},
            {"message_id": 4, "from": {"is_bot": true}, "text": "Where to?"},
        ]);
        let chat = json!({"messages": chat, "force_reply": {"force_reply": true, "message_id": 4}});
        let read = bot_messages(&chat).unwrap();
        assert_eq!(read.iter().map(|message| message.asks).collect::<Vec<_>>(), [false, false, true]);
        assert_eq!(read[0].buttons[0].data.as_deref(), Some("p:1"));
        assert_eq!(read[0].buttons[1].url.as_deref(), Some("http://x/checkout/1"));
        assert_eq!((read[1].text.as_str(), read[1].photo.as_deref()), ("Done", Some("l")));
        assert!(bot_messages(&json!({"ok": false})).is_err());
    }
}
