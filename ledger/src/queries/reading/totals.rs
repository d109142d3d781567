//! An account's life in figures, and who came by its link.

use proto_events::queries::{Ending, InvitedView, ReferralsView, TotalsView};
use proto_events::{AccountId, Micros, Text};
use sqlx::AssertSqlSafe;

use super::{Reader, count, credits};
use crate::queries::Problem;
use crate::sequencer::KEY_WELCOME;
use crate::store;

/// Of those who came.
const NEWEST: i64 = 20;

pub(in crate::queries) async fn totals(
    reader: Reader<'_>,
    account: AccountId,
) -> Result<TotalsView, Problem> {
    let life = life(reader, account).await?;
    Ok(TotalsView {
        opened_at: opened_at(reader, account).await?,
        spent: credits(life.spent),
        bought: credits(life.bought),
        given: credits(life.given),
        pictures: count(life.pictures),
        answers: count(life.answers),
        invited: count(life.invited),
        earned_by_invites: credits(life.earned),
        ends: life
            .ending
            .zip(life.ends_at)
            .map(|(n, at)| Ending { credits: credits(n), at: at.try_into().unwrap_or_default() }),
    })
}

#[derive(Debug, sqlx::FromRow)]
struct Life {
    /// Credits used, and what was bought and given of what was not taken back.
    spent: i64,
    bought: i64,
    given: i64,
    pictures: i64,
    answers: i64,
    invited: i64,
    earned: i64,
    /// Of the lot that ends first, µs.
    ending: Option<i64>,
    ends_at: Option<i64>,
}

/// All of it in one statement.
async fn life(reader: Reader<'_>, account: AccountId) -> Result<Life, Problem> {
    let [lots, generations, referrals] = reader.all_tables(["lots", "generations", "referrals"]).await?;
    let (lots, generations, referrals) = (lots.main(), generations.main(), referrals.main());
    let sql = format!(
        "SELECT l.*, g.*, r.*, e.* FROM \
            (SELECT coalesce(sum(consumed), 0)::bigint AS spent, \
                coalesce(sum(credits - revoked) FILTER (WHERE source = 'purchase'), 0)::bigint AS bought, \
                coalesce(sum(credits - revoked) FILTER (WHERE source <> 'purchase'), 0)::bigint AS given \
             FROM {lots} WHERE account_id = $1) l, \
            (SELECT count(*) FILTER (WHERE kind <> 'text') AS pictures, count(*) FILTER (WHERE kind = 'text') AS answers \
             FROM generate_series(0, $2) b(n), LATERAL (SELECT kind FROM {generations} \
                WHERE bucket = b.n AND account_id = $1 AND state = 'succeeded' OFFSET 0) s) g, \
            (SELECT count(*) AS invited, coalesce(sum(inviter_credits), 0)::bigint AS earned \
             FROM {referrals} WHERE inviter = $1) r \
         LEFT JOIN LATERAL (SELECT sum(available)::bigint AS ending, expires_at AS ends_at FROM {lots} \
             WHERE account_id = $1 AND available > 0 AND expires_at IS NOT NULL GROUP BY 2 ORDER BY 2 LIMIT 1) e ON true"
    );
    let asked = sqlx::query_as(AssertSqlSafe(sql)).bind(account.0).bind(reader.newest_bucket(None));
    Ok(asked.fetch_one(reader.pool).await?)
}

async fn opened_at(reader: Reader<'_>, account: AccountId) -> Result<Micros, Problem> {
    let key = account.to_string();
    let opened = store::events_of_keys(reader.pool, KEY_WELCOME, std::slice::from_ref(&key)).await?;
    Ok(opened.get(&key).and_then(|row| row.recorded_at.try_into().ok()).unwrap_or_default())
}

pub(in crate::queries) async fn referrals(
    reader: Reader<'_>,
    account: AccountId,
) -> Result<ReferralsView, Problem> {
    // One statement, so that the figures are those of the rows.
    let sql = format!(
        "SELECT coalesce(p.name, ''), r.registered_at, coalesce(r.inviter_credits, 0), count(*) OVER (), \
                coalesce(sum(r.inviter_credits) OVER (), 0)::bigint FROM {} r \
         LEFT JOIN profiles p ON p.account_id = r.invited WHERE r.inviter = $1 ORDER BY r.position DESC LIMIT $2",
        reader.tables("referrals").await?.main()
    );
    let newest: Vec<(String, i64, i64, i64, i64)> =
        sqlx::query_as(AssertSqlSafe(sql)).bind(account.0).bind(NEWEST).fetch_all(reader.pool).await?;
    let (number, earned) = newest.first().map_or((0, 0), |(.., number, earned)| (*number, *earned));
    let came = |(name, at, n, ..): (String, i64, i64, i64, i64)| InvitedView {
        initial: initial(&name),
        at: at.try_into().unwrap_or_default(),
        credits: credits(n),
    };
    Ok(ReferralsView {
        invited: count(number),
        earned: credits(earned),
        newest: newest.into_iter().map(came).collect(),
    })
}

/// Who came is not named to others.
fn initial(name: &str) -> Text<8> {
    let first = name.trim().chars().next();
    Text::lossy(&first.map(|c| c.to_uppercase().to_string()).unwrap_or_default())
}
