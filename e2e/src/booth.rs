//! The bot's till: ledger, Telegram adapter and sandbox, with the payments adapter beside them where rubles
//! are paid. People tap and pay in their chats.

use anyhow::Result;
use proto_events::{CommandId, PaymentId, Producer, RefundId};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::deeds::Deeds;
use crate::people::{Person, answered, buttons, id_of, said};
use crate::raw::{Raw, of};
use crate::{Role, Stage};

pub struct Booth {
    pub stage: Stage,
    pub raw: Raw,
    telegram: Vec<(&'static str, &'static str)>,
}

/// Telegram's book is compared each second, so that what messages do not bring is found.
pub const OFTEN: (&str, &str) = ("STARS_RECONCILE_SECONDS", "1");
/// Only messages bring money.
pub const NEVER: (&str, &str) = ("STARS_RECONCILE_SECONDS", "86400");
/// Where the adapter may die while Stars are paid and given back.
pub const DEATHS: [&str; 5] = [
    "telegram.invoice_sent",
    "telegram.checkout_answered",
    "telegram.settled",
    "telegram.stars_returned",
    "telegram.refund_settled",
];
/// Where it may die while money that disagrees is put aside, and while Stars that went back by themselves are taken.
pub const ODD_DEATHS: [&str; 2] = ["telegram.put_aside", "telegram.refund_taken"];
pub const STARS: &str = "75\u{a0}⭐";
pub const RUBLES: &str = "100\u{a0}₽";

impl Booth {
    /// `telegram`: more in the environment of its adapter.
    pub fn open(telegram: &[(&'static str, &'static str)]) -> Result<Self> {
        Self::open_with(&[], &[], telegram)
    }

    pub fn open_with(
        sandbox: &[(&str, &str)],
        ledger: &[(&str, &str)],
        telegram: &[(&'static str, &'static str)],
    ) -> Result<Self> {
        let mut stage = Stage::new()?;
        stage.start(Role::Sandbox, sandbox)?;
        stage.start(Role::Ledger, ledger)?;
        stage.start(Role::Telegram, telegram)?;
        let raw = Raw::new(&stage);
        Ok(Self { stage, raw, telegram: telegram.to_vec() })
    }

    /// Stops the bot, lets something happen, and starts it again.
    pub fn without_bot(&mut self, meanwhile: impl FnOnce(&Self)) {
        assert!(self.stage.stop(Role::Telegram));
        meanwhile(self);
        self.stage
            .start(Role::Telegram, &self.telegram)
            .unwrap_or_else(|error| panic!("the bot should start again: {error:?}"));
    }

    pub fn meet(&self, person: Person) {
        self.stage.write(person, "/start");
        self.stage.wait_for(person, "the welcome", |_| true);
    }

    /// /topup, then the button with these words; the message it stood under.
    pub fn choose(&self, person: Person, words: &str) -> Value {
        let asked = self.stage.write(person, "/topup");
        let menu = self.stage.wait_for(person, "the packages", |m| {
            m["message_id"].as_i64() > Some(asked) && !buttons(m).is_empty()
        });
        self.tap(person, &menu, words);
        menu
    }

    pub fn tap(&self, person: Person, message: &Value, words: &str) {
        let all = buttons(message);
        let button = all.iter().find(|(label, _)| label.contains(words));
        let (_, data) = button.unwrap_or_else(|| panic!("no button {words:?} in {all:?}"));
        self.stage.tap(person, message, data);
    }

    /// The newest invoice that is not older than this message.
    pub fn invoice_after(&self, person: Person, after: i64) -> Value {
        self.stage.wait_for(person, "the invoice", |m| {
            m["invoice"].is_object() && m["message_id"].as_i64() > Some(after)
        })
    }

    /// A bill for 100 credits in Stars.
    pub fn stars_bill(&self, person: Person) -> Value {
        let menu = self.choose(person, STARS);
        self.invoice_after(person, id_of(&menu))
    }

    /// Pays it: 200, or 402 with the reason.
    pub fn pay(&self, person: Person, invoice: &Value) -> (u16, Value) {
        let body = json!({"message_id": invoice["message_id"]});
        self.stage.post(&format!("/people/{}/payments", person.0), &body)
    }

    /// The same, while the test goes on.
    pub fn paying(&self, person: Person, invoice: &Value) -> JoinHandle<(u16, Value)> {
        let url = format!("{}/people/{}/payments", self.stage.url(Role::Sandbox), person.0);
        let request = self.stage.http.post(url).json(&json!({"message_id": invoice["message_id"]}));
        self.stage.rt.spawn(async move {
            let answer = answered(request.send().await);
            (answer.status().as_u16(), answer.json().await.unwrap_or_default())
        })
    }

    /// 50 Stars for this person's oldest bill of 75, while the bot is away: somebody says yes in its name. The charge.
    pub fn pay_oddly(&self, person: Person) -> String {
        self.bot("deleteWebhook", &json!({}));
        let payload = self.payments(person)[0].to_string();
        let copy = self.bot(
            "sendInvoice",
            &json!({"chat_id": person.0, "title": "x", "description": "x", "payload": payload,
                "currency": "XTR", "prices": [{"label": "x", "amount": 50}]}),
        );
        let paying = self.paying(person, &copy);
        let query = self.stage.until("the query", || {
            let updates = self.bot("getUpdates", &json!({}));
            let mut ids = updates.as_array()?.iter().map(|update| update["pre_checkout_query"]["id"].clone());
            ids.find(Value::is_string)
        });
        self.bot("answerPreCheckoutQuery", &json!({"pre_checkout_query_id": query, "ok": true}));
        let (status, paid) = self
            .stage
            .rt
            .block_on(paying)
            .expect("the task only waits for the sandbox, which answers within the pre-checkout's 10 s");
        assert_eq!(status, 200, "{paid}");
        let charge = &paid["message"]["successful_payment"]["telegram_payment_charge_id"];
        charge.as_str().unwrap_or_else(|| panic!("a payment should have a charge: {paid}")).to_owned()
    }

    /// 50 Stars that were put aside, by `ledger quarantine settle`.
    pub fn settle_by_a_person(&self, charge: &str) {
        let settle = ["quarantine", "settle", charge, "--amount", "50", "--credits", "60"];
        let settle = [&settle[..], &["--reason", "agreed in the chat", "--yes"]].concat();
        let done = self
            .stage
            .ledger_command(&settle)
            .unwrap_or_else(|error| panic!("the ledger's command should run: {error:?}"));
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// Updates that the bot has not acknowledged.
    pub fn pending(&self) -> u64 {
        self.stage.books()["telegram"]["pending_updates"]
            .as_u64()
            .expect("the sandbox counts updates in its books")
    }

    /// What Telegram would send of this person's chat, by the webhook.
    pub fn notice(&self, person: Person, part: &Value) {
        let mut message = json!({
            "message_id": 77, "date": 1_790_000_000, "chat": {"id": person.0, "type": "private"},
            "from": {"id": person.0, "is_bot": false, "first_name": "Ada", "language_code": "en"},
        });
        let part = part.as_object().expect("a test gives parts of a message as an object").clone();
        message.as_object_mut().expect("it was made as an object above").extend(part);
        let hook = format!("{}/telegram/webhook", self.stage.url(Role::Telegram));
        let request = self.stage.http.post(hook).json(&json!({"update_id": 1, "message": message}));
        let request = request.header("X-Telegram-Bot-Api-Secret-Token", "a-webhook-secret");
        let answer = self
            .stage
            .rt
            .block_on(async { request.send().await })
            .unwrap_or_else(|error| panic!("the bot should answer its webhook: {error:?}"));
        assert_eq!(answer.status().as_u16(), 200);
    }

    /// Paid, credited and told: 100 credits for Stars.
    pub fn buy_stars(&self, person: Person) -> String {
        let before = self.stage.count_of(person, "PaymentSettled");
        let bill = self.stars_bill(person);
        let (status, paid) = self.pay(person, &bill);
        assert_eq!(status, 200, "{paid}");
        self.until_count(person, "PaymentSettled", before + 1);
        let charge = &paid["message"]["successful_payment"]["telegram_payment_charge_id"];
        charge.as_str().unwrap_or_else(|| panic!("a payment should have a charge: {paid}")).to_owned()
    }

    pub fn until_count(&self, person: Person, event_type: &str, count: i64) {
        let what = format!("{count} {event_type} of {}", person.0);
        self.stage.until(&what, || (self.stage.count_of(person, event_type) >= count).then_some(()));
        assert_eq!(self.stage.count_of(person, event_type), count, "{event_type}");
    }

    pub fn until_told(&self, person: Person, words: &str) -> Value {
        self.stage.wait_for(person, words, |m| said(m, words))
    }

    /// How many of the bot's messages hold these words.
    pub fn told(&self, person: Person, words: &str) -> usize {
        self.stage.bot_said(person).iter().filter(|m| said(m, words)).count()
    }

    /// The person's payments, oldest first.
    pub fn payments(&self, person: Person) -> Vec<PaymentId> {
        let sql = "SELECT payload::json ->> 'payment' FROM events JOIN telegram_identities USING (account_id) \
                   WHERE telegram_user_id = $1 AND type = 'PaymentOpened' ORDER BY position";
        let found = sqlx::query_scalar::<_, String>(sql).bind(person.0).fetch_all(&self.stage.pool);
        let found = self.stage.sql(found);
        found.into_iter().map(|id| id.parse().expect("the log names payments in our form")).collect()
    }

    /// An operator gives all Stars of a payment back.
    pub fn give_back(&self, payment: PaymentId, nonce: &str) -> RefundId {
        let body = json!({"payment": payment, "rail": "stars", "reason": "asked for",
            "amount": {"amount": 75, "currency": "XTR"}});
        let id = format!("refund:{nonce}");
        self.raw.operator("refund_open", &id, of(payment.account()), body);
        let id = CommandId::new(id).expect("a test's nonce is short and plain");
        RefundId::derive(payment.account(), Producer::Console, &id)
    }

    /// So many pictures are made and delivered, at 10 credits each, while the bot is away.
    pub fn spend(&mut self, person: Person, pictures: i64) {
        let deeds = Deeds::new(&self.stage);
        self.without_bot(|booth| {
            booth.stage.rt.block_on(async {
                for message in 0..pictures {
                    let made = deeds
                        .picture(person.0, message)
                        .await
                        .expect("the test pays for each picture before");
                    deeds.delivered(made).await.expect("what was made can be delivered once");
                }
            });
        });
    }

    /// A fault of Telegram's that bends only calls whose body holds `matching`.
    pub fn fault(&self, call: &str, fault: Value, matching: &str) {
        let body = json!({"vendor": "telegram", "call": call, "fault": fault, "match": matching});
        let (status, answer) = self.stage.post("/faults", &body);
        assert!(status < 300, "the fault was not taken: {answer}");
    }

    /// A method of the Bot API, called as the bot.
    pub fn bot(&self, method: &str, body: &Value) -> Value {
        let token = "123456:AAEsandboxsandboxsandboxsandboxsand";
        let (status, answer) = self.stage.post(&format!("/telegram/bot{token}/{method}"), body);
        assert_eq!(status, 200, "{answer}");
        answer["result"].clone()
    }

    pub fn scalar(&self, sql: &'static str) -> i64 {
        let found = sqlx::query_scalar(sql).fetch_one(&self.stage.pool);
        self.stage.sql(found)
    }

    /// Nothing is open, and books, log and projections agree.
    pub fn assert_at_rest(&self) {
        let open = "SELECT count(*) FROM open_refunds";
        self.stage.until("refunds to end", || (self.scalar(open) == 0).then_some(()));
        self.stage.until_money_agrees();
        self.stage.assert_verified();
    }
}
