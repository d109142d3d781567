//! What a person does with the bot, a flow each.

use e2e::people::{Person, buttons, is_picture, said};
use proto_events::Producer;
use serde_json::{Value, json};

use crate::ADMIN;
use crate::chat::Chat;

/// A flow with the name of its transcript.
type Flow = (&'static str, fn(&Chat<'_>));

pub const ALL: [Flow; 11] = [
    ("start", start),
    ("pages", pages),
    ("settings", settings),
    ("topup", topup),
    ("picture", picture),
    ("photos", photos),
    ("chat", chat),
    ("history", history),
    ("referral", referral),
    ("leaving", leaving),
    ("broadcast", broadcast),
];

fn any(_: &Value) -> bool {
    true
}

/// The menu, and everything that can be reached from it in its place.
fn start(chat: &Chat<'_>) {
    let menu = chat.says("/start", any);
    let shown = chat.turns(&menu, chat.word("Баланс", "Balance"), |m| said(m, "💰"));
    let shown = chat.turns(&shown, chat.word("Выписка", "Statement"), |m| said(m, "🧾"));
    let shown = chat.turns(&shown, chat.word("История", "History"), |m| said(m, "🖼"));
    let menu = chat.turns(&shown, chat.word("Меню", "Menu"), |m| said(m, "📷"));
    let shown = chat.turns(&menu, chat.word("Помощь", "Help"), |m| said(m, "/prompt"));
    chat.turns(&shown, chat.word("Меню", "Menu"), |m| said(m, "📷"));
}

fn pages(chat: &Chat<'_>) {
    for command in [
        "/help",
        "/balance",
        "/history",
        "/terms",
        "/privacy",
        "/paysupport",
        "/cancel",
        "/nonsense",
        "/admin",
    ] {
        chat.says(command, any);
    }
    for kind in ["sticker", "voice", "poll"] {
        let after = chat.sends(kind);
        chat.wait(kind, after, any);
    }
}

fn settings(chat: &Chat<'_>) {
    let page = chat.says("/settings", any);
    let sizes = chat.turns(&page, "1K", |m| said(m, "🔍"));
    let page = chat.turns(&sizes, "2K", |m| said(m, "⚙️"));
    let ratios = chat.turns(&page, chat.word("Авто", "Auto"), |m| said(m, "📐"));
    let page = chat.turns(&ratios, "16:9", |m| said(m, "⚙️"));
    let page = chat.turns(&page, "🖼", |m| said(m, chat.word("файлами", "files")));
    let models = chat.turns(&page, "Nano Banana", |m| said(m, "🧠"));
    let page = chat.turns(&models, "3 Pro", |m| said(m, "⚙️"));
    let languages = chat.turns(&page, "🌐", |m| said(m, "🌐"));
    let other = chat.word("English", "Русский");
    let page = chat.turns(&languages, other, |m| said(m, chat.word("Settings", "Настройки")));
    let languages = chat.turns(&page, "🌐", |m| said(m, "🌐"));
    chat.turns(&languages, chat.word("Русский", "English"), |m| {
        said(m, chat.word("Настройки", "Settings"))
    });
    chat.tops_up();
    // A picture costs by its size and comes as a file.
    let after = chat.write(chat.word("нарисуй маяк", "draw a lighthouse"));
    let made = chat.picture_after(after);
    assert!(made["document"].is_object(), "it was to come as a file: {made}");
}

/// Too little, then by YooKassa's page; what was asked for is offered again.
fn topup(chat: &Chat<'_>) {
    let after = chat.write(chat.word("/prompt лиса под дождём", "/prompt a fox in the rain"));
    chat.wait("that it is not enough", after, |m| said(m, "10"));
    chat.tops_up();
    let offer = chat.wait("the offer", after, |m| said(m, chat.word("лиса под", "a fox in")));
    chat.taps(&offer, "✨");
    chat.picture_after(offer["message_id"].as_i64().unwrap());
}

/// A picture, once more, its file, a change of it; a failure; a cancellation.
fn picture(chat: &Chat<'_>) {
    chat.says("/start", any);
    chat.tops_up();
    let asked = chat.says("/generate", |m| said(m, "🎨"));
    let after = chat.write(chat.word("кот в скафандре", "a cat in a spacesuit"));
    assert!(after > asked["message_id"].as_i64().unwrap());
    let made = chat.picture_after(after);
    let mut last = made["message_id"].as_i64().unwrap();
    for button in ["🔄", "📎"] {
        chat.taps(&made, button);
        last = chat.picture_after(last)["message_id"].as_i64().unwrap();
    }
    chat.taps(&made, "✏️");
    chat.wait("what to change", last, |m| said(m, "✏️"));
    let after = chat.write(chat.word("сделай фоном закат", "make the background a sunset"));
    let changed = chat.picture_after(after);
    let after = chat.replies(&changed, chat.word("добавь звёзды", "add stars"));
    chat.picture_after(after);

    chat.stage.fault("gemini", "generateContent", json!("prompt_blocked"), 20);
    let after = chat.write(chat.word("нарисуй запретное", "draw what may not be"));
    chat.wait("the refusal", after, |m| said(m, "🚫"));
    chat.stage.heal();

    chat.stage.fault("gemini", "generateContent", json!({"hold_ms": 60_000}), 1);
    let after = chat.write(chat.word("нарисуй долгое", "draw something slow"));
    let status = chat.wait("the status", after, |m| said(m, "10"));
    chat.turns(&status, "✖️", |m| said(m, "🛑"));
    chat.stage.heal();
}

/// Kept, looked at, removed; an album with words, one photo with words.
fn photos(chat: &Chat<'_>) {
    chat.says("/start", any);
    chat.says("/refs", any);
    let after = chat.shows(&[10], None);
    chat.wait("that it is kept", after, |m| said(m, "📎"));
    let after = chat.shows(&[60, 110], None);
    chat.wait("that the album is kept", after, |m| said(m, "3"));
    chat.tops_up();
    let after = chat.write(chat.word("нарисуй меня космонавтом", "draw me as an astronaut"));
    chat.picture_after(after);
    let after = chat.shows(&[160, 210], Some(chat.word("вместе на луне", "together on the moon")));
    chat.picture_after(after);
    let after = chat.shows(&[250], Some(chat.word("в акварели", "in watercolour")));
    chat.picture_after(after);
    chat.says("/refs", |m| said(m, "3"));
    let after = chat.write("/refs");
    let page = chat.wait("the photos", after, |m| said(m, "3"));
    let page = chat.turns(&page, "✖️ 2", |m| said(m, "2"));
    chat.turns(&page, "🗑", |m| !said(m, "2"));
}

fn chat(chat: &Chat<'_>) {
    chat.says("/start", any);
    for words in
        [chat.word("Как дела?", "How are you?"), chat.word("А что я спросил?", "And what did I ask?")]
    {
        chat.says(words, |m| said(m, chat.word("осталось", "left")));
    }
    chat.says("/clear", any);
}

fn history(chat: &Chat<'_>) {
    chat.says("/start", any);
    chat.tops_up();
    let after = chat.write(chat.word("нарисуй сову", "draw an owl"));
    chat.picture_after(after);
    chat.says(chat.word("Привет", "Hello"), |m| said(m, chat.word("осталось", "left")));
    let page = chat.says("/history", |m| said(m, "2."));
    let before = chat.last();
    chat.taps(&page, "2");
    let again = chat.picture_after(before);
    assert!(is_picture(&again));
    let balance = chat.says("/balance", any);
    chat.says("/balance", any);
    chat.turns(&balance, chat.word("Выписка", "Statement"), |m| said(m, "🧾"));
}

/// Whoever comes by a link is told, and so is who sent it.
fn referral(chat: &Chat<'_>) {
    chat.says("/start", any);
    let page = chat.says("/referral", any);
    let text = page["text"].as_str().unwrap();
    let payload = text.split("?start=").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap();
    let friend = Chat::new(chat.stage, chat.person.0 + 50, chat.lang);
    friend.says(&format!("/start {payload}"), any);
    chat.wait("that somebody came", page["message_id"].as_i64().unwrap(), |m| said(m, "👥") && said(m, "5"));
    friend.wait("the gift", 0, |m| said(m, chat.word("по ссылке друга", "a friend's link")));
    friend.is_looked_at_in_any_order("friend");
    chat.also(&friend);
    let ledger = chat.stage.ledger_as(Producer::Telegram);
    chat.stage.until("the friend to be counted", || {
        let of = json!({"account": {"telegram": chat.person.0}});
        let view: Value = chat.stage.rt.block_on(ledger.ask("referrals", &of, None)).unwrap();
        (view["earned"] == 5).then_some(())
    });
    chat.says("/referral", |m| said(m, chat.word("1 человек", "1 person")));
}

/// Words for people, an administrator's acts, and the end.
fn leaving(chat: &Chat<'_>) {
    let admin = Chat::new(chat.stage, if chat.is_russian() { ADMIN } else { ADMIN + 1 }, chat.lang);
    admin.says("/start", any);
    chat.says("/start", any);
    chat.says("/support", any);
    let after = admin.last();
    chat.says(chat.word("Где мои кредиты?", "Where are my credits?"), |m| said(m, "✅"));
    let passed = admin.wait("the words", after, |m| said(m, chat.word("Где мои", "Where are")));
    admin.replies(&passed, chat.word("Сейчас посмотрим", "Let me look"));
    chat.wait("the answer", 0, |m| said(m, chat.word("Сейчас посмотрим", "Let me look")));

    let id = chat.person.0;
    admin.says("/admin", any);
    admin.says("/stats", any);
    admin.says(&format!("/user {id}"), any);
    let after = chat.last();
    admin.says(&format!("/grant {id} 50 {}", chat.word("за терпение", "for patience")), |m| {
        said(m, "✅")
    });
    chat.wait("the gift", after, |m| said(m, "50"));
    admin.says(&format!("/message {id} {}", chat.word("С <праздником>!", "Happy <day>!")), |m| {
        said(m, "✅")
    });
    chat.wait("the message", after, |m| said(m, chat.word("С <праздником>!", "Happy <day>!")));
    for (command, sign) in [("ban", "⛔"), ("unban", "✅")] {
        let after = chat.last();
        admin
            .says(&format!("/{command} {id} {}", chat.word("проверка", "a test")), |m| said(m, sign));
        chat.wait(command, after, |m| said(m, sign));
    }
    admin.is_looked_at("administrator");
    chat.also(&admin);
    let page = chat.says("/delete_me", any);
    let kept = chat.turns(&page, "👍", |m| said(m, "👍"));
    assert!(kept["reply_markup"].is_null());
    let page = chat.says("/delete_me", |m| said(m, "🗑"));
    chat.turns(&page, "🗑", |m| said(m, chat.word("Готово", "Done")));
    let gone = chat.stage.count_of(Person(id), "AccountOpened");
    assert_eq!(gone, 0, "nobody is known by this id any more");
}

/// To those who speak a language: asked whom, how many, then sent.
fn broadcast(chat: &Chat<'_>) {
    let admin = Chat::new(chat.stage, ADMIN + if chat.is_russian() { 2 } else { 3 }, chat.lang);
    admin.says("/start", any);
    chat.says("/start", any);
    admin.says("/broadcast", any);
    let words = chat.word("Новая модель рисует руки!", "A new model draws hands!");
    let news = json!({"message_id": admin.write(words)});
    // It is talk so far.
    admin.wait("an answer", news["message_id"].as_i64().unwrap(), |m| said(m, chat.word("осталось", "left")));
    let after = admin.replies(&news, "/broadcast");
    let menu = admin.wait("the segments", after, |m| said(m, "📣"));
    let sure = admin.turns(&menu, chat.word("На русском", "In English"), |m| said(m, ":"));
    let after = chat.last();
    admin.taps(&sure, "📣");
    chat.wait("the news", after, |m| said(m, words));
    chat.stage.until("the end of the broadcast", || {
        let now = admin.now(&sure)?;
        if let Some((_, refresh)) = buttons(&now).into_iter().find(|(label, _)| label.contains("🔄")) {
            // It may be over by now, and the button gone.
            admin.forges(&now, &refresh);
        }
        said(&now, chat.word("Закончено", "Finished")).then_some(())
    });
    admin.is_looked_at("broadcast-administrator");
    chat.also(&admin);
}
