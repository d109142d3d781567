//! A statement as people see it: each change of what they have, newest first.
//!
//! A request is one line: what was charged. As long as it is open, or when it came to nothing, the line is what was held, and
//! what came back is another. So the changes add up to what is left, but for what is being worked on.

use std::collections::HashMap;

use proto_events::events::{DebtPayer, LotSource, RevokeReason};
use proto_events::queries::{LineKind, LineView, PageQuery};
use proto_events::{AccountId, Event, GenerationId, Money, ReservationId};
use sqlx::AssertSqlSafe;

use super::{Reader, before, credits, generation_id, page};
use crate::log::BadRow;
use crate::queries::{Problem, resolve};

/// Rows looked at for a line: most are lines, and none needs more than three.
const ROWS_PER_LINE: i64 = 3;

#[derive(Debug, sqlx::FromRow)]
struct Change {
    position: i64,
    recorded_at: i64,
    available: i64,
    available_delta: i64,
    #[sqlx(rename = "type")]
    event_type: String,
    schema_version: i16,
    payload: String,
}

/// Of a generation: its kind, and whether its own reservation was charged.
type Asked = HashMap<GenerationId, (String, bool)>;

pub(in crate::queries) async fn statement(
    reader: Reader<'_>,
    query: PageQuery,
) -> Result<Vec<LineView>, Problem> {
    let account = resolve(reader.pool, query.account).await?;
    let reader = reader.about(account);
    let (limit, mut at) = (usize::try_from(page(query.limit)).unwrap_or(1), query.before);
    let mut lines = Vec::with_capacity(limit);
    loop {
        let changes = changes(reader, account, at, page(query.limit) * ROWS_PER_LINE).await?;
        let Some(oldest) = changes.last().map(|change| change.position) else { return Ok(lines) };
        let events: Vec<(Change, Event)> = changes.into_iter().map(read).collect::<Result<_, _>>()?;
        let asked = asked(reader, account, &events).await?;
        for line in events.iter().filter_map(|(change, event)| line(change, event, &asked)) {
            if lines.len() == limit {
                return Ok(lines);
            }
            lines.push(line);
        }
        at = oldest.try_into().ok();
    }
}

async fn changes(
    reader: Reader<'_>,
    account: AccountId,
    at: Option<proto_events::Position>,
    limit: i64,
) -> Result<Vec<Change>, Problem> {
    let sql = format!(
        "SELECT s.position, s.recorded_at, s.available, e.available_delta, e.type, e.schema_version, e.payload \
         FROM generate_series(0, $3) b(n), LATERAL ( \
            SELECT position, recorded_at, available FROM {} \
            WHERE bucket = b.n AND account_id = $1 AND position < $2 ORDER BY position DESC LIMIT $4) s \
         JOIN events e ON e.position = s.position ORDER BY s.position DESC LIMIT $4",
        reader.tables("statement").await?.main()
    );
    let asked = sqlx::query_as(AssertSqlSafe(sql)).bind(account.0).bind(before(at));
    Ok(asked.bind(reader.newest_bucket(at)).bind(limit).fetch_all(reader.pool).await?)
}

fn read(change: Change) -> Result<(Change, Event), BadRow> {
    let position = change.position;
    let event = Event::decode(&change.event_type, change.schema_version, &change.payload);
    Ok((change, event.map_err(|source| BadRow::Event { position, source })?))
}

/// The generation that a reservation may be of: its own, or that of which it is the late one.
fn reserved_for(reservation: ReservationId) -> [Option<GenerationId>; 2] {
    let (account, tail) = (reservation.account(), reservation.tail());
    [tail, tail ^ 0xf].map(|tail| generation_id(account, tail.cast_signed()))
}

fn reservation(event: &Event) -> Option<ReservationId> {
    match event {
        Event::CreditsReserved(e) => Some(e.reservation),
        Event::ReservationCommitted(e) => Some(e.reservation),
        Event::ReservationReleased(e) => Some(e.reservation),
        Event::ReservationExpired(e) => Some(e.reservation),
        _ => None,
    }
}

async fn asked(reader: Reader<'_>, account: AccountId, events: &[(Change, Event)]) -> Result<Asked, Problem> {
    let named = events.iter().filter_map(|(_, event)| reservation(event));
    let ids: Vec<GenerationId> = named.flat_map(reserved_for).flatten().collect();
    if ids.is_empty() {
        return Ok(Asked::new());
    }
    // The position of its content tells the bucket.
    let sql = format!(
        "SELECT g.tail, g.kind, coalesce(g.settlement = 'charged', false) \
         FROM unnest($2::text[], $3::bigint[]) AS a(id, tail) JOIN generation_contents c ON c.generation = a.id \
         JOIN {} g ON g.bucket = (c.position >> 18)::integer AND g.account_id = $1 AND g.tail = a.tail",
        reader.tables("generations").await?.main()
    );
    let found: Vec<(i64, String, bool)> = sqlx::query_as(AssertSqlSafe(sql))
        .bind(account.0)
        .bind(ids.iter().map(ToString::to_string).collect::<Vec<_>>())
        .bind(ids.iter().map(|id| id.tail().cast_signed()).collect::<Vec<_>>())
        .fetch_all(reader.pool)
        .await?;
    let known = |(tail, kind, charged)| Some((generation_id(account, tail)?, (kind, charged)));
    Ok(found.into_iter().filter_map(known).collect())
}

fn kind_of(kind: &str) -> LineKind {
    match kind {
        "text" => LineKind::Answer,
        "edit" => LineKind::Edit,
        _ => LineKind::Picture,
    }
}

/// `None`: not a line of its own.
fn line(change: &Change, event: &Event, asked: &Asked) -> Option<LineView> {
    let of = reservation(event).and_then(|reservation| {
        let known = reserved_for(reservation).into_iter().flatten().find(|id| asked.contains_key(id));
        Some((known?, reservation))
    });
    let generation = of.map(|(generation, _)| generation);
    let kind = generation.and_then(|id| asked.get(&id)).map_or(LineKind::Picture, |(kind, _)| kind_of(kind));
    let plain = |kind| Some((kind, change.available_delta, None));
    let (kind, delta, money): (LineKind, i64, Option<Money>) = match event {
        Event::CreditsGranted(e) if e.restores.is_some() => plain(LineKind::Restored),
        Event::CreditsGranted(e) => Some((granted(e.source), change.available_delta, e.price)),
        Event::CreditsReserved(e) => {
            // Of a result that came late, or charged by now: its charge is the line.
            let own =
                of.is_some_and(|(generation, reservation)| ReservationId::of(generation) == reservation);
            let charged = asked.get(&e.generation).is_some_and(|(_, charged)| *charged);
            if charged || (generation.is_some() && !own) { None } else { plain(kind) }
        }
        Event::ReservationCommitted(e) => {
            let charged: i64 = e.charged.iter().map(|part| part.credits.get()).sum();
            Some((kind, -charged, None))
        }
        Event::ReservationReleased(_) | Event::ReservationExpired(_) => plain(LineKind::Returned),
        Event::CreditsRevoked(e) => plain(match e.reason {
            RevokeReason::Refund | RevokeReason::Chargeback => LineKind::Refund,
            RevokeReason::Operator | RevokeReason::Erasure => LineKind::Revoked,
        }),
        Event::RefundSettled(e) => Some((LineKind::Refund, 0, Some(e.amount))),
        Event::CreditsExpired(_) => plain(LineKind::Expired),
        Event::DebtIncurred(_) | Event::DebtCarried(_) => plain(LineKind::Debt),
        Event::DebtPaid(e) => match e.by {
            DebtPayer::Lots => plain(LineKind::Debt),
            DebtPayer::Forgiven => plain(LineKind::DebtForgiven),
            DebtPayer::Undone | DebtPayer::SetAside => None,
        },
        _ => None,
    }?;
    Some(LineView {
        position: change.position.try_into().ok()?,
        at: change.recorded_at.try_into().unwrap_or_default(),
        kind,
        change: delta,
        left: credits(change.available),
        money,
        generation,
    })
}

const fn granted(source: LotSource) -> LineKind {
    match source {
        LotSource::Purchase => LineKind::Purchase,
        LotSource::Welcome => LineKind::Welcome,
        LotSource::Referral => LineKind::Referral,
        LotSource::Promo => LineKind::Promo,
        LotSource::Admin => LineKind::Admin,
        LotSource::Compensation => LineKind::Compensation,
    }
}
