//! The payment page: what YooKassa shows a payer, played.

use axum::response::Response;
use serde_json::Value;

use super::page;

/// Key, English, Russian.
const WORDS: [(&str, &str, &str); 7] = [
    ("t-strip", "nothing here is real, no money moves", "здесь всё понарошку, деньги не списываются"),
    ("t-shop", "shop", "магазин"),
    ("t-payment", "Payment", "Платёж"),
    ("t-pay", "Pay", "Оплатить"),
    ("t-decline", "Decline", "Отклонить"),
    ("t-expire", "Let it expire", "Дать истечь"),
    ("t-back", "Back to the chat", "Вернуться в чат"),
];

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// Mark, its class, English, Russian.
fn outcome(status: &str) -> (&'static str, &'static str, &'static str, &'static str) {
    match status {
        "succeeded" => ("✓", "good", "Paid", "Оплачено"),
        "waiting_for_capture" => {
            ("…", "good", "Held, the shop will take it", "Сумма удержана, магазин её спишет")
        }
        _ => ("✕", "bad", "Not paid", "Не оплачено"),
    }
}

fn method(kind: &str) -> &str {
    match kind {
        "sbp" => "SBP",
        "sberbank" => "SberPay",
        "tinkoff_bank" => "T-Pay",
        "yoo_money" => "YooMoney",
        _ => "MasterCard",
    }
}

/// The page of one payment, in Russian when the browser's first language is.
pub(crate) fn checkout(payment: &Value, return_url: Option<&str>, russian: bool) -> Response {
    let text = |value: &Value| escaped(value.as_str().unwrap_or_default());
    let status = payment["status"].as_str().unwrap_or_default();
    let content = if status == "pending" {
        include_str!("checkout_open.html")
    } else {
        include_str!("checkout_done.html")
    };
    let (mark, class, english_outcome, russian_outcome) = outcome(status);
    let mut html = include_str!("checkout.html").replace("{{content}}", content);
    for (key, english, in_russian) in WORDS {
        html = html.replace(&format!("{{{{{key}}}}}"), if russian { in_russian } else { english });
    }
    // A bot's own address leads out of the sandbox; the chat here is what is meant.
    let back =
        return_url.filter(|url| url.starts_with("http") && !url.contains("//t.me/")).unwrap_or("/chat");
    let value = text(&payment["amount"]["value"]);
    let values = [
        ("lang", if russian { "ru" } else { "en" }.to_owned()),
        ("t-outcome", if russian { russian_outcome } else { english_outcome }.to_owned()),
        ("mark", mark.to_owned()),
        ("mark-class", class.to_owned()),
        ("value", if russian { value.replace('.', ",") } else { value }),
        ("shop", text(&payment["recipient"]["account_id"])),
        ("id", text(&payment["id"])),
        ("method", method(payment["payment_method"]["type"].as_str().unwrap_or("bank_card")).to_owned()),
        ("reason", text(&payment["cancellation_details"]["reason"])),
        ("back", escaped(back)),
        // Last: it is the payer-visible text, and nothing is replaced in it.
        ("description", text(&payment["description"])),
    ];
    for (key, value) in values {
        html = html.replace(&format!("{{{{{key}}}}}"), &value);
    }
    page(html)
}
