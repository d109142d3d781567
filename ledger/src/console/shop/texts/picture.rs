//! A picture put above a text, looked at before, or taken back: acts in the log, with their reason. Its bytes for pages.

use std::sync::Arc;

use axum::Extension;
use axum::extract::multipart::MultipartRejection;
use axum::extract::{Form, Multipart, Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::Markup;
use proto_events::commands::PicturePut;
use proto_events::envelope::AccountRef;
use proto_events::events::{MediaType, TextPicture};
use proto_events::{AccountId, Text};
use serde::Deserialize;

use super::caption::Texts;
use super::file;
use super::one::{Asked, One};
use super::pictured::Looked;
use super::upload::{self, Brought, Unread};
use crate::console::Console;
use crate::console::act::{Act, Acted, Once};
use crate::console::lang::Lang;
use crate::console::page::{note, problem};
use crate::console::session::Visitor;
use crate::store::{self, BotText, ShopPicture};

/// What the ledger may say of it, in this page's words.
const REFUSALS: [(&str, &str); 4] = [
    ("picture_differs", "picture-written-over"),
    ("picture_unfit", "picture-not-here"),
    ("picture_unknown", "picture-gone-again"),
    ("unchanged", "picture-unchanged"),
];

#[derive(Deserialize)]
pub(super) struct Given {
    once: Once,
    #[serde(default)]
    language: String,
    /// The digest of what stood there; empty: nothing.
    #[serde(default)]
    seen: String,
    /// Of the picture that was looked at.
    #[serde(default)]
    sha256: String,
    #[serde(default)]
    reason: String,
}

/// A text above which a picture may stand, and the others of its language.
struct Place {
    key: String,
    lang: Lang,
    texts: Vec<BotText>,
}

impl Place {
    /// The answer, where there is no such text.
    async fn find(
        console: &Console,
        visitor: &Visitor,
        key: String,
        language: &str,
    ) -> Result<Self, Response> {
        let nowhere = || problem(&console.texts, visitor.lang, StatusCode::NOT_FOUND, "not-found");
        let lang = Lang::of(language).ok_or_else(nowhere)?;
        let texts = store::bot_texts(&console.pool, None, Some(lang.code())).await;
        let texts = texts.map_err(|error| console.away(visitor, &error))?;
        if !texts.iter().any(|text| text.key == key) {
            return Err(nowhere());
        }
        Ok(Self { key, lang, texts })
    }

    /// Why nothing may stand above it, in words.
    fn unfit(&self, console: &Console, visitor: &Visitor) -> Option<String> {
        let words = console.words(visitor);
        if self.texts.iter().any(|text| text.key == self.key && text.beside.is_none()) {
            return Some(words.t("picture-not-here"));
        }
        let texts = Texts { words: console.texts.of(self.lang), all: &self.texts, edited: None };
        texts.has_room(&self.key).err().map(|long| long.say(words))
    }
}

/// The page again with the picture that is looked at.
async fn again(
    console: &Console,
    visitor: &Visitor,
    key: &str,
    looked: Looked,
    status: StatusCode,
    said: Option<Markup>,
) -> Response {
    console.shown::<One>(visitor, &Asked::with_picture(key, looked), status, said).await
}

pub(super) async fn look(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Path(key): Path<String>,
    form: Result<Multipart, MultipartRejection>,
) -> Response {
    let refused = |status, why| problem(&console.texts, visitor.lang, status, why);
    let Ok(form) = form else { return refused(StatusCode::UNPROCESSABLE_ENTITY, "upload-unread") };
    let brought = match upload::read(form).await {
        Ok(brought) => brought,
        Err(Unread::Broken(error)) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            return refused(StatusCode::PAYLOAD_TOO_LARGE, "picture-large");
        }
        Err(Unread::Late) => return refused(StatusCode::REQUEST_TIMEOUT, "upload-late"),
        Err(error) => {
            tracing::debug!(%error, "an upload can't be read");
            return refused(StatusCode::UNPROCESSABLE_ENTITY, "upload-unread");
        }
    };
    match Place::find(&console, &visitor, key, &brought.language).await {
        Ok(place) => looked(&console, &visitor, &place, brought).await,
        Err(answer) => answer,
    }
}

async fn looked(console: &Console, visitor: &Visitor, place: &Place, brought: Brought) -> Response {
    let Brought { seen, bytes, .. } = brought;
    let (lang, words) = (place.lang, console.words(visitor));
    let found = match file::read(&bytes) {
        Err(unfit) => Err(unfit.say(words)),
        Ok(picture) => match place.unfit(console, visitor) {
            Some(why) => Err(why),
            None => match store::keep_picture(&console.pool, &picture, &bytes).await {
                Ok(()) => Ok(picture),
                Err(error) => return console.away(visitor, &error),
            },
        },
    };
    let status = if found.is_ok() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let looked = Looked { lang, once: Once::new(), seen: Some(seen), reason: String::new(), found };
    again(console, visitor, &place.key, looked, status, None).await
}

pub(super) async fn put(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Path(key): Path<String>,
    Form(given): Form<Given>,
) -> Response {
    let place = match Place::find(&console, &visitor, key, &given.language).await {
        Ok(place) => place,
        Err(answer) => return answer,
    };
    // Nothing else is the name of one, and not all of it is for Postgres.
    let is_name = given.sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
    let name = if is_name { given.sha256.as_str() } else { "" };
    let found = match store::shop_picture(&console.pool, name).await {
        Ok(found) => found,
        Err(error) => return console.away(&visitor, &error),
    };
    let words = console.words(&visitor);
    let found = found.ok_or_else(|| words.t("picture-gone-again"));
    let found = found.and_then(|found| place.unfit(&console, &visitor).map_or(Ok(found), Err));
    does(&console, &visitor, place, given, Some(found)).await
}

pub(super) async fn take_back(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Path(key): Path<String>,
    Form(given): Form<Given>,
) -> Response {
    match Place::find(&console, &visitor, key, &given.language).await {
        Ok(place) => does(&console, &visitor, place, given, None).await,
        Err(answer) => answer,
    }
}

/// `found`: the picture that is put, or why it can't be; nothing: the one that stands there is taken back.
async fn does(
    console: &Console,
    visitor: &Visitor,
    place: Place,
    given: Given,
    found: Option<Result<ShopPicture, String>>,
) -> Response {
    let Some(session) = &visitor.session else { return Redirect::to("/sign-in").into_response() };
    let words = console.words(visitor);
    let Given { once, seen, reason, .. } = given;
    let reason = reason.trim().to_owned();
    let shown = async |status, said: Option<Markup>| match found.clone() {
        Some(found) => {
            // Who is told of another's change sees it on this page.
            let seen = (status != StatusCode::CONFLICT).then(|| seen.clone());
            let looked = Looked { lang: place.lang, once, seen, reason: reason.clone(), found };
            again(console, visitor, &place.key, looked, status, said).await
        }
        None => console.shown::<One>(visitor, &Asked::of(&place.key, None), status, said).await,
    };
    let picture = match &found {
        Some(Ok(picture)) => Some(text_picture(picture)),
        Some(Err(_)) => return shown(StatusCode::UNPROCESSABLE_ENTITY, None).await,
        None => None,
    };
    let Some(given_reason) = Text::new(&reason).ok().filter(|reason: &Text<500>| !reason.is_empty()) else {
        let said = note("bad", &words.t("reason-missing"));
        return shown(StatusCode::UNPROCESSABLE_ENTITY, Some(said)).await;
    };
    let done = if picture.is_some() { "picture-put" } else { "picture-taken-back" };
    let command = PicturePut {
        key: Text::lossy(&place.key),
        language: Text::lossy(place.lang.code()),
        picture,
        replaces: Some(Text::lossy(&seen)).filter(|seen| !seen.is_empty()),
        reason: given_reason,
    };
    let account = AccountRef::Id(AccountId::OPERATIONS);
    match console.act(session, Act { once, account, command: command.into() }).await {
        Acted::Done(_) => Redirect::to(&format!("/texts/{}?done={done}", place.key)).into_response(),
        acted => {
            let differs = matches!(&acted, Acted::Refused(refusal) if refusal.code.as_str() == REFUSALS[0].0);
            let status = if differs { StatusCode::CONFLICT } else { acted.status() };
            shown(status, Some(acted.say(words, &REFUSALS))).await
        }
    }
}

fn text_picture(picture: &ShopPicture) -> TextPicture {
    TextPicture {
        sha256: Text::lossy(&picture.sha256),
        media_type: if picture.media_type == "png" { MediaType::Png } else { MediaType::Jpeg },
        bytes: picture.size.try_into().unwrap_or_default(),
    }
}

/// By its digest: another picture has another address.
pub(super) async fn bytes(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Path(sha256): Path<String>,
) -> Response {
    match store::whole_picture(&console.pool, &sha256).await {
        Ok(Some((media_type, bytes))) => {
            let kind = if media_type == "png" { "image/png" } else { "image/jpeg" };
            ([(header::CONTENT_TYPE, HeaderValue::from_static(kind))], bytes).into_response()
        }
        Ok(None) => problem(&console.texts, visitor.lang, StatusCode::NOT_FOUND, "not-found"),
        Err(error) => console.away(&visitor, &error),
    }
}
