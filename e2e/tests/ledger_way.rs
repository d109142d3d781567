//! The ledger over real NATS and Postgres: the way of credits, repeats, bad input, authority.

use e2e::deeds::{Deeds, envelope, id, rubles};
use e2e::judge::WHOLE_WAY;
use e2e::{Role, Stage};
use ledger::verify::Kind;
use proto_events::catalog::Catalog;
use proto_events::commands::{PaymentSettle, TopupOpen};
use proto_events::envelope::AccountRef;
use proto_events::{Position, Rail};
use serde_json::{Value, json};
use service::ledger::SendError;

fn refusal(outcome: Result<service::ledger::Done, SendError>) -> String {
    match outcome {
        Err(SendError::Refused(refusal)) => refusal.code.to_string(),
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn credits_go_the_whole_way_and_the_log_verifies() {
    let stage = Stage::with_ledger().unwrap();
    let deeds = Deeds::new(&stage);
    stage.rt.block_on(async {
        let last = deeds.whole_way(7).await.unwrap();
        assert_eq!(deeds.balance(7, last).await.unwrap(), (95, 0, 0));
        let types: Vec<_> = Stage::log(&stage.pool).await.into_iter().map(|r| r.event_type).collect();
        assert_eq!(types[0], "CatalogPublished");
        assert_eq!(types[1..], WHOLE_WAY);
    });
    stage.assert_verified();
}

#[test]
fn a_command_repeated_gets_its_first_answer_and_another_content_is_refused() {
    let stage = Stage::with_ledger().unwrap();
    let deeds = Deeds::new(&stage);
    stage.rt.block_on(async {
        deeds.start(1).await.unwrap();
        let payment = deeds.topup(1, "a").await.unwrap();
        let first = deeds.settle(payment, rubles(100)).await.unwrap();
        let events = Stage::log(&stage.pool).await.len();
        let repeats =
            futures_util::future::join_all((0..10).map(|_| deeds.settle(payment, rubles(100)))).await;
        for repeat in repeats {
            let repeat = repeat.unwrap();
            assert_eq!(
                (repeat.position, repeat.events, repeat.result),
                (first.position, first.events.clone(), first.result.clone())
            );
        }
        assert_eq!(refusal(deeds.settle(payment, rubles(200)).await), "command_id_reused");
        assert_eq!(Stage::log(&stage.pool).await.len(), events, "repeats left a trace");
        assert_eq!(deeds.balance(1, first.position).await.unwrap().0, 105);
    });
    stage.assert_verified();
}

#[test]
fn ten_copies_at_once_of_one_command_are_one_event() {
    let stage = Stage::with_ledger().unwrap();
    let deeds = Deeds::new(&stage);
    stage.rt.block_on(async {
        let starts = futures_util::future::join_all((0..10).map(|_| deeds.start(5))).await;
        let accounts: Vec<_> = starts.into_iter().map(Result::unwrap).collect();
        assert!(accounts.iter().all(|a| *a == accounts[0]));
        let payment = deeds.topup(5, "x").await.unwrap();
        for done in futures_util::future::join_all((0..10).map(|_| deeds.settle(payment, rubles(100)))).await
        {
            done.unwrap();
        }
        let settled =
            Stage::log(&stage.pool).await.iter().filter(|r| r.event_type == "PaymentSettled").count();
        assert_eq!(settled, 1);
    });
}

#[test]
fn two_starts_of_one_person_under_two_ids_open_one_account() {
    let stage = Stage::with_ledger().unwrap();
    let deeds = Deeds::new(&stage);
    stage.rt.block_on(async {
        let open = |n: i64| {
            let command = proto_events::commands::AccountOpen {
                language: e2e::deeds::text("en"),
                name: e2e::deeds::text("Bo"),
                inviter: None,
            };
            deeds.telegram.send(envelope(id(format!("start:1:9:{n}")), AccountRef::Telegram(9), command))
        };
        let (a, b) = tokio::join!(open(1), open(2));
        assert_eq!([&a, &b].iter().filter(|r| r.is_ok()).count(), 1);
        let refused = if a.is_err() { a } else { b };
        assert_eq!(refusal(refused), "account_exists");
    });
}

#[test]
fn a_provider_payment_is_credited_once_whoever_it_is_claimed_for() {
    let stage = Stage::with_ledger().unwrap();
    let deeds = Deeds::new(&stage);
    stage.rt.block_on(async {
        for user in [1, 2] {
            deeds.start(user).await.unwrap();
        }
        let (mine, other) = (deeds.topup(1, "a").await.unwrap(), deeds.topup(2, "b").await.unwrap());
        deeds.settle_as(mine, "provider-1", rubles(100)).await.unwrap();
        let command = PaymentSettle {
            payment: other,
            rail: Rail::Yookassa,
            provider_payment_id: e2e::deeds::text("provider-1"),
            amount: rubles(100),
            net: None,
            test: false,
            paid_at: None,
            context: None,
        };
        let stolen = envelope(id("settle:yookassa:other"), AccountRef::Id(other.account()), command);
        assert_eq!(refusal(deeds.payments.send(stolen).await), "provider_id_taken");
        assert_eq!(deeds.balance(2, Position::ZERO).await.unwrap().0, 5);
        // The same in one batch: both at once, one is credited.
        let (third, fourth) = (deeds.topup(1, "c").await.unwrap(), deeds.topup(2, "d").await.unwrap());
        let settle = |payment: proto_events::PaymentId, n: i32| {
            let command = PaymentSettle {
                payment,
                rail: Rail::Yookassa,
                provider_payment_id: e2e::deeds::text("provider-2"),
                amount: rubles(100),
                net: None,
                test: false,
                paid_at: None,
                context: None,
            };
            deeds.payments.send(envelope(
                id(format!("settle:at-once:{n}")),
                AccountRef::Id(payment.account()),
                command,
            ))
        };
        let (a, b) = tokio::join!(settle(third, 1), settle(fourth, 2));
        assert_eq!([a.is_ok(), b.is_ok()].iter().filter(|ok| **ok).count(), 1);
    });
    stage.assert_verified();
}

#[test]
fn what_differs_from_what_was_opened_is_refused_and_nothing_changes() {
    let stage = Stage::with_ledger().unwrap();
    let deeds = Deeds::new(&stage);
    stage.rt.block_on(async {
        deeds.start(1).await.unwrap();
        let payment = deeds.topup(1, "a").await.unwrap();
        let before = Stage::log(&stage.pool).await.len();
        assert_eq!(refusal(deeds.settle(payment, rubles(1)).await), "amount_differs");
        assert_eq!(refusal(deeds.settle(payment, rubles(0)).await), "amount_differs");
        let strange = "p-00000000000040008000000000000001-0123456789abcdef".parse().unwrap();
        assert_eq!(refusal(deeds.settle(strange, rubles(100)).await), "payment_not_found");
        let topup = TopupOpen {
            package: e2e::deeds::text("nothing"),
            rail: Rail::Yookassa,
            context: proto_events::commands::ChatContext { chat: 1, message: 1, status_message: None },
            method: None,
            email: None,
        };
        let send = |user, n| {
            deeds.telegram.send(envelope(
                id(format!("topup:1:{n}")),
                AccountRef::Telegram(user),
                topup.clone(),
            ))
        };
        assert_eq!(refusal(send(1, "p").await), "package_unknown");
        assert_eq!(refusal(send(404, "q").await), "account_not_found");
        assert_eq!(Stage::log(&stage.pool).await.len(), before);
    });
}

#[test]
fn credits_that_are_not_there_are_not_spent() {
    let stage = Stage::with_ledger().unwrap();
    let deeds = Deeds::new(&stage);
    stage.rt.block_on(async {
        deeds.start(1).await.unwrap();
        match deeds.request(1, 1).await {
            Err(SendError::Refused(r)) => {
                assert_eq!(r.code.as_str(), "insufficient_credits");
                assert_eq!((&r.details["have"], &r.details["need"]), (&json!(5), &json!(10)));
            }
            other => panic!("not refused: {other:?}"),
        }
        // Five at once on credits for ten pictures, of which only so many may run.
        let payment = deeds.topup(1, "a").await.unwrap();
        deeds.settle(payment, rubles(100)).await.unwrap();
        let asked = futures_util::future::join_all((10..20).map(|m| deeds.request(1, m))).await;
        let accepted = asked.iter().filter(|r| r.is_ok()).count();
        assert_eq!(accepted, 3, "limits.running_per_person_max of the default catalog");
    });
    stage.assert_verified();
}

/// Sends raw bytes as this user and reads the reply, as a hostile or broken adapter would.
async fn raw(client: &async_nats::Client, subject: &str, body: impl Into<bytes::Bytes>) -> Option<Value> {
    let answer = client.request(subject.to_owned(), body.into()).await.ok()?;
    serde_json::from_slice(&answer.payload).ok()
}

#[test]
fn bad_commands_are_refused_with_words_and_their_neighbours_go_through() {
    let mut stage = Stage::with_ledger().unwrap();
    let deeds = Deeds::new(&stage);
    let client = stage.client("telegram");
    stage.rt.block_on(async {
        deeds.start(1).await.unwrap();
        let deep = format!(
            "{{\"id\":\"x\",\"account\":{{\"telegram\":1}},\"body\":{}1{}}}",
            "[".repeat(9_000),
            "]".repeat(9_000)
        );
        let cases: Vec<(&str, String, &str)> = vec![
            ("no_such_verb", "{}".into(), "unknown_verb"),
            ("topup_open", String::new(), "invalid"),
            ("topup_open", "{".into(), "invalid"),
            ("topup_open", deep, "invalid"),
            ("topup_open", "x".repeat(500_000), "invalid"),
            (
                "generation_claim",
                json!({"id": "x", "account": {"telegram": 1}, "body": {}}).to_string(),
                "not_allowed",
            ),
            (
                "generation_request",
                json!({"id": "x", "account": {"telegram": 1}, "body": {"kind": "picture", "prompt": "a\0b",
                    "references": [], "context": {"chat": 1, "message": 1}}})
                .to_string(),
                "invalid",
            ),
            (
                "generation_request",
                json!({"id": "y", "account": {"telegram": 1}, "body": {"kind": "picture", "prompt": "  ",
                    "references": [], "context": {"chat": 1, "message": 1}}})
                .to_string(),
                "prompt_empty",
            ),
            (
                "payment_settle",
                json!({"id": "x", "account": {"telegram": 1}, "body": {"payment":
                    "p-00000000000040008000000000000001-0123456789abcdef", "rail": "yookassa",
                    "provider_payment_id": "y", "amount": {"amount": 100, "currency": "RUB"}, "test": false}})
                .to_string(),
                "not_allowed",
            ),
        ];
        let before = Stage::log(&stage.pool).await.len();
        let tasks = cases.iter().map(|(verb, body, code)| {
            let client = client.clone();
            async move {
                let reply = raw(&client, &format!("cmd.ledger.telegram.{verb}"), body.clone())
                    .await
                    .expect("an answer");
                assert_eq!(reply["status"], "refused", "{verb}: {reply}");
                assert_eq!(reply["refusal"]["code"], *code, "{verb}: {reply}");
                assert!(reply["refusal"]["message"].as_str().is_some_and(|m| !m.is_empty()));
            }
        });
        let (_, neighbour) = tokio::join!(futures_util::future::join_all(tasks), deeds.topup(1, "neighbour"));
        neighbour.unwrap();
        assert_eq!(Stage::log(&stage.pool).await.len(), before + 1, "a bad command left a trace");
    });
    assert!(stage.is_running(Role::Ledger));
    stage.assert_verified();
}

#[test]
fn the_ledgers_role_may_not_change_or_delete_events_and_a_changed_byte_is_found() {
    let stage = Stage::with_ledger().unwrap();
    let deeds = Deeds::new(&stage);
    stage.rt.block_on(async {
        deeds.whole_way(1).await.unwrap();
        let pool = ledger::store::connect(&stage.database_url(), 2).await.unwrap();
        for sql in [
            "UPDATE events SET payload = '{}' WHERE position = 2",
            "DELETE FROM events WHERE position = 2",
            "TRUNCATE events",
            "INSERT INTO events SELECT * FROM events ON CONFLICT (position) DO UPDATE SET payload = '{}'",
            "ALTER TABLE events DISABLE TRIGGER ALL",
        ] {
            let error = sqlx::query(sql).execute(&pool).await.expect_err(sql);
            let code = error.as_database_error().and_then(|e| e.code().map(|c| c.to_string()));
            assert_eq!(code.as_deref(), Some("42501"), "{sql}: {error}");
        }
        // The owner of the tables is stopped by the trigger.
        let owner =
            sqlx::query("UPDATE events SET payload = '{}' WHERE position = 2").execute(&stage.pool).await;
        assert!(owner.unwrap_err().to_string().contains("append-only"));
    });
    stage.assert_verified();
    stage.rt.block_on(async {
        let mut superuser = stage.pool.acquire().await.unwrap();
        sqlx::query("SET session_replication_role = replica").execute(&mut *superuser).await.unwrap();
        let changed = sqlx::query("UPDATE events SET payload = replace(payload, '\"credits\":5', '\"credits\":6') WHERE position = 3")
            .execute(&mut *superuser)
            .await
            .unwrap();
        assert_eq!(changed.rows_affected(), 1);
    });
    let report = stage.verify();
    // Projections that hold what the payload said differ, too.
    let (at, others): (Vec<_>, Vec<_>) = report.findings.iter().partition(|f| f.position == 3);
    assert!(at.iter().any(|f| f.kind == Kind::RowChanged), "{:#?}", report.findings);
    assert!(others.iter().all(|f| f.kind == Kind::Projection), "{:#?}", report.findings);
}

#[test]
fn a_stopped_ledger_gives_the_lead_back_at_once() {
    let mut stage = Stage::with_ledger().unwrap();
    let deeds = Deeds::new(&stage);
    stage.rt.block_on(deeds.start(1)).unwrap();
    assert!(stage.stop(Role::Ledger), "it did not end by itself");
    let lease: i64 = stage
        .rt
        .block_on(sqlx::query_scalar("SELECT lease_until FROM log_head").fetch_one(&stage.pool))
        .unwrap();
    assert_eq!(lease, 0);
    stage.start(Role::Ledger, &[]).unwrap();
    stage.rt.block_on(deeds.whole_way(2)).unwrap();
    stage.assert_verified();
}

#[test]
fn a_reservation_past_its_deadline_is_released_and_a_late_success_settles_once() {
    let mut stage = Stage::new().unwrap();
    // The default catalog, but credits are held for a second only.
    let mut catalog = serde_json::to_value(Catalog::default_catalog().unwrap()).unwrap();
    catalog["limits"]["reservation_ms"] = json!(1_000);
    let file = stage.dir().join("catalog.json");
    std::fs::write(&file, catalog.to_string()).unwrap();
    stage.start(Role::Ledger, &[("CATALOG_FILE", file.to_str().unwrap())]).unwrap();
    let deeds = Deeds::new(&stage);
    let (generation, account) = stage.rt.block_on(async {
        let account = deeds.start(1).await.unwrap();
        let payment = deeds.topup(1, "a").await.unwrap();
        deeds.settle(payment, rubles(100)).await.unwrap();
        let generation = deeds.request(1, 1).await.unwrap();
        deeds.claim(generation, 1).await.unwrap();
        (generation, account)
    });
    let expired = stage.until("the reservation to expire", || {
        stage.rt.block_on(Stage::log(&stage.pool)).into_iter().find(|r| r.event_type == "ReservationExpired")
    });
    assert_eq!((expired.account_id, expired.available_delta, expired.reserved_delta), (account.0, 10, -10));
    stage.rt.block_on(async {
        assert_eq!(refusal(deeds.claim(generation, 2).await), "generation_closed");
        let late = deeds.complete(generation, 1).await.unwrap();
        let types: Vec<_> = late.events.iter().map(|e| e.r#type.to_string()).collect();
        assert_eq!(types, ["CreditsReserved", "ReservationCommitted", "GenerationSucceeded"]);
        assert_eq!(deeds.balance(1, late.position).await.unwrap(), (95, 0, 0));
        let again = deeds.complete(generation, 1).await.unwrap();
        assert_eq!(again.position, late.position, "settled twice");
    });
    stage.assert_verified();
}
