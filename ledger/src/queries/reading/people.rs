//! People, for administrators.

use proto_events::queries::{BalanceView, PersonView};
use proto_events::{AccountId, Money, Text};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{Reader, monies, totals};
use crate::queries::Problem;
use crate::snapshots;

/// Answered at once.
const PEOPLE_MAX: i64 = 10;
/// Both alphabets of the bot, whatever the locale of the database.
const FOLDED: &str =
    "translate(lower(name), 'АБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ', 'абвгдеёжзийклмнопрстуфхцчшщъыьэюя')";

#[derive(Debug, sqlx::FromRow)]
struct Found {
    account_id: Uuid,
    telegram_user_id: i64,
    name: String,
    language: String,
    away: bool,
}

pub(in crate::queries) async fn people(reader: Reader<'_>, find: &str) -> Result<Vec<PersonView>, Problem> {
    let find = find.trim().trim_start_matches('@');
    if find.is_empty() {
        return Ok(Vec::new());
    }
    let mut people = Vec::new();
    for found in look(reader, find).await? {
        people.push(person(reader, found).await?);
    }
    Ok(people)
}

/// By a number of Telegram, by an account, or by a part of the name: whose name is most of all that part comes first.
async fn look(reader: Reader<'_>, find: &str) -> Result<Vec<Found>, sqlx::Error> {
    const COLUMNS: &str = "account_id, telegram_user_id, name, language, away_since IS NOT NULL AS away \
        FROM telegram_identities JOIN profiles USING (account_id)";
    let by_id = format!("SELECT {COLUMNS} WHERE telegram_user_id = $1 OR account_id = $2");
    let (user, account) = (find.parse::<i64>().ok(), Uuid::try_parse(find).ok());
    if user.is_some() || account.is_some() {
        let asked = sqlx::query_as(AssertSqlSafe(by_id)).bind(user).bind(account);
        let found: Vec<Found> = asked.fetch_all(reader.pool).await?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    let by_name = format!(
        "SELECT {COLUMNS} WHERE strpos({FOLDED}, $1) > 0 ORDER BY length(name), {FOLDED} COLLATE \"C\", account_id LIMIT $2"
    );
    let asked = sqlx::query_as(AssertSqlSafe(by_name)).bind(find.to_lowercase()).bind(PEOPLE_MAX);
    asked.fetch_all(reader.pool).await
}

async fn person(reader: Reader<'_>, found: Found) -> Result<PersonView, Problem> {
    let account = AccountId(found.account_id);
    let reader = reader.about(account);
    let state = snapshots::load(reader.pool, &[account]).await?.remove(&account).unwrap_or_default();
    let balance = state.balance();
    Ok(PersonView {
        account,
        telegram_user: found.telegram_user_id,
        name: Text::lossy(&found.name),
        language: Text::lossy(&found.language),
        banned: state.banned(),
        away: found.away,
        balance: BalanceView {
            account,
            available: balance.available,
            reserved: balance.reserved,
            debt: balance.debt,
        },
        totals: totals(reader, account).await?,
        paid: paid(reader, account).await?,
    })
}

/// Less what went back.
pub(in crate::queries) async fn paid(reader: Reader<'_>, account: AccountId) -> Result<Vec<Money>, Problem> {
    let sql = format!(
        "SELECT s.currency, sum(s.money_minor)::bigint FROM generate_series(0, $2) b(n), LATERAL ( \
            SELECT currency, money_minor FROM {} \
            WHERE bucket = b.n AND account_id = $1 AND money_minor IS NOT NULL OFFSET 0) s GROUP BY 1 ORDER BY 1",
        reader.tables("statement").await?.main()
    );
    let asked = sqlx::query_as(AssertSqlSafe(sql)).bind(account.0).bind(reader.newest_bucket(None));
    Ok(monies(asked.fetch_all(reader.pool).await?))
}
