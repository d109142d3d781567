//! `ledger payment`.

use e2e::deeds::provider_id;
use e2e::raw::of;
use proto_events::Producer;
use serde_json::{Value, json};

use crate::{NOON, Office, is_narrow};

#[test]
fn a_payment_is_found_by_any_of_its_ids_and_told_whole() {
    let office = Office::open();
    let payment = office.paid(1, NOON, Some(350));
    let (account, theirs) = (of(payment.account()), provider_id(payment));
    // Ten of its credits are spent, ten held, half the money goes back.
    let made = office.stage.rt.block_on(async {
        let made = office.deeds.request(1, 1).await.unwrap();
        office.deeds.claim(made, 1).await.unwrap();
        office.deeds.complete(made, 1).await.unwrap();
        office.deeds.request(1, 2).await.unwrap()
    });
    let refund = office.refunded(payment, 5_000, "back-1", NOON + 9);
    let notice = json!({"provider": "yookassa", "event": "payment.succeeded", "object": theirs, "payment": payment,
        "body": "{\"event\":\"payment.succeeded\"}", "outcome": "settled"});
    for _ in 0..3 {
        let reply =
            office.raw.send(Producer::Payments, "notice_keep", "notice:1", account.clone(), notice.clone());
        assert_eq!(reply["status"], "done", "{reply}");
    }
    let mut told = Vec::new();
    for id in [&payment.to_string(), &refund, &theirs, "back-1"] {
        let (code, json, said) = office.run(&["payment", id, "--json"]);
        assert_eq!((code, said.as_str()), (0, ""), "{id}: {said}");
        told.push(serde_json::from_str::<Value>(&json).unwrap());
    }
    assert!(told.windows(2).all(|two| two[0] == two[1]), "{told:#?}");
    let told = &told[0];
    assert_eq!(
        (&told["state"], &told["fee"]["amount"], &told["net"]["amount"]),
        (&"settled".into(), &350.into(), &9_650.into())
    );
    assert_eq!(told["paid_at"], NOON);
    let lot = &told["lots"][0];
    // Free credits are spent first: five of the first ten were given.
    let parts = ["consumed", "reserved", "revoked", "available"].map(|part| lot[part].as_i64().unwrap());
    assert_eq!(parts, [5, 10, 50, 35]);
    assert_eq!((&lot["recognised"], &lot["refunded"]), (&500.into(), &5_000.into()));
    assert_eq!((&told["refunds"][0]["state"], &told["refunds"][0]["taken"]), (&"settled".into(), &50.into()));
    assert_eq!((&told["notices"][0]["times"], told["notices"][0].get("body")), (&3.into(), None));
    assert_eq!(told.get("telegram_user"), None);
    let types: Vec<&str> =
        told["events"].as_array().unwrap().iter().map(|e| e["type"].as_str().unwrap()).collect();
    assert_eq!(
        types,
        [
            "PaymentOpened",
            "PaymentRegistered",
            "PaymentSettled",
            "CreditsGranted",
            "RefundOpened",
            "CreditsRevoked",
            "RefundSettled"
        ]
    );
    assert!(told["tellings"].as_array().unwrap().iter().any(|t| t["type"] == "PaymentSettled"), "{told:#}");

    let (code, paper, _) = office.run(&["payment", &theirs, "--person"]);
    assert_eq!(code, 0);
    is_narrow(&paper);
    println!("{paper}");
    for wanted in [
        "telegram:1",
        "revenue so far 5.00, deferred 45.00",
        "fee           3.50 RUB",
        "operator:ada",
        "3 times",
    ] {
        assert!(paper.contains(wanted), "{wanted}: {paper}");
    }
    let (_, paper, _) = office.run(&["payment", &theirs, "--bodies"]);
    assert!(paper.contains("{\"event\":\"payment.succeeded\"}") && !paper.contains("telegram:1"), "{paper}");

    // In quarantine only: by the provider's id to the payment it names, or to nobody's.
    let seen = json!({"status": "succeeded"});
    let doubt = |payment: Value, id: &str| json!({"payment": payment, "rail": "yookassa", "provider_payment_id": id, "problems": ["shop_differs"], "seen": seen});
    office.raw.done(
        Producer::Payments,
        "payment_quarantine",
        "quarantine:1",
        account,
        doubt(json!(payment), "odd-1"),
    );
    let nobody = json!({"id": proto_events::AccountId::OPERATIONS});
    office.raw.done(
        Producer::Payments,
        "payment_quarantine",
        "quarantine:2",
        nobody,
        doubt(Value::Null, "odd-2"),
    );
    let (code, json, _) = office.run(&["payment", "odd-1", "--json"]);
    let told: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((code, &told["payment"]), (0, &json!(payment)));
    assert_eq!(
        (&told["quarantine"][0]["problems"][0], &told["quarantine"][0]["outcome"]),
        (&"shop_differs".into(), &Value::Null)
    );
    let strange = payment.to_string().replace("p-", "f-");
    for (id, wanted) in [
        ("odd-2", "shop_differs; seen: succeeded"),
        ("nothing-of-the-kind", "p-<32 hex>-<16 hex>"),
        (&*strange, "p-<32 hex>-<16 hex>"),
        ("p-00000000000040008000000000000001-0123456789abcdef", "no payment has the id"),
        (&*made.to_string(), "no payment has the id"),
    ] {
        let (code, out, said) = office.run(&["payment", id]);
        let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(code == 2 && out.is_empty() && flat.contains(wanted), "{id}: {code} {said}");
    }
    office.stage.assert_verified();
}
