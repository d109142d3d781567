//! The shop in figures, by day in Moscow: who came, what they made, what they paid, what it cost, and how long it took.

use std::collections::BTreeMap;

use ledger_domain::Asset;
use maud::{Markup, html};
use proto_events::Currency;
use schemars::JsonSchema;
use serde::Serialize;
use sqlx::{AssertSqlSafe, PgPool};

use super::Console;
use super::asked::Unfit;
use super::books::READS;
use super::days::Days;
use super::door::{Door, Need};
use super::form::filters;
use super::known::{Known, Places};
use super::table::{Column, number, sum, table};
use super::view::{Read, Scene, View};
use crate::books::moscow::Day;
use crate::books::words::{dollars, grouped};
use crate::projections;
use crate::projections::slot_end_ms;

pub(super) fn rooms(door: &mut Door) {
    door.view::<Statistics>();
}

struct Statistics;

/// People and generations by the one, money by the other.
const COUNTED_BY: [&str; 2] = [PEOPLE_BY, MONEY_BY];
pub(super) const PEOPLE_BY: &str = "daily";
pub(super) const MONEY_BY: &str = "revenue";

#[derive(Serialize, JsonSchema)]
struct Shown {
    /// Each day of those that were asked for.
    days: Vec<OfDay>,
    #[serde(flatten)]
    known: Known,
    /// Of all the days: why generations failed, how often.
    failures: BTreeMap<String, i64>,
    /// From request to success, by kind.
    times: Vec<Times>,
}

#[derive(Default, Serialize, JsonSchema)]
pub(super) struct OfDay {
    pub(super) day: String,
    pub(super) new_people: i64,
    pub(super) active_people: i64,
    /// Who paid for the first time in their life.
    pub(super) first_payers: i64,
    /// Of those who came on this day, who has paid since.
    pub(super) new_people_paid: i64,
    pub(super) requested: i64,
    pub(super) pictures: i64,
    pub(super) answers: i64,
    pub(super) failed: i64,
    pub(super) canceled: i64,
    pub(super) payments: i64,
    pub(super) credits_charged: i64,
    /// What Google bills.
    pub(super) cost_micro_usd: i64,
    /// Kopecks.
    pub(super) paid_rub: i64,
    pub(super) paid_xtr: i64,
    /// Earned by use and by lapse, kopecks.
    pub(super) recognised_rub: i64,
}

/// Milliseconds, to an eighth of them.
#[derive(Serialize, JsonSchema)]
struct Times {
    kind: String,
    count: i64,
    p50_ms: i64,
    p90_ms: i64,
    p99_ms: i64,
}

impl Read for Statistics {
    type Asked = Days;
    type Shown = Shown;

    const PATH: &'static str = "/statistics";
    const NEED: Need = READS;
    const ABOUT: &'static str = "The shop in figures, by day in Moscow";

    async fn read(console: &Console, asked: &Days) -> Result<Shown, Unfit> {
        let (pool, (from, to)) = (&console.pool, asked.ends()?);
        let Counted { days, failures, known } = counted(pool, from, to).await?;
        Ok(Shown { days, known, failures, times: times(pool, from, to).await? })
    }
}

/// What projections have counted of some days.
pub(super) struct Counted {
    pub(super) days: Vec<OfDay>,
    failures: BTreeMap<String, i64>,
    pub(super) known: Known,
}

pub(super) async fn counted(pool: &PgPool, from: Day, to: Day) -> Result<Counted, Unfit> {
    let places = Places::of(pool, &COUNTED_BY).await?;
    let mut days: BTreeMap<i32, OfDay> =
        (from.0..=to.0).map(|day| (day, OfDay { day: Day(day).to_string(), ..OfDay::default() })).collect();
    let failures = figures(pool, from, to, &mut days).await?;
    money(pool, from, to, &mut days).await?;
    Ok(Counted { days: days.into_values().collect(), failures, known: places.known(pool).await? })
}

/// Fills the days; why generations failed is told apart.
async fn figures(
    pool: &PgPool,
    from: Day,
    to: Day,
    days: &mut BTreeMap<i32, OfDay>,
) -> Result<BTreeMap<String, i64>, sqlx::Error> {
    let mut failures = BTreeMap::new();
    let Some((tables, _)) = projections::live(pool, PEOPLE_BY).await? else { return Ok(failures) };
    let sql = format!(
        "SELECT day - date '1970-01-01', figure, part, n FROM {} \
         WHERE day BETWEEN date '1970-01-01' + $1 AND date '1970-01-01' + $2",
        tables.main()
    );
    let found: Vec<(i32, String, String, i64)> =
        sqlx::query_as(AssertSqlSafe(sql)).bind(from.0).bind(to.0).fetch_all(pool).await?;
    for (day, figure, part, n) in found {
        let Some(day) = days.get_mut(&day) else { continue };
        let counted = match figure.as_str() {
            "new_people" => &mut day.new_people,
            "active_people" => &mut day.active_people,
            "first_payers" => &mut day.first_payers,
            "new_people_paid" => &mut day.new_people_paid,
            "requested" => &mut day.requested,
            "succeeded" if part == "text" => &mut day.answers,
            "succeeded" => &mut day.pictures,
            "failed" => &mut day.failed,
            "canceled" => &mut day.canceled,
            "payments_settled" => &mut day.payments,
            "credits_charged" => &mut day.credits_charged,
            "cost_micro_usd" => &mut day.cost_micro_usd,
            "failures" => failures.entry(part).or_insert(0),
            _ => continue,
        };
        *counted = counted.saturating_add(n);
    }
    Ok(failures)
}

async fn money(pool: &PgPool, from: Day, to: Day, days: &mut BTreeMap<i32, OfDay>) -> Result<(), Unfit> {
    for line in crate::books::revenue::by_day(pool, from, to).await?.1 {
        let Some(day) = days.get_mut(&line.day_number) else { continue };
        if line.currency == Asset::Xtr.code() {
            day.paid_xtr = day.paid_xtr.saturating_add(line.paid);
        } else {
            day.paid_rub = day.paid_rub.saturating_add(line.paid);
            day.recognised_rub =
                day.recognised_rub.saturating_add(line.recognised).saturating_add(line.breakage);
        }
    }
    Ok(())
}

async fn times(pool: &PgPool, from: Day, to: Day) -> Result<Vec<Times>, sqlx::Error> {
    let Some((tables, _)) = projections::live(pool, PEOPLE_BY).await? else { return Ok(Vec::new()) };
    let sql = format!(
        "SELECT kind, slot, sum(n)::bigint FROM {} \
         WHERE day BETWEEN date '1970-01-01' + $1 AND date '1970-01-01' + $2 GROUP BY kind, slot ORDER BY kind, slot",
        tables.table("times")
    );
    let found: Vec<(String, i16, i64)> =
        sqlx::query_as(AssertSqlSafe(sql)).bind(from.0).bind(to.0).fetch_all(pool).await?;
    let mut kinds: BTreeMap<String, Vec<(i16, i64)>> = BTreeMap::new();
    for (kind, slot, n) in found {
        kinds.entry(kind).or_default().push((slot, n));
    }
    let of = |(kind, slots): (String, Vec<(i16, i64)>)| Times {
        count: slots.iter().map(|(_, n)| n).sum(),
        p50_ms: percentile(&slots, 50),
        p90_ms: percentile(&slots, 90),
        p99_ms: percentile(&slots, 99),
        kind,
    };
    Ok(kinds.into_iter().map(of).collect())
}

/// The end of the slot in which so many of a hundred are done; slots rise.
fn percentile(slots: &[(i16, i64)], of_hundred: i64) -> i64 {
    let all: i64 = slots.iter().map(|(_, n)| n).sum();
    let (wanted, mut done) = (all.saturating_mul(of_hundred), 0_i64);
    let reached = slots.iter().find(|(_, n)| {
        done = done.saturating_add(*n);
        done.saturating_mul(100) >= wanted
    });
    reached.map_or(0, |(slot, _)| slot_end_ms(*slot))
}

/// A chart: the name of its text, its figure of a day, how it is written.
type Chart = (&'static str, fn(&OfDay) -> i64, fn(i64) -> String);

pub(super) fn rubles(kopecks: i64) -> String {
    sum(kopecks, Currency::Rub)
}

pub(super) fn stars(stars: i64) -> String {
    sum(stars, Currency::Xtr)
}

fn cents(micro: i64) -> String {
    dollars(micro, 2)
}

const CHARTS: [Chart; 12] = [
    ("new-people", |day| day.new_people, grouped),
    ("active-people", |day| day.active_people, grouped),
    ("first-payers", |day| day.first_payers, grouped),
    ("generations", |day| day.requested, grouped),
    ("pictures", |day| day.pictures, grouped),
    ("answers", |day| day.answers, grouped),
    ("failed", |day| day.failed, grouped),
    ("payments", |day| day.payments, grouped),
    ("paid-rub", |day| day.paid_rub, rubles),
    ("paid-xtr", |day| day.paid_xtr, stars),
    ("earned-rub", |day| day.recognised_rub, rubles),
    ("cost-usd", |day| day.cost_micro_usd, cents),
];

impl View for Statistics {
    fn title(scene: &Scene<'_>, _: &Days, _: Option<&Shown>) -> String {
        scene.t("menu-statistics")
    }

    fn ask(scene: &Scene<'_>, asked: &Days) -> Markup {
        filters("/statistics", &asked.fields(scene), &scene.t("show"))
    }

    fn show(scene: &Scene<'_>, _: &Days, shown: &Shown) -> Markup {
        html! {
            (shown.known.told(scene))
            div class="charts" { @for one in CHARTS { (chart(scene, &one, &shown.days)) } }
            (conversion(scene, &shown.days))
            @if !shown.times.is_empty() { (durations(scene, &shown.times)) }
            @if !shown.failures.is_empty() { (failures(scene, &shown.failures)) }
            h2 { (scene.t("by-day")) }
            (by_day(scene, &shown.days))
        }
    }
}

/// Bars, a day each; the table below says the same in numbers.
fn chart(scene: &Scene<'_>, (name, of, written): &Chart, days: &[OfDay]) -> Markup {
    const HEIGHT: i64 = 48;
    let values: Vec<i64> = days.iter().map(of).collect();
    let (sum, most) = (values.iter().sum(), values.iter().copied().max().unwrap_or(0).max(1));
    let label = format!("{}: {}", scene.t(name), written(sum));
    html! {
        figure class="card" {
            figcaption { span class="dim" { (scene.t(name)) } " " strong { (written(sum)) } }
            svg role="img" aria-label=(label) viewBox={"0 0 " (days.len() * 10) " " (HEIGHT)} preserveAspectRatio="none" {
                @for (n, (day, value)) in days.iter().zip(&values).enumerate() {
                    @let height = (value.max(&0) * HEIGHT / most).max(i64::from(*value > 0));
                    rect x=(n * 10 + 1) width="8" y=(HEIGHT - height) height=(height) { title { (day.day) ": " (written(*value)) } }
                }
            }
        }
    }
}

fn share(part: i64, of: i64) -> String {
    if of == 0 { "–".to_owned() } else { format!("{:.1} %", part as f64 * 100.0 / of as f64) }
}

fn conversion(scene: &Scene<'_>, days: &[OfDay]) -> Markup {
    let all = |of: fn(&OfDay) -> i64| days.iter().map(of).sum::<i64>();
    let (came, paid) = (all(|day| day.new_people), all(|day| day.new_people_paid));
    let (asked, failed) = (all(|day| day.requested), all(|day| day.failed));
    html! {
        dl class="facts" {
            dt { (scene.t("conversion")) } dd { (share(paid, came)) " (" (grouped(paid)) " / " (grouped(came)) ")" }
            dt { (scene.t("error-share")) } dd { (share(failed, asked)) " (" (grouped(failed)) " / " (grouped(asked)) ")" }
        }
    }
}

fn durations(scene: &Scene<'_>, all: &[Times]) -> Markup {
    let seconds = |ms: i64| format!("{}.{} {}", ms / 1_000, ms % 1_000 / 100, scene.t("seconds"));
    let columns = [
        Column::Text("kind"),
        Column::Number("count"),
        Column::Number("p50"),
        Column::Number("p90"),
        Column::Number("p99"),
    ];
    let rows = html! {
        @for one in all {
            tr {
                th scope="row" { code { (one.kind) } }
                (number(grouped(one.count)))
                @for ms in [one.p50_ms, one.p90_ms, one.p99_ms] { (number(seconds(ms))) }
            }
        }
    };
    html! { h2 { (scene.t("processing-time")) } (table(scene.words, &scene.t("processing-time"), &columns, &rows, None)) }
}

fn failures(scene: &Scene<'_>, all: &BTreeMap<String, i64>) -> Markup {
    let rows = html! {
        @for (why, n) in all { tr { th scope="row" { code { (why) } } (number(grouped(*n))) } }
    };
    let columns = [Column::Text("why-failed"), Column::Number("count")];
    html! { h2 { (scene.t("why-failed")) } (table(scene.words, &scene.t("why-failed"), &columns, &rows, None)) }
}

fn by_day(scene: &Scene<'_>, days: &[OfDay]) -> Markup {
    let mut columns = vec![Column::Text("day")];
    columns.extend(CHARTS.iter().map(|(name, ..)| Column::Number(name)));
    let rows = html! {
        @for day in days.iter().rev() {
            tr {
                th scope="row" class="when" { (day.day) }
                @for (_, of, written) in CHARTS { (number(written(of(day)))) }
            }
        }
    };
    table(scene.words, &scene.t("by-day"), &columns, &rows, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::projections::slot_of;

    #[test]
    fn a_percentile_is_the_end_of_the_slot_that_reaches_it() {
        let slots = [(slot_of(100), 90), (slot_of(1_000), 9), (slot_of(10_000), 1)];
        assert_eq!(percentile(&slots, 50), slot_end_ms(slot_of(100)));
        assert_eq!(percentile(&slots, 90), slot_end_ms(slot_of(100)));
        assert_eq!(percentile(&slots, 99), slot_end_ms(slot_of(1_000)));
        assert_eq!(percentile(&[], 50), 0);
        assert_eq!((share(1, 3), share(1, 0)), ("33.3 %".to_owned(), "–".to_owned()));
    }
}
