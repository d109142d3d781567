//! People by hand: found, looked at, given credits and freed of debt, written to, banned and let in again, their requests.

use e2e::people::{Person, said};
use e2e::raw::{Raw, of};
use e2e::{Role, Stage};
use proto_events::{AccountId, Producer};
use serde_json::json;

use super::hand::{Act, Hand, by_hand, counted, folded, noted};
use crate::desk::PASSWORD;

pub const ACTS: &[Act] = &[
    ("/people/search", ""),
    ("/people/names", ""),
    ("/people/{account}/look", ""),
    ("/people/{account}/confirm", ""),
    ("/people/{account}/credits", "forgiven"),
    ("/people/{account}/credits", "granted"),
    ("/people/{account}/credits", "taken"),
    ("/people/{account}/do", "banned"),
    ("/people/{account}/do", "messaged"),
    ("/people/{account}/do", "unbanned"),
    ("/requests/{generation}/look", ""),
];

const IVAN: Person = Person(7_301);
const ADA: Person = Person(7_302);

/// Of theirs, the newest of these events.
fn newest(stage: &Stage, account: AccountId, event: &str, field: &str) -> String {
    let sql = "SELECT payload::json->>$3 FROM events WHERE account_id = $1 AND type = $2 ORDER BY position DESC LIMIT 1";
    let asked = sqlx::query_scalar(sql).bind(account.0).bind(event.to_owned()).bind(field.to_owned());
    stage.sql(asked.fetch_one(&stage.pool))
}

/// Somebody with a picture and without the money for it: their bank has taken it back.
fn owes(stage: &Stage, raw: &Raw, person: Person) -> AccountId {
    stage.arrive_with_credits(person);
    stage.write(person, "/prompt a fox in the snow");
    stage.wait_for_picture(person);
    let sql = "SELECT account_id FROM telegram_identities WHERE telegram_user_id = $1";
    let account = AccountId(stage.sql(sqlx::query_scalar(sql).bind(person.0).fetch_one(&stage.pool)));
    let payment = newest(stage, account, "PaymentSettled", "payment");
    let amount = json!({"amount": 10_000, "currency": "RUB"});
    let body = json!({"payment": payment, "rail": "yookassa", "amount": amount, "reason": "chargeback"});
    raw.done(Producer::Payments, "refund_open", &format!("chargeback:{}", person.0), of(account), body);
    assert_eq!(stage.balance_of(person), (0, 0, 5));
    account
}

/// One of the forms on a person's page, what will be, and its one button.
fn does(hand: &Hand<'_>, account: AccountId, only: &str, to: &str, fields: &[(&str, &str)], name: &str) {
    hand.goes(&format!("/people/{account}"));
    hand.fills_by(&format!("/people/{account}/confirm"), only, "button", fields);
    hand.shot(&format!("{name}-confirm"));
    hand.fills(&format!("/people/{account}/{to}"), &[]);
}

#[test]
fn people_are_found_looked_at_and_dealt_with_by_hand() {
    let stage = Stage::whole_where(&[(Role::Ledger, &[("ADMIN_PASSWORD", PASSWORD)])]).unwrap();
    let raw = Raw::new(&stage);
    let accounts = [IVAN, ADA].map(|person| owes(&stage, &raw, person));
    folded(&stage);
    by_hand(&stage, "console-hands-people", ACTS, |hand| {
        let stage = hand.stage;
        let (person, account) = if hand.lang == "ru" { (IVAN, accounts[0]) } else { (ADA, accounts[1]) };
        let subject = account.to_string();
        hand.is_admin();
        let looks = || {
            let sql = "SELECT count(*) FROM events WHERE type = 'OperatorActed' AND \
                       payload::json->>'act' = 'personal_data_seen' AND payload::json->>'subject' = $1";
            (counted(stage, sql, "people"), counted(stage, sql, &subject))
        };
        let (lists, before) = looks();
        hand.goes("/people");
        hand.fills("/people/names", &[]);
        hand.page.sees("main th", "Ada");
        hand.shot("named");
        hand.goes("/people");
        hand.fills("/people/search", &[("whom", &person.0.to_string())]);
        hand.fills(&format!("/people/{account}/look"), &[]);
        hand.page.sees("main dd", &person.0.to_string());
        hand.shot("looked-at");
        assert_eq!(looks(), (lists + 1, before + 1));

        let credits = |deed: &'static str, credits: &'static str| {
            [("deed", deed), ("credits", credits), ("reason", "by hand")]
        };
        does(hand, account, "[name=credits]", "credits", &credits("forgive", "2"), "forgive");
        hand.says("Долг прощён", "Debt forgiven");
        hand.shot("forgiven");
        assert_eq!(stage.balance_of(person), (0, 0, 3));
        does(hand, account, "[name=credits]", "credits", &credits("grant", "20"), "grant");
        hand.says("Кредиты начислены", "Credits granted");
        assert_eq!(stage.balance_of(person), (17, 0, 0), "what is given pays what is owed");
        does(hand, account, "[name=credits]", "credits", &credits("take", "4"), "take");
        hand.says("Кредиты забраны", "Credits taken");
        assert_eq!(stage.balance_of(person), (13, 0, 0));

        // What Telegram would not take is told, and is still typed.
        hand.goes(&format!("/people/{account}"));
        let confirm = format!("/people/{account}/confirm");
        hand.fills_by(&confirm, "[name=text]", "button", &[("text", "Hello, it is <us>")]);
        hand.sees("main .bad", "us", "us");
        hand.shot("message-unfit");
        hand.fills_by(
            &confirm,
            "[name=text]",
            "button",
            &[("text", hand.word("Привет,\nэто <b>мы</b>", "Hello,\nit is <b>us</b>"))],
        );
        hand.page.sees(".telegram strong", hand.word("мы", "us"));
        hand.shot("message-confirm");
        hand.fills(&format!("/people/{account}/do"), &[]);
        hand.says("Сообщение", "on its way");
        hand.shot("messaged");
        stage.wait_for(person, "the message", |message| {
            said(message, hand.word("Привет,\nэто мы", "Hello,\nit is us"))
        });

        let why = [("reason", "spam by hand")];
        does(hand, account, "[value=ban]", "do", &why, "ban");
        hand.says("заблокирован", "is banned");
        hand.shot("banned");
        stage.wait_for(person, "the ban", |message| said(message, "Your access was closed"));
        assert_eq!(newest(stage, account, "AccountBanned", "reason"), "spam by hand");
        does(hand, account, "[value=unban]", "do", &[("reason", "a mistake")], "unban");
        hand.says("разблокирован", "not banned");
        stage.wait_for(person, "the way back", |message| said(message, "open again"));

        let made = newest(stage, account, "GenerationSucceeded", "generation");
        hand.goes("/requests");
        hand.shot("requests");
        hand.presses(&format!("main a[href='/requests/{made}']"));
        hand.shot("request");
        assert_eq!(hand.page.count("img.made", ""), 0, "nothing is shown unasked");
        hand.fills(&format!("/requests/{made}/look"), &[]);
        hand.page.sees("main pre", "a fox in the snow");
        hand.page.eval("document.querySelector('img.made').scrollIntoView()");
        hand.page.until("the picture", || hand.page.eval("eyes.drawn('img.made')") == 1);
        hand.shot("request-looked-at");
        assert_eq!(noted(stage, "personal_data_seen", &made, "what was said and made"), 1);
    });
    stage.assert_verified();
}
