//! What is done to a person: read from a form, sent to the ledger once, whoever presses how often.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use proto_events::commands::{
    AccountBan, AccountUnban, Command, CreditsGrant, CreditsRevoke, DebtForgive, GrantSource, MessageContent,
    MessageRequest,
};
use proto_events::envelope::AccountRef;
use proto_events::events::MessageKind;
use proto_events::{SomeCredits, Text};
use serde::Deserialize;

use super::confirm;
use super::person::{Asked, Person, Shown};
use crate::console::Console;
use crate::console::act::{Act, Acted, Once};
use crate::console::form::{Field, choice, long};
use crate::console::page::note;
use crate::console::session::Visitor;
use crate::console::telegram_html::{self, Unfit, Wrong};
use crate::console::view::Scene;

/// As the forms send it; everything may be missing.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(super) struct Given {
    once: Option<Once>,
    pub(super) deed: String,
    pub(super) credits: String,
    pub(super) source: String,
    pub(super) reason: String,
    pub(super) text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Deed {
    Grant { credits: SomeCredits, source: GrantSource, reason: Text<500> },
    Take { credits: SomeCredits, reason: Text<500> },
    Forgive { credits: SomeCredits, reason: Text<500> },
    Ban { reason: Text<500> },
    Unban { reason: Text<500> },
    Message { text: Text<4096> },
}

/// What administrators give credits as.
const SOURCES: [(&str, GrantSource); 3] = [
    ("admin", GrantSource::Admin),
    ("compensation", GrantSource::Compensation),
    ("promo", GrantSource::Promo),
];

impl Given {
    pub(super) fn read(&self) -> Result<Deed, Wrong> {
        let credits = || {
            let n = self.credits.trim().parse::<i64>().ok().filter(|n| *n > 0);
            n.and_then(|n| SomeCredits::new(n).ok()).ok_or("credits-unfit")
        };
        let reason = || match self.reason.trim() {
            "" => Err("reason-missing"),
            reason => Text::new(reason).map_err(|_| "reason-long"),
        };
        match self.deed.as_str() {
            "grant" => {
                let source = SOURCES.iter().find(|(name, _)| *name == self.source).map(|(_, source)| *source);
                let source = source.ok_or("source-unfit")?;
                Ok(Deed::Grant { credits: credits()?, source, reason: reason()? })
            }
            "take" => Ok(Deed::Take { credits: credits()?, reason: reason()? }),
            "forgive" => Ok(Deed::Forgive { credits: credits()?, reason: reason()? }),
            "ban" => Ok(Deed::Ban { reason: reason()? }),
            "unban" => Ok(Deed::Unban { reason: reason()? }),
            // A browser ends lines as mail does.
            "message" => match self.text.replace("\r\n", "\n").trim() {
                "" => Err("message-empty".into()),
                text => {
                    let text = Text::new(text).map_err(|_| "message-long")?;
                    // What Telegram does not take would come as something else than was written.
                    match telegram_html::shown(&text) {
                        Ok(_) => Ok(Deed::Message { text }),
                        Err(Unfit::Empty) => Err("message-empty".into()),
                        Err(why) => Err(Wrong::Html(why)),
                    }
                }
            },
            _ => Err("deed-unfit".into()),
        }
    }
}

impl Deed {
    /// As the form calls it.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Grant { .. } => "grant",
            Self::Take { .. } => "take",
            Self::Forgive { .. } => "forgive",
            Self::Ban { .. } => "ban",
            Self::Unban { .. } => "unban",
            Self::Message { .. } => "message",
        }
    }

    pub(super) const fn moves_credits(&self) -> bool {
        matches!(self, Self::Grant { .. } | Self::Take { .. } | Self::Forgive { .. })
    }

    /// Where its form is sent, below the person's page.
    pub(super) const fn path(&self) -> &'static str {
        if self.moves_credits() { "credits" } else { "do" }
    }

    /// Where one is led once it is done.
    const fn done(&self) -> &'static str {
        match self {
            Self::Grant { .. } => "?done=granted",
            Self::Take { .. } => "?done=taken",
            Self::Forgive { .. } => "?done=forgiven",
            Self::Ban { .. } => "?done=banned",
            Self::Unban { .. } => "?done=unbanned",
            Self::Message { .. } => "?done=messaged",
        }
    }

    fn command(self, once: Once) -> Command {
        match self {
            Self::Grant { credits, source, reason } => {
                CreditsGrant { credits, source, reason, lasts_days: None, expires_at: None }.into()
            }
            Self::Take { credits, reason } => CreditsRevoke { credits, reason }.into(),
            Self::Forgive { credits, reason } => DebtForgive { credits, reason }.into(),
            Self::Ban { reason } => AccountBan { reason }.into(),
            Self::Unban { reason } => AccountUnban { reason }.into(),
            Self::Message { text } => {
                let content = MessageContent { text: Some(text), ..MessageContent::default() };
                let message = Text::lossy(&once.name());
                MessageRequest { message, kind: MessageKind::Text, content }.into()
            }
        }
    }
}

/// What is expected of these acts, and said of it.
const KNOWN: [(&str, &str); 5] = [
    ("account_not_found", "nobody-has-account"),
    ("account_banned", "already-banned"),
    ("account_not_banned", "not-banned"),
    ("insufficient_credits", "too-few-credits"),
    ("debt_smaller", "debt-is-smaller"),
];

pub(super) async fn credits(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Path(account): Path<String>,
    Form(given): Form<Given>,
) -> Response {
    does(&console, &visitor, &account, given, true).await
}

pub(super) async fn others(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Path(account): Path<String>,
    Form(given): Form<Given>,
) -> Response {
    does(&console, &visitor, &account, given, false).await
}

/// What this room is for and nothing else: another may need less of whoever comes.
async fn does(
    console: &Console,
    visitor: &Visitor,
    account: &str,
    given: Given,
    moves_credits: bool,
) -> Response {
    let Some(session) = &visitor.session else { return Redirect::to("/sign-in").into_response() };
    let whom = match Asked::of(account).account() {
        Ok(whom) => whom,
        Err(unfit) => return super::search::unfit(console, visitor, &unfit),
    };
    let fits = |deed: &Deed| deed.moves_credits() == moves_credits;
    let (deed, once) = match (given.read(), given.once) {
        (Ok(deed), Some(once)) if fits(&deed) => (deed, once),
        (Ok(_), _) => return unfit(console, visitor, account, given, "deed-unfit").await,
        (Err(why), _) => return unfit(console, visitor, account, given, why).await,
    };
    let (done, command) = (deed.done(), deed.clone().command(once));
    match console.act(session, Act { once, account: AccountRef::Id(whom), command }).await {
        Acted::Done(_) => Redirect::to(&format!("/people/{whom}{done}")).into_response(),
        acted @ Acted::PutAside => {
            let said = acted.say(console.words(visitor), &KNOWN);
            console.shown::<Person>(visitor, &Asked::of(account), acted.status(), Some(said)).await
        }
        // The same form once more, under the same name.
        acted => {
            let said = acted.say(console.words(visitor), &KNOWN);
            confirm::shown(console, visitor, whom, &deed, once, acted.status(), Some(said)).await
        }
    }
}

/// Nothing was done; what was filled in is not lost.
pub(super) async fn unfit(
    console: &Console,
    visitor: &Visitor,
    account: &str,
    given: Given,
    why: impl Into<Wrong>,
) -> Response {
    let said = note("bad", &why.into().say(console.words(visitor)));
    let mut asked = Asked::of(account);
    asked.given = given;
    console.shown::<Person>(visitor, &asked, StatusCode::UNPROCESSABLE_ENTITY, Some(said)).await
}

/// The forms on a person's page. Nothing is done by them: they lead to a page that says what will be.
pub(super) fn forms(scene: &Scene<'_>, asked: &Asked, shown: &Shown) -> Markup {
    let Some(kept) = &shown.kept else { return Markup::default() };
    let given = &asked.given;
    let to = format!("/people/{}/confirm", shown.account);
    let [credits, reason, reason_hint, message, message_hint] =
        ["credits", "reason", "reason-hint", "message", "message-hint"].map(|name| scene.t(name));
    let deeds = [Some("grant"), Some("take"), (shown.debt > 0).then_some("forgive")];
    let deeds: Vec<(&str, String)> =
        deeds.into_iter().flatten().map(|deed| (deed, scene.t(&format!("deed-{deed}")))).collect();
    let sources: Vec<(&str, String)> =
        SOURCES.iter().map(|(name, _)| (*name, scene.t(&format!("lot-{name}")))).collect();
    let ban = if kept.banned { "unban" } else { "ban" };
    let reason_of =
        |deeds: &[&str]| if deeds.contains(&given.deed.as_str()) { given.reason.as_str() } else { "" };
    let why = |id: &'static str, value| Field {
        id,
        hint: Some(&reason_hint),
        value,
        ..Field::text("reason", &reason)
    };
    html! {
        h2 { (scene.t("deeds")) }
        div class="deeds" {
            form method="post" action=(to) class="card" {
                (choice("deed", &scene.t("what-to-do"), &deeds, &given.deed))
                (Field { kind: "number", value: &given.credits, ..Field::text("credits", &credits) }.show())
                (choice("source", &scene.t("given-as"), &sources, &given.source))
                (why("f-reason-credits", reason_of(&["grant", "take", "forgive"])).show())
                button { (scene.t("go-on")) }
            }
            form method="post" action=(to) class="card" {
                input type="hidden" name="deed" value="message";
                (long("text", &message, Some(&message_hint), &given.text))
                button { (scene.t("go-on")) }
            }
            form method="post" action=(to) class="card" {
                input type="hidden" name="deed" value=(ban);
                p { (scene.t(&format!("will-{ban}"))) }
                (why("f-reason-ban", reason_of(&["ban", "unban"])).show())
                button { (scene.t(&format!("deed-{ban}"))) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(deed: &str, credits: &str, reason: &str) -> Given {
        let owned = str::to_owned;
        Given {
            deed: owned(deed),
            credits: owned(credits),
            reason: owned(reason),
            source: owned("admin"),
            ..Given::default()
        }
    }

    #[test]
    fn what_is_not_fit_is_told_and_nothing_is_guessed() {
        for (given, why) in [
            (given("grant", "0", "r"), "credits-unfit"),
            (given("grant", "-5", "r"), "credits-unfit"),
            (given("grant", "1.5", "r"), "credits-unfit"),
            (given("grant", "99999999999999999999", "r"), "credits-unfit"),
            (given("take", "", "r"), "credits-unfit"),
            (given("take", "5", " "), "reason-missing"),
            (given("ban", "", ""), "reason-missing"),
            (given("ban", "", &"ж".repeat(501)), "reason-long"),
            (Given { source: "purchase".to_owned(), ..given("grant", "5", "r") }, "source-unfit"),
            (Given { text: " ".to_owned(), ..given("message", "", "") }, "message-empty"),
            (Given { text: "ж".repeat(4097), ..given("message", "", "") }, "message-long"),
            (given("erase", "5", "r"), "deed-unfit"),
            (Given::default(), "deed-unfit"),
        ] {
            assert_eq!(given.read(), Err(why.into()), "{given:?}");
        }
        let written = Given { text: "it is <us>".to_owned(), ..given("message", "", "") };
        assert_eq!(written.read(), Err(Wrong::Html(Unfit::Unknown("us".to_owned()))));
        assert!(Given { text: "it is <b>us</b> &lt;3".to_owned(), ..written }.read().is_ok());
        assert!(given("grant", " 5 ", " r ").read().is_ok_and(|deed| deed.moves_credits()));
        assert!(given("unban", "", "r").read().is_ok_and(|deed| !deed.moves_credits()));
    }
}
