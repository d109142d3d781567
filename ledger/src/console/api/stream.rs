//! The log as lines of JSON, from a position on: to its end, or on and on as it grows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use futures_util::stream;
use proto_events::PublishedEvent;
use schemars::JsonSchema;
use serde::Deserialize;
use sqlx::{AssertSqlSafe, PgPool};

use super::{problem, whose};
use crate::console::Console;
use crate::console::asked::Unfit;
use crate::console::door::{Door, Need};
use crate::console::session::LIVE;
use crate::console::taken::{STALLED, as_taken};
use crate::log::{BadRow, COLUMNS, Row};
use crate::store;

pub(super) const PATH: &str = "/events";
/// Events that are read at once; no connection is held between.
const BATCH: i64 = 500;
/// Before the end of the log is looked at again.
const PAUSE: Duration = Duration::from_secs(1);
/// Between two looks at whether whoever reads still may.
const ASK: Duration = Duration::from_secs(5);
/// A followed stream ends then: whoever reads it goes on from the last position, if they still may.
const FOLLOWED_MAX: Duration = Duration::from_secs(15 * 60);

pub(super) fn rooms(door: &mut Door) {
    door.lines::<Asked, PublishedEvent, _, _>(
        PATH,
        Need::SignedIn,
        "Events of the log from a position on, a line of JSON each, as the event stream has them",
        events,
    );
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
pub(super) struct Asked {
    /// The first position; 1, if there is none.
    from: Option<i64>,
    /// So many events at most.
    limit: Option<u64>,
    /// Go on when the end of the log is reached, for a quarter of an hour.
    #[serde(default)]
    follow: bool,
}

/// Where a stream is.
struct Reading {
    console: Arc<Console>,
    incarnation: i64,
    next: i64,
    left: u64,
    until: Option<Instant>,
    /// Who reads it, as they have shown it.
    headers: HeaderMap,
    /// When they were asked last whether they still may.
    asked_at: Instant,
    /// One of the streams that may be open at once.
    _place: tokio::sync::OwnedSemaphorePermit,
}

async fn events(
    State(console): State<Arc<Console>>,
    mut headers: HeaderMap,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let refused = |status, why| problem(&console.texts, status, why);
    let Ok(Query(asked)) = asked else { return refused(StatusCode::UNPROCESSABLE_ENTITY, "address-unfit") };
    let from = asked.from.unwrap_or(1);
    if from < 1 {
        return refused(StatusCode::UNPROCESSABLE_ENTITY, "moment-unfit");
    }
    let Ok(place) = Arc::clone(&console.streams).try_acquire_owned() else {
        return refused(StatusCode::TOO_MANY_REQUESTS, "too-many-streams");
    };
    let incarnation = match store::head(&console.pool).await {
        Ok(head) => head.incarnation,
        Err(error) => {
            let (status, why) = Unfit::from(error).told(PATH);
            return refused(status, why);
        }
    };
    // Reading on is no sign of somebody in front of a page.
    headers.insert(LIVE, HeaderValue::from_static("stream"));
    let reading = Reading {
        console: Arc::clone(&console),
        incarnation,
        next: from,
        left: asked.limit.unwrap_or(u64::MAX),
        until: asked.follow.then(|| Instant::now() + FOLLOWED_MAX),
        headers,
        asked_at: Instant::now(),
        _place: place,
    };
    let lines = stream::unfold(reading, |mut reading| async {
        let lines = reading.lines().await?;
        Some((Ok(lines), reading))
    });
    let lines = Body::from_stream(as_taken(lines, STALLED));
    ([(header::CONTENT_TYPE, "application/x-ndjson")], lines).into_response()
}

impl Reading {
    /// The next lines. `None`: that is all; also when the log can't be read, and whoever reads knows how far they are.
    async fn lines(&mut self) -> Option<Bytes> {
        loop {
            let most = BATCH.min(i64::try_from(self.left).unwrap_or(BATCH));
            if most == 0 {
                return None;
            }
            // Also one that is behind: whoever may read no more does not go on for ever.
            if self.until.is_some_and(|until| Instant::now() > until) {
                return None;
            }
            if !self.still_may().await {
                return None;
            }
            let rows = match read(&self.console.pool, self.next, most).await {
                Ok(rows) => rows,
                Err(error) => return self.cut_off(&error),
            };
            if let Some(last) = rows.last() {
                self.next = last.position + 1;
                self.left = self.left.saturating_sub(rows.len() as u64);
                return match written(&rows, self.incarnation) {
                    Ok(lines) => Some(lines),
                    Err(error) => self.cut_off(&error.into()),
                };
            }
            self.until?;
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// A token that is ended, a session that is over and a role that was taken are noticed within [`ASK`].
    async fn still_may(&mut self) -> bool {
        if self.asked_at.elapsed() < ASK {
            return true;
        }
        self.asked_at = Instant::now();
        match whose(&self.console.pool, &self.headers).await {
            Ok(session) => session.is_some(),
            Err(error) => self.cut_off(&error.into()).is_some(),
        }
    }

    fn cut_off(&self, error: &Unfit) -> Option<Bytes> {
        let (_, why) = error.told(PATH);
        tracing::warn!(why, next = self.next, "a stream of the log was cut off");
        None
    }
}

async fn read(pool: &PgPool, from: i64, most: i64) -> Result<Vec<Row>, Unfit> {
    let sql =
        format!("SELECT {COLUMNS} FROM events WHERE position >= $1 AND position < $1 + $2 ORDER BY position");
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(from).bind(most).fetch_all(pool).await?;
    Ok(rows.iter().map(Row::read).collect::<Result<_, _>>()?)
}

fn written(rows: &[Row], incarnation: i64) -> Result<Bytes, BadRow> {
    let mut lines = Vec::with_capacity(rows.len() * 512);
    for row in rows {
        lines.extend(row.published_json(incarnation)?);
        lines.push(b'\n');
    }
    Ok(lines.into())
}
