//! Each page as those read it who don't see it, or not well: judged by axe-core in a real browser, in both languages, light
//! and dark, wide and on a telephone.
//!
//! axe-core is called by the browser's own protocol: the pages allow no script but theirs.

use e2e::Role;
use e2e::browser::{Browser, Page, Screen};
use e2e::dice::Dice;
use e2e::pages::{self, Facts};
use image::ImageFormat;
use ledger::console::Need;
use serde::Deserialize;

use crate::catalog::{begins, saves};
use crate::desk::{PASSWORD, Seat, hires};
use crate::full::fills;
use crate::log::with_history;
use crate::pictures::{drawn, puts};
use crate::texts::knows;

/// What is a fault of a page; what axe-core calls minor or moderate is advice.
const FAULTS: [&str; 2] = ["serious", "critical"];
/// Of each table of operations.
const FULL: i32 = 300;
/// Answers to what nobody would ask, which are pages too.
const REFUSED: [&str; 4] = ["/nowhere", "/log?account=ann", "/revenue?from=yesterday", "/log/99999999"];

#[derive(Deserialize)]
struct Violation {
    id: String,
    impact: Option<String>,
    help: String,
    nodes: Vec<String>,
}

impl std::fmt::Debug for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({}): {}", self.id, self.help, self.nodes.join(" | "))
    }
}

/// What axe-core has against the page as it stands.
fn faults(page: &Page, axe: &str) -> Vec<Violation> {
    if page.eval("typeof axe") != "object" {
        page.eval(axe);
    }
    let run = "axe.run(document, {resultTypes: ['violations']}).then(({violations}) => violations.map(v => ({ \
         id: v.id, impact: v.impact, help: v.help, nodes: v.nodes.map(n => n.html + ' ' + n.failureSummary)})))";
    let said = page.eval(run);
    let all: Vec<Violation> =
        serde_json::from_value(said.clone()).unwrap_or_else(|_| panic!("axe-core does not judge: {said}"));
    all.into_iter().filter(|v| v.impact.as_deref().is_some_and(|impact| FAULTS.contains(&impact))).collect()
}

fn axe() -> String {
    std::fs::read_to_string(xtask::machine::install::axe::find_or_install().unwrap()).unwrap()
}

#[test]
fn axe_finds_no_serious_fault_in_any_page() {
    let (stage, _history) = with_history();
    hires(&stage, "fin", "finance");
    // Nothing is judged while it is empty.
    fills(&stage, FULL);
    // A picture and a draft, so that their forms are there to be judged.
    knows(&stage);
    let admin = Seat::signed_in(&stage, "admin", PASSWORD);
    puts(&admin, "ru", "", &drawn(640, 360, 90, ImageFormat::Png));
    begins(&admin);
    saves(&admin, &[("bonuses-welcome", "7")]);
    let axe = axe();
    let mut dice = Dice::new("pages for axe");
    let payments = stage.client("payments");
    let facts = stage.rt.block_on(Facts::prepare(&stage.pool, &payments, &mut dice, 200)).unwrap();
    let in_runtime = stage.rt.enter();
    let pages = pages::all(&stage.pool, &stage.client("ledger")).unwrap();
    drop(in_runtime);
    // What is open to everybody is looked at by somebody who is nobody.
    let (open, closed): (Vec<_>, Vec<_>) = pages.iter().partition(|page| page.need == Need::Nothing);
    let mut addresses = |pages: &[&pages::Page]| -> Vec<String> {
        let asked = pages.iter().flat_map(|page| &page.asked);
        asked.map(|asked| facts.fill(asked, &mut dice).unwrap()).collect()
    };
    let (open, mut closed) = (addresses(&open), addresses(&closed));
    closed.extend(REFUSED.map(str::to_owned));
    let shown = |seat: Seat<'_>, addresses: &[String]| -> Vec<String> {
        addresses.iter().filter(|address| is_page(&seat, address)).cloned().collect()
    };
    let open = shown(Seat::new(&stage), &open);
    let closed = shown(Seat::signed_in(&stage, "admin", PASSWORD), &closed);
    let browser = Browser::start("console-pages").unwrap();
    let url = stage.url(Role::Ledger);
    let (mut judged, mut bad) = (0, Vec::new());
    for (screen, lang) in
        [(Screen::Wide, "ru"), (Screen::Wide, "en"), (Screen::Phone, "ru"), (Screen::Phone, "en")]
    {
        let page = browser.open(screen).unwrap();
        page.go(&format!("{url}/sign-in"));
        page.turns_by(&format!(".languages [value={lang}]"));
        page.sees(&format!("html[lang={lang}] h1"), "");
        let mut look = |addresses: &[String]| {
            for address in addresses {
                page.go(&format!("{url}{address}"));
                assert_eq!(page.eval("document.documentElement.lang"), lang, "{address}");
                page.assert_fits(address);
                for theme in ["light", "dark"] {
                    page.prefer(theme);
                    judged += 1;
                    let found = faults(&page, &axe);
                    if !found.is_empty() {
                        let shot = page.shot(&format!("fault-{judged}-{lang}-{theme}"));
                        let shot = shot.display();
                        bad.push(format!("{address}, {screen:?}, {lang}, {theme}, {shot}: {found:#?}"));
                    }
                }
            }
        };
        look(&open);
        page.go(&format!("{url}/sign-in"));
        page.click("[name=name]", "");
        page.types("admin");
        page.click("[name=password]", "");
        page.types(PASSWORD);
        page.turns();
        page.sees("form[action='/sign-out']", "");
        look(&closed);
    }
    println!("{judged} looks at {} addresses of {} pages", open.len() + closed.len(), pages.len());
    assert!(bad.is_empty(), "{} of {judged} looks found faults:\n{}", bad.len(), bad.join("\n"));
    assert!(judged >= 8 * 20, "only {judged} looks");
    finds_what_is_planted(&browser, &url, &axe);
}

/// Whether an address shows a page, and not a file.
fn is_page(seat: &Seat<'_>, address: &str) -> bool {
    let answer = seat.gets(address);
    let kind = answer.headers.get("content-type").map(|kind| kind.to_str().unwrap()).unwrap_or_default();
    let refused = REFUSED.contains(&address) && answer.status.is_client_error();
    // There may be no checkpoint yet over an event that a proof is asked of.
    let early = answer.status == reqwest::StatusCode::CONFLICT;
    // Some lead elsewhere who has no business there.
    let elsewhere = answer.status.is_redirection();
    assert!(answer.status.is_success() || refused || early || elsewhere, "{address}: {}", answer.status);
    kind.starts_with("text/html") && !elsewhere
}

/// The control: faults of each kind that pages could have, put into one that has none.
fn finds_what_is_planted(browser: &Browser, url: &str, axe: &str) {
    let page = browser.open(Screen::Wide).unwrap();
    for (rule, planted) in [
        ("button-name", "main.append(document.createElement('button'))"),
        ("label", "main.append(document.createElement('input'))"),
        ("link-name", "main.append(Object.assign(document.createElement('a'), {href: '/'}))"),
        ("color-contrast", "document.querySelector('h1').style.color = '#bbbbbb'"),
        ("html-has-lang", "document.documentElement.removeAttribute('lang')"),
        ("document-title", "document.title = ''"),
    ] {
        page.go(&format!("{url}/sign-in"));
        page.prefer("light");
        let before = faults(&page, axe);
        assert!(before.is_empty(), "{before:#?}");
        page.eval(&format!("{{ const main = document.querySelector('main'); {planted} }}"));
        let found: Vec<String> = faults(&page, axe).into_iter().map(|fault| fault.id).collect();
        assert_eq!(found, [rule], "{planted}");
    }
}
