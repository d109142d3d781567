//! Pictures above the bot's texts on the wire: put over what was seen there, told by version, given in parts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::raw::{of, types};
use e2e::{Role, Stage};
use ledger::store::{self, ShopPicture};
use proto_events::media::sha256_hex;
use proto_events::{AccountId, Producer};
use serde_json::{Value, json};

use crate::Desk;

/// As many bytes, which nobody looks into here; the digest.
fn keep(stage: &Stage, fill: u8, size: usize) -> (String, Vec<u8>) {
    let bytes: Vec<u8> = (0..size).map(|n| fill ^ (n % 251) as u8).collect();
    let sha256 = sha256_hex(&bytes);
    let size = i32::try_from(size).unwrap();
    let picture =
        ShopPicture { sha256: sha256.clone(), media_type: "png".to_owned(), width: 8, height: 8, size };
    stage.sql(store::keep_picture(&stage.pool, &picture, &bytes));
    (sha256, bytes)
}

fn picture(sha256: &str, bytes: usize) -> Value {
    json!({"sha256": sha256, "media_type": "png", "bytes": bytes})
}

fn wish(key: &str, picture: Value, replaces: Value) -> Value {
    json!({"key": key, "language": "ru", "picture": picture, "replaces": replaces, "reason": "r"})
}

fn put(desk: &Desk<'_>, nonce: &str, body: Value) -> Value {
    let id = format!("picture_put:{nonce}");
    desk.raw.send(Producer::Console, "picture_put", &id, of(AccountId::OPERATIONS), body)
}

fn refused(desk: &Desk<'_>, nonce: &str, body: Value) -> String {
    put(desk, nonce, body)["refusal"]["code"].as_str().expect("a refusal").to_owned()
}

fn know(desk: &Desk<'_>) {
    let text =
        |key: &str, beside: Value| json!({"key": key, "language": "ru", "text": "Да", "beside": beside});
    // As an adapter tells that knows of no pictures.
    let old = json!({"key": "menu", "language": "ru", "text": "Меню"});
    let texts =
        [text("welcome", json!(["how", "help"])), text("help", json!([])), text("how", Value::Null), old];
    tell(desk, json!({"texts": texts, "pictured": true}));
}

fn tell(desk: &Desk<'_>, known: Value) {
    let reply = desk.raw.send(Producer::Telegram, "texts_known", "texts", of(AccountId::OPERATIONS), known);
    assert_eq!(reply["status"], "done", "{reply}");
}

#[test]
fn an_adapter_older_than_pictures_takes_none_away() {
    let stage = Stage::with_ledger().unwrap();
    let desk = Desk::new(&stage);
    know(&desk);
    let beside = || {
        let all = stage.sql(store::bot_texts(&stage.pool, None, None));
        all.into_iter().filter_map(|text| Some((text.key, text.beside?.len()))).collect::<Vec<_>>()
    };
    let [help, welcome] = ["help", "welcome"].map(str::to_owned);
    assert_eq!(beside(), [(help.clone(), 0), (welcome.clone(), 2)]);
    let text = |key: &str| json!({"key": key, "language": "ru", "text": "Нет"});
    tell(&desk, json!({"texts": [text("help"), text("welcome"), text("how")]}));
    assert_eq!(beside(), [(help, 0), (welcome.clone(), 2)], "it says nothing of pictures");
    tell(&desk, json!({"texts": [text("help")], "pictured": true}));
    assert_eq!(beside(), [(welcome, 2)], "one that knows of them says that there may be none");
}

#[test]
fn a_picture_stands_where_one_may_and_over_what_was_seen_there() {
    let mut stage = Stage::with_ledger().unwrap();
    let (a, bytes) = keep(&stage, 1, 1_200_000);
    let (b, _) = keep(&stage, 2, 40);
    let whole = bytes.len();
    let position = |reply: &Value| reply["position"].as_i64().unwrap_or_else(|| panic!("{reply}"));
    let first = {
        let desk = Desk::new(&stage);
        know(&desk);
        let beside = store::bot_texts(&stage.pool, Some("welcome"), None);
        let beside = stage.sql(beside).pop().unwrap().beside.unwrap();
        assert_eq!(beside, ["how", "help"]);

        let now = picture(&a, whole);
        for (nonce, key, picture, code) in [
            ("1", "farewell", now.clone(), "text_unknown"),
            ("2", "how", now.clone(), "picture_unfit"),
            ("3", "menu", now.clone(), "picture_unfit"),
            ("4", "welcome", picture("0f".repeat(32).as_str(), 7), "picture_unknown"),
            ("5", "welcome", picture(&a, whole - 1), "picture_unknown"),
            ("6", "welcome", json!({"sha256": a, "media_type": "jpeg", "bytes": whole}), "picture_unknown"),
            ("7", "welcome", Value::Null, "unchanged"),
        ] {
            assert_eq!(refused(&desk, nonce, wish(key, picture, Value::Null)), code, "{nonce}");
        }
        let stranger = desk.raw.refused(
            Producer::Telegram,
            "picture_put",
            "picture_put:8",
            of(AccountId::OPERATIONS),
            wish("welcome", now.clone(), Value::Null),
        );
        assert_eq!(stranger, "not_allowed");

        let done = put(&desk, "9", wish("welcome", now.clone(), Value::Null));
        assert_eq!(types(&done), ["PictureChanged"]);
        assert_eq!(put(&desk, "9", wish("welcome", now.clone(), Value::Null))["position"], done["position"]);
        let reused = refused(&desk, "9", wish("welcome", picture(&b, 40), Value::Null));
        assert_eq!(reused, "command_id_reused");
        let differs = put(&desk, "10", wish("welcome", picture(&b, 40), Value::Null));
        assert_eq!(differs["refusal"]["code"], "picture_differs");
        assert_eq!(differs["refusal"]["details"], json!({"sha256": a}));
        assert_eq!(refused(&desk, "11", wish("welcome", now.clone(), json!(a))), "unchanged");
        let view = json!({"key": "welcome", "language": "ru", "picture": now});
        let told = desk.ask("pictures", json!({"after": 0}));
        assert_eq!(told, json!({"version": position(&done), "pictures": [view], "incarnation": 1}));

        // In parts that fit a message; nothing behind the end, and of another nothing at all.
        let mut came = Vec::new();
        let mut parts = 0;
        while came.len() < whole {
            let part = desk.ask("picture", json!({"sha256": a, "from": came.len()}));
            assert_eq!(part["bytes"], whole);
            came.extend(STANDARD.decode(part["part"].as_str().unwrap()).unwrap());
            parts += 1;
        }
        assert_eq!((parts, sha256_hex(&came)), (3, a.clone()));
        for beyond in [whole, u32::MAX as usize] {
            assert_eq!(desk.ask("picture", json!({"sha256": a, "from": beyond}))["part"], "", "{beyond}");
        }
        assert_eq!(desk.not_answered("picture", json!({"sha256": "0", "from": 0})), "picture_not_found");
        position(&done)
    };

    // Whoever leads next knows what stands there. Of two in the same moment one is first.
    stage.kill9(Role::Ledger);
    stage.start(Role::Ledger, &[]).unwrap();
    let desk = Desk::new(&stage);
    let both = [picture(&b, 40), Value::Null].map(|next| wish("welcome", next, json!(a)));
    let raw = &desk.raw;
    let [x, y] = both.each_ref().map(|body| async move {
        let id = format!("picture_put:{}", if body["picture"].is_null() { "12" } else { "13" });
        raw.ask(Producer::Console, "picture_put", &id, of(AccountId::OPERATIONS), body.clone()).await
    });
    let (x, y) = stage.rt.block_on(async { tokio::join!(x, y) });
    let codes: Vec<_> = [&x, &y].iter().map(|reply| reply["refusal"]["code"].clone()).collect();
    assert!(codes.contains(&json!("picture_differs")) && codes.contains(&Value::Null), "{x} {y}");
    let told = desk.ask("pictures", json!({"after": first}));
    assert_eq!(told["pictures"].as_array().map(Vec::len), Some(1), "{told}");
    let last = told["version"].as_i64().unwrap();
    assert_eq!(
        desk.ask("pictures", json!({"after": last})),
        json!({"version": last, "pictures": [], "incarnation": 1})
    );
    stage.assert_verified();
}

#[test]
fn what_was_brought_and_stands_nowhere_is_bounded() {
    let stage = Stage::with_ledger().unwrap();
    let desk = Desk::new(&stage);
    know(&desk);
    let (stands, _) = keep(&stage, 0, 9);
    assert_eq!(put(&desk, "1", wish("help", picture(&stands, 9), Value::Null))["status"], "done");
    let brought: Vec<String> = (0..60_u8).map(|n| keep(&stage, n, 100 + usize::from(n)).0).collect();
    assert_eq!(desk.count("shop_pictures"), 51);
    let here = |sha256: &str| stage.sql(store::shop_picture(&stage.pool, sha256)).is_some();
    assert!(here(&stands) && here(&brought[59]) && !here(&brought[0]));
    let list = stage.ledger_command(&["texts", "list", "--language", "ru"]).unwrap();
    let list = String::from_utf8(list.stdout).unwrap();
    let line = |key: &str| list.lines().find(|line| line.contains(key)).unwrap().contains("pic");
    assert!(line("help") && !line("welcome"), "{list}");
}
