//! The bot as people use it: every command and flow, in both languages, as transcripts that were looked at.

mod admins;
mod albums;
mod card;
mod chat;
mod commands;
mod deaths;
mod expired;
mod faults;
mod flows;
mod groups;
mod pictured;
mod results;
mod side_by_side;
mod strange;
mod taps;
mod walk;

use e2e::Stage;

/// Who answers for the shop in these tests; the next one speaks English, and the two after them write to many.
const ADMIN: i64 = 7900;

fn stage() -> Stage {
    Stage::whole_with(&[("ADMIN_TELEGRAM_ID", &ADMIN.to_string())]).unwrap()
}

/// Events of this type, of everybody.
fn count(stage: &Stage, event_type: &str) -> i64 {
    let sql = "SELECT count(*) FROM events WHERE type = $1";
    stage.sql(sqlx::query_scalar(sql).bind(event_type).fetch_one(&stage.pool))
}

#[test]
fn every_flow_reads_as_it_was_looked_at_in_both_languages() {
    let admins = [0, 1, 2, 3].map(|n| (ADMIN + n).to_string());
    let stage = Stage::whole_with(&[("ADMIN_TELEGRAM_ID", &admins.join(","))]).unwrap();
    let mut differ = Vec::new();
    for (n, lang) in [(0, "ru"), (1, "en")] {
        for (m, (name, flow)) in (0..).zip(flows::ALL) {
            let user = 7100 + 100 * n + m;
            let chat = chat::Chat::new(&stage, user, lang);
            flow(&chat);
            chat.is_looked_at(name);
            differ.extend(chat.differ());
        }
    }
    stage.judge_bot_requests();
    stage.assert_verified();
    assert!(differ.is_empty(), "these transcripts differ: {}", differ.join(", "));
}
