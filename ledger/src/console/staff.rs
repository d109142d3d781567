//! Who may sign in: seen by administrators, changed by those who have just given their password.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use proto_events::commands::{Role, StaffPut};
use proto_events::envelope::AccountRef;
use proto_events::{AccountId, Text};
use schemars::JsonSchema;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::Console;
use super::act::{Act, Acted, Once};
use super::asked::Unfit;
use super::door::{Door, Need};
use super::form::Field;
use super::lang::Words;
use super::page::note;
use super::password;
use super::session::{Visitor, is_proven};
use super::table::{Column, table};
use super::view::{Read, Scene, View};
use crate::inbox::{NAMES_KEY, Names};
use crate::store::{self, Session, Staff};

const RULES: Need = Need::One(&[Role::Administrator]);
const ACTS: Need = Need::Proven(&[Role::Administrator]);

pub(super) fn rooms(door: &mut Door) {
    door.view::<People>();
    door.post("/staff", ACTS, change);
}

/// What is to be of somebody.
pub(super) struct Change {
    pub(super) once: Once,
    pub(super) name: String,
    pub(super) roles: Vec<Role>,
    pub(super) password: Option<SecretString>,
    pub(super) reason: String,
}

/// Why it was not done.
#[derive(Debug)]
pub(super) enum NotPut {
    /// A field is too long, or empty.
    Unfit,
    /// Nobody said why.
    Reason,
    /// The machine has no randomness.
    Hash,
    Acted(Acted),
    /// They have no second factor.
    NoTotp,
    /// One's own second factor is turned off with a code.
    OwnTotp,
}

impl NotPut {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Unfit | Self::Reason | Self::NoTotp | Self::OwnTotp => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Hash => StatusCode::SERVICE_UNAVAILABLE,
            Self::Acted(acted) => acted.status(),
        }
    }

    pub(super) fn say(&self, words: Words<'_>) -> Markup {
        match self {
            Self::Unfit => note("bad", &words.t("staff-unfit")),
            Self::Reason => note("bad", &words.t("reason-missing")),
            Self::Hash => note("bad", &words.t("not-done")),
            Self::Acted(acted) => acted.say(words, &KNOWN),
            Self::NoTotp => note("bad", &words.t("totp-none")),
            Self::OwnTotp => note("bad", &words.t("totp-own")),
        }
    }
}

/// What is expected of an act about staff, and said of it.
const KNOWN: [(&str, &str); 3] = [
    ("staff_unfit", "staff-unfit"),
    ("last_administrator", "last-administrator"),
    ("staff_changed", "staff-changed"),
];

/// An act of whoever is signed in, in the log with their name.
pub(super) async fn put(console: &Console, by: &Session, change: Change) -> Result<(), NotPut> {
    if change.reason.is_empty() {
        return Err(NotPut::Reason);
    }
    let hash = match change.password {
        None => None,
        Some(password) => {
            let hash = password::hash_apart(password.expose_secret().to_owned()).await.ok_or(NotPut::Hash)?;
            Some(Text::new(&hash).map_err(|_| NotPut::Hash)?)
        }
    };
    let text = |words: &str| Text::new(words).map_err(|_| NotPut::Unfit);
    let name = Text::new(&change.name).map_err(|_| NotPut::Unfit)?;
    let command = StaffPut { name, roles: change.roles, password_hash: hash, reason: text(&change.reason)? };
    let act =
        Act { once: change.once, account: AccountRef::Id(AccountId::OPERATIONS), command: command.into() };
    match console.act(by, act).await {
        Acted::Done(_) => Ok(()),
        acted => Err(NotPut::Acted(acted)),
    }
}

struct People;

#[derive(Deserialize, JsonSchema)]
struct Asked {}

#[derive(Serialize, JsonSchema)]
struct Shown {
    staff: Vec<Person>,
}

#[derive(Serialize, JsonSchema)]
struct Person {
    name: String,
    /// None: they may not sign in.
    roles: Vec<&'static str>,
    /// Signing in asks them for a code.
    totp: bool,
}

impl Read for People {
    type Asked = Asked;
    type Shown = Shown;

    const PATH: &'static str = "/staff";
    const NEED: Need = RULES;
    const ABOUT: &'static str = "Who may sign in";

    async fn read(console: &Console, _: &Asked) -> Result<Shown, Unfit> {
        let coded = store::names_with_totp(&console.pool).await?;
        let one = |one: Staff| Person {
            totp: coded.contains(&one.name),
            name: one.name,
            roles: one.roles.iter().map(|role| role.as_str()).collect(),
        };
        Ok(Shown { staff: store::staff(&console.pool).await?.into_iter().map(one).collect() })
    }
}

impl View for People {
    fn title(scene: &Scene<'_>, _: &Asked, _: Option<&Shown>) -> String {
        scene.t("menu-staff")
    }

    fn show(scene: &Scene<'_>, _: &Asked, shown: &Shown) -> Markup {
        let proven = scene.visitor.session.as_ref().is_some_and(is_proven);
        html! {
            (list(scene, &shown.staff))
            h2 { (scene.t("staff-change")) }
            @if proven { (form(scene.words)) (about_form(scene.words, &shown.staff)) } @else {
                p { (scene.t("prove-first-more")) " " a href="/me" { (scene.t("me")) } }
            }
        }
    }
}

fn list(scene: &Scene<'_>, staff: &[Person]) -> Markup {
    let rows = html! {
        @for one in staff {
            tr {
                th scope="row" { (one.name) }
                td {
                    @if one.roles.is_empty() { span class="dim" { (scene.t("may-not-sign-in")) } }
                    @for role in &one.roles { span class="chip" { (scene.t(&format!("role-{role}"))) } " " }
                }
                td { @if one.totp { span class="chip" { (scene.t("totp-on")) } } }
            }
        }
    };
    table(
        scene.words,
        &scene.t("menu-staff"),
        &[Column::Text("name"), Column::Text("roles"), Column::Text("totp")],
        &rows,
        None,
    )
}

/// The roles, each to be ticked; with what they may, and what else is to be chosen.
pub(super) fn roles_to_choose(words: Words<'_>, more: &Markup) -> Markup {
    html! {
        fieldset {
            legend { (words.t("roles")) }
            @for role in Role::ALL {
                (to_tick(words, role.as_str(), &format!("role-{}", role.as_str())))
            }
            (more)
        }
    }
}

/// A tick with what it means below it, by the name of its text.
fn to_tick(words: Words<'_>, field: &str, name: &str) -> Markup {
    html! {
        label class="check" {
            input type="checkbox" name=(field) value="on";
            span { (words.t(name)) }
            span class="hint" { (words.t(&format!("{name}-more"))) }
        }
    }
}

fn form(words: Words<'_>) -> Markup {
    let no_role = to_tick(words, "no_role", "no-role");
    let (name, reason, password) = (words.t("name"), words.t("reason"), words.t("password-new"));
    let (name_hint, hint) = (
        words.t("staff-name-hint"),
        words.with("staff-password-hint", [("n", password::PASSWORD_CHARS_MIN.into())]),
    );
    html! {
        form method="post" action="/staff" class="card narrow" {
            (Once::new().field())
            (Field { hint: Some(&name_hint), ..Field::text("name", &name) }.show())
            (roles_to_choose(words, &no_role))
            (Field { hint: Some(&hint), required: false, ..Field::password("password", &password, "new-password") }.show())
            (Field::text("reason", &reason).show())
            button { (words.t("save")) }
        }
    }
}

#[derive(Deserialize)]
struct Given {
    once: Once,
    name: String,
    #[serde(default)]
    finance: String,
    #[serde(default)]
    operator: String,
    #[serde(default)]
    administrator: String,
    #[serde(default)]
    no_role: String,
    password: SecretString,
    reason: String,
}

impl Given {
    /// None at all is said, not left out.
    fn roles(&self) -> Option<Vec<Role>> {
        let roles = roles_chosen(&self.finance, &self.operator, &self.administrator);
        (roles.is_empty() == (self.no_role == "on")).then_some(roles)
    }

    /// Another command for other things filled in. A password has no digest to tell it by, and none of it may be guessed from the
    /// log: it is told apart under a key of the service.
    fn once(&self, names: &Names, roles: &[Role]) -> Once {
        let password = names.tag("staff", self.password.expose_secret());
        let mut filled_in = vec![self.name.trim(), &password, self.reason.trim()];
        filled_in.extend(roles.iter().map(|role| role.as_str()));
        self.once.with(&filled_in)
    }
}

/// Those that were ticked.
pub(super) fn roles_chosen(finance: &str, operator: &str, administrator: &str) -> Vec<Role> {
    let given = [(Role::Finance, finance), (Role::Operator, operator), (Role::Administrator, administrator)];
    given.into_iter().filter(|(_, ticked)| *ticked == "on").map(|(role, _)| role).collect()
}

async fn change(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Form(given): Form<Given>,
) -> Response {
    let Some(session) = &visitor.session else { return Redirect::to("/sign-in").into_response() };
    let unfit = async |why| {
        let said = note("bad", &console.words(&visitor).t(why));
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        console.shown::<People>(&visitor, &Asked {}, status, Some(said)).await
    };
    let password = given.password.expose_secret();
    if !password.is_empty() && !password::is_long_enough(password) {
        return unfit("password-unfit").await;
    }
    let Some(roles) = given.roles() else { return unfit("roles-unfit").await };
    let names = match store::service_key(&console.pool, NAMES_KEY).await {
        Ok(key) => Names::new(key),
        Err(error) => return console.away(&visitor, &error),
    };
    let change = Change {
        once: given.once(&names, &roles),
        name: given.name.trim().to_lowercase(),
        roles,
        password: (!password.is_empty()).then(|| given.password.clone()),
        reason: given.reason.trim().to_owned(),
    };
    match put(&console, session, change).await {
        Ok(()) => Redirect::to("/staff?done=staff").into_response(),
        Err(not) => refused(&console, &visitor, &not).await,
    }
}

/// The page, with why something was not done.
pub(super) async fn refused(console: &Console, visitor: &Visitor, not: &NotPut) -> Response {
    let said = not.say(console.words(visitor));
    console.shown::<People>(visitor, &Asked {}, not.status(), Some(said)).await
}

/// An act about how somebody signs in.
#[derive(Deserialize)]
pub(super) struct About {
    pub(super) name: String,
    reason: String,
}

impl About {
    /// Writes it down, before it is done: who dies between is asked for it again, and nothing happens twice.
    pub(super) async fn record(&self, console: &Console, by: &Session, act: &str) -> Result<(), NotPut> {
        // An act of its own each time: what it is about may have begun anew since the form was made.
        let noted = Act::noted(Once::new(), act, &self.name, &self.reason).ok_or(NotPut::Reason)?;
        match console.act(by, noted).await {
            Acted::Done(_) => Ok(()),
            acted => Err(NotPut::Acted(acted)),
        }
    }
}

fn about_form(words: Words<'_>, staff: &[Person]) -> Markup {
    let reason = words.t("reason");
    html! {
        h2 { (words.t("staff-sign-in")) }
        form method="post" action="/staff/sessions/end" class="card narrow" {
            div class="field" {
                label for="f-whose" { (words.t("name")) }
                select id="f-whose" name="name" required {
                    @for one in staff { option value=(one.name) { (one.name) } }
                }
            }
            (Field { id: "f-why", ..Field::text("reason", &reason) }.show())
            div class="acts" {
                button { (words.t("staff-sessions-end")) }
                button formaction="/staff/totp/reset" { (words.t("totp-reset")) }
            }
        }
    }
}
