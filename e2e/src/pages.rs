//! Every page of the console as the ledger registers it, with what to ask of each: for whoever walks them all.
//!
//! A new page is walked by itself. One with a part of its path left open, or that shows nothing unless it is asked for
//! something, needs a line in [`EXAMPLES`]: without it the walks fail and say so.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use ledger::books::moscow::{Day, rfc3339};
use ledger::console::{Console, Means, Need, Room};
use ledger::projections::Bench;
use proto_events::{AccountId, Event, Producer, subjects};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::dice::Dice;

/// A page as registered, and addresses of it: all that is filled in, as people fill it in. What stands in braces is chosen
/// from [`Facts`].
const EXAMPLES: &[(&str, &[&str])] = &[
    ("/acts", &["/acts", "/acts?next={position}"]),
    ("/books", &["/books", "/books?at={position}", "/books?at={day}", "/books?at={time}"]),
    (
        "/books/behind",
        &[
            "/books/behind?asset=CREDIT&book=customer%3Aavailable&at={position}",
            "/books/behind?asset=RUB&book=fees",
        ],
    ),
    ("/cases/quarantine", &["/cases/quarantine?id={quarantined}"]),
    ("/catalog", &["/catalog", "/catalog?version=1"]),
    ("/catalog/compare", &["/catalog/compare", "/catalog/compare?from=1&to=1"]),
    ("/catalog/versions", &["/catalog/versions", "/catalog/versions?next=1"]),
    ("/clearing", &["/clearing", "/clearing?at={position}"]),
    ("/debts", &["/debts", "/debts?next={position}"]),
    ("/events", &["/events?from={position}&limit=500"]),
    ("/exports/file", &["/exports/file?what=trial-balance&to={position}"]),
    (
        "/log",
        &[
            "/log",
            "/log?next={position}",
            "/log?account={account}",
            "/log?account={account}&type={type}&to={position}",
            "/log?type={type}&next={position}",
            "/log?type=DebtPaid&to={day}",
            "/log?command={command}",
            "/log?from={day}&to={time}",
        ],
    ),
    ("/dead-letters/events/{consumer}/{position}", &["/dead-letters/events/payments/1"]),
    ("/dead-letters/{letter}", &["/dead-letters/{letter}"]),
    ("/log/{position}", &["/log/{position}"]),
    ("/log/{position}/proof", &["/log/{position}/proof"]),
    ("/payment", &["/payment", "/payment?id={payment}"]),
    ("/reconciliation/day", &["/reconciliation/day?provider=yookassa&day={whole day}"]),
    ("/pictures/{sha256}", &["/pictures/{picture}"]),
    ("/projections/{name}", &["/projections/balances", "/projections/trial_balance"]),
    (
        "/people",
        &[
            "/people",
            "/people?next={position}",
            "/people?banned=true&away=false",
            "/people?payer=true&active_days=7",
            "/people?in_debt=true&next={position}",
            "/people?away=true",
        ],
    ),
    ("/people/{account}", &["/people/{account}"]),
    (
        "/requests",
        &[
            "/requests",
            "/requests?next={position}",
            "/requests?state=failed",
            "/requests?kind=edit&next={position}",
            "/requests?account={account}",
            "/requests?account={account}&state=succeeded",
        ],
    ),
    ("/requests/{generation}", &["/requests/{generation}"]),
    ("/revenue", &["/revenue", "/revenue?from={a year before}&to={last day}"]),
    (
        "/statement",
        &[
            "/statement",
            "/statement?account={account}",
            "/statement?account={account}&to={position}",
            "/statement?account={account}&from={day}",
        ],
    ),
    ("/texts", &["/texts", "/texts?words=credits&own=true"]),
    ("/texts/{key}", &["/texts/welcome"]),
];

/// What is given to whoever has just looked at something, which is an act: nothing that one walks to.
const AFTER_A_LOOK: [&str; 1] = ["/requests/{generation}/pictures/{n}"];

/// What pages show, as JSON.
const API: &str = "/api/v1";

/// A page and addresses of it; as JSON, too.
#[derive(Debug)]
pub struct Page {
    pub path: String,
    pub need: Need,
    pub asked: Vec<String>,
}

/// All, as registered.
///
/// # Errors
/// The console's texts are broken.
pub fn rooms(pool: &PgPool, nats: &async_nats::Client) -> Result<Vec<Room>> {
    let (pool, nats, media) = (pool.clone(), nats.clone(), nats.clone());
    let bench = Bench::new(pool.clone(), CancellationToken::new());
    let hops = service::client::Hops::default();
    Ok(ledger::console::rooms(&Console::new(Means { pool, nats, media, bench, hops })?))
}

/// All that are looked at.
///
/// # Errors
/// A page has no example and needs one; or an example's page is not registered any more.
pub fn all(pool: &PgPool, nats: &async_nats::Client) -> Result<Vec<Page>> {
    let rooms = rooms(pool, nats)?;
    let looked_at: Vec<&Room> = rooms
        .iter()
        .filter(|room| room.method == Method::GET && !AFTER_A_LOOK.contains(&room.path.as_str()))
        .collect();
    for (path, _) in EXAMPLES {
        let is_there = |room: &&Room| room.path == *path || room.path.strip_prefix(API) == Some(*path);
        if !looked_at.iter().any(is_there) {
            bail!("{path} is no page any more: take its examples out of e2e/src/pages.rs");
        }
    }
    looked_at.into_iter().map(page).collect()
}

fn page(room: &Room) -> Result<Page> {
    // The same is asked of a page and of its JSON.
    let (api, shown) = match room.path.strip_prefix(API) {
        Some(shown) => (API, shown),
        None => ("", room.path.as_str()),
    };
    let asked = match EXAMPLES.iter().find(|(path, _)| *path == shown) {
        Some((_, asked)) => asked.iter().map(|asked| format!("{api}{asked}")).collect(),
        None if shown.contains('{') => {
            bail!("{}: what is to be filled in? Give an example in e2e/src/pages.rs", room.path)
        }
        None => vec![room.path.clone()],
    };
    Ok(Page { path: room.path.clone(), need: room.need, asked })
}

/// What is in a log, to ask for: by the name that examples use.
#[derive(Debug)]
pub struct Facts {
    known: BTreeMap<&'static str, Vec<String>>,
}

const DAY_US: i64 = 86_400_000_000;
/// For what is written beside an answer: ten seconds.
const LOOKS_MAX: usize = 1200;
const LOOK: std::time::Duration = std::time::Duration::from_millis(50);

impl Facts {
    /// From so many places all over the log, and what is brought in here that no log has by itself, by the payments adapter's
    /// connection: the ledger runs.
    ///
    /// # Errors
    /// The log can't be read or has too little to ask for, or the ledger refuses what is brought in.
    pub async fn prepare(
        pool: &PgPool,
        payments: &async_nats::Client,
        dice: &mut Dice,
        places: usize,
    ) -> Result<Self> {
        let mut facts = Self::read(pool, dice, places).await?;
        let first =
            facts.known.get("day").and_then(|days| days.iter().min()).context("a log without a day")?;
        let day = Day::parse(first).context("a day is a day")?;
        bring_in(payments, day).await?;
        facts.knows("letter", letter(pool, payments).await?);
        facts.knows("picture", picture(pool).await?);
        facts.knows("quarantined", QUARANTINED);
        facts.knows("whole day", day);
        Ok(facts)
    }

    async fn read(pool: &PgPool, dice: &mut Dice, places: usize) -> Result<Self> {
        let head: i64 = sqlx::query_scalar("SELECT position FROM log_head").fetch_one(pool).await?;
        let places: Vec<i64> =
            (0..places).map(|_| 1 + i64::try_from(dice.below(head.unsigned_abs())).unwrap_or(0)).collect();
        let sql = "SELECT position, account_id::text, type, command_id, recorded_at, payload FROM events \
             WHERE position = ANY($1)";
        let rows: Vec<(i64, String, String, String, i64, String)> =
            sqlx::query_as(sql).bind(places).fetch_all(pool).await?;
        let mut facts = Self { known: BTreeMap::new() };
        for (position, account, kind, command, recorded_at, payload) in rows {
            facts.knows("position", position);
            if ![AccountId::CATALOG, AccountId::OPERATIONS].iter().any(|stream| stream.to_string() == account)
            {
                facts.knows("account", account);
            }
            facts.knows("type", kind);
            facts.knows("command", command);
            facts.knows("day", Day::of(recorded_at));
            facts.knows("time", rfc3339(recorded_at));
            let payload: Value = serde_json::from_str(&payload)?;
            for name in ["payment", "generation", "reservation"] {
                if let Some(id) = payload[name].as_str() {
                    facts.knows(name, id);
                }
            }
        }
        let last: i64 = sqlx::query_scalar("SELECT recorded_at FROM events WHERE position = $1")
            .bind(head)
            .fetch_one(pool)
            .await?;
        facts.knows("last day", Day::of(last));
        facts.knows("a year before", Day::of(last - 365 * DAY_US));
        Event::TYPES.iter().for_each(|kind| facts.knows("type", kind));
        Ok(facts)
    }

    fn knows(&mut self, name: &'static str, value: impl ToString) {
        self.known.entry(name).or_default().push(value.to_string());
    }

    /// An address with something in the place of each brace.
    ///
    /// # Errors
    /// An example asks for what is not known here.
    pub fn fill(&self, asked: &str, dice: &mut Dice) -> Result<String> {
        let (mut address, mut rest) = (String::new(), asked);
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').context("a brace without its end")?;
            let known = self.known.get(name).with_context(|| {
                format!("{asked} asks for a {name}, and there is none in Facts of e2e/src/pages.rs")
            })?;
            let index = usize::try_from(dice.below(known.len() as u64)).unwrap_or(0);
            address.push_str(before);
            address.push_str(&in_percents(&known[index]));
            rest = after;
        }
        address.push_str(rest);
        Ok(address)
    }
}

/// Of a payment that YooKassa tells of and nobody has ordered.
const QUARANTINED: &str = "y-pages";

/// A payment in quarantine, an event that can't be done, and a provider's whole day that differs from ours.
async fn bring_in(payments: &async_nats::Client, day: Day) -> Result<()> {
    let rub = |minor: i64| json!({"amount": minor, "currency": "RUB"});
    let noon = day.start_us() + DAY_US / 2;
    let theirs =
        json!({"of": "payment", "id": QUARANTINED, "amount": rub(7_000), "net": rub(6_650), "at": noon});
    let seen = json!({"status": "succeeded", "amount": rub(7_000)});
    let commands = [
        (
            "payment_quarantine",
            format!("quarantine:{QUARANTINED}"),
            json!({"payment": null, "rail": "yookassa", "provider_payment_id": QUARANTINED,
                "problems": ["amount_differs"], "seen": seen}),
        ),
        ("provider_rows_put", "rows:pages".to_owned(), json!({"provider": "yookassa", "rows": [theirs]})),
        (
            "consumer_stuck",
            "stuck:pages".to_owned(),
            json!({"consumer": "payments", "position": 1, "tries": 5, "error": "a handler panicked"}),
        ),
        ("provider_day_done", "day:pages".to_owned(), json!({"provider": "yookassa", "day": day.0})),
    ];
    for (verb, id, body) in commands {
        let envelope = json!({"id": id, "account": {"id": AccountId::OPERATIONS}, "body": body});
        let subject = subjects::command(Producer::Payments, verb);
        let reply = payments.request(subject, envelope.to_string().into()).await?;
        let reply: Value = serde_json::from_slice(&reply.payload)?;
        ensure!(reply["status"] == "done", "{verb}: {reply}");
    }
    Ok(())
}

/// A picture that somebody looks at; its digest. No page reads more of it than its bytes.
async fn picture(pool: &PgPool) -> Result<String> {
    let sha256 = "0b".repeat(32);
    let sql = "INSERT INTO shop_pictures (sha256, media_type, width, height, bytes, at) \
               VALUES ($1, 'png', 1, 1, '\\x89', now_us()) ON CONFLICT DO NOTHING";
    sqlx::query(sql).bind(&sha256).execute(pool).await?;
    Ok(sha256)
}

/// A command that is refused and kept.
async fn letter(pool: &PgPool, payments: &async_nats::Client) -> Result<String> {
    let envelope = json!({"id": "settle:pages", "account": {"id": AccountId::OPERATIONS}, "body": {}});
    let subject = subjects::command(Producer::Payments, "payment_settle");
    payments.request(subject, envelope.to_string().into()).await?;
    for _ in 0..LOOKS_MAX {
        let kept = "SELECT letter FROM dead_letters WHERE command_id = 'settle:pages'";
        if let Some(letter) = sqlx::query_scalar(kept).fetch_optional(pool).await? {
            return Ok(letter);
        }
        tokio::time::sleep(LOOK).await;
    }
    bail!("a refused command was not kept")
}

fn in_percents(value: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
    value.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
