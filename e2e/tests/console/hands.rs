//! Acts by hand: in a real browser, by mouse and keyboard, on a wide screen in Russian and on a telephone in English.

use e2e::browser::{Browser, Page, Screen};
use e2e::deeds::{Deeds, rubles};
use e2e::raw::Raw;
use e2e::{Role, Stage};
use serde_json::json;

use crate::desk::{PASSWORD, open};
use crate::money::{day_to_compare, order, quarantine};

struct Hand<'a> {
    stage: &'a Stage,
    page: Page,
    lang: &'static str,
}

impl Hand<'_> {
    fn goes(&self, path: &str) {
        self.page.go(&format!("{}{path}", self.stage.url(Role::Ledger)));
    }

    /// The form that goes there.
    fn form(action: &str) -> String {
        format!("main form[action={}]", json!(action))
    }

    /// As people go through a form: field by field, then its button. `on` is ticked, what is chosen from is chosen.
    fn fills(&self, action: &str, fields: &[(&str, &str)]) {
        self.fills_as(action, action, fields);
    }

    fn fills_as(&self, name: &str, action: &str, fields: &[(&str, &str)]) {
        let form = Self::form(action);
        self.page.until(&format!("the form of {action}"), || {
            let there = format!("document.querySelectorAll({}).length", json!(form));
            self.page.eval(&there).as_u64().unwrap_or_default() > 0
        });
        // What is folded is opened.
        self.page.eval(&format!("for (const d of document.querySelectorAll('main details')) if (d.querySelector({})) d.open = true", json!(form)));
        for (name, value) in fields {
            let field = json!(format!("{form} [name={name}]"));
            let kind =
                self.page.eval(&format!("(f => f.tagName + ' ' + f.type)(document.querySelector({field}))"));
            self.page.eval(&format!("document.querySelector({field}).focus()"));
            match kind.as_str().unwrap_or_else(|| panic!("{action} has no {name}")) {
                "INPUT checkbox" => self.page.presses(" "),
                kind if kind.starts_with("SELECT") => {
                    let chosen = self.page.eval(&format!(
                        "(f => {{ f.value = {}; f.dispatchEvent(new Event('change', {{bubbles: true}})); return f.value }})\
                         (document.querySelector({field}))",
                        json!(value)
                    ));
                    assert_eq!(chosen, *value, "{action}: {name} offers no {value}");
                }
                _ => {
                    self.page.eval(&format!("document.querySelector({field}).select()"));
                    self.page.types(value);
                }
            }
        }
        self.shot(name);
        self.page.turns_by(&format!("{form} button"));
    }

    fn says(&self, ru: &'static str, en: &'static str) {
        self.page.sees("main .good", if self.lang == "ru" { ru } else { en });
    }

    fn shot(&self, name: &str) {
        self.page.assert_fits(name);
        let name = name.trim_matches('/').replace('/', "-");
        let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(40).collect();
        self.page.shot(&format!("{name}-{}", self.lang));
    }
}

#[test]
fn acts_are_done_by_hand_in_both_languages() {
    let stage = open();
    let (raw, deeds) = (Raw::new(&stage), Deeds::new(&stage));
    let ada = stage.rt.block_on(deeds.start(42)).unwrap();
    let paid = order(&stage, &deeds, 7);
    stage.rt.block_on(deeds.register(paid)).unwrap();
    stage.rt.block_on(deeds.settle(paid, rubles(100))).unwrap();
    for (user, id) in [(8, "y-ru"), (9, "y-en")] {
        quarantine(&raw, Some(order(&stage, &deeds, user)), id);
    }
    let day = day_to_compare(&raw);
    stage.until("the projections", || {
        let sql = "SELECT min(position) >= (SELECT position FROM log_head) FROM projection_instances \
                   WHERE state = 'live'";
        let there: Option<bool> = stage.sql(sqlx::query_scalar(sql).fetch_one(&stage.pool));
        (there == Some(true)).then_some(())
    });
    let browser = Browser::start("console-hands").unwrap();
    for (screen, lang) in [(Screen::Wide, "ru"), (Screen::Phone, "en")] {
        let hand = Hand { stage: &stage, page: browser.open(screen).unwrap(), lang };
        hand.goes("/sign-in");
        hand.page.turns_by(&format!(".languages [value={lang}]"));
        hand.page.sees(&format!("html[lang={lang}] h1"), "");
        hand.fills("/sign-in", &[("name", "admin"), ("password", PASSWORD)]);
        hand.page.sees("h1", if lang == "ru" { "Обзор" } else { "Overview" });

        hand.goes("/me");
        hand.fills("/me/prove", &[("password", PASSWORD)]);
        hand.says("подтверждён", "confirmed");

        hand.goes("/staff");
        let name = format!("fin.{lang}");
        let new =
            [("name", name.as_str()), ("finance", "on"), ("password", PASSWORD), ("reason", "new here")];
        hand.fills("/staff", &new);
        hand.says("Сделано", "Done");

        hand.goes("/tokens");
        let token = [("name", name.as_str()), ("finance", "on"), ("days", "30"), ("reason", "a report")];
        hand.fills("/tokens", &token);
        hand.page.sees("main", "plantain_");
        hand.shot("token-made");

        // Credits: what will be is shown first.
        hand.goes("/people");
        hand.fills("/people/search", &[("whom", "42")]);
        hand.page.sees(".deeds form", "");
        let to = format!("/people/{ada}/confirm");
        hand.fills_as("grant", &to, &[("deed", "grant"), ("credits", "7"), ("reason", "sorry")]);
        let does = format!("/people/{ada}/credits");
        hand.fills_as("grant-confirm", &does, &[]);
        hand.says("Кредиты начислены", "Credits granted");
        hand.shot("granted");

        hand.goes(&format!("/cases/quarantine?id=y-{lang}"));
        let settle =
            [("verdict", "settle"), ("amount", "70"), ("credits", "70"), ("reason", "asked"), ("sure", "on")];
        hand.fills("/cases/decide", &settle);
        hand.says("Решено", "Decided");

        hand.goes(&format!("/reconciliation/day?provider=yookassa&day={day}"));
        hand.fills("/reconciliation/compare", &[]);
        hand.says("Сверено", "compared");
        hand.shot("day-compared");

        hand.goes("/verifications");
        hand.fills("/verifications/begin", &[]);
        let ended = if lang == "ru" { "верно" } else { "verified" };
        hand.page.sees("main .good", "");
        hand.page.sees("main td .chip", ended);
        hand.shot("verified");

        hand.goes("/projections/balances");
        hand.fills("/projections/balances/rebuild", &[("reason", "by hand")]);
        hand.page.sees("main form[action='/projections/balances/swap']", "");
        hand.shot("rebuilt");
        hand.fills("/projections/balances/swap", &[("reason", "by hand"), ("confirmed", "on")]);
        hand.says("Ведущему сервису", "The ledger that leads");

        for path in [
            "/statistics",
            "/exports",
            "/payment?id=y-ru",
            "/tokens",
            "/proposals",
            "/reconciliation",
            "/acts",
        ] {
            hand.goes(path);
            hand.shot(path);
        }
    }
    stage.assert_verified();
}
