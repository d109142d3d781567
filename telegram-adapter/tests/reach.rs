//! How the bot and Telegram reach each other: proxies on our way there, webhooks on their way here.

#[allow(dead_code)]
mod desk;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Uri};
use desk::{SECRET, Sandbox, TOKEN};
use reqwest::Url;
use secrecy::SecretString;
use telegram_adapter::config::{Reach, Webhook};
use telegram_adapter::inbound::{Secret, Us};
use telegram_adapter::outbound::{Error, Express, Markup, Options, Picture, Proxy, Telegram};
use telegram_adapter::registration::{self, register};
use telegram_adapter::texts::{Html, Texts};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

const USER: i64 = 77;

/// Nobody finds it but the proxies below.
fn nowhere() -> Url {
    "http://telegram.invalid/telegram".parse().unwrap()
}

fn through(proxy: &str) -> (Telegram, Express) {
    let proxy = Proxy::read(SecretString::from(proxy));
    let options = Options { proxy, ..Options::default() };
    let token = SecretString::from(TOKEN);
    let telegram = Telegram::new(&token, &nowhere(), &options).unwrap();
    (telegram, Express::new(&token, &nowhere(), options.proxy.as_ref()).unwrap())
}

/// Every way in which Telegram is called.
async fn call(telegram: &Telegram, express: &Express) {
    assert_eq!(telegram.me().await.unwrap().id, 4_200);
    let picture = Picture { bytes: Bytes::from_static(b"words"), file_name: "a.txt", as_document: true };
    let sent = telegram.picture(USER, &picture, None, &Markup::None, None).await.unwrap();
    let place = telegram.file(sent.file.unwrap().file_id.as_str()).await.unwrap();
    assert_eq!(telegram.download(&place.path, 100).await.unwrap().as_deref(), Some(&b"words"[..]));
    telegram.updates(0, 0).await.unwrap();
    let refused = express.answer("no-such-query", None, Instant::now() + Duration::from_secs(5)).await;
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
}

/// Sends on what it is asked for by its whole address, and keeps that with the credentials.
async fn http_proxy(sandbox: &str) -> (String, Arc<Mutex<Vec<(String, String)>>>) {
    let (seen, to, http) = (Arc::<Mutex<Vec<_>>>::default(), sandbox.to_owned(), reqwest::Client::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let kept = Arc::clone(&seen);
    let answer = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| async move {
        let credentials = headers.get("proxy-authorization").map(|value| value.to_str().unwrap().to_owned());
        kept.lock().unwrap().push((uri.to_string(), credentials.unwrap_or_default()));
        let mut request = http.request(method, format!("{to}{}", uri.path())).body(body);
        if let Some(kind) = headers.get("content-type") {
            request = request.header("content-type", kind);
        }
        let answer = request.send().await.unwrap();
        (answer.status(), answer.bytes().await.unwrap())
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    (address, seen)
}

#[tokio::test]
async fn all_calls_go_through_an_http_proxy_with_its_password() {
    let sandbox = Sandbox::start().await;
    sandbox.says(USER, "/start").await;
    let (address, seen) = http_proxy(&sandbox.url).await;
    let (telegram, express) = through(&format!("http://anna:secret@{address}"));
    call(&telegram, &express).await;
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 6);
    for (uri, credentials) in seen.iter() {
        assert!(uri.starts_with("http://telegram.invalid/telegram/"), "{uri}");
        assert_eq!(credentials, "Basic YW5uYTpzZWNyZXQ=");
    }
}

/// RFC 1928 as far as it is needed: no password, a name to connect to, which is the sandbox whatever it is.
async fn socks_proxy(sandbox: &str) -> (String, Arc<Mutex<Vec<String>>>) {
    let to = sandbox.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let names = Arc::<Mutex<Vec<String>>>::default();
    let kept = Arc::clone(&names);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let (kept, to) = (Arc::clone(&kept), to.clone());
            tokio::spawn(async move {
                let mut head = [0; 2];
                client.read_exact(&mut head).await.unwrap();
                client.read_exact(&mut vec![0; usize::from(head[1])]).await.unwrap();
                client.write_all(&[5, 0]).await.unwrap();
                let mut ask = [0; 5];
                client.read_exact(&mut ask).await.unwrap();
                assert_eq!(ask[..4], [5, 1, 0, 3], "connect to a name");
                let mut name = vec![0; usize::from(ask[4]) + 2];
                client.read_exact(&mut name).await.unwrap();
                name.truncate(name.len() - 2);
                kept.lock().unwrap().push(String::from_utf8(name).unwrap());
                client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
                let mut server = TcpStream::connect(to).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (address, names)
}

#[tokio::test]
async fn all_calls_go_through_a_socks_proxy_that_finds_telegram_by_itself() {
    let sandbox = Sandbox::start().await;
    sandbox.says(USER, "/start").await;
    let (address, names) = socks_proxy(&sandbox.url).await;
    let (telegram, express) = through(&format!("socks5h://{address}"));
    call(&telegram, &express).await;
    let names = names.lock().unwrap();
    assert!(!names.is_empty() && names.iter().all(|name| name == "telegram.invalid"), "{names:?}");
}

#[tokio::test]
async fn a_proxy_that_is_away_is_not_gone_around_and_its_password_stays_secret() {
    let (telegram, _) = through("http://anna:CANARY@127.0.0.1:9");
    let error = telegram.send(USER, &Html::escaped("x"), &Markup::None, None).await.unwrap_err();
    assert!(matches!(error, Error::NotReached(_)), "{error}");
    assert!(!format!("{error} {error:?}").contains("CANARY"));
}

async fn start(telegram: &Telegram, reach: Reach) -> Result<bool, registration::Error> {
    let texts = Texts::read().unwrap();
    register(telegram, &Us::new(4_200), &texts, &reach, &[], &CancellationToken::new()).await
}

#[tokio::test]
async fn long_polling_does_not_take_a_webhook_away_unless_it_is_told_to() {
    let sandbox = Sandbox::start().await;
    let telegram = sandbox.telegram();
    let polling = |take_webhook| Reach::Polling { take_webhook };
    assert!(start(&telegram, polling(false)).await.unwrap(), "there is none");
    assert_eq!(sandbox.calls("deleteWebhook").await, 0);

    let url: Url = "https://other.example.org/hook/CANARY".parse().unwrap();
    telegram.set_webhook(&url, &SecretString::from(SECRET)).await.unwrap();
    let error = start(&telegram, polling(false)).await.unwrap_err();
    let words = error.to_string();
    assert!(words.contains("other.example.org") && words.contains("TELEGRAM_TAKE_WEBHOOK=on"), "{words}");
    assert!(!words.contains("CANARY"));
    assert_eq!(telegram.webhook_url().await.unwrap(), url.as_str());

    assert!(start(&telegram, polling(true)).await.unwrap());
    assert_eq!(telegram.webhook_url().await.unwrap(), "");
}

fn webhook(url: &str, take: bool) -> Webhook {
    Webhook { url: url.parse().unwrap(), secret: Secret(SecretString::from(SECRET)), take }
}

#[tokio::test]
async fn a_webhook_of_this_deployment_is_set_again_without_a_question() {
    let sandbox = Sandbox::start().await;
    let telegram = sandbox.telegram();
    // Also when its path is another now.
    for path in ["telegram/webhook", "telegram/webhook", "hook/2"] {
        let ours = webhook(&format!("https://bot.example.org/{path}"), false);
        assert!(start(&telegram, Reach::Webhook(ours.clone())).await.unwrap());
        assert_eq!(telegram.webhook_url().await.unwrap(), ours.url.as_str());
        assert!(registration::look(&telegram, &ours).await);
    }
    // A start with another path has it now: the one before takes it not back.
    let before = webhook("https://bot.example.org/telegram/webhook", true);
    assert!(!registration::look(&telegram, &before).await);
    assert_eq!(telegram.webhook_url().await.unwrap(), "https://bot.example.org/hook/2");
}

#[tokio::test]
async fn a_webhook_of_another_deployment_is_not_taken_over_unless_it_is_told_to() {
    let sandbox = Sandbox::start().await;
    let telegram = sandbox.telegram();
    let theirs = webhook("https://other.example.org/hook/CANARY", false);
    assert!(start(&telegram, Reach::Webhook(theirs.clone())).await.unwrap());
    let ours = |take| webhook("https://bot.example.org/telegram/webhook", take);
    let error = start(&telegram, Reach::Webhook(ours(false))).await.unwrap_err();
    let words = error.to_string();
    assert!(words.contains("other.example.org") && words.contains("TELEGRAM_TAKE_WEBHOOK=on"), "{words}");
    assert!(!words.contains("CANARY"));
    assert_eq!(telegram.webhook_url().await.unwrap(), theirs.url.as_str());

    assert!(start(&telegram, Reach::Webhook(ours(true))).await.unwrap());
    assert_eq!(telegram.webhook_url().await.unwrap(), ours(true).url.as_str());
    // Who has lost it sees that, and fights no war about it, also one that took it over; a start takes it back.
    assert!(!registration::look(&telegram, &theirs).await);
    assert_eq!(telegram.webhook_url().await.unwrap(), ours(true).url.as_str());
    telegram.set_webhook(&theirs.url, &theirs.secret.0).await.unwrap();
    assert!(!registration::look(&telegram, &ours(true)).await);
    assert_eq!(telegram.webhook_url().await.unwrap(), theirs.url.as_str());
    assert!(start(&telegram, Reach::Webhook(ours(true))).await.unwrap());
    assert_eq!(telegram.webhook_url().await.unwrap(), ours(true).url.as_str());
    // One that somebody took away is set again.
    telegram.delete_webhook().await.unwrap();
    assert!(registration::look(&telegram, &ours(false)).await);
    assert_eq!(telegram.webhook_url().await.unwrap(), ours(false).url.as_str());
}
