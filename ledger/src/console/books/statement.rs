//! An account's statement up to any moment, the newest line first, with the balance after each.

use maud::{Markup, html};
use proto_events::AccountId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, PgPool};

use super::READS;
use crate::books::words::{currency_of, grouped};
use crate::console::Console;
use crate::console::asked::{Unfit, account, link, since, until};
use crate::console::door::Need;
use crate::console::form::{Field, filters};
use crate::console::table::{Column, number, pages, position, signed, sum, table, when};
use crate::console::view::{Read, Scene, View};
use crate::projections;
use crate::store::BUCKET_BITS;

const PAGE: usize = 50;

pub(super) struct Statement;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Asked {
    /// A UUID. Nothing is found without.
    #[serde(default)]
    account: String,
    /// A position, a day in Moscow, or a time (RFC 3339).
    #[serde(default)]
    from: String,
    /// The same.
    #[serde(default)]
    to: String,
    /// From this position downwards.
    next: Option<i64>,
}

impl Asked {
    fn nobody(&self) -> bool {
        self.account.trim().is_empty()
    }
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Shown {
    /// The newest first.
    lines: Vec<Line>,
    next: Option<i64>,
}

#[derive(Serialize, JsonSchema, sqlx::FromRow)]
pub(in crate::console) struct Line {
    position: i64,
    recorded_at: i64,
    r#type: String,
    available_delta: i64,
    reserved_delta: i64,
    debt_delta: i64,
    /// After it.
    available: i64,
    reserved: i64,
    debt: i64,
    money_minor: Option<i64>,
    currency: Option<String>,
}

impl Read for Statement {
    type Asked = Asked;
    type Shown = Shown;

    const PATH: &'static str = "/statement";
    const NEED: Need = READS;
    const ABOUT: &'static str = "An account's statement";

    async fn read(console: &Console, asked: &Asked) -> Result<Shown, Unfit> {
        if asked.nobody() {
            return Ok(Shown { lines: Vec::new(), next: None });
        }
        let (pool, account) = (&console.pool, account(&asked.account)?);
        let (first, last) = (since(pool, &asked.from).await?, until(pool, &asked.to).await?.position);
        let last = asked.next.map_or(last, |next| next.min(last));
        let mut lines = lines(pool, account, first, last, PAGE + 1).await?;
        let more = lines.len() > PAGE;
        lines.truncate(PAGE);
        let next = lines.last().filter(|_| more).map(|line| line.position - 1);
        Ok(Shown { lines, next })
    }
}

/// The newest first.
pub(in crate::console) async fn lines(
    pool: &PgPool,
    account: AccountId,
    first: i64,
    last: i64,
    most: usize,
) -> Result<Vec<Line>, sqlx::Error> {
    let Some((tables, _)) = projections::live(pool, "statement").await? else { return Ok(Vec::new()) };
    let sql = format!(
        "SELECT s.position, s.recorded_at, s.type, e.available_delta, e.reserved_delta, e.debt_delta, \
            s.available, s.reserved, s.debt, s.money_minor, s.currency \
         FROM generate_series($2::bigint >> {BUCKET_BITS}, $3::bigint >> {BUCKET_BITS}) b(n), LATERAL ( \
            SELECT * FROM {} WHERE bucket = b.n AND account_id = $1 AND position >= $2 AND position <= $3 \
            ORDER BY position DESC LIMIT $4) s \
         JOIN events e ON e.position = s.position ORDER BY s.position DESC LIMIT $4",
        tables.main()
    );
    let asked = sqlx::query_as(AssertSqlSafe(sql)).bind(account.0).bind(first).bind(last);
    asked.bind(i64::try_from(most).unwrap_or(i64::MAX)).fetch_all(pool).await
}

impl View for Statement {
    fn title(scene: &Scene<'_>, _: &Asked, _: Option<&Shown>) -> String {
        scene.t("menu-statement")
    }

    fn ask(scene: &Scene<'_>, asked: &Asked) -> Markup {
        let [of, from, to] = ["account", "from", "to"].map(|name| scene.t(name));
        let hint = scene.t("moment-hint");
        let fields = html! {
            (Field::wish("account", &of, &asked.account).show())
            (Field { hint: Some(&hint), ..Field::wish("from", &from, &asked.from) }.show())
            (Field::wish("to", &to, &asked.to).show())
        };
        filters("/statement", &fields, &scene.t("show"))
    }

    fn show(scene: &Scene<'_>, asked: &Asked, shown: &Shown) -> Markup {
        if asked.nobody() {
            return html! { p class="lead" { (scene.t("whose-statement")) } };
        }
        let older = shown.next.map(|next| {
            let next = next.to_string();
            let all = [
                ("account", asked.account.as_str()),
                ("from", &asked.from),
                ("to", &asked.to),
                ("next", &next),
            ];
            link("/statement", &all)
        });
        let events = link("/log", &[("account", &asked.account)]);
        html! {
            @if let Some(line) = shown.lines.first() {
                dl class="facts" {
                    dt { (scene.t("available")) } dd { (grouped(line.available)) }
                    dt { (scene.t("reserved")) } dd { (grouped(line.reserved)) }
                    dt { (scene.t("debt")) } dd { (grouped(line.debt)) }
                }
                (list(scene, &shown.lines))
            } @else {
                p class="lead" { (scene.t("none-found")) }
            }
            (pages(scene.words, &[("all-events", Some(events)), ("older", older)]))
        }
    }
}

pub(in crate::console) fn list(scene: &Scene<'_>, lines: &[Line]) -> Markup {
    let columns = [
        Column::Number("position"),
        Column::Text("when"),
        Column::Text("type"),
        Column::Number("available"),
        Column::Number("reserved"),
        Column::Number("debt"),
        Column::Number("balance"),
        Column::Number("money"),
    ];
    let rows = html! {
        @for line in lines {
            tr {
                (position(line.position))
                (when(line.recorded_at))
                td { code { (line.r#type) } }
                @for delta in [line.available_delta, line.reserved_delta, line.debt_delta] { (number(signed(delta))) }
                (number(grouped(line.available)))
                (number(money(line)))
            }
        }
    };
    table(scene.words, &scene.t("menu-statement"), &columns, &rows, None)
}

fn money(line: &Line) -> String {
    let (Some(minor), Some(code)) = (line.money_minor, &line.currency) else { return String::new() };
    sum(minor, currency_of(code))
}
