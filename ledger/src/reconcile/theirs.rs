//! The provider's side as its adapter has uploaded it: the tables `provider_rows` and `provider_days`.

use std::collections::BTreeSet;

use proto_events::events::MoneyMoved;
use proto_events::{Currency, Money, Provider};
use sqlx::PgPool;

use super::operation::{KINDS, Key, Operation};
use crate::books::moscow::Day;
use crate::books::words::currency_of;
use crate::store;

type Line = (String, String, Option<String>, i64, String, Option<i64>, i64);

/// What it states for a day.
pub async fn operations(pool: &PgPool, provider: Provider, day: Day) -> Result<Vec<Operation>, sqlx::Error> {
    let sql = "SELECT kind, id, payment_id, amount_minor, currency, net_minor, at FROM provider_rows \
               WHERE provider = $1 AND day = $2 ORDER BY kind, id";
    let lines: Vec<Line> = sqlx::query_as(sql).bind(provider.as_str()).bind(day.0).fetch_all(pool).await?;
    Ok(lines.into_iter().filter_map(operation).collect())
}

/// Invariant: the table holds what came typed from the wire, so nothing is left out here.
fn operation((kind, id, payment_id, amount, currency, net, at): Line) -> Option<Operation> {
    let money = |minor: i64, currency: Currency| Money::new(minor, currency).ok();
    let currency = currency_of(&currency);
    let net = match net {
        Some(net) => Some(money(net, currency)?),
        None => None,
    };
    let amount = money(amount, currency)?;
    Some(Operation { kind: kind_of(&kind)?, id, payment_id, amount, net, at: Some(at) })
}

fn kind_of(text: &str) -> Option<MoneyMoved> {
    KINDS.into_iter().find(|kind| store::kind(*kind) == text)
}

/// Of these days those that are whole, of both kinds.
pub async fn whole(
    pool: &PgPool,
    provider: Provider,
    days: &[Day],
) -> Result<BTreeSet<(MoneyMoved, Day)>, sqlx::Error> {
    let sql = "SELECT day FROM provider_days WHERE provider = $1 AND day = ANY($2)";
    let days: Vec<i32> = days.iter().map(|day| day.0).collect();
    let whole: Vec<i32> = sqlx::query_scalar(sql).bind(provider.as_str()).bind(days).fetch_all(pool).await?;
    Ok(whole.into_iter().flat_map(|day| KINDS.map(|kind| (kind, Day(day)))).collect())
}

/// The newest day that is whole.
pub async fn newest(pool: &PgPool, provider: Provider) -> Result<Option<Day>, sqlx::Error> {
    let days = store::provider_days(pool, provider, 1).await?;
    Ok(days.first().map(|day| Day(day.get())))
}

/// Of these those that it states for other days than these.
pub async fn elsewhere(
    pool: &PgPool,
    provider: Provider,
    keys: &[Key],
    days: &BTreeSet<Day>,
) -> Result<BTreeSet<Key>, sqlx::Error> {
    let sql = "SELECT r.kind, r.id FROM unnest($2::text[], $3::text[]) asked(kind, id) \
               JOIN provider_rows r ON r.provider = $1 AND r.kind = asked.kind AND r.id = asked.id \
               WHERE r.day <> ALL($4)";
    let (kinds, ids): (Vec<&str>, Vec<&str>) =
        keys.iter().map(|(kind, id)| (store::kind(*kind), id.as_str())).unzip();
    let days: Vec<i32> = days.iter().map(|day| day.0).collect();
    let query = sqlx::query_as::<_, (String, String)>(sql).bind(provider.as_str());
    let found = query.bind(kinds).bind(ids).bind(days).fetch_all(pool).await?;
    Ok(found.into_iter().filter_map(|(kind, id)| Some((kind_of(&kind)?, id))).collect())
}
