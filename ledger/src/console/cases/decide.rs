//! A payment in quarantine: what was seen of it, and the decision, which is for good.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use maud::{Markup, html};
use proto_events::commands::{QuarantineResolve, QuarantineVerdict};
use proto_events::envelope::AccountRef;
use proto_events::{AccountId, SomeCredits, SomeMoney, Text};
use schemars::JsonSchema;
use serde::Deserialize;

use super::OWNERS;
use super::list::{All, Asked as Everything};
use crate::books::moscow;
use crate::books::words::{minor, word};
use crate::cases::{Quarantined, find_quarantined};
use crate::console::Console;
use crate::console::act::{Act, Acted, Once};
use crate::console::asked::{Unfit, link};
use crate::console::books::READS;
use crate::console::door::Need;
use crate::console::form::{Field, choice};
use crate::console::page::note;
use crate::console::session::{Visitor, is_proven};
use crate::console::table::money_shown;
use crate::console::view::{Read, Scene, View};

pub(super) struct One;

#[derive(Deserialize, JsonSchema)]
pub(super) struct Asked {
    /// The provider's id of the payment.
    #[serde(default)]
    id: String,
}

impl Read for One {
    type Asked = Asked;
    type Shown = Quarantined;

    const PATH: &'static str = "/cases/quarantine";
    const NEED: Need = READS;
    const ABOUT: &'static str = "A payment in quarantine";

    async fn read(console: &Console, asked: &Asked) -> Result<Quarantined, Unfit> {
        find_quarantined(&console.pool, asked.id.trim()).await?.into_iter().next().ok_or(Unfit::Nowhere)
    }
}

impl View for One {
    fn title(scene: &Scene<'_>, asked: &Asked, _: Option<&Quarantined>) -> String {
        format!("{} · {}", scene.t("in-quarantine"), asked.id)
    }

    fn ask(scene: &Scene<'_>, _: &Asked) -> Markup {
        html! { p { a href="/cases" { "← " (scene.t("menu-cases")) } } }
    }

    fn show(scene: &Scene<'_>, _: &Asked, found: &Quarantined) -> Markup {
        let session = scene.visitor.session.as_ref();
        html! {
            (facts(scene, found))
            h2 { (scene.t("decide")) }
            @if !scene.is_one_of(OWNERS) { p { (scene.t("decide-not-for-you")) } }
            @else if session.is_some_and(is_proven) { (form(scene, found)) }
            @else { p { (scene.t("prove-first-more")) " " a href="/me" { (scene.t("me")) } } }
        }
    }
}

fn facts(scene: &Scene<'_>, found: &Quarantined) -> Markup {
    let seen = &found.seen;
    let others = [
        ("seen-status", Some(seen.status.to_string())),
        (
            "seen-amount",
            seen.amount.map(money_shown).or_else(|| seen.other_amount.as_ref().map(ToString::to_string)),
        ),
        ("seen-shop", seen.shop.as_ref().map(ToString::to_string)),
        ("seen-test", seen.test.map(|test| scene.t(if test { "yes" } else { "no" }))),
        ("seen-names", seen.named.as_ref().map(ToString::to_string)),
    ];
    html! {
        dl class="facts" {
            dt { (scene.t("position")) } dd { a href={"/log/" (found.position)} { (found.position) } }
            dt { (scene.t("when")) } dd { (moscow::date_time(found.recorded_at)) }
            dt { (scene.t("rail")) } dd { code { (found.rail.as_str()) } }
            dt { (scene.t("payment")) }
            dd class="id" {
                @if let Some(payment) = found.payment {
                    a href=(link("/payment", &[("id", &payment.to_string())])) { (payment) }
                } @else { (scene.t("payment-nobodys")) }
            }
            dt { (scene.t("problems")) }
            dd { @for problem in &found.problems { span class="chip" { (word(problem)) } " " } }
            @for (name, value) in others {
                @if let Some(value) = value { dt { (scene.t(name)) } dd { (value) } }
            }
        }
    }
}

fn form(scene: &Scene<'_>, found: &Quarantined) -> Markup {
    let labels = ["verdict", "settle-amount", "credits", "reason"].map(|name| scene.t(name));
    let [verdict, amount, credits, reason] = &labels;
    let (amount_hint, reason_hint) = (scene.t("settle-amount-hint"), scene.t("reason-hint"));
    let mut verdicts = vec![("dismiss", scene.t("verdict-dismiss"))];
    // Of nobody's payment nobody is credited.
    if found.account != AccountId::OPERATIONS {
        verdicts.push(("settle", scene.t("verdict-settle")));
    }
    html! {
        form method="post" action="/cases/decide" class="card narrow" {
            (Once::new().field())
            input type="hidden" name="id" value=(found.provider_payment_id);
            (choice("verdict", verdict, &verdicts, "dismiss"))
            (Field { hint: Some(&amount_hint), ..Field::wish("amount", amount, "") }.show())
            (Field::wish("credits", credits, "").show())
            label class="check" {
                input type="checkbox" name="test" value="on";
                span { (scene.t("paid-in-test")) }
            }
            (Field { hint: Some(&reason_hint), ..Field::text("reason", reason) }.show())
            label class="check" {
                input type="checkbox" name="sure" value="on" required;
                span { (scene.t("decide-for-good")) }
            }
            button { (scene.t("decide-do")) }
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Given {
    once: Once,
    #[serde(default)]
    id: String,
    #[serde(default)]
    verdict: String,
    #[serde(default)]
    amount: String,
    #[serde(default)]
    credits: String,
    #[serde(default)]
    test: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    sure: String,
}

impl Given {
    /// # Errors
    /// The name of what is said of it.
    fn verdict(&self, of: &Quarantined) -> Result<QuarantineVerdict, &'static str> {
        if self.sure != "on" {
            return Err("not-sure");
        }
        match self.verdict.as_str() {
            "dismiss" => Ok(QuarantineVerdict::Dismiss),
            "settle" if of.account == AccountId::OPERATIONS => Err("settle-nobodys"),
            "settle" => {
                let currency = of.provider().currency();
                let amount = minor(self.amount.trim(), currency).ok_or("amount-unfit")?;
                let amount = SomeMoney::new(amount, currency).ok().ok_or("amount-unfit")?;
                let credits = self.credits.trim().parse().ok().ok_or("credits-unfit")?;
                let credits = SomeCredits::new(credits).ok().ok_or("credits-unfit")?;
                Ok(QuarantineVerdict::Settle { amount, credits, test: self.test == "on" })
            }
            _ => Err("verdict-unfit"),
        }
    }
}

pub(super) async fn decide(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Form(given): Form<Given>,
) -> Response {
    let Some(session) = &visitor.session else { return Redirect::to("/sign-in").into_response() };
    let asked = Asked { id: given.id.clone() };
    let again = async |status, said| console.shown::<One>(&visitor, &asked, status, Some(said)).await;
    let words = console.words(&visitor);
    let unfit = |why: &str| (StatusCode::UNPROCESSABLE_ENTITY, note("bad", &words.t(why)));
    let found = match One::read(&console, &asked).await {
        Ok(found) => found,
        // Of two presses the second finds nothing that waits.
        Err(Unfit::Nowhere) => {
            let said = note("bad", &words.t("case-gone"));
            return console.shown::<All>(&visitor, &Everything {}, StatusCode::CONFLICT, Some(said)).await;
        }
        Err(_) => return console.shown::<One>(&visitor, &asked, StatusCode::OK, None).await,
    };
    let verdict = match given.verdict(&found) {
        Ok(verdict) => verdict,
        Err(why) => {
            let (status, said) = unfit(why);
            return again(status, said).await;
        }
    };
    let Some(reason) = Text::new(given.reason.trim()).ok().filter(|reason: &Text<500>| !reason.is_empty())
    else {
        let (status, said) = unfit("reason-missing");
        return again(status, said).await;
    };
    let provider_payment_id = Text::lossy(&found.provider_payment_id);
    let command = QuarantineResolve { rail: found.rail, provider_payment_id, verdict, reason };
    let act = Act { once: given.once, account: AccountRef::Id(found.account), command: command.into() };
    match console.act(session, act).await {
        Acted::Done(_) => Redirect::to("/cases?done=decided").into_response(),
        acted => again(acted.status(), acted.say(words, &[])).await,
    }
}
