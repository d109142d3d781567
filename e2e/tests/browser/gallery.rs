//! Screenshots of what people see, in both languages, wide and on a telephone, for people to look at:
//! `PICTURES=folder cargo xtask test --test browser -- gallery`.

use e2e::Stage;
use e2e::browser::{Browser, Screen};
use serde_json::json;

use crate::seat::{BOTS, Seat, portrait};

/// What models write: all that a message can show.
const RICH_RU: &str = "## Как снять закат\n\nКоротко: **приходите заранее** и не уходите сразу.\n\n1. Встаньте так, чтобы \
солнце было *сбоку*.\n2. Снимите три кадра: темнее, как есть, светлее.\n   - штатив не обязателен\n   - горизонт держите \
ровно\n\n> Лучший свет — через десять минут после заката.\n\n```python\nfor shift in (-1, 0, 1):\n    camera.shoot(ev=shift)\n```\n\
Подробнее — в [справочнике](https://example.org/sunset).";
const RICH_EN: &str = "## How to shoot a sunset\n\nIn short: **come early** and don't leave at once.\n\n1. Stand so that the \
sun is *beside* you.\n2. Take three shots: darker, as it is, lighter.\n   - you don't need a tripod\n   - keep the horizon \
level\n\n> The best light comes ten minutes after sunset.\n\n```python\nfor shift in (-1, 0, 1):\n    camera.shoot(ev=shift)\n```\n\
There is more in [the guide](https://example.org/sunset).";

/// Sends a command, and keeps what it brings.
fn command(seat: &Seat<'_>, command: &str, words: &str) {
    let told = || seat.page.count(&format!("{BOTS} .body"), words);
    let before = told();
    seat.page.writes(command);
    seat.page.until(command, || told() > before);
    seat.shot(command.trim_start_matches('/'));
}

fn of_money(seat: &Seat<'_>) {
    seat.comes();
    seat.shot("welcome");
    seat.page.click("#text", "");
    seat.page.types("/");
    seat.page.sees("#menu", "/prompt");
    seat.shot("commands");
    seat.page.eval("document.getElementById('text').value = ''");
    seat.page.presses("Escape");
    seat.page.writes(seat.word("нарисуй лису под дождём", "draw a fox in the rain"));
    seat.is_told(seat.word("Не хватает", "Not enough"));
    seat.shot("short");
    seat.page.click(".buttons button", "100\u{20}₽");
    seat.page.sees(".buttons a.link", "");
    seat.shot("bill");
    seat.opens_checkout();
    seat.shot("checkout");
    seat.pays_at_checkout();
    seat.page.sees(".buttons button", "✨");
    seat.shot("paid");
    seat.gets_a_picture(|| seat.page.click(".buttons button", "✨"));
    seat.shot("wish");
    seat.opens_packages();
    seat.page.click(".buttons button", "75\u{20}⭐");
    seat.page.sees(".buttons button.pay", "");
    seat.shot("stars");
    seat.page.click(".buttons button.pay", "75");
    seat.page.sees("#pay .sum", "75");
    seat.shot("stars-sheet");
    seat.page.click("#pay .big:not(.quiet)", "");
    seat.available(195);
    seat.page.until("the sheet to go", || seat.page.count("#pay", "") == 0);
}

fn of_pictures(seat: &Seat<'_>) {
    let (stage, page) = (seat.stage, &seat.page);
    seat.uploads(&[portrait(stage, 40), portrait(stage, 220), portrait(stage, 140)], None);
    seat.is_told(seat.word("3 фото из 14", "3 photos of 14"));
    seat.shot("kept");
    page.writes("/refs");
    page.sees(".buttons button", "✖️ 3");
    seat.shot("refs");
    stage.fault("gemini", "*", json!({"hold_ms": 60_000}), 1);
    let prompt = seat.word("нарисуй нас на маяке, акварель", "draw us on a lighthouse, in watercolour");
    seat.gets_a_picture(|| {
        page.writes(prompt);
        seat.is_told(seat.word("3 фото", "3 photos of yours"));
        seat.shot("accepted");
        seat.is_told(seat.word("Рисую", "Drawing"));
        seat.shot("drawing");
        stage.heal();
    });
    seat.shot("picture");
    seat.gets_a_picture(|| {
        page.click(".buttons button", "✏️");
        page.sees("#above .quote", "✏️");
        seat.shot("change");
        page.writes(seat.word("пусть будет закат", "make it a sunset"));
    });
    seat.shot("changed");
    page.click(".shot", "");
    page.until("the viewer", || page.eval("eyes.drawn('#viewer img')") == 1);
    seat.shot("viewer");
    page.presses("Escape");
    stage.fault("gemini", "*", json!("prompt_blocked"), 1);
    page.writes(seat.word("/prompt чего рисовать нельзя", "/prompt what may not be painted"));
    seat.is_told("🚫");
    stage.heal();
    seat.shot("refused");
}

fn of_talk(seat: &Seat<'_>) {
    let (stage, page) = (seat.stage, &seat.page);
    let rich = seat.word(RICH_RU, RICH_EN);
    let slowly = json!({"text_instead": rich, "drip_bytes": 400, "drip_ms": 700});
    stage.fault("gemini", "*", slowly, 1);
    page.writes(seat.word("Как снять закат?", "How do I shoot a sunset?"));
    page.until("some words", || page.texts(".draft .body").first().is_some_and(|text| text.len() > 60));
    seat.shot("draft");
    seat.is_told(seat.word("осталось: 174", "left: 174"));
    stage.heal();
    seat.shot("answer");
    page.writes("/clear");
    page.click("#attach", "");
    seat.shot("attach");
    page.click("#attach-menu button", seat.word("Стикер", "Sticker"));
    page.writes("/nonsense");
    seat.is_told("🤷");
    seat.shot("unknown");
}

fn of_pages(seat: &Seat<'_>) {
    let page = &seat.page;
    command(seat, "/balance", seat.word("Потрачено", "Spent"));
    page.click(".buttons button", "🧾");
    seat.is_told(seat.word("пополнение", "top-up"));
    seat.shot("statement");
    command(seat, "/settings", "Nano Banana");
    page.click(".buttons button", "🧠");
    page.sees(".buttons button", "✓");
    seat.shot("models");
    page.click(".buttons button", "‹");
    page.click(".buttons button", "📐");
    page.sees(".buttons button", "16:9");
    seat.shot("shapes");
    command(seat, "/history", seat.word("Номер", "A number"));
    command(seat, "/referral", "t.me/");
    command(seat, "/help", "/paysupport");
    command(seat, "/terms", "Gemini");
    command(seat, "/privacy", "Google");
    command(seat, "/paysupport", "Telegram");
    page.writes("/support");
    page.sees("#above .quote", "💬");
    seat.shot("support");
    page.writes(seat.word("Где мои кредиты?", "Where are my credits?"));
    seat.is_told("✅");
    command(seat, "/delete_me", "🗑");
    page.click(".buttons button", "👍");
}

fn of_admins(seat: &Seat<'_>, other: i64) {
    seat.comes();
    command(seat, "/admin", "/broadcast");
    command(seat, "/stats", "📊");
    seat.page.writes(&format!("/user {other}"));
    seat.is_told("👤");
    seat.page.writes(&format!("/grant {other} 50 {}", seat.word("за терпение", "for patience")));
    seat.is_told("✅");
    seat.shot("user");
    let news = seat.word("Новая модель рисует руки!", "A new model draws hands!");
    seat.page.writes(news);
    seat.is_told(news);
    seat.available(4);
    match seat.screen {
        Screen::Wide => seat.page.double_clicks("#messages .row.mine .body", ""),
        Screen::Phone => seat.page.swipes("#messages .row.mine .body", ""),
    }
    seat.page.sees("#above", "");
    seat.page.writes("/broadcast");
    seat.page.sees(".buttons button", seat.word("На русском", "In English"));
    seat.shot("segments");
    seat.page.click(".buttons button", seat.word("Платили", "Have paid"));
    seat.page.sees(".buttons button", seat.word("Отправить", "Send"));
    seat.shot("broadcast");
}

#[test]
fn gallery() {
    // Flows that other tests go through: only for who wants to look.
    if std::env::var_os("PICTURES").is_none() {
        return;
    }
    let admins = [7490, 7491, 7492, 7493];
    let stage =
        Stage::whole_with(&[("ADMIN_TELEGRAM_ID", &admins.map(|id| id.to_string()).join(","))]).unwrap();
    let browser = Browser::start("gallery").unwrap();
    let chairs = [(Screen::Wide, "en"), (Screen::Phone, "ru"), (Screen::Wide, "ru"), (Screen::Phone, "en")];
    for ((screen, lang), n) in chairs.into_iter().zip(0..) {
        let user = 7480 + n;
        let seat = Seat::take(&stage, &browser, screen, user, lang);
        of_money(&seat);
        of_pictures(&seat);
        of_talk(&seat);
        of_pages(&seat);
        seat.page.assert_tidy();
        of_admins(&Seat::take(&stage, &browser, screen, 7490 + n, lang), user);
    }
}
