//! Dead letters: commands that were refused and should not have been; beside them the events that a service can't get done (`stuck`). What they say may be personal: it is shown after a look that is
//! in the log.

mod deeds;
mod list;
mod one;

use maud::{Markup, html};
use schemars::JsonSchema;
use serde::Serialize;
use sqlx::PgPool;
use uuid::Uuid;

use super::ACTS;
use crate::console::door::Door;
use crate::console::view::Scene;
use crate::inbox::may_be_sent_again;
use crate::store::{self, DeadLetter};

pub(super) fn rooms(door: &mut Door) {
    list::rooms(door);
    one::rooms(door);
    deeds::rooms(door);
}

/// How many wait for somebody.
#[derive(Serialize, JsonSchema)]
pub(in crate::console) struct Waiting {
    /// Commands that were refused and should not have been.
    dead_letters: i64,
    /// Events that a service can't get done.
    stuck_events: i64,
}

impl Waiting {
    pub(in crate::console) async fn read(pool: &PgPool) -> Result<Self, sqlx::Error> {
        let stuck_events = store::count_stuck_events(pool).await?;
        Ok(Self { dead_letters: store::open_letters(pool).await?, stuck_events })
    }
}

/// Where somebody is to see it; nothing where none does.
pub(in crate::console) fn waiting(scene: &Scene<'_>, waiting: &Waiting) -> Markup {
    let counts = [("letters-wait", waiting.dead_letters), ("stuck-wait", waiting.stuck_events)];
    html! {
        @for (name, n) in counts {
            @if n > 0 {
                p class="note bad" role="status" {
                    (scene.words.with(name, [("n", n.into())])) " "
                    @if super::parts::may_act(scene) { a href="/dead-letters" { (scene.t("menu-letters")) } }
                }
            }
        }
    }
}

#[derive(Serialize, JsonSchema)]
struct Letter {
    letter: String,
    producer: String,
    verb: String,
    /// As the log would have it.
    command_id: Option<String>,
    account: Option<Uuid>,
    code: String,
    /// open, done, dropped
    state: String,
    /// How often it was refused.
    times: i64,
    first_at: i64,
    last_at: i64,
    /// Of the last try by hand: `done`, or a code.
    answer: Option<String>,
    answered_position: Option<i64>,
    answered_at: Option<i64>,
    /// What it said is still kept.
    whole: bool,
    /// It may be sent again: it tells what has happened, and is still kept.
    resendable: bool,
}

impl From<DeadLetter> for Letter {
    fn from(one: DeadLetter) -> Self {
        Self {
            resendable: one.whole && tells_a_fact(&one.producer, &one.verb),
            letter: one.letter,
            producer: one.producer,
            verb: one.verb,
            command_id: one.command_id,
            account: one.account_id,
            code: one.code,
            state: one.state,
            times: one.times,
            first_at: one.first_at,
            last_at: one.last_at,
            answer: one.answer,
            answered_position: one.answered_position,
            answered_at: one.answered_at,
            whole: one.whole,
        }
    }
}

fn tells_a_fact(producer: &str, verb: &str) -> bool {
    producer.parse().is_ok_and(|producer| may_be_sent_again(producer, verb))
}

fn state_of(scene: &Scene<'_>, one: &Letter) -> String {
    match (one.state.as_str(), &one.answer) {
        ("done", _) => scene.t("letter-done"),
        ("dropped", _) => scene.t("letter-dropped"),
        (_, Some(_)) => scene.t("letter-tried"),
        (_, None) => scene.t("letter-open"),
    }
}
