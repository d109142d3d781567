//! What can be read at the console: what is asked for, what is found, and how that looks. One registration
//! (`door.view::<V>()`) makes a page of it, and the same as JSON under `/api/v1`.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query, RawPathParams, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use maud::{Markup, html};
use proto_events::commands::Role;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Console;
use super::asked::{Unfit, link};
use super::door::Need;
use super::lang::Words;
use super::page::{note, problem};
use super::session::Visitor;

/// What is asked for, and what is found.
pub(super) trait Read: 'static {
    /// The query's fields, and those of the path.
    type Asked: DeserializeOwned + JsonSchema + Send + Sync;
    type Shown: Serialize + JsonSchema + Send + Sync;

    /// `/log/{position}`
    const PATH: &'static str;
    const NEED: Need;
    /// What it is, in a line of English: for the description of the API.
    const ABOUT: &'static str;

    fn read(
        console: &Console,
        asked: &Self::Asked,
    ) -> impl Future<Output = Result<Self::Shown, Unfit>> + Send;
}

/// How it looks.
pub(super) trait View: Read {
    fn title(scene: &Scene<'_>, asked: &Self::Asked, shown: Option<&Self::Shown>) -> String;

    /// What is above it whatever is found: filters, the way back.
    fn ask(_scene: &Scene<'_>, _asked: &Self::Asked) -> Markup {
        Markup::default()
    }

    fn show(scene: &Scene<'_>, asked: &Self::Asked, shown: &Self::Shown) -> Markup;

    /// What of other views stands above it, for whoever may see those: read apart, so that it is in no JSON of this one.
    fn beside(_console: &Console, _scene: &Scene<'_>) -> impl Future<Output = Result<Markup, Unfit>> + Send {
        async { Ok(Markup::default()) }
    }

    /// Seconds after which what is shown is fetched again, in a browser that runs scripts.
    fn again_every(_asked: &Self::Asked) -> Option<u8> {
        None
    }
}

/// For whom a page is made.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) words: Words<'a>,
    pub(super) visitor: &'a Visitor,
}

impl Scene<'_> {
    pub(super) fn t(&self, name: &str) -> String {
        self.words.t(name)
    }

    /// Whether whoever looks has one of these roles.
    pub(super) fn is_one_of(&self, roles: &[Role]) -> bool {
        self.visitor.session.as_ref().is_some_and(|session| session.is_one_of(roles))
    }
}

/// What was done by the act that led here: `?done=banned` is told as the text `done-banned`.
#[derive(Deserialize)]
struct Done {
    #[serde(default)]
    done: String,
}

pub(super) async fn page<V: View>(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    params: RawPathParams,
    uri: Uri,
) -> Response {
    let Ok(asked) = asked::<V>(&params, &uri) else {
        return problem(&console.texts, visitor.lang, StatusCode::UNPROCESSABLE_ENTITY, "address-unfit");
    };
    let done = Query::<Done>::try_from_uri(&uri).map(|Query(done)| done.done).unwrap_or_default();
    let words = console.words(&visitor);
    let said = format!("done-{done}");
    let said = words.known(&said).map(|text| note("good", &text));
    console.shown::<V>(&visitor, &asked, StatusCode::OK, said).await
}

impl Console {
    /// A view as a page, below what is said of an act. What was found says its own status, where it was not found.
    pub(super) async fn shown<V: View>(
        &self,
        visitor: &Visitor,
        asked: &V::Asked,
        status: StatusCode,
        said: Option<Markup>,
    ) -> Response {
        let scene = Scene { words: self.words(visitor), visitor };
        let read = async { Ok((V::read(self, asked).await?, V::beside(self, &scene).await?)) };
        let shown = read.await;
        let (status, body) = match &shown {
            Ok((shown, beside)) => (status, part::<V>(&scene, asked, shown, beside)),
            Err(Unfit::Field(why)) => (StatusCode::UNPROCESSABLE_ENTITY, note("bad", &scene.t(why))),
            // What became of an act is told, whatever else can't be.
            Err(unfit) if said.is_some() => (status, note("bad", &scene.t(unfit.told(&visitor.path).1))),
            Err(unfit) => {
                let (status, why) = unfit.told(&visitor.path);
                return problem(&self.texts, visitor.lang, status, why);
            }
        };
        let title = V::title(&scene, asked, shown.as_ref().ok().map(|(shown, _)| shown));
        let body = html! { @if let Some(said) = said { (said) } (V::ask(&scene, asked)) (body) };
        self.page_with(status, visitor, &title, &body)
    }
}

fn part<V: View>(scene: &Scene<'_>, asked: &V::Asked, shown: &V::Shown, beside: &Markup) -> Markup {
    let inner = html! { (beside) (V::show(scene, asked, shown)) };
    match V::again_every(asked) {
        Some(seconds) => html! { div data-live=(seconds) { (inner) } },
        None => inner,
    }
}

pub(super) struct NotAsked;

/// From the path's fields and the query's.
pub(super) fn asked<R: Read>(params: &RawPathParams, uri: &Uri) -> Result<R::Asked, NotAsked> {
    let of_path: Vec<(&str, &str)> = params.iter().collect();
    let mut all = link("/", &of_path);
    if let Some(query) = uri.query() {
        all.push(if of_path.is_empty() { '?' } else { '&' });
        all.push_str(query);
    }
    let all: Uri = all.parse().map_err(|_| NotAsked)?;
    let Query(asked) = Query::try_from_uri(&all).map_err(|error| {
        tracing::debug!(%error, path = R::PATH, "an address was refused");
        NotAsked
    })?;
    Ok(asked)
}
