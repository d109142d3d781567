//! Finance by hand: a case is decided, a day compared, the log verified and taken away as a file.

use e2e::deeds::Deeds;
use e2e::raw::Raw;
use ledger::books::moscow::Day;
use serde_json::json;
use xtask::machine::Scratch;

use super::hand::{Act, by_hand, counted, folded};
use crate::desk::{PASSWORD, Seat, open};
use crate::money::{day_to_compare, order, quarantine};

pub const ACTS: &[Act] = &[
    ("/cases/decide", "decided"),
    ("/reconciliation/compare", "compared"),
    ("/verifications/begin", ""),
    ("/verifications/cancel", ""),
];

#[test]
fn finance_works_off_its_cases_by_hand() {
    let stage = open();
    let (raw, deeds) = (Raw::new(&stage), Deeds::new(&stage));
    for (user, id) in [(8, "y-ru"), (9, "y-en")] {
        quarantine(&raw, Some(order(&stage, &deeds, user)), id);
    }
    let day = day_to_compare(&raw);
    folded(&stage);
    let downloads = Scratch::new("downloads").unwrap();
    let admin = Seat::signed_in(&stage, "admin", PASSWORD);
    by_hand(&stage, "console-hands-money", ACTS, |hand| {
        let (stage, lang) = (hand.stage, hand.lang);
        hand.is_admin();
        hand.goes(&format!("/cases/quarantine?id=y-{lang}"));
        let settle =
            [("verdict", "settle"), ("amount", "70"), ("credits", "70"), ("reason", "asked"), ("sure", "on")];
        hand.fills("/cases/decide", &settle);
        hand.says("Решено", "Decided");
        hand.shot("decided");
        let life = admin.reads(&format!("/payment?id=y-{lang}"));
        assert_eq!(life["payment"]["state"], "settled", "{life:#}");
        hand.goes(&format!("/payment?id=y-{lang}"));
        hand.shot("payment-decided");

        let compared = || {
            let sql = "SELECT count(*) FROM events WHERE type = 'ReconciliationFinished' AND actor = 'operator:admin' \
                       AND payload::json->>'day' = $1";
            counted(stage, sql, &Day::parse(day).unwrap().0.to_string())
        };
        let before = compared();
        hand.goes(&format!("/reconciliation/day?provider=yookassa&day={day}"));
        hand.fills("/reconciliation/compare", &[]);
        hand.says("Сверено", "compared");
        hand.shot("day-compared");
        assert_eq!(compared(), before + 1);

        let newest = || admin.reads("/verifications")["verifications"][0].clone();
        hand.goes("/verifications");
        hand.fills("/verifications/begin", &[]);
        hand.sees("main tbody tr:first-child .chip", "верно", "verified");
        hand.shot("verified");
        assert_eq!((&newest()["state"], &newest()["asked_by"]), (&json!("verified"), &json!("admin")));
        // One that runs elsewhere.
        let runs = "INSERT INTO verifications (id, asked_by, began_at, beat_at, state) \
                    VALUES (gen_random_uuid(), 'ops', now_us(), now_us() + 600000000, 'running')";
        stage.sql(sqlx::query(runs).execute(&stage.pool));
        hand.goes("/verifications");
        hand.fills("/verifications/cancel", &[]);
        let canceled = "SELECT count(*) FROM verifications WHERE cancel AND state = $1";
        assert_eq!(counted(stage, canceled, "running"), 1);
        stage.sql(sqlx::query("DELETE FROM verifications WHERE state = 'running'").execute(&stage.pool));

        let head: i64 = stage.sql(sqlx::query_scalar("SELECT position FROM log_head").fetch_one(&stage.pool));
        hand.goes("/exports");
        let folder = downloads.path().join(lang);
        hand.page.downloads(&folder);
        let form = "main form[action='/exports/file']";
        hand.gives(&format!("{form} [name=what]"), "trial-balance");
        hand.gives(&format!("{form} [name=to]"), &head.to_string());
        hand.shot("exports");
        hand.page.click(&format!("{form} button"), "");
        let wanted = ["export", "--to", &head.to_string(), "--csv", "--what", "trial-balance"];
        let wanted = stage.ledger_command(&wanted).unwrap().stdout;
        let file = folder.join("trial-balance.csv");
        stage.until("the file", || std::fs::read(&file).ok().filter(|bytes| *bytes == wanted).map(drop));
    });
    stage.assert_verified();
}
