//! The client against the sandbox's YooKassa, which is as strict as the real one.

mod support;

use std::time::Duration;

use payments_adapter::yookassa::{Error, Listed, Payment, provider_id};
use proto_events::Micros;
use serde_json::json;
use support::{Vendor, payment, words};

#[tokio::test]
async fn a_payment_is_made_shown_and_paid() {
    let vendor = Vendor::start().await;
    let client = vendor.client("test_key");
    let made = client.create(payment(1), &words(payment(1), "100.05")).await.unwrap();
    assert_eq!((made.status.as_str(), made.test, made.ours()), ("pending", Some(true), Some(payment(1))));
    assert!(made.checkout_url().unwrap().contains(&made.id));
    assert_eq!(made.recipient.as_ref().unwrap().account_id.as_deref(), Some("100500"));
    vendor.checkout(&made.id, "succeed").await;
    let paid = client.get(&provider_id(&made.id).unwrap()).await.unwrap();
    assert_eq!((paid.status.as_str(), paid.paid), ("succeeded", Some(true)));
    assert_eq!(paid.amount.money().unwrap().minor(), 10_005);
    assert!(paid.income_amount.as_ref().unwrap().money().unwrap().minor() < 10_005);
    assert!(paid.captured().is_some());
    vendor.end().await;
}

#[tokio::test]
async fn the_same_words_under_the_same_key_are_one_payment_whatever_happened_between() {
    let vendor = Vendor::start().await;
    let client = vendor.client("test_key");
    let faults = [
        json!({"status": 500, "after_effect": true}),
        json!({"drop": "after"}),
        json!("truncated"),
        json!(500),
    ];
    for (n, fault) in faults.into_iter().enumerate() {
        let (n, before) = (u32::try_from(n).unwrap(), vendor.payments().await);
        vendor.fault("create_payment", fault.clone()).await;
        let lost = client.create(payment(n), &words(payment(n), "1.00")).await.unwrap_err();
        assert!(matches!(lost, Error::Unknown { .. }), "{fault}: {lost:?}");
        let first = client.create(payment(n), &words(payment(n), "1.00")).await.unwrap();
        let again = client.create(payment(n), &words(payment(n), "1.00")).await.unwrap();
        assert_eq!((first.id, vendor.payments().await), (again.id, before + 1), "{fault}");
    }
    let other = client.create(payment(0), &words(payment(0), "2.00")).await.unwrap_err();
    let Error::Refused { parameter: Some(parameter), .. } = other else { panic!("{other:?}") };
    assert_eq!(parameter, "Idempotence-Key");
    vendor.end().await;
}

#[tokio::test]
async fn each_refusal_is_told_apart() {
    let vendor = Vendor::start().await;
    let client = vendor.client("test_key");
    let free = client.create(payment(1), &words(payment(1), "0.00")).await.unwrap_err();
    assert!(matches!(free, Error::Refused { .. }), "{free:?}");
    assert_eq!(client.get(&provider_id("nobody").unwrap()).await, Err(Error::NotFound));
    let stranger = vendor.client("test_other").get(&provider_id("x").unwrap()).await.unwrap_err();
    assert!(matches!(stranger, Error::Access { .. }), "{stranger:?}");
    vendor.fault("get_payment", json!({"status": 429, "retry_after": 1.5})).await;
    let busy = client.get(&provider_id("x").unwrap()).await.unwrap_err();
    assert_eq!(busy, Error::TooMany { after: Some(Duration::from_millis(1500)) });
    vendor.fault("get_payment", json!({"drop": "before"})).await;
    let cut = client.get(&provider_id("x").unwrap()).await.unwrap_err();
    assert!(matches!(cut, Error::Unknown { .. }), "{cut:?}");
    assert!(!cut.to_string().contains("127.0.0.1"), "no address in {cut}");
    vendor.end().await;
}

#[tokio::test]
async fn the_list_is_paged_to_its_end() {
    let vendor = Vendor::start().await;
    let client = vendor.client("test_key");
    for n in 0..105 {
        client.create(payment(n), &words(payment(n), "1.00")).await.unwrap();
    }
    let (from, to) = (Micros::new(0).unwrap(), Micros::new(4_000_000_000_000_000).unwrap());
    let (mut seen, mut cursor) = (Vec::<Payment>::new(), None);
    loop {
        let page = client.list(Listed::Made { from, to }, cursor.as_deref()).await.unwrap();
        seen.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let ours: std::collections::HashSet<_> = seen.iter().filter_map(Payment::ours).collect();
    assert_eq!((seen.len(), ours.len()), (105, 105));
    let past = client.list(Listed::Made { from, to: Micros::new(1_000_000).unwrap() }, None).await.unwrap();
    assert_eq!(past.items, []);
    vendor.end().await;
}
