//! The webhook's door and long polling, against the sandbox; the work behind them is a recorder.

#[allow(dead_code)]
mod desk;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use desk::{SECRET, Sandbox, TOKEN, until};
use secrecy::SecretString;
use serde_json::{Value, json};
use telegram_adapter::inbound::{BODY_BYTES_MAX, Intake, PATH, Secret, Taken, Update, Us, poll, router};
use telegram_adapter::outbound::Markup;
use telegram_adapter::texts::Html;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const USER: i64 = 77;
const HEADER: &str = "X-Telegram-Bot-Api-Secret-Token";

/// Keeps what it takes, and answers as told; "done" when nothing is left to say.
#[derive(Clone, Default)]
struct Recorder {
    taken: Arc<Mutex<Vec<Update>>>,
    answers: Arc<Mutex<VecDeque<Taken>>>,
}

impl Intake for Recorder {
    async fn take(&self, update: Update) -> Taken {
        self.taken.lock().unwrap().push(update);
        self.answers.lock().unwrap().pop_front().unwrap_or(Taken::Done)
    }
}

impl Recorder {
    fn answering(answers: &[Taken]) -> Self {
        let recorder = Self::default();
        recorder.answers.lock().unwrap().extend(answers);
        recorder
    }

    fn texts(&self) -> Vec<String> {
        let taken = self.taken.lock().unwrap();
        let texts = taken.iter().filter_map(|update| match update {
            Update::Message(message) => message.text.clone(),
            _ => None,
        });
        texts.collect()
    }

    async fn until_taken(&self, count: usize) -> Vec<String> {
        until("the update", || async { Some(self.texts()).filter(|texts| texts.len() >= count) }).await
    }
}

async fn door(recorder: &Recorder) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}{PATH}", listener.local_addr().unwrap());
    let secret = Secret(SecretString::from(SECRET));
    let app = router(secret, us(), recorder.clone(), TaskTracker::new());
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

async fn knock(url: &str, secret: Option<&str>, body: impl Into<reqwest::Body>) -> reqwest::Response {
    let mut request = reqwest::Client::new().post(url).body(body);
    if let Some(secret) = secret {
        request = request.header(HEADER, secret);
    }
    request.send().await.unwrap()
}

fn us() -> Us {
    Us::new(4_200)
}

fn update(text: &str) -> String {
    let message = json!({"message_id": 1, "chat": {"id": USER, "type": "private"}, "date": 1,
        "from": {"id": USER, "is_bot": false, "first_name": "Eve"}, "text": text});
    json!({"update_id": 1, "message": message}).to_string()
}

#[tokio::test]
async fn only_telegram_gets_in() {
    let recorder = Recorder::default();
    let url = door(&recorder).await;
    let almost = format!("{SECRET}x");
    for secret in [None, Some(""), Some("wrong"), Some(&SECRET[1..]), Some(&*almost)] {
        assert_eq!(knock(&url, secret, update("hi")).await.status(), 401, "{secret:?}");
    }
    assert!(recorder.texts().is_empty());
    assert_eq!(knock(&url, Some(SECRET), update("hi")).await.status(), 200);
    assert_eq!(recorder.texts(), ["hi"]);
    let get = reqwest::Client::new().get(&url).header(HEADER, SECRET).send().await.unwrap();
    assert_eq!(get.status(), 405);
}

#[tokio::test]
async fn what_is_not_an_update_is_refused_and_the_door_stays_open() {
    let recorder = Recorder::default();
    let url = door(&recorder).await;
    let huge = vec![b' '; BODY_BYTES_MAX + 1];
    assert_eq!(knock(&url, Some(SECRET), huge).await.status(), 413);
    let deep = "[".repeat(200_000);
    for body in
        ["", "hello", "{}", "[]", "null", r#"{"update_id":"x"}"#, r#"{"update_id":1,"message":{}}"#, &deep]
    {
        let answer = knock(&url, Some(SECRET), body.to_owned()).await;
        assert_eq!(answer.status(), 400, "{}", body.chars().take(40).collect::<String>());
    }
    assert_eq!(knock(&url, Some(SECRET), vec![0xff, 0x00, 0xfe]).await.status(), 400);
    assert!(recorder.texts().is_empty());
    assert_eq!(knock(&url, Some(SECRET), update("still here")).await.status(), 200);
}

#[tokio::test]
async fn an_update_that_can_not_be_dealt_with_comes_again() {
    let sandbox = Sandbox::start().await;
    let recorder = Recorder::answering(&[Taken::Later, Taken::Later]);
    let url = door(&recorder).await;
    let answer = knock(&url, Some(SECRET), update("direct")).await;
    assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].to_str().unwrap()), (503, "3"));

    sandbox.telegram().set_webhook(&url.parse().unwrap(), &SecretString::from(SECRET)).await.unwrap();
    sandbox.says(USER, "/prompt a cat").await;
    sandbox.says(USER, "/balance").await;
    let texts = recorder.until_taken(4).await;
    assert_eq!(texts, ["direct", "/prompt a cat", "/prompt a cat", "/balance"]);
}

#[tokio::test]
async fn polling_acknowledges_only_what_is_done() {
    let (sandbox, us) = (Sandbox::start().await, us());
    let telegram = sandbox.telegram();
    for (user, text) in [(USER, "one"), (USER, "two"), (78, "other chat")] {
        sandbox.says(user, text).await;
    }
    // Stopped while the first is not done: nothing is acknowledged.
    let shutdown = CancellationToken::new();
    let stubborn = Recorder::answering(&[Taken::Later; 64]);
    let polling = poll(&telegram, &us, &stubborn, &shutdown, |_| {});
    let stop = async {
        stubborn.until_taken(2).await;
        shutdown.cancel();
    };
    let (polled, ()) = tokio::join!(polling, stop);
    polled.unwrap();

    let shutdown = CancellationToken::new();
    let willing = Recorder::answering(&[Taken::Later]);
    let polling = poll(&telegram, &us, &willing, &shutdown, |reached| assert!(reached));
    let stop = async {
        willing.until_taken(4).await;
        until("the next poll", || async { (sandbox.calls("getUpdates").await >= 3).then_some(()) }).await;
        sandbox.says(USER, "three").await;
        willing.until_taken(5).await;
        shutdown.cancel();
    };
    let (polled, ()) = tokio::join!(polling, stop);
    polled.unwrap();
    let mine: Vec<_> = willing.texts().into_iter().filter(|text| text != "other chat").collect();
    let order: Vec<_> = mine.iter().map(String::as_str).collect();
    assert!(order == ["one", "one", "two", "three"] || order == ["one", "two", "three"], "{order:?}");
    assert_eq!(telegram.updates(0, 0).await.unwrap(), Vec::<Value>::new());
}

/// Never done with messages; keeps pre-checkout queries.
#[derive(Clone, Default)]
struct Stuck {
    queries: Arc<Mutex<Vec<String>>>,
    messages: Arc<Mutex<usize>>,
}

impl Stuck {
    fn queries(&self) -> Vec<String> {
        self.queries.lock().unwrap().clone()
    }

    fn messages(&self) -> usize {
        *self.messages.lock().unwrap()
    }
}

impl Intake for Stuck {
    async fn take(&self, update: Update) -> Taken {
        if let Update::Checkout(query) = update {
            self.queries.lock().unwrap().push(query.payload);
            return Taken::Done;
        }
        *self.messages.lock().unwrap() += 1;
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_checkout_is_taken_while_everything_else_is_stuck_at_the_door() {
    let stuck = Stuck::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}{PATH}", listener.local_addr().unwrap());
    let app = router(Secret(SecretString::from(SECRET)), us(), stuck.clone(), TaskTracker::new());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let waiting: Vec<_> = (0..64)
        .map(|_| {
            let url = url.clone();
            tokio::spawn(async move { knock(&url, Some(SECRET), update("hi")).await })
        })
        .collect();
    until("all places to be taken", || async { (stuck.messages() == 64).then_some(()) }).await;
    assert_eq!(knock(&url, Some(SECRET), update("one more")).await.status(), 503);
    let query = json!({"update_id": 2, "pre_checkout_query": {"id": "9", "currency": "XTR", "total_amount": 75,
        "invoice_payload": "p-1", "from": {"id": USER, "is_bot": false, "first_name": "Eve"}}});
    assert_eq!(knock(&url, Some(SECRET), query.to_string()).await.status(), 200);
    assert_eq!((stuck.queries(), stuck.messages()), (vec!["p-1".to_owned()], 64));
    for one in waiting {
        one.abort();
    }
}

#[tokio::test]
async fn a_checkout_is_taken_behind_a_batch_that_does_not_end() {
    let sandbox = Sandbox::start().await;
    let (telegram, stuck, shutdown) = (sandbox.telegram(), Stuck::default(), CancellationToken::new());
    let us = us();
    sandbox.says(USER, "stuck").await;
    let invoice = json!({"chat_id": USER, "title": "x", "description": "x", "payload": "p-1", "currency": "XTR",
        "prices": [{"label": "x", "amount": 75}]});
    let sent = sandbox.post(&format!("/telegram/bot{TOKEN}/sendInvoice"), invoice).await;
    let polling = poll(&telegram, &us, &stuck, &shutdown, |_| {});
    let pay = async {
        until("the message", || async { (stuck.messages() == 1).then_some(()) }).await;
        let body = json!({"message_id": sent["result"]["message_id"]});
        let url = format!("{}/people/{USER}/payments", sandbox.url);
        let paying = tokio::spawn(sandbox.http.post(url).json(&body).send());
        until("the query", || async { (!stuck.queries().is_empty()).then_some(()) }).await;
        paying.abort();
    };
    tokio::select! {
        _ = polling => panic!("the batch ended"),
        () = pay => {}
    }
    assert_eq!(stuck.queries(), ["p-1"]);
}

fn photo_part() -> reqwest::multipart::Part {
    let mut png = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(64, 48).write_to(&mut png, image::ImageFormat::Png).unwrap();
    reqwest::multipart::Part::bytes(png.into_inner()).file_name("cat.png")
}

#[tokio::test]
async fn albums_documents_and_replies_are_read_as_telegram_gives_them() {
    let sandbox = Sandbox::start().await;
    let telegram = sandbox.telegram();
    let url = format!("{}/people/{USER}/messages", sandbox.url);
    let send = async |form: reqwest::multipart::Form| {
        let answer = sandbox.http.post(&url).multipart(form).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    };
    let album = reqwest::multipart::Form::new().part("photo", photo_part()).part("photo", photo_part());
    send(album.text("caption", "перерисуй 🦊")).await;
    send(reqwest::multipart::Form::new().part("document", photo_part())).await;
    sandbox.says(USER, "hello").await;
    let question = telegram.send(USER, &Html::escaped("What shall I draw?"), &Markup::None, None).await;
    let question = question.unwrap().message;
    let reply = json!({"text": "a cat", "reply_to": question});
    sandbox.post(&format!("/people/{USER}/messages"), reply).await;

    let updates = telegram.updates(0, 0).await.unwrap();
    let mut messages: Vec<_> = Vec::new();
    let mut offset = 0;
    let mut batch = updates;
    while let Some(last) = batch.iter().filter_map(|update| update["update_id"].as_i64()).max() {
        for update in &batch {
            match Update::read(update, &us()).unwrap() {
                Update::Message(message) => messages.push(message),
                other => panic!("{other:?}"),
            }
        }
        assert!(last >= offset);
        offset = last + 1;
        batch = telegram.updates(offset, 0).await.unwrap();
    }
    let [first, second, document, _, reply] = &messages[..] else { panic!("{messages:?}") };
    assert!(first.group.is_some() && first.group == second.group);
    assert_eq!((first.caption.as_deref(), second.caption.as_deref()), (Some("перерисуй 🦊"), None));
    let photo = first.picture().unwrap();
    assert_eq!((photo.width, photo.height), (64, 48));
    let picture = document.picture().unwrap();
    assert_eq!(document.document.as_ref().unwrap().mime.as_deref(), Some("image/png"));
    let place = telegram.file(picture.file_id.as_str()).await.unwrap();
    assert!(telegram.download(&place.path, 1_000_000).await.unwrap().is_some());
    assert_eq!((reply.answers(), reply.words()), (Some("What shall I draw?"), Some("a cat")));
}
