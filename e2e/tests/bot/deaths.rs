//! The bot dies at each point of what is its own, as by kill -9, while a person goes that way; started again, the way
//! completes: made once, charged once, told at most once more.

use std::path::PathBuf;
use std::time::Instant;

use e2e::people::{Person, is_picture, said};
use e2e::stage::PATIENCE;
use e2e::{Role, Stage};
use serde_json::{Value, json};

use crate::ADMIN;
use crate::chat::Chat;

/// A bot that dies when it comes to this point for the first time.
struct Dying {
    stage: Stage,
    point: &'static str,
    crashes: PathBuf,
}

impl Dying {
    /// What comes before runs undisturbed.
    fn after(point: &'static str, before: impl Fn(&Stage)) -> Self {
        let admin = ADMIN.to_string();
        let mut stage = Stage::whole_with(&[("ADMIN_TELEGRAM_ID", &admin)]).unwrap();
        before(&stage);
        assert!(stage.stop(Role::Telegram));
        let crashes = stage.dir().join("crashes");
        let (at, log) = (format!("{point}:1"), crashes.display().to_string());
        let armed = [("CRASH_AT", at.as_str()), ("CRASH_LOG", &log), ("ADMIN_TELEGRAM_ID", &admin)];
        stage.start(Role::Telegram, &armed).unwrap();
        Self { stage, point, crashes }
    }

    fn deaths(&self) -> usize {
        let log = std::fs::read_to_string(&self.crashes).unwrap_or_default();
        log.lines().filter(|line| *line == self.point).count()
    }

    /// Starts it again when it has died, until this is so: who died may have had a lease of a minute.
    fn until(&mut self, what: &str, so: impl Fn(&Stage) -> bool) {
        let (begun, admin) = (Instant::now(), ADMIN.to_string());
        while !(self.deaths() == 1 && so(&self.stage)) {
            assert!(
                begun.elapsed() < 2 * PATIENCE,
                "{}: {what}; logs in {}",
                self.point,
                self.stage.dir().display()
            );
            if !self.stage.is_running(Role::Telegram) {
                self.stage.spawn(Role::Telegram, &[("ADMIN_TELEGRAM_ID", &admin)]).unwrap();
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        println!("{:28} {:>6.1} s", self.point, begun.elapsed().as_secs_f64());
    }
}

#[test]
fn an_album_is_drawn_from_once_wherever_the_bot_dies() {
    for point in ["telegram.album.kept", "telegram.album.claimed", "telegram.album.dealt_with"] {
        let ada = Person(8001);
        let mut bot = Dying::after(point, |stage| stage.arrive_with_credits(ada));
        Chat::new(&bot.stage, ada.0, "en").shows(&[40, 90, 140], Some("the three of us at sea"));
        bot.until("the picture", |stage| stage.count_of(ada, "GenerationDelivered") == 1);
        let stage = &bot.stage;
        stage.until("the album to be done", || {
            let sql = "SELECT count(*) FROM albums WHERE done_at IS NULL";
            let left: i64 = stage.sql(sqlx::query_scalar(sql).fetch_one(&stage.pool));
            (left == 0).then_some(())
        });
        assert_eq!(stage.count_of(ada, "GenerationRequested"), 1, "{point}");
        assert_eq!(stage.balance_of(ada), (95, 0, 0), "{point}");
        let calls = stage.gemini_calls("the three of us at sea");
        let shown = calls[0]["references"].as_array().map(Vec::len);
        assert_eq!((calls.len(), shown), (1, Some(3)), "{point}: {calls:?}");
        stage.assert_verified();
    }
}

#[test]
fn a_picture_comes_once_when_the_bot_dies_before_anybody_knows_its_status_message() {
    let ada = Person(8003);
    let mut bot = Dying::after("telegram.status.sent", |stage| stage.arrive_with_credits(ada));
    let asked = bot.stage.write(ada, "/prompt an owl at sea");
    bot.until("the picture", |stage| stage.count_of(ada, "GenerationDelivered") == 1);
    let stage = &bot.stage;
    assert_eq!((stage.count_of(ada, "GenerationRequested"), stage.balance_of(ada)), (1, (95, 0, 0)));
    assert_eq!((stage.pictures(ada), stage.gemini_calls("an owl at sea").len()), (1, 1));
    // Whoever took the update again shows what it does: one more message, and that one is gone with the result.
    let drawing = |m: &Value| m["message_id"].as_i64() > Some(asked) && !is_picture(m);
    stage.until("one message more at most", || {
        let more = stage.bot_said(ada).iter().filter(|m| drawing(m)).count();
        (more <= 1).then_some(())
    });
    stage.assert_verified();
}

#[test]
fn administrators_are_told_twice_at_most_when_the_bot_dies_at_that() {
    let (ada, admin) = (Person(8004), Person(ADMIN));
    let mut bot = Dying::after("telegram.incident.sent", |stage| {
        stage.arrive_with_credits(ada);
        Chat::new(stage, ADMIN, "ru").says("/start", |_| true);
    });
    let always = json!({"vendor": "gemini", "fault": "bad_key", "times": "always"});
    assert!(bot.stage.post("/faults", &always).0 < 300);
    bot.stage.write(ada, "/prompt an owl");
    let known = "SELECT count(*) FROM incidents WHERE open AND told";
    bot.until("that it is known to be told", |stage| {
        let known: i64 = stage.sql(sqlx::query_scalar(known).fetch_one(&stage.pool));
        known == 1
    });
    let stage = &bot.stage;
    let told = |words: &str| stage.bot_said(admin).iter().filter(|m| said(m, words)).count();
    assert_eq!(told("Бот не рисует"), 2, "nobody knew that it was told");
    stage.heal();
    stage.until("that it works again", || (told("бот снова рисует") == 1).then_some(()));
    assert_eq!(told("Бот не рисует"), 2);
    stage.assert_verified();
}

#[test]
fn who_is_erased_stays_so_when_the_bot_dies_at_that() {
    let ada = Person(8002);
    let mut bot = Dying::after("telegram.erased", |stage| {
        stage.write(ada, "/start");
        stage.wait_for(ada, "the welcome", |_| true);
    });
    let chat = Chat::new(&bot.stage, ada.0, "en");
    let page = chat.says("/delete_me", |m| said(m, "Delete everything"));
    chat.taps(&page, "🗑");
    bot.until("that it is told", |stage| stage.bot_said(ada).iter().any(|m| said(m, "Done")));
    let sql = "SELECT count(*) FROM events WHERE type = 'AccountOpened'";
    let opened: i64 = bot.stage.sql(sqlx::query_scalar(sql).fetch_one(&bot.stage.pool));
    assert_eq!((opened, bot.stage.count_of(ada, "AccountOpened")), (1, 0), "nobody came back by the tap");
    bot.stage.assert_verified();
}

#[test]
fn a_broadcast_goes_on_where_it_was_wherever_the_bot_dies() {
    let people: Vec<Person> = (8101..8107).map(Person).collect();
    for point in ["telegram.broadcast.claimed", "telegram.broadcast.sent", "telegram.broadcast.recorded"] {
        let mut bot = Dying::after(point, |stage| {
            for person in people.iter().chain([&Person(ADMIN)]) {
                stage.write(*person, "/start");
                stage.wait_for(*person, "the welcome", |_| true);
            }
        });
        let admin = Chat::new(&bot.stage, ADMIN, "en");
        let news = admin.write("A new model draws hands!");
        let news = json!({"message_id": news});
        let after = admin.replies(&news, "/broadcast");
        let menu = admin.wait("the segments", after, |m| said(m, "Whom"));
        let sure = admin.turns(&menu, "Everybody", |m| said(m, "people"));
        admin.taps(&sure, "📣");
        bot.until("the end of the broadcast", |stage| {
            let sql = "SELECT count(*) FROM events WHERE type = 'BroadcastFinished'";
            let over: i64 = stage.sql(sqlx::query_scalar(sql).fetch_one(&stage.pool));
            over == 1
        });
        let got = |person: &Person| {
            bot.stage.bot_said(*person).iter().filter(|m| said(m, "A new model draws hands!")).count()
        };
        let got: Vec<usize> = people.iter().map(got).collect();
        assert!(got.iter().all(|n| *n >= 1), "{point}: {got:?}");
        // Telegram can't be asked whether a message was sent: who was being sent to gets it again.
        let more = usize::from(point == "telegram.broadcast.sent");
        assert!(got.iter().sum::<usize>() <= people.len() + more, "{point}: {got:?}");
        bot.stage.assert_verified();
    }
}
