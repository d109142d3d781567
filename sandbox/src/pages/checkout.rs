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

/// A way of paying; words in English and Russian.
struct Method {
    kind: &'static str,
    mark: &'static str,
    name: (&'static str, &'static str),
    /// What the payer would do next.
    how: (&'static str, &'static str),
}

const METHODS: [Method; 5] = [
    Method {
        kind: "bank_card",
        mark: "▬",
        name: ("Bank card", "Банковская карта"),
        how: ("Mir, Visa, Mastercard", "МИР, Visa, Mastercard"),
    },
    Method {
        kind: "sbp",
        mark: "⚡",
        name: ("SBP", "СБП"),
        how: ("in your bank's app", "в приложении вашего банка"),
    },
    Method {
        kind: "sberbank",
        mark: "С",
        name: ("SberPay", "SberPay"),
        how: ("in the Sber app", "в приложении Сбера"),
    },
    Method {
        kind: "tinkoff_bank",
        mark: "T",
        name: ("T-Pay", "T-Pay"),
        how: ("in the T-Bank app", "в приложении Т-Банка"),
    },
    Method {
        kind: "yoo_money",
        mark: "Ю",
        name: ("YooMoney", "ЮMoney"),
        how: ("from the wallet", "из кошелька"),
    },
];

/// Braces too: nothing is replaced in what was said by others.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
        .replace('{', "&#123;")
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

/// One payment as its page shows it.
pub(crate) struct Shown<'a> {
    /// The API's `Payment`.
    pub(crate) payment: &'a Value,
    /// As the shop sent it; null without one.
    pub(crate) receipt: &'a Value,
    pub(crate) return_url: Option<&'a str>,
    /// When that is whom the chat page has in it, else the browser's first language.
    pub(crate) russian: bool,
}

impl Shown<'_> {
    fn say(&self, english: &'static str, russian: &'static str) -> &'static str {
        if self.russian { russian } else { english }
    }

    fn money(&self, amount: &Value) -> String {
        let value = escaped(amount["value"].as_str().unwrap_or_default());
        if self.russian { value.replace('.', ",") } else { value }
    }

    /// What was chosen in the shop, or the choice.
    fn method(&self) -> String {
        match self.payment["payment_method"]["type"].as_str() {
            Some("bank_card") => {
                "<div class=\"card-picture\" aria-hidden=\"true\"><b>5555 55•• •••• 4477</b>\
                                  <span><i>12 / 30</i><i>MasterCard</i></span></div>"
                    .to_owned()
            }
            Some(chosen) => {
                let one = METHODS.iter().find(|one| one.kind == chosen).map(|one| self.label(one));
                format!("<div class=\"method\">{}</div>", one.unwrap_or_else(|| escaped(chosen)))
            }
            None => {
                let choices: String = METHODS.iter().map(|one| self.choice(one)).collect();
                let legend = self.say("How to pay", "Способ оплаты");
                format!("<fieldset class=\"methods\"><legend>{legend}</legend>{choices}</fieldset>")
            }
        }
    }

    fn choice(&self, one: &Method) -> String {
        let checked = if one.kind == "bank_card" { " checked" } else { "" };
        let input = format!("<input type=\"radio\" name=\"method\" value=\"{}\"{checked}>", one.kind);
        format!("<label class=\"method\">{input}{}</label>", self.label(one))
    }

    fn label(&self, Method { kind, mark, name, how }: &Method) -> String {
        let (name, how) = (self.say(name.0, name.1), self.say(how.0, how.1));
        let logo = format!("<span class=\"logo {kind}\" aria-hidden=\"true\">{mark}</span>");
        format!("{logo}<span><b>{name}</b><small>{how}</small></span>")
    }

    fn receipt(&self) -> String {
        let Some(items) = self.receipt["items"].as_array() else { return String::new() };
        let text = |value: &Value| escaped(value.as_str().unwrap_or_default());
        let lines: String = items
            .iter()
            .map(|item| {
                let quantity = match &item["quantity"] {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                let times = escaped(quantity.trim_end_matches('0').trim_end_matches('.'));
                let times = if matches!(&*times, "1" | "") { String::new() } else { format!(" × {times}") };
                format!(
                    "<li><span>{}{times}</span><span>{} ₽</span></li>",
                    text(&item["description"]),
                    self.money(&item["amount"])
                )
            })
            .collect();
        let customer = &self.receipt["customer"];
        let whom =
            if customer["email"].is_null() { text(&customer["phone"]) } else { text(&customer["email"]) };
        let head = self.say("Receipt to", "Чек на");
        format!("<div class=\"receipt\"><b>{head} {whom}</b><ul>{lines}</ul></div>")
    }

    /// Why it was not paid, and what went back.
    fn notes(&self) -> String {
        let reason = self.payment["cancellation_details"]["reason"].as_str().unwrap_or_default();
        let back = &self.payment["refunded_amount"];
        let mut notes = Vec::new();
        if !reason.is_empty() {
            notes.push(format!("<code>{}</code>", escaped(reason)));
        }
        if back["value"].as_str().is_some_and(|value| value != "0.00") {
            notes.push(format!("{} {} ₽", self.say("Given back:", "Возвращено:"), self.money(back)));
        }
        notes.iter().map(|note| format!("<p class=\"note\">{note}</p>")).collect()
    }
}

/// The page of one payment.
pub(crate) fn checkout(shown: &Shown<'_>) -> Response {
    let payment = shown.payment;
    let text = |value: &Value| escaped(value.as_str().unwrap_or_default());
    let status = payment["status"].as_str().unwrap_or_default();
    let content = if status == "pending" {
        include_str!("checkout_open.html")
    } else {
        include_str!("checkout_done.html")
    };
    let (mark, class, english_outcome, russian_outcome) = outcome(status);
    let mut html = include_str!("checkout.html").replace("{{content}}", content);
    for (key, english, russian) in WORDS {
        html = html.replace(&format!("{{{{{key}}}}}"), shown.say(english, russian));
    }
    // A bot's own address leads out of the sandbox; the chat here is what is meant.
    let back =
        shown.return_url.filter(|url| url.starts_with("http") && !url.contains("//t.me/")).unwrap_or("/chat");
    let values = [
        ("lang", shown.say("en", "ru").to_owned()),
        ("t-outcome", shown.say(english_outcome, russian_outcome).to_owned()),
        ("mark", mark.to_owned()),
        ("mark-class", class.to_owned()),
        ("value", shown.money(&payment["amount"])),
        ("shop", text(&payment["recipient"]["account_id"])),
        ("id", text(&payment["id"])),
        ("method", shown.method()),
        ("notes", shown.notes()),
        ("receipt", shown.receipt()),
        ("back", escaped(back)),
        ("description", text(&payment["description"])),
    ];
    for (key, value) in values {
        html = html.replace(&format!("{{{{{key}}}}}"), &value);
    }
    page(html)
}
