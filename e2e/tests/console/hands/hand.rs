//! Somebody at the console with a mouse and a keyboard, in a real browser. What they press is kept: a test promises which
//! forms are done by hand, and is held to it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::path::PathBuf;

use e2e::browser::{Browser, Page, Screen};
use e2e::{Role, Stage, pages};
use reqwest::Method;
use serde_json::{Value, json};

use crate::desk::PASSWORD;

/// A form that was pressed, as its room is registered but with its deed, and what its page then said was done (`done-…`).
pub type Act = (&'static str, &'static str);

/// What everybody presses who comes in.
pub const ENTERING: [Act; 3] = [("/language", ""), ("/sign-in", ""), ("/me/prove", "proven")];

/// On a wide screen in Russian and on a telephone in English: the same deeds, and on each all that are promised and no other.
pub fn by_hand(stage: &Stage, shots: &str, promised: &[Act], deeds: impl Fn(&Hand<'_>)) {
    let browser = Browser::start(shots).unwrap();
    let routes = routes(stage);
    let promised: BTreeSet<(String, String)> = ENTERING
        .iter()
        .chain(promised)
        .map(|(form, done)| ((*form).to_owned(), (*done).to_owned()))
        .collect();
    for (screen, lang) in [(Screen::Wide, "ru"), (Screen::Phone, "en")] {
        let pressed = RefCell::default();
        let shots = Cell::new(0);
        let place = Place {
            stage,
            browser: &browser,
            screen,
            lang,
            routes: &routes,
            pressed: &pressed,
            shots: &shots,
        };
        deeds(&place.sits_down());
        assert_eq!(pressed.borrow().clone(), promised, "what was pressed in {lang} is not what is promised");
    }
}

/// All that is registered to be sent a form.
pub fn routes(stage: &Stage) -> Vec<String> {
    let in_runtime = stage.rt.enter();
    let rooms = pages::rooms(&stage.pool, &stage.client("ledger")).unwrap();
    drop(in_runtime);
    rooms.into_iter().filter(|room| room.method == Method::POST).map(|room| room.path).collect()
}

/// The room that an address is in; where several fit, the one that leaves the least open.
pub fn route_of<'a>(routes: &'a [String], path: &str) -> &'a str {
    let fits = |route: &&String| {
        let (of, is): (Vec<_>, Vec<_>) = (route.split('/').collect(), path.split('/').collect());
        of.len() == is.len() && of.iter().zip(&is).all(|(of, is)| of == is || of.starts_with('{'))
    };
    let found = routes.iter().filter(fits).min_by_key(|route| route.matches('{').count());
    found.unwrap_or_else(|| panic!("{path} is in no room"))
}

/// The same with its deed, where that is a part of the address.
fn named(route: &str, path: &str) -> String {
    let parts = route.split('/').zip(path.split('/'));
    parts.map(|(of, is)| if of == "{deed}" { is } else { of }).collect::<Vec<_>>().join("/")
}

#[derive(Clone, Copy)]
struct Place<'a> {
    stage: &'a Stage,
    browser: &'a Browser,
    screen: Screen,
    lang: &'static str,
    routes: &'a [String],
    pressed: &'a RefCell<BTreeSet<(String, String)>>,
    shots: &'a Cell<usize>,
}

impl<'a> Place<'a> {
    fn sits_down(self) -> Hand<'a> {
        let page = self.browser.open(self.screen).unwrap();
        Hand { stage: self.stage, page, lang: self.lang, place: self }
    }
}

pub struct Hand<'a> {
    pub stage: &'a Stage,
    pub page: Page,
    pub lang: &'static str,
    place: Place<'a>,
}

impl<'a> Hand<'a> {
    /// Another window that knows nothing of this one, at the same screen: somebody else.
    pub fn another(&self) -> Hand<'a> {
        self.place.sits_down()
    }

    pub fn goes(&self, path: &str) {
        self.page.go(&format!("{}{path}", self.stage.url(Role::Ledger)));
    }

    /// In their language, as far as the password brings them.
    pub fn signs_in_as(&self, name: &str, password: &str) {
        self.goes("/sign-in");
        self.presses(&format!(".languages [value={}]", self.lang));
        self.page.sees(&format!("html[lang={}] h1", self.lang), "");
        self.fills("/sign-in", &[("name", name), ("password", password)]);
    }

    pub fn signs_in(&self, name: &str) {
        self.signs_in_as(name, PASSWORD);
        self.sees("h1", "Обзор", "Overview");
    }

    /// The first administrator, with the password given once more.
    pub fn is_admin(&self) {
        self.signs_in("admin");
        self.goes("/me");
        self.fills("/me/prove", &[("password", PASSWORD)]);
        self.says("подтверждён", "confirmed");
    }

    /// As people go through a form: field by field, then its first button. What is named `on` is ticked or unticked, what is
    /// chosen from is chosen.
    pub fn fills(&self, action: &str, fields: &[(&str, &str)]) {
        self.fills_by(action, "", "button", fields);
    }

    /// The form of this action that has such an element, and such a button of it. `only` is a selector, or nothing.
    pub fn fills_by(&self, action: &str, only: &str, button: &str, fields: &[(&str, &str)]) {
        let has = if only.is_empty() { String::new() } else { format!(":has({only})") };
        let form = format!("main form[action={}]{has}", json!(action));
        self.page.until(&format!("the form of {action}"), || self.there(&form));
        self.unfolds(&form);
        for (name, value) in fields {
            self.gives(&format!("{form} [name={}]", json!(name)), value);
        }
        let route = named(route_of(self.place.routes, action), action);
        let plain =
            |c: char| if c.is_ascii_alphanumeric() || c == '-' { Some(c) } else { (c == '/').then_some('-') };
        self.shot(route.trim_start_matches('/').chars().filter_map(plain).collect::<String>().as_str());
        self.presses(&format!("{form} {button}"));
    }

    fn there(&self, selector: &str) -> bool {
        self.page.eval(&format!("Boolean(document.querySelector({}))", json!(selector))) == true
    }

    /// What the form is folded in is opened.
    fn unfolds(&self, form: &str) {
        let at = format!("document.querySelector({}).closest('details')", json!(form));
        // Nothing: it is not folded.
        let is_open = || self.page.eval(&format!("(d => d && d.open)({at})"));
        self.page.until(&format!("{form} to be open"), || {
            if is_open() == false {
                self.page.eval(&format!("{at}.querySelector('summary').focus()"));
                self.page.presses("Enter");
            }
            is_open() != false
        });
    }

    /// Fills in one field.
    pub fn gives(&self, field: &str, value: &str) {
        let at = json!(field);
        let kind =
            self.page.eval(&format!("(f => f && f.tagName + ' ' + f.type)(document.querySelector({at}))"));
        match kind.as_str().unwrap_or_else(|| panic!("there is no {field}")) {
            "INPUT checkbox" => {
                self.page.eval(&format!("document.querySelector({at}).focus()"));
                self.page.presses(" ");
            }
            // In the dialog for files, which is the browser's.
            "INPUT file" => {
                self.page.click(field, "");
                self.page.chooses(&[PathBuf::from(value)]);
                let chosen = format!("document.querySelector({at}).files.length");
                self.page.until("the file in its field", || self.page.eval(&chosen) == 1);
            }
            kind if kind.starts_with("SELECT") => {
                // A list that the browser draws outside of the page.
                let choose =
                    "f.value = v; f.dispatchEvent(new Event('change', {bubbles: true})); return f.value";
                let choose =
                    format!("((f, v) => {{ {choose} }})(document.querySelector({at}), {})", json!(value));
                assert_eq!(self.page.eval(&choose), value, "{field} offers no {value}");
            }
            _ => {
                self.page.click(field, "");
                self.page.eval(&format!("document.querySelector({at}).select()"));
                self.page.types(value);
                let typed = self.page.eval(&format!("document.querySelector({at}).value"));
                assert_eq!(typed, value, "{field} takes something else");
            }
        }
    }

    /// Presses a button, or follows a link, and waits for the page that it leads to. What a form did is kept.
    pub fn presses(&self, selector: &str) {
        self.page.until(&format!("{selector} to be pressed"), || self.there(selector));
        let to = "(b => b.form && b.form.method === 'post' && (b.getAttribute('formaction') || b.form.getAttribute('action')))";
        let to = self.page.eval(&format!("{to}(document.querySelector({}))", json!(selector)));
        self.page.turns_by(selector);
        if let Value::String(to) = to {
            let done = self.page.eval("new URLSearchParams(location.search).get('done') || ''");
            let act = named(route_of(self.place.routes, &to), &to);
            self.place.pressed.borrow_mut().insert((act, done.as_str().unwrap_or_default().to_owned()));
        }
    }

    /// Of the two the one in the language of this window.
    pub fn word(&self, ru: &'static str, en: &'static str) -> &'static str {
        if self.lang == "ru" { ru } else { en }
    }

    pub fn sees(&self, selector: &str, ru: &'static str, en: &'static str) {
        self.page.sees(selector, self.word(ru, en));
    }

    /// It was done.
    pub fn says(&self, ru: &'static str, en: &'static str) {
        self.sees("main .good", ru, en);
    }

    /// In the order in which they were taken.
    pub fn shot(&self, name: &str) {
        self.page.assert_fits(name);
        let taken = self.place.shots.get() + 1;
        self.place.shots.set(taken);
        self.page.shot(&format!("{taken:02}-{name}-{}", self.lang));
    }
}

/// How often something is in the log.
pub fn counted(stage: &Stage, sql: &'static str, of: &str) -> i64 {
    stage.sql(sqlx::query_scalar(sql).bind(of.to_owned()).fetch_one(&stage.pool))
}

/// Acts of this name about this, with this reason, by an administrator.
pub fn noted(stage: &Stage, act: &str, subject: &str, reason: &str) -> i64 {
    let sql = "SELECT count(*) FROM events WHERE type = 'OperatorActed' AND actor = 'operator:admin' \
         AND payload::json->>'act' = $1 AND payload::json->>'subject' = $2 AND payload::json->>'reason' = $3";
    let asked = sqlx::query_scalar(sql).bind(act.to_owned()).bind(subject.to_owned()).bind(reason.to_owned());
    stage.sql(asked.fetch_one(&stage.pool))
}

/// All that is in the log is on the pages.
pub fn folded(stage: &Stage) {
    stage.until("the projections", || {
        let sql = "SELECT min(position) >= (SELECT position FROM log_head) FROM projection_instances \
                   WHERE state = 'live'";
        let there: Option<bool> = stage.sql(sqlx::query_scalar(sql).fetch_one(&stage.pool));
        (there == Some(true)).then_some(())
    });
}
