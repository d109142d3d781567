//! One person's chat with the bot, and how it reads.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::path::Path;

use e2e::Stage;
use e2e::people::{Person, buttons, is_picture, said};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

/// What the button with these words sends.
pub fn data(message: &Value, words: &str) -> String {
    let found = buttons(message).into_iter().find(|(label, _)| label.contains(words));
    found.unwrap_or_else(|| panic!("no button {words}: {message}")).1
}

pub struct Chat<'a> {
    pub stage: &'a Stage,
    pub person: Person,
    pub lang: &'static str,
    differ: RefCell<Vec<String>>,
}

impl<'a> Chat<'a> {
    pub fn new(stage: &'a Stage, user: i64, lang: &'static str) -> Self {
        Self { stage, person: Person(user), lang, differ: RefCell::default() }
    }

    pub fn is_russian(&self) -> bool {
        self.lang == "ru"
    }

    /// One of two.
    pub fn word(&self, russian: &'static str, english: &'static str) -> &'static str {
        if self.is_russian() { russian } else { english }
    }

    /// Holds the chat as it stands against what was looked at.
    pub fn is_looked_at(&self, name: &str) {
        self.differ.borrow_mut().extend(looked_at(&format!("{name}.{}", self.lang), &self.transcript()));
    }

    /// The same where what answers the first message comes side by side.
    pub fn is_looked_at_in_any_order(&self, name: &str) {
        let page = self.transcript();
        let mut messages: Vec<&str> = page.split_terminator("\n\n").collect();
        messages[1..].sort_unstable();
        let page = messages.join("\n\n") + "\n\n";
        self.differ.borrow_mut().extend(looked_at(&format!("{name}.{}", self.lang), &page));
    }

    /// What another chat of the same flow differs in.
    pub fn also(&self, other: &Chat<'_>) {
        self.differ.borrow_mut().extend(other.differ());
    }

    /// The names of what differs.
    pub fn differ(&self) -> Vec<String> {
        self.differ.take()
    }

    fn messages(&self) -> String {
        format!("/people/{}/messages", self.person.0)
    }

    fn send(&self, body: &Value) -> i64 {
        let (status, message) = self.stage.post(&self.messages(), body);
        assert_eq!(status, 200, "{message}");
        message["message_id"].as_i64().unwrap()
    }

    fn name(&self) -> &'static str {
        self.word("Анна <b>", "Ada <b>")
    }

    /// Writes, and waits until the bot says something that this accepts, below it.
    pub fn says(&self, text: &str, accept: impl Fn(&Value) -> bool) -> Value {
        let after = self.write(text);
        self.wait(text, after, accept)
    }

    pub fn write(&self, text: &str) -> i64 {
        self.send(&json!({"text": text, "language_code": self.lang, "first_name": self.name()}))
    }

    pub fn replies(&self, to: &Value, text: &str) -> i64 {
        let to = &to["message_id"];
        self.send(
            &json!({"text": text, "reply_to": to, "language_code": self.lang, "first_name": self.name()}),
        )
    }

    pub fn sends(&self, kind: &str) -> i64 {
        self.send(&json!({"kind": kind, "language_code": self.lang, "first_name": self.name()}))
    }

    /// Photos, as an album if there are several; the last message's id.
    pub fn shows(&self, photos: &[u8], caption: Option<&str>) -> i64 {
        let url = format!("{}{}", self.stage.url(e2e::Role::Sandbox), self.messages());
        let mut form = Form::new().text("language_code", self.lang).text("first_name", self.name());
        for shade in photos {
            form = form.part("photo", Part::bytes(plain(*shade)).file_name("photo.png"));
        }
        if let Some(caption) = caption {
            form = form.text("caption", caption.to_owned());
        }
        let answer: Value = self.stage.rt.block_on(async {
            let answer = self.stage.http.post(url).multipart(form).send().await.unwrap();
            assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
            answer.json().await.unwrap()
        });
        let last = answer.as_array().and_then(|all| all.last()).unwrap_or(&answer);
        last["message_id"].as_i64().unwrap()
    }

    pub fn wait(&self, what: &str, after: i64, accept: impl Fn(&Value) -> bool) -> Value {
        self.stage.wait_for(self.person, what, |m| m["message_id"].as_i64() > Some(after) && accept(m))
    }

    /// Presses the button with these words.
    pub fn taps(&self, message: &Value, words: &str) {
        self.stage.tap(self.person, message, &data(message, words));
    }

    /// Presses a button that the message has no more, or never had.
    pub fn forges(&self, message: &Value, data: &str) {
        self.stage.forge(self.person, message["message_id"].as_i64().unwrap(), data, &json!({}));
    }

    /// The message as it is now.
    pub fn now(&self, message: &Value) -> Option<Value> {
        let all = self.stage.chat(self.person);
        all.into_iter().find(|now| now["message_id"] == message["message_id"])
    }

    /// Presses, and waits until the same message is one that this accepts.
    pub fn turns(&self, message: &Value, words: &str, accept: impl Fn(&Value) -> bool) -> Value {
        self.taps(message, words);
        self.stage.until(&format!("what {words} brings"), || self.now(message).filter(|now| accept(now)))
    }

    /// The next picture below this message.
    pub fn picture_after(&self, after: i64) -> Value {
        self.wait("the picture", after, is_picture)
    }

    pub fn last(&self) -> i64 {
        let all = self.stage.chat(self.person);
        all.last().and_then(|m| m["message_id"].as_i64()).unwrap_or_default()
    }

    /// 100 credits by YooKassa's page.
    pub fn tops_up(&self) {
        let checkout = self.stage.order(self.person);
        self.stage.pay(&checkout);
        let paid = self.word("Платёж получен", "Payment received");
        self.stage.wait_for(self.person, "the receipt", |m| said(m, paid));
    }

    /// The chat as it stands at the end, for people to read.
    fn transcript(&self) -> String {
        self.settled();
        let mut page = String::new();
        for message in self.stage.chat(self.person) {
            let from_bot = message["from"]["is_bot"] == true;
            let words = [&message["text"], &message["caption"]].into_iter().find_map(Value::as_str);
            let what = content(&message);
            let body = [what.as_str(), words.unwrap_or_default()].join(" ");
            let mark = if from_bot { "< " } else { "> " };
            for (n, line) in body.trim().lines().enumerate() {
                writeln!(page, "{}{}", if n == 0 { mark } else { "  " }, plainly(line)).unwrap();
            }
            for row in message["reply_markup"]["inline_keyboard"].as_array().into_iter().flatten() {
                let row = row.as_array().into_iter().flatten();
                let labels = row.map(|b| format!("[{}]", b["text"].as_str().unwrap_or_default()));
                writeln!(page, "    {}", labels.collect::<Vec<_>>().join(" ")).unwrap();
            }
            page.push('\n');
        }
        page
    }

    /// Nothing is being made or told any more.
    fn settled(&self) {
        self.stage.until("everything to be told", || {
            let sql = "SELECT (SELECT count(*) FROM deliveries d JOIN telegram_identities i USING (account_id) \
                        WHERE i.telegram_user_id = $1) + (SELECT count(*) FROM jobs j JOIN telegram_identities i \
                        USING (account_id) WHERE i.telegram_user_id = $1)";
            let open: i64 =
                self.stage.sql(sqlx::query_scalar(sql).bind(self.person.0).fetch_one(&self.stage.pool));
            (open == 0).then_some(())
        });
    }
}

fn content(message: &Value) -> String {
    let invoice = &message["invoice"];
    if invoice.is_object() {
        return format!("🧾 {}: {}", invoice["title"].as_str().unwrap_or_default(), invoice["currency"]);
    }
    for (field, sign) in [
        ("photo", "🖼"),
        ("document", "📄"),
        ("sticker", "(sticker)"),
        ("voice", "(voice)"),
        ("poll", "(poll)"),
        ("successful_payment", "(paid)"),
    ] {
        if !message[field].is_null() {
            return sign.to_owned();
        }
    }
    String::new()
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Without what differs from run to run: times, account ids.
fn plainly(line: &str) -> String {
    // Of all people, whoever came before.
    if ["📊", "✖️", "потрачено кредитов", "credits, the vendor", "новых", "new "]
        .iter()
        .any(|of| line.contains(of))
    {
        let words: Vec<&str> = line.split(' ').filter(|word| !MONTHS.contains(word)).collect();
        return words.join(" ").chars().filter(|c| !c.is_ascii_digit()).collect();
    }
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let mut words: Vec<String> = Vec::new();
    for word in line.split(' ') {
        // `22 Nov 2026`, `22 Nov`.
        let last = words.last().map(String::as_str).unwrap_or_default();
        if MONTHS.contains(&word) && digits(last) {
            words.pop();
            words.push("<day>".to_owned());
            continue;
        }
        if last == "<day>" && word.len() == 4 && digits(word) {
            continue;
        }
        let time = word.split_once(':').is_some_and(|(h, m)| digits(h) && digits(m) && m.len() == 2);
        let date = word.split('.').filter(|part| digits(part)).count() >= 2;
        words.push(match word {
            _ if time => "<time>".to_owned(),
            _ if date => "<day>".to_owned(),
            word if word.contains("?start=") => {
                format!("{}?start=<account>", word.split("?start=").next().unwrap_or_default())
            }
            word if word.len() == 36 && word.matches('-').count() == 4 => "<account>".to_owned(),
            word => word.to_owned(),
        });
    }
    words.join(" ")
}

/// A picture of one shade.
fn plain(shade: u8) -> Vec<u8> {
    let picture = image::RgbImage::from_pixel(320, 240, image::Rgb([shade, 120, 255 - shade]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// The name, if it differs from what was looked at. `UPDATE_TRANSCRIPTS=1` writes it anew, to be looked at.
fn looked_at(name: &str, transcript: &str) -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/bot/transcripts/{name}.txt"));
    if std::env::var_os("UPDATE_TRANSCRIPTS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, transcript).unwrap();
    }
    let before = std::fs::read_to_string(&path).unwrap_or_default();
    if before == transcript {
        return None;
    }
    println!("── {name}, as it is now:\n{transcript}");
    Some(name.to_owned())
}
