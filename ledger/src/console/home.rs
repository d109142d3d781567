//! The first page: where the log is, and whether what is read from it keeps up.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use maud::html;

use super::Console;
use super::door::{Door, Need};
use super::session::Visitor;
use crate::projections::registry;
use crate::store;

pub(super) fn rooms(door: &mut Door) {
    door.get("/", Need::SignedIn, home);
}

async fn home(State(console): State<Arc<Console>>, Extension(visitor): Extension<Visitor>) -> Response {
    let read = async { Ok::<_, sqlx::Error>((store::head(&console.pool).await?, lags(&console).await?)) };
    let (head, lags) = match read.await {
        Ok(read) => read,
        Err(error) => return console.away(&visitor, &error),
    };
    let words = console.words(&visitor);
    let body = html! {
        dl class="facts" {
            dt { (words.t("log-position")) } dd class="number" { (head.position) }
            dt { (words.t("log-incarnation")) } dd class="number" { (head.incarnation) }
        }
        h2 { (words.t("projections")) }
        div class="scroll" tabindex="0" role="region" aria-label=(words.t("projections")) {
            table {
                thead { tr {
                    th scope="col" { (words.t("projection")) }
                    th scope="col" class="number" { (words.t("position")) }
                    th scope="col" class="number" { (words.t("behind")) }
                } }
                tbody {
                    @for (name, position) in &lags {
                        tr {
                            th scope="row" { code { (name) } }
                            td class="number" { (position) }
                            td class="number" { (head.position.saturating_sub(*position).max(0)) }
                        }
                    }
                }
            }
        }
    };
    console.page(&visitor, &words.t("menu-home"), &body)
}

/// Live projections, by name, with how far each is.
async fn lags(console: &Console) -> Result<Vec<(String, i64)>, sqlx::Error> {
    let all = registry::all(&console.pool).await?;
    let live = all.into_iter().filter(|instance| instance.state == registry::State::Live);
    let mut lags: Vec<_> = live.map(|instance| (instance.name, instance.position)).collect();
    lags.sort();
    Ok(lags)
}
