//! A package paid by the invoice in the chat, and the address that receipts go to.

use e2e::people::{buttons, said};
use e2e::{Role, Stage};
use serde_json::json;

use crate::chat::Chat;

const TOKEN: (&str, &str) = ("YOOKASSA_PROVIDER_TOKEN", "381764678:TEST:100500");
const RECEIPTS: [(&str, &str); 3] =
    [("YOOKASSA_RECEIPTS", "on"), ("YOOKASSA_VAT_CODE", "1"), ("YOOKASSA_TAX_SYSTEM_CODE", "2")];

/// By card in Telegram, where the address is asked for by Telegram.
fn card(chat: &Chat<'_>) {
    chat.says("/start", |_| true);
    let menu = chat.says("/buy", |m| !buttons(m).is_empty());
    let ways = chat.turns(&menu, "100\u{a0}₽", |m| said(m, chat.word("Как удобнее", "How would you")));
    chat.taps(&ways, chat.word("Картой в Telegram", "By card in Telegram"));
    let bill = chat.wait("the invoice", 0, |m| m["invoice"].is_object());
    let body = json!({"message_id": bill["message_id"], "email": "payer@example.org"});
    let (status, paid) = chat.stage.post(&format!("/people/{}/payments", chat.person.0), &body);
    assert_eq!(status, 200, "{paid}");
    chat.wait("the receipt", 0, |m| said(m, chat.word("Платёж получен", "Payment received")));
}

/// By YooKassa's page, for which the bot asks: one that is none, then one; the next time it is known, and can be another.
fn receipt(chat: &Chat<'_>) {
    chat.says("/start", |_| true);
    let menu = chat.says("/topup", |m| !buttons(m).is_empty());
    let ways = chat.turns(&menu, "100\u{a0}₽", |m| said(m, chat.word("Как удобнее", "How would you")));
    let page = chat.word("Все способы", "All ways");
    chat.taps(&ways, page);
    let asks = |m: &serde_json::Value| said(m, chat.word("На какой e-mail", "Which e-mail"));
    let question = chat.wait("the question", 0, asks);
    let wrong = chat.replies(&question, "payer at example.org");
    let question = chat.wait("the question again", wrong, asks);
    let after = chat.replies(&question, "payer@example.org");
    let link = |after| {
        let there = move |m: &serde_json::Value| e2e::people::link(m).is_some();
        let bill = chat.wait("the link", after, there);
        chat.stage.pay(e2e::people::link(&bill).unwrap().rsplit('/').next().unwrap());
        chat.stage.wait_for(chat.person, "the receipt", |m| {
            m["message_id"].as_i64() > bill["message_id"].as_i64()
                && said(m, chat.word("Платёж получен", "Payment received"))
        })
    };
    link(after);
    let menu = chat.says("/topup", |m| !buttons(m).is_empty());
    let ways = chat.turns(&menu, "200\u{a0}₽", |m| said(m, "payer@example.org"));
    let before = chat.last();
    chat.taps(&ways, chat.word("Другой e-mail", "Another e-mail"));
    let question = chat.wait("the question", before, asks);
    let after = chat.replies(&question, "somebody.else@example.org");
    chat.wait("what was asked for", after, |m| said(m, "somebody.else@example.org"));
}

#[test]
fn a_card_in_telegram_and_the_address_for_receipts_read_as_they_were_looked_at() {
    let bot = [&[TOKEN], &RECEIPTS[..]].concat();
    let stage = Stage::whole_where(&[(Role::Telegram, &bot), (Role::Payments, &RECEIPTS)]).unwrap();
    let mut differ = Vec::new();
    for (n, lang) in [(0, "ru"), (2, "en")] {
        for (m, (name, flow)) in
            [("card", card as fn(&Chat<'_>)), ("receipt", receipt)].into_iter().enumerate()
        {
            let chat = Chat::new(&stage, 7300 + n + i64::try_from(m).unwrap(), lang);
            flow(&chat);
            chat.is_looked_at(name);
            differ.extend(chat.differ());
        }
    }
    stage.judge_bot_requests();
    stage.assert_verified();
    assert!(differ.is_empty(), "these transcripts differ: {}", differ.join(", "));
}
