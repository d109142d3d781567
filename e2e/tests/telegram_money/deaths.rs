//! The Telegram adapter dies where money passes, as by kill -9; started again, each payment is credited
//! once and each refund made once, by Telegram's books.

use std::time::Instant;

use e2e::Role;
use e2e::booth::{Booth, DEATHS, ODD_DEATHS, OFTEN};
use e2e::people::Person;
use e2e::stage::PATIENCE;
use serde_json::json;

#[test]
fn the_adapter_dies_at_each_of_its_points_of_money() {
    let mut booth = Booth::open(&[OFTEN]).unwrap();
    println!("{:30} {:>8}", "crash point", "seconds");
    for (user, point) in (8601..).zip(DEATHS) {
        let ada = Person(user);
        booth.meet(ada);
        booth.stage.stop(Role::Telegram);
        let crashes = booth.stage.dir().join(format!("{point}.crashes"));
        let arming = [("CRASH_AT", format!("{point}:1")), ("CRASH_LOG", crashes.display().to_string())];
        let arming: Vec<(&str, &str)> = arming.iter().map(|(n, v)| (*n, v.as_str())).collect();
        booth.stage.spawn(Role::Telegram, &[&[OFTEN], &arming[..]].concat()).unwrap();
        let begun = Instant::now();
        let menu = booth.stage.write(ada, "/topup");
        let alive = |booth: &mut Booth| {
            if !booth.stage.is_running(Role::Telegram) {
                booth.stage.start(Role::Telegram, &[OFTEN]).unwrap();
            }
        };
        let packages = booth.stage.wait_for(ada, "the packages", |m| m["message_id"].as_i64() > Some(menu));
        booth.tap(ada, &packages, e2e::booth::STARS);
        let mut refund = None;
        while booth.stage.count_of(ada, "RefundSettled") == 0 || !crashes.exists() {
            assert!(begun.elapsed() < PATIENCE, "{point}: stuck; logs in {}", booth.stage.dir().display());
            alive(&mut booth);
            let bill = booth.stage.bot_said(ada).into_iter().rev().find(|m| m["invoice"].is_object());
            let paid = booth.stage.count_of(ada, "PaymentSettled") > 0;
            if let Some(bill) = bill.filter(|_| !paid && charges(&booth, ada) == 0) {
                booth.pay(ada, &bill);
            }
            if paid && refund.is_none() {
                refund = Some(booth.give_back(booth.payments(ada)[0], point));
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        println!("{point:30} {:>8.1}", begun.elapsed().as_secs_f64());
        alive(&mut booth);
        assert_eq!((booth.stage.balance_of(ada), charges(&booth, ada)), ((5, 0, 0), 1), "{point}");
        for once in ["PaymentOpened", "PaymentSettled", "RefundOpened", "RefundSettled"] {
            assert_eq!(booth.stage.count_of(ada, once), 1, "{point}: {once}");
        }
    }
    booth.assert_at_rest();
}

/// The bot is started so that it dies at this point, which this brings about, and again.
fn dies(booth: &mut Booth, point: &str, bring_about: impl FnOnce(&Booth)) {
    let crashes = booth.stage.dir().join(format!("{point}.crashes")).display().to_string();
    let arming = [OFTEN, ("CRASH_AT", &*format!("{point}:1")), ("CRASH_LOG", &crashes)];
    booth.stage.spawn(Role::Telegram, &arming).unwrap();
    bring_about(booth);
    booth.stage.wait_ended(Role::Telegram);
    assert!(std::fs::read_to_string(&crashes).is_ok_and(|noted| noted.contains(point)), "{point}");
    booth.stage.start(Role::Telegram, &[OFTEN]).unwrap();
}

#[test]
fn the_adapter_dies_while_it_puts_money_aside_and_while_it_takes_back_what_went() {
    let mut booth = Booth::open(&[OFTEN]).unwrap();
    let ada = Person(8651);
    booth.meet(ada);
    booth.stars_bill(ada);
    booth.stage.stop(Role::Telegram);
    let charge = booth.pay_oddly(ada);
    let [aside, taken] = ODD_DEATHS;
    dies(&mut booth, aside, |_| {});
    booth.until_told(ada, "doesn't add up");
    assert_eq!(booth.stage.count_of(ada, "PaymentQuarantined"), 1);
    booth.settle_by_a_person(&charge);
    assert_eq!(booth.stage.balance_of(ada), (65, 0, 0));
    booth.stage.stop(Role::Telegram);
    dies(&mut booth, taken, |booth| {
        assert_eq!(booth.stage.post(&format!("/checkout/{charge}/refund"), &json!({})).0, 200);
    });
    booth.until_count(ada, "RefundSettled", 1);
    booth.until_told(ada, "Refund: 50\u{a0}⭐");
    assert_eq!((booth.stage.count_of(ada, "RefundOpened"), booth.stage.balance_of(ada)), (1, (5, 0, 0)));
    booth.assert_at_rest();
}

fn charges(booth: &Booth, person: Person) -> usize {
    let books = booth.stage.books();
    let all = books["telegram"]["charges"].as_array().cloned().unwrap_or_default();
    all.iter().filter(|charge| charge["user"] == person.0).count()
}
