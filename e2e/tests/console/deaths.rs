//! The ledger dies between an act and what follows it, as by kill -9: the act is in the log, nothing else is done, and the same
//! form goes on. Nothing is done twice.

use e2e::deeds::{Deeds, rubles};
use e2e::raw::{Raw, of};
use e2e::{Role, Stage};
use proto_events::Producer;
use reqwest::StatusCode;
use serde_json::json;

use crate::catalog::{begins, publication, published, saves};
use crate::desk::{Answer, Away, PASSWORD, Seat, hires, open};
use crate::letters::{acts_on, payment_to_come};
use crate::totp::{between, code, turns_on};

const POINT: &str = "ledger.console.acted";

fn restarts(stage: &mut Stage, more: &[(&str, &str)]) {
    if stage.is_running(Role::Ledger) {
        assert!(stage.stop(Role::Ledger));
    }
    stage.start(Role::Ledger, &[&[("ADMIN_PASSWORD", PASSWORD)], more].concat()).unwrap();
}

/// Whoever sits there presses a form, the ledger dies once the act is in the log, and is started again.
fn dies(stage: &mut Stage, away: Away, path: &str, form: &[(&str, &str)]) -> Away {
    dies_at_act(1, stage, away, path, form)
}

/// The same, of a form with several acts, at this one.
fn dies_at_act(nth: u32, stage: &mut Stage, away: Away, path: &str, form: &[(&str, &str)]) -> Away {
    let file = stage.dir().join(format!("died{}-{nth}", path.replace('/', "-")));
    restarts(stage, &[("CRASH_AT", &format!("{POINT}:{nth}")), ("CRASH_LOG", file.to_str().unwrap())]);
    let seat = away.returns(stage);
    seat.dies_at(path, form);
    let away = seat.leaves();
    assert_eq!(stage.wait_ended(Role::Ledger), None, "it aborts");
    assert_eq!(std::fs::read_to_string(&file).unwrap().trim(), POINT);
    restarts(stage, &[]);
    away
}

fn admin(stage: &Stage) -> Away {
    let admin = Seat::signed_in(stage, "admin", PASSWORD);
    admin.proves(PASSWORD);
    admin.leaves()
}

fn count(stage: &Stage, sql: &'static str) -> i64 {
    stage.sql(sqlx::query_scalar(sql).fetch_one(&stage.pool))
}

/// The one open letter with this code, once it is kept.
fn kept(stage: &Stage, code: &'static str) -> String {
    stage.until("the letter", || {
        let sql = "SELECT letter FROM dead_letters WHERE code = $1 AND state = 'open'";
        stage.sql(sqlx::query_scalar(sql).bind(code).fetch_optional(&stage.pool))
    })
}

#[test]
fn letters_are_sent_again_and_dropped_once_whoever_dies() {
    let mut stage = open();
    let deeds = Deeds::new(&stage);
    let account = stage.rt.block_on(deeds.start(1)).unwrap();
    let payment = payment_to_come(&stage, account, "n1");
    stage.rt.block_on(deeds.settle(payment, rubles(100))).unwrap_err();
    assert_eq!(stage.rt.block_on(deeds.topup(1, "n1")).unwrap(), payment);
    let code =
        Raw::new(&stage).refused(Producer::Payments, "payment_settle", "settle:bad", of(account), json!({}));
    assert_eq!(code, "invalid");
    let settled = "SELECT count(*) FROM events WHERE type = 'PaymentSettled'";
    for (code, deed, act, state, paid) in [
        ("payment_not_found", "retry", "letter_retried", "done", 1),
        ("invalid", "drop", "letter_dropped", "dropped", 1),
    ] {
        let letter = kept(&stage, code);
        let (page, path) = (format!("/dead-letters/{letter}"), format!("/dead-letters/{letter}/{deed}"));
        let state_now = |stage: &Stage| -> String {
            let sql = "SELECT state FROM dead_letters WHERE letter = $1";
            stage.sql(sqlx::query_scalar(sql).bind(letter.clone()).fetch_one(&stage.pool))
        };
        let before = count(&stage, settled);
        let seat = admin(&stage).returns(&stage);
        let shown = seat.gets(&page);
        let text = shown.text.split(&format!("/{deed}\"")).nth(1).unwrap().to_owned();
        let once = Answer { text, ..shown }.hidden("once");
        let form = [("once", once.as_str()), ("reason", "the ledger died")];
        let away = seat.leaves();
        let away = dies(&mut stage, away, &path, &form);
        let is = (acts_on(&stage, act, &letter), state_now(&stage), count(&stage, settled));
        assert_eq!(is, (1, "open".to_owned(), before), "{deed}: the act alone");
        let seat = away.returns(&stage);
        for press in 1..=2 {
            let answer = seat.posts(&path, &form);
            assert_eq!(answer.to, format!("{page}?done=letter-{deed}"), "{press}: {}", answer.text);
            let is = (acts_on(&stage, act, &letter), state_now(&stage), count(&stage, settled));
            assert_eq!(is, (1, state.to_owned(), paid), "{deed}, press {press}");
        }
    }

    let stuck = "INSERT INTO stuck_events (consumer, position, tries, error, first_at, last_at) \
                 VALUES ('payments', 3, 5, 'no', now_us(), now_us())";
    stage.sql(sqlx::query(stuck).execute(&stage.pool));
    let (page, path) = ("/dead-letters/events/payments/3", "/dead-letters/events/payments/3/drop");
    let seat = admin(&stage).returns(&stage);
    let once = seat.gets(page).hidden("once");
    let form = [("once", once.as_str()), ("reason", "the ledger died")];
    let away = seat.leaves();
    let away = dies(&mut stage, away, path, &form);
    let dropped = "SELECT count(*) FROM stuck_events WHERE dropped";
    let is = || (acts_on(&stage, "event_dropped", "payments/3"), count(&stage, dropped));
    assert_eq!(is(), (1, 0), "the act alone");
    let seat = away.returns(&stage);
    for press in 1..=2 {
        let answer = seat.posts(path, &form);
        assert_eq!(answer.to, format!("{page}?done=letter-drop"), "{press}: {}", answer.text);
        assert_eq!(is(), (1, 1), "press {press}");
    }
    stage.assert_verified();
}

#[test]
fn a_result_that_never_arrives_is_given_up_once_whoever_dies() {
    let mut stage = open();
    let deeds = Deeds::new(&stage);
    stage.rt.block_on(async {
        deeds.start(1).await.unwrap();
        let payment = deeds.topup(1, "n1").await.unwrap();
        deeds.settle(payment, rubles(100)).await.unwrap();
        deeds.picture(1, 1).await.unwrap();
    });
    let made = "SELECT max(position) FROM events WHERE type = 'GenerationSucceeded'";
    let made = count(&stage, made);
    let stuck = "INSERT INTO stuck_events (consumer, position, tries, error, first_at, last_at) \
                 VALUES ('telegram', $1, 5, '', now_us(), now_us())";
    stage.sql(sqlx::query(stuck).bind(made).execute(&stage.pool));
    let page = format!("/dead-letters/events/telegram/{made}");
    let (path, subject) = (format!("{page}/drop"), format!("telegram/{made}"));
    let given_up = "SELECT count(*) FROM events WHERE type = 'DeliveryFailed'";
    let back = "SELECT count(*) FROM events WHERE type = 'CreditsGranted' AND payload::json->>'source' = 'compensation'";
    let untold = "SELECT count(*) FROM deliveries WHERE type = 'GenerationSucceeded'";
    let dropped = "SELECT count(*) FROM stuck_events WHERE dropped";
    let is = |stage: &Stage| {
        (
            acts_on(stage, "event_dropped", &subject),
            [given_up, back, untold, dropped].map(|sql| count(stage, sql)),
        )
    };

    let seat = admin(&stage).returns(&stage);
    let once = seat.gets(&page).hidden("once");
    let form = [("once", once.as_str()), ("reason", "the ledger died")];
    let away = seat.leaves();
    let away = dies_at_act(1, &mut stage, away, &path, &form);
    assert_eq!(is(&stage), (1, [0, 0, 1, 0]), "the act alone");
    let away = dies_at_act(2, &mut stage, away, &path, &form);
    assert_eq!(is(&stage), (1, [1, 1, 0, 0]), "given up, and still to be looked at");
    let seat = away.returns(&stage);
    for press in 1..=2 {
        let answer = seat.posts(&path, &form);
        assert_eq!(answer.to, format!("{page}?done=letter-drop"), "{press}: {}", answer.text);
        assert_eq!(is(&stage), (1, [1, 1, 0, 1]), "press {press}");
    }
    stage.assert_verified();
}

#[test]
fn prices_are_published_and_a_projection_is_rebuilt_once_whoever_dies() {
    let mut stage = open();
    let seat = admin(&stage).returns(&stage);
    begins(&seat);
    saves(&seat, &[("bonuses-welcome", "7")]);
    let form = publication(&seat);
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let away = seat.leaves();
    let away = dies(&mut stage, away, "/catalog/publish", &form);
    let left = "SELECT count(*) FROM catalog_draft WHERE catalog IS NOT NULL";
    assert_eq!((published(&stage), count(&stage, left)), (2, 1), "the draft is not ended");
    let seat = away.returns(&stage);
    assert!(seat.reads("/catalog/draft")["draft"].is_null(), "and counts as none");
    for press in 1..=2 {
        let answer = seat.posts("/catalog/publish", &form);
        assert_eq!(answer.to, "/catalog?done=published", "{press}: {}", answer.text);
        assert_eq!(published(&stage), 2, "press {press}");
    }
    begins(&seat);
    assert_eq!(seat.reads("/catalog/draft")["draft"]["base"], 2);

    let (page, path) = ("/projections/balances", "/projections/balances/rebuild");
    let once = seat.gets(page).hidden("once");
    let form = [("once", once.as_str()), ("reason", "the ledger died")];
    let away = seat.leaves();
    let away = dies(&mut stage, away, path, &form);
    let works = "SELECT count(*) FROM projection_works";
    let acts = |stage: &Stage| acts_on(stage, "projection_rebuild", "balances");
    assert_eq!((acts(&stage), count(&stage, works)), (1, 0), "nothing is built");
    let seat = away.returns(&stage);
    let built = [1, 2].map(|press| {
        let answer = seat.posts(path, &form);
        assert_eq!(answer.to, format!("{page}?done=rebuild"), "{press}: {}", answer.text);
        let work = stage.until("the build", || {
            let shown = seat.reads(page)["work"].clone();
            (!shown["ended_at"].is_null()).then_some(shown)
        });
        assert_eq!((acts(&stage), count(&stage, works)), (1, 1), "press {press}");
        work
    });
    assert_eq!(built[0], built[1], "the same form builds once");
    stage.assert_verified();
}

#[test]
fn sessions_codes_and_tokens_are_ended_and_made_once_whoever_dies() {
    let mut stage = open();
    hires(&stage, "fin", "finance");
    let sessions = "SELECT count(*) FROM console_sessions WHERE name = 'fin'";
    let coded = "SELECT count(*) FROM staff_totp WHERE name = 'fin'";
    turns_on(&Seat::signed_in(&stage, "fin", PASSWORD));
    let form = [("name", "fin"), ("reason", "lost it")];
    let away = admin(&stage);
    let away = dies(&mut stage, away, "/staff/totp/reset", &form);
    assert_eq!(acts_on(&stage, "totp_reset", "fin"), 1);
    assert_eq!((count(&stage, coded), count(&stage, sessions)), (1, 1), "the act alone");
    let seat = away.returns(&stage);
    assert_eq!(seat.posts("/staff/totp/reset", &form).to, "/staff?done=staff");
    // Each press is told of, what it does is done once.
    assert_eq!(acts_on(&stage, "totp_reset", "fin"), 2);
    assert_eq!((count(&stage, coded), count(&stage, sessions)), (0, 0));
    assert_eq!(seat.posts("/staff/totp/reset", &form).status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(acts_on(&stage, "totp_reset", "fin"), 2, "there is nothing to reset");

    Seat::signed_in(&stage, "fin", PASSWORD);
    let away = seat.leaves();
    let away = dies(&mut stage, away, "/staff/sessions/end", &form);
    assert_eq!((acts_on(&stage, "sessions_end", "fin"), count(&stage, sessions)), (1, 1));
    let seat = away.returns(&stage);
    assert_eq!(seat.posts("/staff/sessions/end", &form).to, "/staff?done=staff");
    assert_eq!((acts_on(&stage, "sessions_end", "fin"), count(&stage, sessions)), (2, 0));

    let tokens = "SELECT count(*) FROM api_tokens";
    let once = seat.gets("/tokens").hidden("once");
    let form =
        [("once", once.as_str()), ("name", "report"), ("finance", "on"), ("days", "30"), ("reason", "r")];
    let away = seat.leaves();
    let away = dies(&mut stage, away, "/tokens", &form);
    assert_eq!((acts_on(&stage, "api_token_made", "report"), count(&stage, tokens)), (1, 0));
    let seat = away.returns(&stage);
    let made = seat.posts("/tokens", &form);
    assert!(made.status == StatusCode::OK && made.text.contains("plantain_"), "{}", made.text);
    assert_eq!(seat.posts("/tokens", &form).status, StatusCode::UNPROCESSABLE_ENTITY, "it is shown once");
    assert_eq!((acts_on(&stage, "api_token_made", "report"), count(&stage, tokens)), (1, 1));
    stage.assert_verified();
}

#[test]
fn a_second_factor_is_turned_on_and_off_once_whoever_dies() {
    let mut stage = open();
    hires(&stage, "fin", "finance");
    let is_on = "SELECT count(*) FROM staff_totp WHERE name = 'fin' AND on_at IS NOT NULL";
    let fin = Seat::signed_in(&stage, "fin", PASSWORD);
    let page = fin.posts("/me/totp/begin", &[]).text;
    let secret = between(&page, "class=\"secret\">", "<")[0].to_owned();
    let id = between(&page, "name=\"id\" value=\"", "\"")[0].to_owned();
    let now = code(&secret, 0);
    let away = fin.leaves();
    let away = dies(&mut stage, away, "/me/totp/confirm", &[("id", &id), ("code", &now)]);
    assert_eq!((acts_on(&stage, "totp_on", "fin"), count(&stage, is_on)), (1, 0));
    let fin = away.returns(&stage);
    // A code of now: the machine may have been slow.
    let page = fin.posts("/me/totp/confirm", &[("id", &id), ("code", &code(&secret, 0))]).text;
    let spare = between(&page, "<li><code>", "<");
    assert_eq!((spare.len(), count(&stage, is_on)), (10, 1), "{page}");
    assert_eq!(acts_on(&stage, "totp_on", "fin"), 1, "one secret is turned on once");

    let [one, two] = [spare[0], spare[1]].map(|code| [("password", PASSWORD), ("code", code)]);
    let away = fin.leaves();
    let away = dies(&mut stage, away, "/me/totp/off", &one);
    assert_eq!((acts_on(&stage, "totp_off", "fin"), count(&stage, is_on)), (1, 1));
    let fin = away.returns(&stage);
    assert_eq!(fin.posts("/me/totp/off", &one).status, StatusCode::FORBIDDEN, "a code is good once");
    assert_eq!(fin.posts("/me/totp/off", &two).to, "/me?done=totp-off");
    assert_eq!((acts_on(&stage, "totp_off", "fin"), count(&stage, is_on)), (1, 0));
    stage.assert_verified();
}
