//! People at the console: found by each key, hidden until a look is in the log, and what is done to them done once.

use e2e::deeds::{Deeds, envelope, id, rubles, text};
use e2e::{Role, Stage};
use proto_events::commands::AccountOpen;
use proto_events::envelope::AccountRef;
use proto_events::{AccountId, Position, Producer};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::desk::{PASSWORD, Seat, hires, open};

/// What must stand nowhere.
const NAME: &str = "Аврора Канарейкина";
const USER: i64 = 7_700_123_456;

fn arrives(stage: &Stage, deeds: &Deeds, user: i64, name: &str) -> AccountId {
    let command = AccountOpen { language: text("ru"), name: text(name), inviter: None };
    let opened = envelope(id(format!("start:1:{user}")), AccountRef::Telegram(user), command);
    let done = stage.rt.block_on(deeds.send(Producer::Telegram, opened)).unwrap();
    done.result::<proto_events::queries::AccountWelcomed>().unwrap().account
}

fn acts(stage: &Stage, act: &str) -> Vec<(String, Value)> {
    let sql = "SELECT actor, payload::text FROM events WHERE type = 'OperatorActed' \
               AND payload::jsonb->>'act' = $1 ORDER BY position";
    let found: Vec<(String, String)> = stage.sql(sqlx::query_as(sql).bind(act).fetch_all(&stage.pool));
    found.into_iter().map(|(actor, payload)| (actor, serde_json::from_str(&payload).unwrap())).collect()
}

fn count(stage: &Stage, account: AccountId, kind: &str) -> i64 {
    let sql = "SELECT count(*) FROM events WHERE account_id = $1 AND type = $2";
    stage.sql(sqlx::query_scalar(sql).bind(account.0).bind(kind).fetch_one(&stage.pool))
}

fn tells_nobody(what: &str, text: &str) {
    for secret in ["Аврора", "Канарейкин", "Aurora", &USER.to_string()] {
        assert!(!text.contains(secret), "{secret} in {what}: {text}");
    }
}

/// One after another, as they came; followed by the projections.
fn town(stage: &Stage) -> (Deeds, AccountId, Vec<AccountId>) {
    let deeds = Deeds::new(stage);
    let aurora = arrives(stage, &deeds, USER, NAME);
    let others = [(1, "Ёлкин Пётр"), (2, "Ada \"O'Brien\" \\ Love"), (3, "Пётр Ильин")];
    let others: Vec<AccountId> = others.map(|(user, name)| arrives(stage, &deeds, user, name)).into();
    stage.until("the projection of people", || {
        let sql = "SELECT position >= (SELECT position FROM log_head) FROM projection_instances \
                   WHERE name = 'people' AND state = 'live'";
        let there: Option<bool> = stage.sql(sqlx::query_scalar(sql).fetch_optional(&stage.pool));
        (there == Some(true)).then_some(())
    });
    (deeds, aurora, others)
}

#[test]
fn a_person_is_found_by_each_key_and_hidden_until_a_look_is_in_the_log() {
    let stage = open();
    let (_deeds, aurora, others) = town(&stage);
    let admin = Seat::signed_in(&stage, "admin", PASSWORD);
    let theirs = format!("/people/{aurora}");
    let link = format!("https://t.me/plantain_bot?start={aurora}");
    for whom in [
        aurora.to_string().as_str(),
        &USER.to_string(),
        &link,
        NAME,
        "канар",
        "КАНАРЕЙКИНА аврора",
        " Авр. кан ",
    ] {
        assert_eq!(admin.posts("/people/search", &[("whom", whom)]).to, theirs, "{whom}");
    }
    // Several: kept under a name of their own, in no address.
    let found = admin.posts("/people/search", &[("whom", "петр")]);
    assert!(found.to.starts_with("/people?search=") && found.to.len() < 60, "{}", found.to);
    let page = admin.gets(&found.to).text;
    for (other, is) in [(others[0], true), (others[1], false), (others[2], true), (aurora, false)] {
        assert_eq!(page.contains(&format!("/people/{other}")), is, "{other}");
    }
    assert!(!page.contains("Пётр") && page.contains("скрыто"), "{page}");
    // A quote or a backslash in a name is looked for like any other.
    for whom in ["o'br", "\"o'brien\"", "\\", "love & !x:*"] {
        let answer = admin.posts("/people/search", &[("whom", whom)]);
        assert!(answer.to.starts_with("/people"), "{whom}: {} {}", answer.status, answer.text);
    }
    let ada = format!("/people/{}", others[1]);
    assert_eq!(admin.posts("/people/search", &[("whom", "love")]).to, ada);
    for whom in ["", "  ", "...", &"ж".repeat(201)] {
        assert_eq!(
            admin.posts("/people/search", &[("whom", whom)]).status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{whom}"
        );
    }
    let nobody = admin.posts("/people/search", &[("whom", "zzz")]);
    assert!(admin.gets(&nobody.to).text.contains("Никого не нашлось"));
    assert_eq!(
        admin.gets("/people?search=3f2b8a52-0c6e-4d1b-9d55-6a2f0e7c9a10").status,
        StatusCode::UNPROCESSABLE_ENTITY
    );

    // Nobody else sees people, and the API never more than a page before the look.
    for (name, role) in [("fin", "finance"), ("ops", "operator")] {
        hires(&stage, name, role);
        let seat = Seat::signed_in(&stage, name, PASSWORD);
        for path in ["/people", &theirs, "/api/v1/people", &format!("/api/v1{theirs}")] {
            let answer = seat.gets(path);
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name} {path}");
            tells_nobody(path, &answer.text);
        }
        assert_eq!(seat.posts(&format!("{theirs}/look"), &[]).status, StatusCode::FORBIDDEN);
        assert_eq!(seat.posts("/people/names", &[]).status, StatusCode::FORBIDDEN);
    }
    let pages = ["/people", &theirs, "/api/v1/people", &format!("/api/v1{theirs}"), "/acts", "/log"];
    for path in pages {
        let answer = admin.gets(path);
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        tells_nobody(path, &answer.text);
    }
    for sly in ["?looked=true", "?looked=1&who=true"] {
        tells_nobody(sly, &admin.gets(&format!("{theirs}{sly}")).text);
        tells_nobody(sly, &admin.gets(&format!("/api/v1{theirs}{sly}")).text);
    }
    assert!(acts(&stage, "personal_data_seen").is_empty());
    // Who was found by who they are is in the log, without what was looked for: five times her, Ada, the others.
    let searched = acts(&stage, "people_searched");
    let hers = searched.iter().filter(|(_, act)| act["subject"] == aurora.to_string()).count();
    assert_eq!(hers, 5, "{searched:?}");
    assert!(
        searched.iter().any(|(actor, act)| actor == "operator:admin" && act["reason"] == "found: 2"),
        "{searched:?}"
    );
    tells_nobody("the log", &format!("{searched:?}"));

    // The look, each of them, and for that page alone.
    for n in 1..=2 {
        let seen = admin.posts(&format!("{theirs}/look"), &[]);
        assert!(seen.text.contains(NAME) && seen.text.contains(&USER.to_string()), "{}", seen.text);
        let title = seen.text.split("</title>").next().unwrap();
        tells_nobody("the title, which a browser keeps", title);
        let looks = acts(&stage, "personal_data_seen");
        assert_eq!(looks.len(), n);
        assert_eq!(looks[n - 1].0, "operator:admin");
        assert_eq!(looks[n - 1].1["subject"], json!(aurora));
    }
    tells_nobody("the page after a look", &admin.gets(&theirs).text);
    let search = found.to.rsplit('=').next().unwrap().to_owned();
    let names = admin.posts("/people/names", &[("search", &search)]);
    assert!(names.text.contains("Ёлкин Пётр") && names.text.contains("Пётр Ильин"), "{}", names.text);
    tells_nobody("others' names", &names.text);
    let look = acts(&stage, "personal_data_seen").remove(2).1;
    let opened: Vec<i64> = [others[2], others[0]]
        .iter()
        .map(|other| {
            let sql = "SELECT position FROM events WHERE account_id = $1 AND version = 1";
            stage.sql(sqlx::query_scalar(sql).bind(other.0).fetch_one(&stage.pool))
        })
        .collect();
    assert_eq!(look["reason"], json!(format!("names: {} {}", opened[0], opened[1])));

    // Neither the log nor what the ledger writes of itself has it.
    let told: i64 = stage.sql(
        sqlx::query_scalar("SELECT count(*) FROM events e WHERE e::text ~ $1")
            .bind(format!("Аврора|Канарейкина|{USER}"))
            .fetch_one(&stage.pool),
    );
    assert_eq!(told, 0);
    tells_nobody("the ledger's log file", &std::fs::read_to_string(stage.log_path(Role::Ledger)).unwrap());
    let kept: i64 = stage.sql(
        sqlx::query_scalar("SELECT count(*) FROM console_searches s WHERE s::text ~ 'етр|анар'")
            .fetch_one(&stage.pool),
    );
    assert_eq!(kept, 0, "what was looked for is kept");
    // What a search has found goes with the session.
    admin.posts("/sign-out", &[]);
    let kept: i64 =
        stage.sql(sqlx::query_scalar("SELECT count(*) FROM console_searches").fetch_one(&stage.pool));
    assert_eq!(kept, 0);
    stage.assert_verified();
}

#[test]
fn filters_choose_and_pages_go_on_where_the_last_one_ended() {
    let stage = open();
    let deeds = Deeds::new(&stage);
    let all: Vec<AccountId> =
        (0..90).map(|user| stage.rt.block_on(deeds.start(1_000 + user)).unwrap()).collect();
    let payment = stage.rt.block_on(deeds.topup(1_003, "n")).unwrap();
    stage.rt.block_on(deeds.register(payment)).unwrap();
    stage.rt.block_on(deeds.settle(payment, rubles(100))).unwrap();
    stage.rt.block_on(deeds.request(1_003, 1)).unwrap();
    let away = "UPDATE profiles SET away_since = now_us() WHERE account_id = $1";
    stage.sql(sqlx::query(away).bind(all[7].0).execute(&stage.pool));
    let admin = Seat::signed_in(&stage, "admin", PASSWORD);
    admin.proves(PASSWORD);
    does(&admin, all[11], &[("deed", "ban"), ("reason", "spam")]);
    let listed = |query: &str| -> Vec<AccountId> {
        let (mut found, mut path) = (Vec::new(), format!("/api/v1/people?{query}"));
        loop {
            let answer = admin.gets(&path);
            assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
            let page: Value = serde_json::from_str(&answer.text).unwrap();
            found.extend(
                page["people"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|one| -> AccountId { one["account"].as_str().unwrap().parse().unwrap() }),
            );
            match page["next"].as_i64() {
                Some(next) => path = format!("/api/v1/people?{query}&next={next}"),
                None => return found,
            }
        }
    };
    let newest_first: Vec<AccountId> = all.iter().rev().copied().collect();
    stage.until("the projection", || (listed("banned=true") == [all[11]]).then_some(()));
    assert_eq!(listed(""), newest_first);
    assert_eq!(listed("away=true"), [all[7]]);
    assert_eq!(listed("payer=true"), [all[3]]);
    assert_eq!(listed("payer=true&active_days=1"), [all[3]]);
    assert_eq!(listed("in_debt=true"), Vec::new());
    assert_eq!(listed("banned=false&away=false&payer=false&in_debt=false").len(), 87);
    for bad in ["active_days=0", "active_days=x", "active_days=366", "banned=perhaps", "next=x"] {
        let answer = admin.gets(&format!("/people?{bad}"));
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
    }
    // On the page the same, forwards and back.
    let page = admin.gets("/people?payer=true&active_days=7").text;
    assert!(page.contains(&format!("/people/{}", all[3])) && !page.contains(&format!("/people/{}", all[4])));
    stage.assert_verified();
}

/// Fills a form in, reads what will happen, and does it; the answer.
fn does(admin: &Seat<'_>, account: AccountId, form: &[(&str, &str)]) -> crate::desk::Answer {
    let asked = admin.posts(&format!("/people/{account}/confirm"), form);
    assert_eq!(asked.status, StatusCode::OK, "{}", asked.text);
    let once = asked.hidden("once");
    let to = asked.text.split("action=\"/people/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let form = [form, &[("once", once.as_str())]].concat();
    let first = admin.posts(&format!("/people/{to}"), &form);
    // Pressed twice.
    let again = admin.posts(&format!("/people/{to}"), &form);
    assert_eq!((again.status, &again.to), (first.status, &first.to));
    first
}

#[test]
fn what_is_done_to_a_person_is_done_once_and_by_whom_it_may_be() {
    let stage = open();
    let deeds = Deeds::new(&stage);
    let ada = stage.rt.block_on(deeds.start(42)).unwrap();
    let admin = Seat::signed_in(&stage, "admin", PASSWORD);
    let balance = || stage.rt.block_on(deeds.balance(42, Position::ZERO)).unwrap();
    let grant =
        [("deed", "grant"), ("credits", "50"), ("source", "compensation"), ("reason", "lost a picture")];
    let page = format!("/people/{ada}");

    // Credits are for whoever has just given the password.
    stage.sql(sqlx::query("UPDATE console_sessions SET proven_at = 0").execute(&stage.pool));
    let asked = admin.posts(&format!("{page}/confirm"), &grant);
    assert!(
        asked.text.contains("Сначала подтвердите пароль") && asked.text.contains("5 → 55"),
        "{}",
        asked.text
    );
    let once = asked.hidden("once");
    let form = [&grant[..], &[("once", once.as_str())]].concat();
    assert_eq!(admin.posts(&format!("{page}/credits"), &form).status, StatusCode::FORBIDDEN);
    // Not by the other way either.
    assert_eq!(admin.posts(&format!("{page}/do"), &form).status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(balance(), (5, 0, 0));
    admin.proves(PASSWORD);
    assert_eq!(does(&admin, ada, &grant).to, format!("{page}?done=granted"));
    assert_eq!((balance(), count(&stage, ada, "CreditsGranted")), ((55, 0, 0), 2));
    assert!(admin.gets(&format!("{page}?done=granted")).text.contains("Кредиты начислены"));
    let take = [("deed", "take"), ("credits", "20"), ("reason", "by mistake")];
    assert_eq!(does(&admin, ada, &take).to, format!("{page}?done=taken"));
    assert_eq!((balance(), count(&stage, ada, "CreditsRevoked")), ((35, 0, 0), 1));
    let more = does(&admin, ada, &[("deed", "take"), ("credits", "36"), ("reason", "too many")]);
    assert!(more.text.contains("доступных кредитов меньше"), "{}", more.text);
    let owed = does(&admin, ada, &[("deed", "forgive"), ("credits", "1"), ("reason", "none")]);
    assert!(owed.text.contains("долг меньше"), "{}", owed.text);

    let ban = [("deed", "ban"), ("reason", "spam")];
    assert_eq!(does(&admin, ada, &ban).to, format!("{page}?done=banned"));
    assert!(admin.gets(&page).text.contains("заблокирован"));
    let asked = admin.posts(&format!("{page}/confirm"), &ban);
    let once = asked.hidden("once");
    let again = admin.posts(&format!("{page}/do"), &[&ban[..], &[("once", once.as_str())]].concat());
    assert!(again.text.contains("уже заблокирован"), "{}", again.text);
    assert_eq!(again.hidden("once"), once, "the same form once more is the same act");
    assert_eq!(
        does(&admin, ada, &[("deed", "unban"), ("reason", "sorry")]).to,
        format!("{page}?done=unbanned")
    );
    let message = [("deed", "message"), ("text", "Hello <b>there</b> & goodbye")];
    let asked = admin.posts(&format!("{page}/confirm"), &message);
    assert!(asked.text.contains("Hello &lt;b&gt;there&lt;/b&gt; &amp; goodbye"), "{}", asked.text);
    assert_eq!(does(&admin, ada, &message).to, format!("{page}?done=messaged"));
    for (kind, n) in [("AccountBanned", 1), ("AccountUnbanned", 1), ("MessageRequested", 1)] {
        assert_eq!(count(&stage, ada, kind), n, "{kind}");
    }
    let said: String =
        stage.sql(sqlx::query_scalar("SELECT content FROM message_contents").fetch_one(&stage.pool));
    assert!(said.contains("<b>there</b>"), "{said}");
    let by: Vec<String> = stage.sql(
        sqlx::query_scalar(
            "SELECT DISTINCT actor FROM events WHERE account_id = $1 AND producer = 'console'",
        )
        .bind(ada.0)
        .fetch_all(&stage.pool),
    );
    assert_eq!(by, ["operator:admin"]);

    // What is not fit changes nothing, is told, and is not lost.
    for (form, words) in [
        (
            vec![("deed", "grant"), ("credits", "-5"), ("source", "admin"), ("reason", "r")],
            "целое число больше нуля",
        ),
        (vec![("deed", "grant"), ("credits", "5"), ("source", "admin"), ("reason", "")], "напишите причину"),
        (
            vec![("deed", "grant"), ("credits", "5"), ("source", "purchase"), ("reason", "r")],
            "выберите из списка",
        ),
        (vec![("deed", "message"), ("text", " ")], "напишите сообщение"),
        (vec![("deed", "erase"), ("reason", "r")], "откройте страницу заново"),
        (vec![], "откройте страницу заново"),
    ] {
        for to in ["confirm", "credits", "do"] {
            let answer = admin.posts(&format!("{page}/{to}"), &form);
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{to} {form:?}");
            assert!(answer.text.contains(words), "{to} {form:?}: {}", answer.text);
        }
    }
    let kept = admin
        .posts(&format!("{page}/confirm"), &[("deed", "take"), ("credits", "x"), ("reason", "a long story")]);
    assert!(kept.text.contains("value=\"a long story\""), "{}", kept.text);
    for nobody in ["3f2b8a52-0c6e-4d1b-9d55-6a2f0e7c9a10", "ann", "00000000-0000-8000-8000-000000000002"] {
        for (to, form) in [("", &[][..]), ("/look", &[]), ("/confirm", &ban)] {
            let path = format!("/people/{nobody}{to}");
            let answer = if to.is_empty() { admin.gets(&path) } else { admin.posts(&path, form) };
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        }
    }
    assert_eq!(balance(), (35, 0, 0));
    stage.assert_verified();
}
