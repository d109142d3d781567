//! What people, the provider's desk and operators do, again and again until it is answered.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use e2e::booth::STARS;
use e2e::people::buttons;
use e2e::raw::of;
use e2e::shop::Shop;
use e2e::{Role, deeds};
use proto_events::{PaymentId, Producer, Rail};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::plan::{Ending, Plan, Way};

/// Between two looks.
const MOMENT: Duration = Duration::from_millis(250);
/// How often somebody looks before writing again.
const LOOKS: u32 = 40;
/// How often somebody tries to pay one bill.
const TRIES: u32 = 8;
/// How often somebody asks for a bill before going away.
const ORDERS: u32 = 6;

#[derive(Clone)]
pub struct Desk {
    deeds: deeds::Deeds,
    raw: e2e::raw::Raw,
    pool: PgPool,
    http: reqwest::Client,
    sandbox: String,
    /// How often somebody has tried to pay a bill.
    tried: Arc<Mutex<HashMap<(i64, i64), u32>>>,
}

impl Desk {
    pub fn new(shop: &Shop) -> Self {
        Self {
            deeds: shop.deeds.hasty(Duration::from_secs(20)),
            raw: shop.raw.clone(),
            pool: shop.stage.pool.clone(),
            http: shop.stage.http.clone(),
            sandbox: shop.stage.url(Role::Sandbox),
            tried: Arc::default(),
        }
    }

    pub async fn go(&self, plan: Plan) {
        self.arrive(plan.user).await;
        let charge = match plan.way {
            Way::Page(ending) => self.on_the_page(&plan, ending).await,
            Way::Stars { again } => self.in_the_chat(plan.user, again).await,
        };
        let Some((payment, charge)) = charge else { return };
        if let Some(minor) = plan.elsewhere {
            let body = match plan.way {
                Way::Page(_) => json!({"amount": format!("{}.{:02}", minor / 100, minor % 100)}),
                Way::Stars { .. } => json!({}),
            };
            self.post(&format!("/checkout/{charge}/refund"), &body).await;
        }
        if let Some(minor) = plan.operator {
            self.give_back(&plan, payment, minor).await;
        }
    }

    /// Writes /start until there is an account.
    async fn arrive(&self, user: i64) {
        let sql = "SELECT EXISTS (SELECT FROM telegram_identities WHERE telegram_user_id = $1)";
        for look in 0_u32.. {
            if let Ok(true) = sqlx::query_scalar(sql).bind(user).fetch_one(&self.pool).await {
                return;
            }
            if look.is_multiple_of(LOOKS) {
                self.post(&format!("/people/{user}/messages"), &json!({"text": "/start"})).await;
            }
            tokio::time::sleep(MOMENT).await;
        }
    }

    /// The payment and its id at YooKassa, if it was paid there.
    async fn on_the_page(&self, plan: &Plan, ending: Ending) -> Option<(PaymentId, String)> {
        let nonce = format!("n{}x{}", plan.user, plan.n);
        let payment = loop {
            match self.deeds.topup_by(plan.user, &nonce, Rail::Yookassa).await {
                Ok(payment) => break payment,
                // Answered or not, the same command again.
                Err(error) => assert!(error.code().is_none(), "a top-up is refused: {error}"),
            }
        };
        let id = self.registered(payment).await?;
        let deed = match ending {
            Ending::Paid => "succeed",
            Ending::Declined => "decline",
            Ending::Expired => "expire",
            Ending::Left => return None,
        };
        self.post(&format!("/checkout/{id}/{deed}"), &json!({})).await;
        (ending == Ending::Paid).then_some((payment, id))
    }

    /// The id at YooKassa, or nothing if the payment was closed before it got one.
    async fn registered(&self, payment: PaymentId) -> Option<String> {
        let sql = "SELECT (SELECT checkout_url FROM payment_links WHERE payment = $1), \
                          NOT EXISTS (SELECT FROM open_payments WHERE payment = $1)";
        loop {
            let found = sqlx::query_as::<_, (Option<String>, bool)>(sql).bind(payment.to_string());
            match found.fetch_one(&self.pool).await {
                Ok((Some(url), _)) => return url.rsplit('/').next().map(str::to_owned),
                Ok((None, true)) => return None,
                // Postgres may be dead.
                Ok((None, false)) | Err(_) => tokio::time::sleep(MOMENT).await,
            }
        }
    }

    /// Asks for a bill and pays one of the chat, whichever nobody pays; `again`: also one that was paid before. The
    /// payment that it settled, and its charge.
    async fn in_the_chat(&self, user: i64, mut again: bool) -> Option<(PaymentId, String)> {
        for _ in 0..ORDERS {
            self.ask_for_a_bill(user).await;
            for _ in 0..LOOKS {
                if let Some(bill) = self.bill(user, again).await {
                    let body = json!({"message_id": bill});
                    let (status, answer) = self.post(&format!("/people/{user}/payments"), &body).await;
                    if status == 200 {
                        let paid = &answer["message"]["successful_payment"]["telegram_payment_charge_id"];
                        let charge = paid.as_str().expect("a payment has a charge").to_owned();
                        return Some((self.settled_by(&charge).await, charge));
                    }
                    // Refused for now, or for good.
                    again = false;
                }
                tokio::time::sleep(MOMENT).await;
            }
        }
        None
    }

    /// /topup, and a tap on the Stars once they are offered.
    async fn ask_for_a_bill(&self, user: i64) {
        let asked = self.post(&format!("/people/{user}/messages"), &json!({"text": "/topup"})).await.1;
        for _ in 0..LOOKS {
            let chat = self.chat(user).await;
            let menu = chat.iter().find_map(|m| {
                let offered = buttons(m).into_iter().find(|(label, _)| label.contains(STARS));
                let newer = m["message_id"].as_i64() > asked["message_id"].as_i64();
                offered.filter(|_| newer).map(|(_, data)| (m["message_id"].clone(), data))
            });
            if let Some((message, data)) = menu {
                let body = json!({"message_id": message, "data": data});
                self.post(&format!("/people/{user}/taps"), &body).await;
                return;
            }
            tokio::time::sleep(MOMENT).await;
        }
    }

    /// Empty while the sandbox is away.
    async fn chat(&self, user: i64) -> Vec<Value> {
        let Ok(answer) = self.http.get(format!("{}/people/{user}/chat", self.sandbox)).send().await else {
            return Vec::new();
        };
        let chat: Value = answer.json().await.unwrap_or_default();
        chat["messages"].as_array().cloned().unwrap_or_default()
    }

    /// A bill that was not paid, and not refused too often: one that came twice is paid by the other. `again`: also one
    /// that was paid.
    async fn bill(&self, user: i64, again: bool) -> Option<i64> {
        let chat = self.chat(user).await;
        let bills = chat.iter().filter(|m| m["invoice"].is_object());
        let bills = bills.filter(|m| again || m["receipt_message_id"].is_null());
        let mut tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        let count = |id: &i64| tried.get(&(user, *id)).copied().unwrap_or(0);
        let least = bills.filter_map(|m| m["message_id"].as_i64()).min_by_key(count);
        let bill = least.filter(|id| count(id) < TRIES)?;
        *tried.entry((user, bill)).or_default() += 1;
        Some(bill)
    }

    /// The payment that this charge of Telegram settled, once it has.
    async fn settled_by(&self, charge: &str) -> PaymentId {
        let sql = "SELECT subject FROM natural_keys WHERE kind = 'settled' AND key = 'telegram:' || $1";
        loop {
            let found = sqlx::query_scalar::<_, String>(sql).bind(charge).fetch_optional(&self.pool).await;
            if let Ok(Some(payment)) = found {
                return payment.parse().expect("the subject of a settled key is a payment");
            }
            tokio::time::sleep(MOMENT).await;
        }
    }

    async fn give_back(&self, plan: &Plan, payment: PaymentId, minor: i64) {
        let stars = matches!(plan.way, Way::Stars { .. });
        let sql = "SELECT EXISTS (SELECT FROM natural_keys WHERE kind = 'settled' AND subject = $1)";
        while !matches!(
            sqlx::query_scalar(sql).bind(payment.to_string()).fetch_one(&self.pool).await,
            Ok(true)
        ) {
            tokio::time::sleep(MOMENT).await;
        }
        let (rail, amount) = match stars {
            true => ("stars", json!({"amount": 75, "currency": "XTR"})),
            false => ("yookassa", json!({"amount": minor, "currency": "RUB"})),
        };
        let body = json!({"payment": payment, "rail": rail, "reason": "asked for", "amount": amount});
        let command = format!("refund:n{}x{}", plan.user, plan.n);
        // More than is left is refused, and that is right.
        self.raw.ask(Producer::Console, "refund_open", &command, of(payment.account()), body).await;
    }

    /// Until it is answered at all.
    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        loop {
            let sent = self.http.post(format!("{}{path}", self.sandbox)).json(body).send().await;
            if let Ok(answer) = sent {
                let status = answer.status().as_u16();
                if let Ok(body) = answer.json().await {
                    return (status, body);
                }
            }
            tokio::time::sleep(MOMENT).await;
        }
    }

    /// The faults that stand; nothing while the sandbox is away.
    pub async fn faults(&self) -> Option<Vec<Value>> {
        let answer = self.http.get(format!("{}/faults", self.sandbox)).send().await.ok()?;
        answer.json::<Value>().await.ok()?["faults"].as_array().cloned()
    }

    /// `path`: `/faults`, or one of them.
    pub async fn take_back(&self, path: &str) {
        // A sandbox that is away has forgotten its faults.
        let _ = self.http.delete(format!("{}{path}", self.sandbox)).send().await;
    }
}
