//! Commands that fight for the same credits, each sent once and never again: what shows a refusal or
//! an acceptance that was said on the ground of a batch that then failed.
//!
//! A person asks at once for more pictures than their credits, or the bound of what may run at once,
//! allow. A refusal is true only if the log holds as many as fit; had a batch been thrown away after it
//! was said, nobody would ask for that batch's pictures again, and there would be fewer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::{Client, Request};
use proto_events::catalog::Catalog;
use proto_events::commands::{ChatContext, Command, GenerationRequest};
use proto_events::envelope::AccountRef;
use proto_events::events::GenerationKind;
use proto_events::{CommandEnvelope, Producer, Reply, subjects};
use sqlx::PgPool;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::deeds::{Deeds, id, rubles, text};
use crate::stage::Stage;

/// What a picture costs, what everybody has, and how many are asked for at once.
const PICTURE: i64 = 10;
const CREDITS: i64 = 105;
const AT_ONCE: i64 = 6;
/// For how long an answer is waited for; there is no second try.
const ANSWER: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(150);

/// What one picture's command was answered.
#[derive(Debug, Clone)]
struct Heard {
    user: i64,
    said: Option<Reply>,
}

#[derive(Debug, Default)]
pub struct Tally {
    pub people: usize,
    pub accepted: usize,
    pub refused: usize,
    /// Busy, failed or no answer: whether it was done is not known to who asked.
    pub unknown: usize,
}

pub struct Rivals {
    stop: CancellationToken,
    task: JoinHandle<()>,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Rivals {
    /// People are numbered from `first` on.
    pub fn start(stage: &Stage, deeds: &Deeds, first: i64) -> Self {
        let (stop, heard) = (CancellationToken::new(), Arc::<Mutex<Vec<Heard>>>::default());
        let (client, deeds) = (stage.client("telegram"), deeds.clone());
        let (stopped, kept) = (stop.clone(), Arc::clone(&heard));
        let task = stage.rt.spawn(async move {
            let mut user = first;
            while !stopped.is_cancelled() {
                let answers = fight(&client, &deeds, user).await;
                kept.lock().unwrap_or_else(PoisonError::into_inner).extend(answers);
                user += 1;
                tokio::time::sleep(PAUSE).await;
            }
        });
        Self { stop, task, heard }
    }

    /// Asserts that every answer is true by the log as it is at the end.
    pub fn finish(self, stage: &Stage) -> Tally {
        self.stop.cancel();
        stage.rt.block_on(self.task).unwrap_or_else(|error| panic!("the rivals broke off: {error}"));
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone();
        stage.rt.block_on(judge(&stage.pool, &heard))
    }
}

async fn fight(client: &Client, deeds: &Deeds, user: i64) -> Vec<Heard> {
    let ready = async {
        deeds.start(user).await?;
        let payment = deeds.topup(user, &format!("rival{user}")).await?;
        deeds.settle(payment, rubles(100)).await
    };
    ready.await.unwrap_or_else(|error| panic!("rival {user} should get credits: {error}"));
    let asked = (1..=AT_ONCE).map(|message| once(client, user, message));
    let said = futures_util::future::join_all(asked).await;
    said.into_iter().map(|said| Heard { user, said }).collect()
}

/// Sends the command once, and does not ask again whatever happens.
async fn once(client: &Client, user: i64, message: i64) -> Option<Reply> {
    let context = ChatContext { chat: user, message, status_message: None };
    let command: Command =
        GenerationRequest::new(GenerationKind::Picture, text("two leaves at once"), context).into();
    let envelope = CommandEnvelope {
        id: id(format!("msg:1:{user}:{message}")),
        account: AccountRef::Telegram(user),
        actor: None,
        approval: None,
        causation: None,
        trace_id: None,
        ask: None,
        body: command.body().ok()?,
    };
    let request = Request::new().payload(serde_json::to_vec(&envelope).ok()?.into()).timeout(Some(ANSWER));
    let answer = client.send_request(subjects::command(Producer::Telegram, command.verb()), request).await;
    serde_json::from_slice(&answer.ok()?.payload).ok()
}

async fn judge(pool: &PgPool, heard: &[Heard]) -> Tally {
    let limit = i64::from(
        Catalog::default_catalog()
            .expect("a test of proto-events reads the default catalog")
            .limits
            .running_per_person_max,
    );
    let fits = limit.min(CREDITS / PICTURE);
    let mut tally = Tally::default();
    let mut users: Vec<i64> = heard.iter().map(|h| h.user).collect();
    users.dedup();
    tally.people = users.len();
    // By what was accepted, not by what is left: reservations end some day.
    let sql = "SELECT telegram_user_id, count(*) FROM telegram_identities JOIN events USING (account_id) \
               WHERE telegram_user_id = ANY($1) AND type = 'GenerationRequested' GROUP BY 1";
    let found = sqlx::query_as::<_, (i64, i64)>(sql).bind(&users).fetch_all(pool).await;
    let accepted: BTreeMap<i64, i64> = found
        .unwrap_or_else(|error| panic!("Postgres should show what was accepted: {error:?}"))
        .into_iter()
        .collect();
    for Heard { user, said } in heard {
        let accepted = accepted.get(user).copied().unwrap_or_default();
        assert!(accepted <= fits, "{user} was given {accepted} where {fits} fit");
        match said {
            Some(Reply::Done { events, .. }) => {
                tally.accepted += 1;
                for event in events {
                    let found = type_at(pool, event.position.get()).await;
                    assert_eq!(found.as_deref(), Some(event.r#type.as_str()), "{user} was told {event:?}");
                }
            }
            Some(Reply::Refused { refusal }) => {
                tally.refused += 1;
                let code = refusal.code.as_str();
                assert!(["insufficient_credits", "too_many_running"].contains(&code), "{user}: {code}");
                assert_eq!(accepted, fits, "{user} was refused ({code}) for what was never in the log");
            }
            Some(Reply::Busy { .. } | Reply::Failed { .. }) | None => tally.unknown += 1,
        }
    }
    tally
}

async fn type_at(pool: &PgPool, position: i64) -> Option<String> {
    let sql = "SELECT type FROM events WHERE position = $1";
    let found = sqlx::query_scalar(sql).bind(position).fetch_optional(pool).await;
    found.unwrap_or_else(|error| panic!("Postgres should show position {position}: {error:?}"))
}
