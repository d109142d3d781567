//! A broadcast is composed: looked at as often as one likes, then written down with its recipients. Nothing is sent from here.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use proto_events::commands::{BadContent, BroadcastDraft, LinkButton, MessageContent, Segment};
use proto_events::envelope::AccountRef;
use proto_events::queries::{BroadcastState, BroadcastView};
use proto_events::{AccountId, Text};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::ledger::{SendError, operation_id};

use super::COMPOSES;
use super::looks::looks;
use crate::console::Console;
use crate::console::act::{Once, PATIENCE};
use crate::console::asked::{Unfit, some};
use crate::console::door::Need;
use crate::console::form::{Field, choice, hidden, long_wish};
use crate::console::page::note;
use crate::console::session::Visitor;
use crate::console::telegram_html::{self, Wrong};
use crate::console::view::{Read, Scene, View};
use crate::queries::broadcast_view;
use crate::store;

pub(super) struct Compose;

#[derive(Default, Deserialize, JsonSchema)]
pub(super) struct Asked {
    /// A draft that is changed.
    #[serde(default)]
    of: String,
    #[serde(skip)]
    given: Option<Given>,
    /// What was read of it, to be looked at.
    #[serde(skip)]
    looks: Option<MessageContent>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Shown {
    draft: Option<BroadcastView>,
}

impl Read for Compose {
    type Asked = Asked;
    type Shown = Shown;

    const PATH: &'static str = "/broadcasts/compose";
    const NEED: Need = COMPOSES;
    const ABOUT: &'static str = "A draft of a broadcast as it was written down";

    async fn read(console: &Console, asked: &Asked) -> Result<Shown, Unfit> {
        let Some(of) = some(&asked.of) else { return Ok(Shown { draft: None }) };
        let draft = find(console, &of).await?.filter(|one| one.state == BroadcastState::Draft);
        Ok(Shown { draft: Some(draft.ok_or(Unfit::Nowhere)?) })
    }
}

async fn find(console: &Console, name: &str) -> Result<Option<BroadcastView>, sqlx::Error> {
    Ok(store::broadcasts(&console.pool, Some(name), 1).await?.into_iter().find_map(broadcast_view))
}

/// As the form sends it; everything may be missing.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(super) struct Given {
    once: Option<Once>,
    /// `look` or `draft`
    deed: String,
    /// When the draft was written down that is changed, in µs; 0: a new one.
    drafted_at: i64,
    name: String,
    segment: String,
    language: String,
    days: String,
    text: String,
    picture: String,
    label: String,
    url: String,
    copy: String,
}

/// The segments, as the form calls them.
const SEGMENTS: [&str; 6] = ["everybody", "payers", "never-paid", "language", "active", "quiet"];

impl Given {
    fn of(draft: &BroadcastView) -> Self {
        let BroadcastView { broadcast, segment, content, drafted_at, .. } = draft;
        let (kind, language, days) = match segment {
            Segment::Everybody => ("everybody", String::new(), String::new()),
            Segment::Payers => ("payers", String::new(), String::new()),
            Segment::NeverPaid => ("never-paid", String::new(), String::new()),
            Segment::Language(code) => ("language", code.to_string(), String::new()),
            Segment::Active { days } => ("active", String::new(), days.to_string()),
            Segment::Quiet { days } => ("quiet", String::new(), days.to_string()),
        };
        let words = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let button = content.button.as_ref();
        Self {
            drafted_at: drafted_at.get(),
            name: broadcast.to_string(),
            segment: kind.to_owned(),
            language,
            days,
            text: words(content.text.as_deref()),
            picture: words(content.picture.as_deref()),
            label: words(button.map(|button| button.label.as_str())),
            url: words(button.map(|button| button.url.as_str())),
            copy: content.copy_of.map(|of| format!("{}:{}", of.chat, of.message)).unwrap_or_default(),
            ..Self::default()
        }
    }

    fn segment(&self) -> Result<Segment, &'static str> {
        let (more, why) = match self.segment.as_str() {
            "language" => (self.language.trim(), "segment-language-unfit"),
            "active" | "quiet" => (self.days.trim(), "segment-days-unfit"),
            _ => ("", "segment-unfit"),
        };
        let text = if more.is_empty() { self.segment.clone() } else { format!("{}:{more}", self.segment) };
        text.parse().map_err(|_| why)
    }

    fn content(&self) -> Result<MessageContent, Wrong> {
        // A browser ends lines as mail does.
        let text = self.text.replace("\r\n", "\n");
        let button = match (some(&self.label), some(&self.url)) {
            (None, None) => None,
            (label, url) => Some(LinkButton {
                label: Text::new(label.unwrap_or_default()).map_err(|_| Wrong::Said("button-label-unfit"))?,
                url: Text::new(url.unwrap_or_default()).map_err(|_| Wrong::Said("button-url-unfit"))?,
            }),
        };
        let copy = some(&self.copy).map(|copy| copy.parse()).transpose();
        let content = MessageContent {
            text: some(&text).map(Text::new).transpose().map_err(|_| Wrong::Said("message-long"))?,
            picture: some(&self.picture)
                .map(Text::new)
                .transpose()
                .map_err(|_| Wrong::Said("picture-unfit"))?,
            button,
            copy_of: copy.map_err(|_| Wrong::Said("copy-unfit"))?,
        };
        content.check().map_err(|why| Wrong::Said(name_of(why)))?;
        if let Some(text) = &content.text {
            telegram_html::shown(text).map_err(Wrong::Html)?;
        }
        Ok(content)
    }

    /// A name of its own where none was given: the same for the same form.
    fn name(&self, once: Once) -> Result<Text<64>, &'static str> {
        let name = some(&self.name).unwrap_or_else(|| format!("b-{}", &once.name()[..8]));
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        let name = Text::new(name).ok().filter(|name: &Text<64>| name.chars().all(plain));
        // It would be this page's address.
        name.filter(|name| name.as_str() != "compose").ok_or("broadcast-name-unfit")
    }
}

const fn name_of(why: BadContent) -> &'static str {
    match why {
        BadContent::CopyWithPicture | BadContent::CopyWithText => "copy-alone",
        BadContent::Nothing => "broadcast-empty",
        BadContent::LongBesidePicture => "caption-long",
        BadContent::ButtonLabel => "button-label-unfit",
        BadContent::ButtonAddress => "button-url-unfit",
    }
}

impl View for Compose {
    fn title(scene: &Scene<'_>, _: &Asked, _: Option<&Shown>) -> String {
        scene.t("broadcast-compose")
    }

    fn show(scene: &Scene<'_>, asked: &Asked, shown: &Shown) -> Markup {
        let given = asked.given.clone().or_else(|| shown.draft.as_ref().map(Given::of)).unwrap_or_default();
        html! {
            p { a href="/broadcasts" { (scene.t("menu-broadcasts")) } }
            @if let Some(content) = &asked.looks {
                h2 { (scene.t("how-it-looks")) }
                (looks(scene, content))
                h2 { (scene.t("go-on-writing")) }
            }
            (form(scene, &given))
        }
    }
}

fn form(scene: &Scene<'_>, given: &Given) -> Markup {
    let t = |name: &str| scene.t(name);
    let segments: Vec<(&str, String)> =
        SEGMENTS.iter().map(|name| (*name, t(&format!("whom-{name}")))).collect();
    let field = |name: &'static str, label: &str, hint: &str, value: &str| {
        Field { hint: Some(hint).filter(|hint| !hint.is_empty()), ..Field::wish(name, label, value) }.show()
    };
    html! {
        form method="post" action="/broadcasts/compose" class="card" {
            (given.once.unwrap_or_else(Once::new).field())
            (hidden("drafted_at", &given.drafted_at.to_string()))
            @if given.drafted_at > 0 {
                (hidden("name", &given.name))
                p { (t("broadcast")) " " code { (given.name) } }
            } @else {
                (field("name", &t("broadcast-name"), &t("broadcast-name-hint"), &given.name))
            }
            fieldset class="filters" {
                legend { (t("to-whom")) }
                (choice("segment", &t("segment"), &segments, &given.segment))
                (field("language", &t("segment-code"), &t("segment-code-hint"), &given.language))
                (Field {
                    kind: "number", hint: Some(&t("segment-days-hint")),
                    ..Field::wish("days", &t("segment-days"), &given.days)
                }.show())
            }
            (long_wish("text", &t("message-text"), Some(&t("message-text-hint")), &given.text))
            fieldset class="filters" {
                legend { (t("beside-text")) }
                (field("picture", &t("message-picture"), &t("message-picture-hint"), &given.picture))
                (field("label", &t("button-label"), "", &given.label))
                (field("url", &t("button-url"), &t("button-url-hint"), &given.url))
                (field("copy", &t("message-copy"), &t("message-copy-hint"), &given.copy))
            }
            div class="acts" {
                button name="deed" value="look" { (t("broadcast-look")) }
                button name="deed" value="draft" { (t("broadcast-write-down")) }
            }
            p class="hint" { (t("broadcast-write-down-hint")) }
        }
    }
}

pub(super) async fn composed(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Form(given): Form<Given>,
) -> Response {
    let words = console.words(&visitor);
    let once = given.once.unwrap_or_else(Once::new);
    let mut asked = Asked { given: Some(Given { once: Some(once), ..given.clone() }), ..Asked::default() };
    let read = match (given.content(), given.segment(), given.name(once)) {
        (Ok(content), Ok(segment), Ok(broadcast)) => Ok(BroadcastDraft {
            broadcast,
            segment,
            content,
            instead_of: Some(given.drafted_at.try_into().unwrap_or_default()),
        }),
        (Err(wrong), ..) => Err(wrong.say(words)),
        (_, Err(why), _) | (.., Err(why)) => Err(words.t(why)),
    };
    let draft = match read {
        Ok(draft) => draft,
        Err(why) => {
            let said = Some(note("bad", &why));
            return console.shown::<Compose>(&visitor, &asked, StatusCode::UNPROCESSABLE_ENTITY, said).await;
        }
    };
    asked.looks = Some(draft.content.clone());
    if given.deed != "draft" {
        return console.shown::<Compose>(&visitor, &asked, StatusCode::OK, None).await;
    }
    match write_down(&console, &given, draft).await {
        Ok(()) => Redirect::to("/broadcasts?done=broadcast-draft").into_response(),
        Err((status, why)) => {
            let said = Some(note("bad", &words.t(why)));
            console.shown::<Compose>(&visitor, &asked, status, said).await
        }
    }
}

/// In the place of the draft that was changed, and of no other. Else why not, by the name of its text.
async fn write_down(
    console: &Console,
    given: &Given,
    draft: BroadcastDraft,
) -> Result<(), (StatusCode, &'static str)> {
    let away = (StatusCode::SERVICE_UNAVAILABLE, "draft-in-doubt");
    let refused = |why| Err((StatusCode::UNPROCESSABLE_ENTITY, why));
    let id = operation_id("broadcast_draft", &draft.broadcast).map_err(|_| away)?;
    let ledger = console.ledger.clone().with_deadline(PATIENCE);
    match ledger.operate(id, AccountRef::Id(AccountId::OPERATIONS), draft.into()).await {
        Ok(_) => Ok(()),
        Err(SendError::Refused(refusal)) => {
            tracing::info!(code = %refusal.code, "a draft of a broadcast was refused");
            refused(match refusal.code.as_str() {
                "broadcast_started" => "broadcast-is-started",
                "draft_changed" if given.drafted_at > 0 => "broadcast-draft-changed",
                "draft_changed" => "broadcast-name-taken",
                "content_unfit" => "content-unfit",
                _ => "draft-unfit",
            })
        }
        Err(SendError::Unknown(why)) => {
            tracing::warn!(why, "whether a draft of a broadcast was written down is not known");
            Err(away)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(text: &str) -> Given {
        Given { text: text.to_owned(), segment: "everybody".to_owned(), ..Given::default() }
    }

    fn why(given: &Given) -> &'static str {
        match given.content() {
            Err(Wrong::Said(why)) => why,
            Err(Wrong::Html(_)) => "html",
            Ok(_) => "taken",
        }
    }

    #[test]
    fn a_message_that_telegram_would_not_take_is_told_before_anybody_is_sent_it() {
        let owned = str::to_owned;
        for (given, said) in [
            (given(" \r\n "), "broadcast-empty"),
            (given(&"ж".repeat(4_097)), "message-long"),
            (given("<b>a"), "html"),
            (Given { picture: owned("f"), ..given(&"ж".repeat(1_025)) }, "caption-long"),
            (Given { label: owned("Go"), ..given("a") }, "button-url-unfit"),
            (Given { url: owned("https://example.com"), ..given("a") }, "button-label-unfit"),
            (
                Given { label: owned("Go"), url: owned("javascript:alert(1)"), ..given("a") },
                "button-url-unfit",
            ),
            (Given { copy: owned("7"), ..given("") }, "copy-unfit"),
            (Given { copy: owned("1:7"), ..given("a") }, "copy-alone"),
            (Given { copy: owned("1:7"), ..given("") }, "taken"),
            (Given { picture: owned("f"), ..given("") }, "taken"),
        ] {
            assert_eq!(why(&given), said, "{given:?}");
        }
        let two = given("a\r\nb").content().ok().and_then(|content| content.text);
        assert_eq!(two.as_deref(), Some("a\nb"));
    }

    #[test]
    fn a_segment_has_what_belongs_to_it_and_no_more() {
        let owned = str::to_owned;
        let of = |segment: &str, language: &str, days: &str| {
            let (language, days) = (owned(language), owned(days));
            Given { segment: owned(segment), language, days, ..Given::default() }.segment()
        };
        assert_eq!(of("payers", "ru", "7"), Ok(Segment::Payers));
        assert_eq!(of("language", " ru ", ""), Ok(Segment::Language(Text::lossy("ru"))));
        assert_eq!(of("quiet", "ru", " 30 "), Ok(Segment::Quiet { days: 30 }));
        for (segment, language, days, why) in [
            ("", "", "", "segment-unfit"),
            ("all", "", "", "segment-unfit"),
            ("language", "", "", "segment-language-unfit"),
            ("language", "far-too-long", "", "segment-language-unfit"),
            ("active", "", "", "segment-days-unfit"),
            ("active", "", "0", "segment-days-unfit"),
            ("quiet", "", "70000", "segment-days-unfit"),
        ] {
            assert_eq!(of(segment, language, days), Err(why), "{segment} {language} {days}");
        }
    }

    #[test]
    fn a_draft_reads_back_as_it_was_written() {
        for segment in ["everybody", "payers", "never-paid", "language:de", "active:7", "quiet:30"] {
            let content = MessageContent {
                text: Some(Text::lossy("<b>Hello</b>")),
                button: Some(LinkButton {
                    label: Text::lossy("Go"),
                    url: Text::lossy("https://example.com"),
                }),
                picture: Some(Text::lossy("file")),
                copy_of: None,
            };
            let draft = BroadcastView {
                broadcast: Text::lossy("b1"),
                state: BroadcastState::Draft,
                segment: segment.parse().unwrap(),
                content,
                recipients: 1,
                sent: 0,
                failed: 0,
                blocked: 0,
                drafted_at: 5_i64.try_into().unwrap(),
                changed: proto_events::Position::ZERO,
            };
            let given = Given::of(&draft);
            assert_eq!((given.segment(), given.content().ok()), (Ok(draft.segment), Some(draft.content)));
            assert_eq!((given.name.as_str(), given.drafted_at), ("b1", 5));
        }
    }
}
