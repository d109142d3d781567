//! Whether everything is there and keeps up: services, the leader, Postgres, NATS, the relay, the consumers. What nobody has
//! answered is shown as unknown.

mod nats;

use maud::{Markup, html};
use proto_events::Producer;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::nats::{ConsumerSays, NatsSays, StreamSays};
use super::READS;
use super::letters::{Waiting, waiting};
use super::parts::span;
use crate::books::words::grouped;
use crate::console::Console;
use crate::console::asked::Unfit;
use crate::console::door::Need;
use crate::console::page::note;
use crate::console::table::{Column, number, table};
use crate::console::view::{Read, Scene, View};
use crate::store;

/// Of all instances of the last day.
const SHOWN_MAX: i64 = 100;
/// Three reports that did not come.
const SILENT_US: i64 = 3 * service::report::EVERY.as_micros() as i64;
/// Who is to be there.
const EXPECTED: [Producer; 4] =
    [Producer::Ledger, Producer::Telegram, Producer::Payments, Producer::Generator];
/// A need of the ledger that is none: whether it leads.
pub(crate) const LEADS: &str = "leads";

pub(super) struct Health;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Asked {}

#[derive(Serialize, JsonSchema)]
pub(super) struct Shown {
    services: Vec<Service>,
    /// Kinds of services of which nothing was heard in the last day.
    unheard: Vec<&'static str>,
    leader: Leader,
    postgres: Postgres,
    nats: NatsSays,
    relay: Relay,
    #[serde(flatten)]
    waiting: Waiting,
}

#[derive(Serialize, JsonSchema)]
struct Service {
    kind: String,
    instance: String,
    version: String,
    state: ServiceState,
    /// What it needs and does not have, as it said last.
    lacks: Vec<String>,
    age_us: i64,
    /// µs since it was heard of.
    silent_us: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ServiceState {
    /// Has all it needs.
    Ready,
    /// The same, of the ledger that leads.
    Leads,
    /// Lacks something.
    NotReady,
    /// Nothing is heard of it: nobody knows how it is.
    Silent,
    /// Was told to stop.
    Ended,
}

impl ServiceState {
    fn of(ended: bool, silent_us: i64, leads: bool, lacks: bool) -> Self {
        match () {
            () if ended => Self::Ended,
            () if silent_us > SILENT_US => Self::Silent,
            () if lacks => Self::NotReady,
            () if leads => Self::Leads,
            () => Self::Ready,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Ready => "service-ready",
            Self::Leads => "service-leads",
            Self::NotReady => "service-not-ready",
            Self::Silent => "service-silent",
            Self::Ended => "service-ended",
        }
    }
}

#[derive(Serialize, JsonSchema)]
struct Leader {
    /// Grows with each take-over.
    epoch: i64,
    incarnation: i64,
    /// µs for which its lease holds; below zero: nobody leads.
    lease_us: i64,
}

#[derive(Serialize, JsonSchema)]
struct Postgres {
    version: String,
    bytes: i64,
    connections: i64,
    connections_max: i64,
    /// How many transactions have begun since the oldest that still runs.
    oldest_transactions: i64,
    /// µs for which it has run; nothing where the service may not see it.
    oldest_us: Option<i64>,
}

#[derive(Serialize, JsonSchema)]
struct Relay {
    /// The newest event of the log.
    head: i64,
    /// The newest in the stream; nothing: unknown.
    told: Option<i64>,
}

impl Read for Health {
    type Asked = Asked;
    type Shown = Shown;

    const PATH: &'static str = "/services";
    const NEED: Need = READS;
    const ABOUT: &'static str = "All services, Postgres, NATS, the relay and the consumers";

    async fn read(console: &Console, _: &Asked) -> Result<Shown, Unfit> {
        let pool = &console.pool;
        let done = store::done_through(pool).await?;
        let nats = nats::ask(&console.nats, &console.media, &done).await;
        let services: Vec<Service> =
            store::services(pool, SHOWN_MAX).await?.into_iter().map(service).collect();
        let heard = |of: &Producer| services.iter().any(|service| service.kind == of.as_str());
        let unheard = EXPECTED.iter().filter(|of| !heard(of)).map(|of| of.as_str()).collect();
        let says = store::postgres_says(pool).await?;
        // The head last: the stream is never ahead of it.
        let head = store::head(pool).await?;
        let told = nats.streams.first().and_then(|evt| evt.state.as_ref());
        let told = told.map(|state| i64::try_from(state.last).unwrap_or(i64::MAX));
        Ok(Shown {
            services,
            unheard,
            leader: Leader {
                epoch: head.epoch,
                incarnation: head.incarnation,
                lease_us: head.lease_until - head.now,
            },
            postgres: Postgres {
                version: says.version,
                bytes: says.bytes,
                connections: says.connections,
                connections_max: says.connections_max,
                oldest_transactions: says.oldest_transactions,
                oldest_us: says.oldest_us,
            },
            waiting: Waiting::read(pool).await?,
            relay: Relay { head: head.position, told },
            nats,
        })
    }
}

fn service(one: store::Service) -> Service {
    let is_role = |need: &proto_events::commands::ServiceNeed| need.name.as_str() == LEADS;
    let leads = one.needs.iter().any(|need| is_role(need) && need.met);
    let lacks: Vec<String> = one
        .needs
        .iter()
        .filter(|need| !need.met && !is_role(need))
        .map(|need| need.name.to_string())
        .collect();
    Service {
        state: ServiceState::of(one.ended, one.silent_us, leads, !lacks.is_empty()),
        kind: one.producer,
        instance: one.instance,
        version: one.version,
        lacks,
        age_us: one.age_us,
        silent_us: one.silent_us,
    }
}

impl View for Health {
    fn title(scene: &Scene<'_>, _: &Asked, _: Option<&Shown>) -> String {
        scene.t("menu-health")
    }

    fn show(scene: &Scene<'_>, _: &Asked, shown: &Shown) -> Markup {
        html! {
            @if shown.leader.lease_us < 0 { (note("bad", &scene.t("nobody-leads"))) }
            (waiting(scene, &shown.waiting))
            (services(scene, shown))
            h2 { (scene.t("the-log")) }
            (log(scene, shown))
            h2 { "Postgres" }
            (postgres(scene, &shown.postgres))
            h2 { "NATS" }
            @if !shown.nats.connected { (note("bad", &scene.t("nats-away"))) }
            p { (scene.t("version-of-server")) ": " (shown.nats.version) }
            (streams(scene, &shown.nats.streams))
            h3 { (scene.t("consumers")) }
            (consumers(scene, &shown.nats.consumers, shown.relay.head))
        }
    }

    fn again_every(_: &Asked) -> Option<u8> {
        Some(5)
    }
}

fn services(scene: &Scene<'_>, shown: &Shown) -> Markup {
    let columns = [
        Column::Text("service"),
        Column::Text("instance"),
        Column::Text("version-of-server"),
        Column::Text("state"),
        Column::Number("runs-for"),
        Column::Number("heard-of"),
    ];
    let rows = html! {
        @for one in &shown.services {
            tr {
                th scope="row" { (one.kind) }
                td class="id" { (one.instance) }
                td { (one.version) }
                td {
                    span class="chip" { (scene.t(one.state.name())) }
                    @if !one.lacks.is_empty() { " " (scene.t("service-lacks")) ": " (one.lacks.join(", ")) }
                }
                (number(span(scene.words, one.age_us - one.silent_us)))
                (number(span(scene.words, one.silent_us)))
            }
        }
        @for kind in &shown.unheard {
            tr { th scope="row" { (kind) } td {} td {} td colspan="3" class="dim" { (scene.t("service-unheard")) } }
        }
    };
    table(scene.words, &scene.t("menu-health"), &columns, &rows, None)
}

fn log(scene: &Scene<'_>, shown: &Shown) -> Markup {
    let Relay { head, told } = shown.relay;
    let lag = told.map(|told| grouped((head - told).max(0)));
    html! {
        dl class="facts" {
            dt { (scene.t("log-position")) } dd class="number" { (grouped(head)) }
            dt { (scene.t("told-through")) } dd class="number" { (or_unknown(scene, told.map(grouped))) }
            dt { (scene.t("relay-lag")) } dd class="number" { (or_unknown(scene, lag)) }
            dt { (scene.t("epoch")) } dd class="number" { (grouped(shown.leader.epoch)) }
            dt { (scene.t("log-incarnation")) } dd class="number" { (shown.leader.incarnation) }
        }
    }
}

fn postgres(scene: &Scene<'_>, says: &Postgres) -> Markup {
    let oldest = says.oldest_us.map(|us| span(scene.words, us));
    html! {
        dl class="facts" {
            dt { (scene.t("version-of-server")) } dd { (says.version) }
            dt { (scene.t("size")) } dd class="number" { (megabytes(says.bytes)) }
            dt { (scene.t("connections")) }
            dd class="number" { (grouped(says.connections)) " / " (grouped(says.connections_max)) }
            dt { (scene.t("oldest-transaction")) }
            dd class="number" {
                @if says.oldest_transactions == 0 { (scene.t("no-transaction")) } @else {
                    (or_unknown(scene, oldest)) " · "
                    (scene.words.with("transactions-since", [("n", says.oldest_transactions.into())]))
                }
            }
        }
    }
}

fn streams(scene: &Scene<'_>, all: &[StreamSays]) -> Markup {
    let columns = [
        Column::Text("stream"),
        Column::Number("messages"),
        Column::Number("size"),
        Column::Number("size-max"),
        Column::Number("first-and-last"),
    ];
    let rows = html! {
        @for one in all {
            tr {
                th scope="row" { code { (one.name) } }
                @match &one.state {
                    Some(state) => {
                        (number(grouped(state.messages.try_into().unwrap_or(i64::MAX))))
                        (number(megabytes(state.bytes.try_into().unwrap_or(i64::MAX))))
                        (number(if state.bytes_max > 0 { megabytes(state.bytes_max) } else { "∞".to_owned() }))
                        (number(format!("{}–{}", state.first, state.last)))
                    }
                    None => td colspan="4" class="dim" { (scene.t("unknown")) }
                }
            }
        }
    };
    table(scene.words, &scene.t("streams"), &columns, &rows, None)
}

fn consumers(scene: &Scene<'_>, all: &[ConsumerSays], head: i64) -> Markup {
    let columns = [
        Column::Text("consumer"),
        Column::Number("done-through"),
        Column::Number("behind"),
        Column::Number("pending"),
        Column::Number("in-hand"),
        Column::Number("redelivered"),
    ];
    let rows = html! {
        @for one in all {
            tr {
                th scope="row" { code { (one.name) } }
                (number(or_unknown(scene, one.done_through.map(grouped))))
                (number(behind(scene, one, head)))
                @match &one.state {
                    Some(state) => {
                        (number(state.pending)) (number(state.in_hand)) (number(state.redelivered))
                    }
                    None => td colspan="3" class="dim" { (scene.t("unknown")) }
                }
            }
        }
    };
    html! {
        p class="hint" { (scene.t("consumers-more")) }
        (table(scene.words, &scene.t("consumers"), &columns, &rows, None))
    }
}

/// How far, and whether that means anything.
fn behind(scene: &Scene<'_>, one: &ConsumerSays, head: i64) -> Markup {
    let behind = one.done_through.map(|done| (head - done).max(0));
    let idle = one.state.as_ref().is_some_and(|state| state.pending == 0 && state.in_hand == 0);
    html! {
        @if idle && behind != Some(0) { span class="chip" { (scene.t("consumer-idle")) } " " }
        (or_unknown(scene, behind.map(grouped)))
    }
}

fn or_unknown(scene: &Scene<'_>, known: Option<String>) -> Markup {
    html! { @match known { Some(text) => (text), None => span class="dim" { (scene.t("unknown")) } } }
}

/// Decimal ones, as disks are sold.
fn megabytes(bytes: i64) -> String {
    match bytes {
        0 => "0".to_owned(),
        b if b < 1_000_000 => "< 1 MB".to_owned(),
        b => format!("{} MB", grouped(b / 1_000_000)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_heard_of_is_not_said_to_be_well() {
        let states = [
            (ServiceState::of(false, 0, false, false), ServiceState::Ready),
            (ServiceState::of(false, 0, true, false), ServiceState::Leads),
            (ServiceState::of(false, 0, true, true), ServiceState::NotReady),
            (ServiceState::of(false, SILENT_US + 1, true, false), ServiceState::Silent),
            (ServiceState::of(true, SILENT_US + 1, false, true), ServiceState::Ended),
        ];
        for (is, wanted) in states {
            assert_eq!(is, wanted);
        }
    }
}
