//! Days that the adapters have uploaded.

use e2e::deeds::provider_id;
use proto_events::{AccountId, Producer};
use serde_json::{Value, json};

use crate::{DAY, NOON, Office, differences};

const HOUR: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR;
/// Days since 1970 of [`DAY`].
const NUMBER: i64 = 20_778;

impl Office {
    fn upload(&self, rows: &[Value]) {
        let (nobody, body) =
            (json!({"id": AccountId::OPERATIONS}), json!({"provider": "yookassa", "rows": rows}));
        let reply = self.raw.send(Producer::Payments, "provider_rows_put", "rows:1", nobody, body);
        assert_eq!(reply["status"], "done", "{reply}");
    }

    fn whole(&self, day: i64) {
        let (nobody, body) =
            (json!({"id": AccountId::OPERATIONS}), json!({"provider": "yookassa", "day": day}));
        let reply =
            self.raw.send(Producer::Payments, "provider_day_done", &format!("day:{day}"), nobody, body);
        assert_eq!(reply["status"], "done", "{reply}");
    }
}

fn stated(id: &str, minor: i64, net: Option<i64>, at: i64) -> Value {
    let net = net.map(|net| json!({"amount": net, "currency": "RUB"}));
    json!({"of": "payment", "id": id, "amount": {"amount": minor, "currency": "RUB"}, "net": net, "at": at})
}

#[test]
fn an_uploaded_day_is_compared_and_midnight_makes_no_difference() {
    let office = Office::open();
    let paid: Vec<_> = (1..=4).map(|user| office.paid(user, NOON, Some(350))).collect();
    // Ten minutes to midnight by our word, and ten past it by theirs.
    let late = office.paid(5, NOON + 12 * HOUR - HOUR / 6, Some(350));
    let ids: Vec<String> = paid.iter().map(|p| provider_id(*p)).collect();
    let all: Vec<Value> = ids.iter().map(|id| stated(id, 10_000, Some(9_650), NOON)).collect();
    office.upload(&all);
    let (code, _, said) = office.run(&["reconcile", "--date", DAY]);
    assert_eq!(code, 2, "{said}");
    office.whole(NUMBER);
    let waiting = |told: &Value| told["comparisons"][0]["waiting"].as_array().unwrap().len();
    let (code, told) = office.reconcile(&["--date", DAY]);
    assert_eq!((code, differences(&told), waiting(&told)), (0, vec![], 1), "{told:#}");
    // The next day has it: nothing waits any more, and nothing differs on either.
    office.upload(&[stated(&provider_id(late), 10_000, Some(9_650), NOON + 12 * HOUR + HOUR / 6)]);
    office.whole(NUMBER + 1);
    for day in [DAY, "2026-11-22"] {
        let (code, told) = office.reconcile(&["--date", day]);
        assert_eq!((code, differences(&told), waiting(&told)), (0, vec![], 0), "{day}: {told:#}");
    }
    // Planted: another amount, another currency, another fee, none of ours, and one of ours that is not theirs.
    let mut stars = stated(&ids[1], 10_000, None, NOON);
    stars["amount"]["currency"] = "XTR".into();
    office.upload(&[
        stated(&ids[0], 9_000, Some(8_650), NOON),
        stars,
        stated(&ids[2], 10_000, Some(9_651), NOON),
        stated("ghost", 100, None, NOON + 1),
        // What the provider dates into another month is there all the same.
        stated(&ids[3], 10_000, Some(9_650), NOON - 40 * DAY_US),
    ]);
    let lost = office.paid(6, NOON, Some(350));
    office.whole(NUMBER);
    let (code, told) = office.reconcile(&["--date", DAY]);
    let named = |what: &str, id: &str| (what.to_owned(), "payment".to_owned(), id.to_owned());
    let mut wanted = vec![
        named("amount_differs", &ids[0]),
        named("currency_differs", &ids[1]),
        named("fee_differs", &ids[2]),
        named("missing_here", "ghost"),
        named("missing_there", &provider_id(lost)),
    ];
    wanted.sort();
    assert_eq!((code, differences(&told)), (1, wanted), "{told:#}");
    office.stage.assert_verified();
}
