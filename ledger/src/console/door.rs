//! Who comes in. Each page is registered with who may see it; what is not registered is not there.
//!
//! What changes something comes from our own page, said by the browser (`Sec-Fetch-Site`, else `Origin`), besides the
//! session's cookie being for the same site only.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::handler::Handler;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{MethodFilter, on};
use proto_events::commands::Role;
use schemars::JsonSchema;

use super::Console;
use super::api;
use super::api::Lack;
use super::api::openapi::Operation;
use super::lang::{Lang, lang_of};
use super::page;
use super::session::{self, Visitor};
use super::view::{self, Read, View};

/// A form; texts of the bot are the longest.
const BODY_BYTES_MAX: usize = 256 << 10;
/// Nothing from anywhere else, and no script or style inside a page.
const CSP: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
     form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Who may see a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Everybody, also who is not signed in.
    Nothing,
    /// Whoever is signed in.
    SignedIn,
    /// Whoever has one of these roles.
    One(&'static [Role]),
    /// The same, and has given the password lately.
    Proven(&'static [Role]),
}

/// A page as it is registered.
#[derive(Debug, Clone)]
pub struct Room {
    pub method: Method,
    pub path: String,
    pub need: Need,
}

pub(super) struct Door {
    console: Arc<Console>,
    router: Router<Arc<Console>>,
    rooms: Vec<Room>,
    operations: Vec<Operation>,
}

impl Door {
    pub(super) fn new(console: &Arc<Console>) -> Self {
        Self {
            console: Arc::clone(console),
            router: Router::new(),
            rooms: Vec::new(),
            operations: Vec::new(),
        }
    }

    pub(super) fn get<H, T>(&mut self, path: &'static str, need: Need, page: H)
    where
        H: Handler<T, Arc<Console>>,
        T: 'static,
    {
        self.add(MethodFilter::GET, Method::GET, path.to_owned(), need, page);
    }

    /// A page, and the same as JSON.
    pub(super) fn view<V: View>(&mut self) {
        self.get(V::PATH, V::NEED, view::page::<V>);
        self.data::<V>();
    }

    /// What is JSON only.
    pub(super) fn data<R: Read>(&mut self) {
        self.add(MethodFilter::GET, Method::GET, api::path_of(R::PATH), R::NEED, api::data::<R>);
        self.operations.push(Operation::of::<R>());
    }

    /// What answers a program with lines of JSON.
    pub(super) fn lines<Asked: JsonSchema, Line: JsonSchema, H, T>(
        &mut self,
        path: &'static str,
        need: Need,
        about: &'static str,
        handler: H,
    ) where
        H: Handler<T, Arc<Console>>,
        T: 'static,
    {
        self.add(MethodFilter::GET, Method::GET, api::path_of(path), need, handler);
        self.operations.push(Operation::lines::<Asked, Line>(path, need, about));
    }

    /// All that was registered as JSON so far.
    pub(super) fn operations(&self) -> &[Operation] {
        &self.operations
    }

    pub(super) fn post<H, T>(&mut self, path: &'static str, need: Need, act: H)
    where
        H: Handler<T, Arc<Console>>,
        T: 'static,
    {
        self.add(MethodFilter::POST, Method::POST, path.to_owned(), need, act);
    }

    /// A form with a file, whose body may have so many bytes.
    pub(super) fn upload<H, T>(&mut self, path: &'static str, need: Need, bytes_max: usize, act: H)
    where
        H: Handler<T, Arc<Console>>,
        T: 'static,
    {
        let act = act.layer(DefaultBodyLimit::max(bytes_max));
        self.add(MethodFilter::POST, Method::POST, path.to_owned(), need, act);
    }

    fn add<H, T>(&mut self, filter: MethodFilter, method: Method, path: String, need: Need, handler: H)
    where
        H: Handler<T, Arc<Console>>,
        T: 'static,
    {
        let guard = from_fn_with_state((Arc::clone(&self.console), need), guard);
        self.router = std::mem::take(&mut self.router).route(&path, on(filter, handler).layer(guard));
        self.rooms.push(Room { method, path, need });
    }

    pub(super) fn rooms(self) -> Vec<Room> {
        self.rooms
    }

    pub(super) fn open(self, console: Arc<Console>) -> Router {
        self.router
            .fallback(nowhere)
            .method_not_allowed_fallback(nowhere)
            .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
            .layer(from_fn(headed))
            .with_state(console)
    }
}

async fn nowhere(State(console): State<Arc<Console>>, uri: Uri, headers: HeaderMap) -> Response {
    refused(&console, uri.path(), lang_of(&headers), StatusCode::NOT_FOUND, "not-found")
}

/// As a page, or as the API says it.
fn refused(console: &Console, path: &str, lang: Lang, status: StatusCode, why: &str) -> Response {
    if api::is_in(path) {
        api::problem(&console.texts, status, why)
    } else {
        page::problem(&console.texts, lang, status, why)
    }
}

/// Lets in, or says why not.
async fn guard(
    State((console, need)): State<(Arc<Console>, Need)>,
    mut request: Request,
    next: Next,
) -> Response {
    let (headers, lang) = (request.headers(), lang_of(request.headers()));
    let (changes, path) = (request.method() != Method::GET, request.uri().path().to_owned());
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
    // A proxy that says nothing is the client itself.
    let client = console.hops.client(peer, headers).or(peer);
    let address = client.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    if !console.pace.may(address, session::token_hash(headers)) {
        metrics::counter!("ledger_console_too_fast_total").increment(1);
        return refused(&console, &path, lang, StatusCode::TOO_MANY_REQUESTS, "too-fast");
    }
    // Nothing that is looked for holds one, and Postgres takes none.
    let holds_a_nul = |part: &str| part.contains("%00");
    if holds_a_nul(&path) || request.uri().query().is_some_and(holds_a_nul) {
        return refused(&console, &path, lang, StatusCode::UNPROCESSABLE_ENTITY, "address-unfit");
    }
    if changes && !is_from_here(headers) {
        return refused(&console, &path, lang, StatusCode::FORBIDDEN, "from-elsewhere");
    }
    let found = if api::is_in(&path) && !changes {
        api::whose(&console.pool, headers).await
    } else {
        session::of(&console.pool, headers).await
    };
    let session = match found {
        Ok(session) => session,
        Err(error) => {
            tracing::warn!(%error, "sessions can't be read");
            return refused(&console, &path, lang, StatusCode::SERVICE_UNAVAILABLE, "database-away");
        }
    };
    let by_token = api::is_by_token(&path, headers);
    let visitor = Visitor { session, lang, path, address };
    if let Some(refused) = refusal(&console, need, &visitor, (changes, by_token)) {
        return refused;
    }
    request.extensions_mut().insert(visitor);
    next.run(request).await
}

/// What is refused: whether it changes something, whether a token came with it.
type Asked = (bool, bool);

fn refusal(console: &Console, need: Need, visitor: &Visitor, asked: Asked) -> Option<Response> {
    let roles = match need {
        Need::Nothing => return None,
        Need::SignedIn => Role::ALL.as_slice(),
        Need::One(roles) | Need::Proven(roles) => roles,
    };
    let refused = |status, why| Some(refused(console, &visitor.path, visitor.lang, status, why));
    let Some(session) = &visitor.session else {
        return Some(sign_in_first(console, visitor, asked));
    };
    if !session.is_one_of(roles) {
        if api::is_in(&visitor.path) && asked.1 {
            let lack = Lack::Role { wanted: roles, has: &session.roles };
            return Some(api::lacking(&console.texts, &lack));
        }
        return refused(StatusCode::FORBIDDEN, "not-for-you");
    }
    if matches!(need, Need::Proven(_)) && !session::is_proven(session) {
        return refused(StatusCode::FORBIDDEN, "prove-first");
    }
    None
}

/// Whoever asks for a page comes back to it.
fn sign_in_first(console: &Console, visitor: &Visitor, (changes, by_token): Asked) -> Response {
    let lack = match (api::is_in(&visitor.path), by_token) {
        (true, true) => Some(Lack::GoodToken),
        (true, false) => Some(Lack::Token),
        (false, true) => Some(Lack::Path),
        (false, false) => None,
    };
    if let Some(lack) = lack {
        return api::lacking(&console.texts, &lack);
    }
    if changes {
        return refused(console, &visitor.path, visitor.lang, StatusCode::UNAUTHORIZED, "sign-in-first");
    }
    // Paths of pages are plain: what is not is none.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte);
    let to = Some(visitor.path.as_str()).filter(|path| path.bytes().all(plain)).unwrap_or("/");
    Redirect::to(&format!("/sign-in?to={to}")).into_response()
}

fn is_from_here(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("sec-fetch-site"), text("origin"), text("host")) {
        (Some(site), _, _) => site == "same-origin",
        (None, Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, from)| from == host),
        _ => false,
    }
}

/// What a browser is told with each answer.
async fn headed(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CSP),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
