//! The last days in figures, by Moscow.

use std::collections::HashMap;

use proto_events::events::DayNumber;
use proto_events::queries::{DayView, StatisticsView};
use sqlx::AssertSqlSafe;

use super::{Reader, count, credits, monies};
use crate::books::moscow::Day;
use crate::queries::Problem;

const DAYS_MAX: u16 = 92;

/// (figure, part) → number, by day.
type Figures = HashMap<i32, Vec<(String, String, i64)>>;

pub(in crate::queries) async fn statistics(reader: Reader<'_>, days: u16) -> Result<StatisticsView, Problem> {
    let today = Day::of(reader.now).0;
    let first = today - i32::from(days.clamp(1, DAYS_MAX)) + 1;
    let figures = figures(reader, first).await?;
    let mut paid = paid(reader, first).await?;
    let views = (first..=today).rev().filter_map(|day| {
        let paid = monies(paid.remove(&day).unwrap_or_default());
        let none = Vec::new();
        view(day, figures.get(&day).unwrap_or(&none), paid)
    });
    let days = views.collect();
    let sql = "SELECT count(*), count(away_since) FROM profiles";
    let (people, away): (i64, i64) = sqlx::query_as(sql).fetch_one(reader.pool).await?;
    Ok(StatisticsView { people: count(people), away: count(away), days })
}

async fn figures(reader: Reader<'_>, first: i32) -> Result<Figures, Problem> {
    let sql = format!(
        "SELECT day - date '1970-01-01', figure, part, n FROM {} WHERE day >= date '1970-01-01' + $1",
        reader.tables("daily").await?.main()
    );
    let found: Vec<(i32, String, String, i64)> =
        sqlx::query_as(AssertSqlSafe(sql)).bind(first).fetch_all(reader.pool).await?;
    let mut figures = Figures::new();
    for (day, figure, part, n) in found {
        figures.entry(day).or_default().push((figure, part, n));
    }
    Ok(figures)
}

async fn paid(reader: Reader<'_>, first: i32) -> Result<HashMap<i32, Vec<(String, i64)>>, Problem> {
    let sql = format!(
        "SELECT day - date '1970-01-01', currency, sum(paid)::bigint FROM {} \
         WHERE day >= date '1970-01-01' + $1 GROUP BY 1, 2 HAVING sum(paid) > 0 ORDER BY 1, 2",
        reader.tables("revenue").await?.main()
    );
    let found: Vec<(i32, String, i64)> =
        sqlx::query_as(AssertSqlSafe(sql)).bind(first).fetch_all(reader.pool).await?;
    let mut paid: HashMap<i32, Vec<(String, i64)>> = HashMap::new();
    for (day, currency, minor) in found {
        paid.entry(day).or_default().push((currency, minor));
    }
    Ok(paid)
}

fn view(day: i32, figures: &[(String, String, i64)], paid: Vec<proto_events::Money>) -> Option<DayView> {
    let sum = |figure: &str, of: fn(&str) -> bool| -> i64 {
        figures.iter().filter(|(name, part, _)| name == figure && of(part)).map(|(_, _, n)| n).sum()
    };
    let all = |figure| sum(figure, |_| true);
    Some(DayView {
        day: DayNumber::new(day)?,
        new_people: count(all("new_people")),
        active_people: count(all("active_people")),
        pictures: count(sum("succeeded", |kind| kind != "text")),
        answers: count(sum("succeeded", |kind| kind == "text")),
        failed: count(all("failed")),
        payments: count(all("payments_settled")),
        paid,
        spent: credits(all("credits_charged")),
        cost_micro_usd: all("cost_micro_usd"),
    })
}
