//! Each page in a real browser, wide and on a telephone, in both languages, light and dark.

use e2e::Role;
use e2e::browser::{Browser, Screen};

use crate::desk::{PASSWORD, hires, open};

#[test]
fn pages_are_read_on_a_wide_screen_and_on_a_telephone() {
    let stage = open();
    hires(&stage, "fin", "finance");
    let browser = Browser::start("console").unwrap();
    for (screen, lang, theme) in [
        (Screen::Wide, "ru", "light"),
        (Screen::Wide, "en", "dark"),
        (Screen::Phone, "ru", "dark"),
        (Screen::Phone, "en", "light"),
    ] {
        let page = browser.open(screen).unwrap();
        page.prefer(theme);
        let url = stage.url(Role::Ledger);
        page.go(&format!("{url}/acts"));
        page.click(".languages button", &lang.to_uppercase());
        let word = |ru: &'static str, en: &'static str| if lang == "ru" { ru } else { en };
        page.sees("h1", word("Войти", "Sign in"));
        let shot = |name: &str| {
            page.assert_fits(name);
            page.shot(&format!("{name}-{lang}-{theme}"));
        };
        shot("sign-in");
        page.click("[name=name]", "");
        page.types("admin");
        page.click("[name=password]", "");
        page.types("wrong horse battery");
        page.presses("Enter");
        page.sees(".bad", word("не подходят", "not right"));
        shot("wrong");
        page.click("[name=password]", "");
        page.types(PASSWORD);
        page.presses("Enter");
        page.sees("h1", word("Обзор", "Overview"));
        shot("home");
        for (path, name) in [
            ("/books", "books"),
            ("/revenue", "revenue"),
            ("/statement", "statement"),
            ("/payment", "payment"),
            ("/clearing", "clearing"),
            ("/debts", "debts"),
            ("/cases", "cases"),
            ("/reconciliation", "reconciliation"),
            ("/log", "log"),
            ("/log/3", "event"),
            ("/services", "services"),
            ("/projections", "projections"),
            ("/jobs", "jobs"),
            ("/broadcasts", "broadcasts"),
            ("/projections/balances", "projection"),
            ("/acts", "acts"),
            ("/me", "me"),
            ("/staff", "staff"),
            ("/nowhere", "nowhere"),
        ] {
            page.go(&format!("{url}{path}"));
            shot(name);
        }
    }
}
