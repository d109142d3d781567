//! Four eyes by hand: what one administrator wants another agrees to, refuses, and carries out where the first press was lost.

use super::hand::{Act, Hand, by_hand, counted};
use crate::four_eyes::two_of_them;

pub const ACTS: &[Act] = &[
    ("/people/{account}/confirm", ""),
    ("/people/{account}/credits", ""),
    ("/proposals/approve", "decided"),
    ("/proposals/refuse", "decided"),
    ("/proposals/finish", "decided"),
];

/// Wants to give more than one of them gives alone; the proposal.
fn wants(hand: &Hand<'_>, person: &str, credits: &str) -> String {
    hand.goes(person);
    let form = [("deed", "grant"), ("credits", credits), ("reason", "sorry")];
    hand.fills_by(&format!("{person}/confirm"), "[name=credits]", "button", &form);
    hand.fills(&format!("{person}/credits"), &[]);
    hand.says("согласие второго", "second administrator");
    hand.shot("put-aside");
    let sql = "SELECT id FROM proposals WHERE state = 'open'";
    hand.stage.sql(sqlx::query_scalar(sql).fetch_one(&hand.stage.pool))
}

#[test]
fn a_second_administrator_agrees_refuses_and_carries_out_by_hand() {
    let stage = two_of_them();
    let sql = "SELECT account_id::text FROM telegram_identities WHERE telegram_user_id = 1";
    let account: String = stage.sql(sqlx::query_scalar(sql).fetch_one(&stage.pool));
    let person = format!("/people/{account}");
    by_hand(&stage, "console-hands-four-eyes", ACTS, |hand| {
        let stage = hand.stage;
        let state = |id: &str| -> String {
            let sql = "SELECT state FROM proposals WHERE id = $1";
            stage.sql(sqlx::query_scalar(sql).bind(id.to_owned()).fetch_one(&stage.pool))
        };
        let granted = |id: &str| {
            let sql = "SELECT count(*) FROM events WHERE type = 'CreditsGranted' AND command_id = $1";
            counted(stage, sql, id)
        };
        let bob = hand.another();
        hand.is_admin();
        bob.signs_in("bob");
        bob.goes("/me");
        bob.fills("/me/prove", &[("password", crate::desk::PASSWORD)]);

        let id = wants(hand, &person, "150");
        hand.goes("/proposals");
        hand.shot("ones-own");
        let agree = "main form[action='/proposals/approve'] button:not([formaction])";
        assert_eq!(hand.page.count(agree, ""), 0, "nobody agrees with themselves");
        bob.goes("/proposals");
        bob.fills_by("/proposals/approve", "", "button:not([formaction])", &[("reason", "I looked")]);
        bob.says("Решено", "Decided");
        bob.shot("agreed");
        assert_eq!((state(&id).as_str(), granted(&id)), ("done", 1));
        let both = "SELECT count(*) FROM events WHERE type = 'ActApproved' AND actor = 'operator:admin' \
                    AND payload::json->>'approver' = 'operator:bob' AND command_id = $1";
        assert_eq!(counted(stage, both, &id), 1);

        let id = wants(hand, &person, "151");
        bob.goes("/proposals");
        bob.fills_by(
            "/proposals/approve",
            "",
            "button[formaction='/proposals/refuse']",
            &[("reason", "too much")],
        );
        bob.says("Решено", "Decided");
        bob.shot("refused");
        assert_eq!((state(&id).as_str(), granted(&id)), ("refused", 0));

        // As if the ledger had died once bob had agreed: whoever comes by ends it.
        let id = wants(hand, &person, "152");
        let died = "UPDATE proposals SET state = 'approving', decided_by = 'bob', decision = 'fine', decided_at = now_us() \
                    WHERE state = 'open'";
        stage.sql(sqlx::query(died).execute(&stage.pool));
        hand.goes("/proposals");
        hand.shot("unfinished");
        hand.fills_by("/proposals/approve", "", "button[formaction='/proposals/finish']", &[]);
        hand.says("Решено", "Decided");
        assert_eq!((state(&id).as_str(), granted(&id)), ("done", 1));
    });
    stage.assert_verified();
}
