//! Requests at the console: everybody's, how one went, and what was made, after a look that is in the log.

use std::io::Cursor;

use async_nats::jetstream;
use e2e::Stage;
use e2e::deeds::{Deeds, envelope, id, text};
use proto_events::commands::{GenerationComplete, MadeOutput};
use proto_events::envelope::AccountRef;
use proto_events::events::{MediaType, Spent};
use proto_events::media::sha256_hex;
use proto_events::subjects::IMAGES_BUCKET;
use proto_events::{Attempt, GenerationId, Producer};
use reqwest::StatusCode;
use serde_json::Value;

use crate::desk::{PASSWORD, Seat, hires, open};

/// A picture that is one.
pub fn painted() -> Vec<u8> {
    let shade = |n: u32| u8::try_from(n % 256).unwrap_or_default();
    let picture = image::RgbImage::from_fn(256, 192, |x, y| image::Rgb([shade(x), shade(y), 96]));
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// Asked for and made, with these outputs in the store.
pub fn made(
    stage: &Stage,
    deeds: &Deeds,
    user: i64,
    message: i64,
    outputs: &[(&str, MediaType, &[u8], bool)],
) -> GenerationId {
    let generation = stage.rt.block_on(deeds.request(user, message)).unwrap();
    stage.rt.block_on(deeds.claim(generation, 1)).unwrap();
    let media = stage.client("media-generator");
    let outputs = outputs.iter().map(|(name, media_type, bytes, is_kept)| {
        let object = format!("{generation}/1/{name}");
        if *is_kept {
            stage.rt.block_on(async {
                let store = jetstream::new(media.clone()).get_object_store(IMAGES_BUCKET).await.unwrap();
                store.put(object.as_str(), &mut &**bytes).await.unwrap();
            });
        }
        MadeOutput {
            object: text(&object),
            sha256: text(&sha256_hex(bytes)),
            media_type: *media_type,
            bytes: u32::try_from(bytes.len()).unwrap(),
            width: None,
            height: None,
        }
    });
    let command = GenerationComplete {
        generation,
        attempt: Attempt::new(1).unwrap(),
        outputs: outputs.collect(),
        spent: Spent::default(),
        charge: None,
    };
    let account = AccountRef::Id(generation.account());
    let complete = envelope(id(format!("complete:{generation}:1")), account, command);
    stage.rt.block_on(deeds.send(Producer::Generator, complete)).unwrap();
    generation
}

fn looks(stage: &Stage) -> i64 {
    let sql =
        "SELECT count(*) FROM events WHERE type = 'OperatorActed' AND payload LIKE '%personal_data_seen%'";
    stage.sql(sqlx::query_scalar(sql).fetch_one(&stage.pool))
}

fn pictures(page: &str) -> Vec<String> {
    let all = page.split("src=\"/requests/").skip(1).map(|rest| rest.split('"').next().unwrap());
    all.map(|link| format!("/requests/{}", link.replace("&amp;", "&"))).collect()
}

#[test]
fn what_was_said_and_made_is_shown_after_a_look_that_is_in_the_log() {
    let stage = open();
    hires(&stage, "ops", "operator");
    hires(&stage, "boss", "administrator");
    let deeds = Deeds::new(&stage);
    stage.rt.block_on(deeds.start(42)).unwrap();
    let admin = Seat::signed_in(&stage, "admin", PASSWORD);
    let raw = e2e::raw::Raw::new(&stage);
    let gift = serde_json::json!({"credits": 100, "source": "admin", "reason": "a test"});
    raw.operator("credits_grant", "grant:42", e2e::raw::person(42), gift);
    let png = painted();
    let page = b"<html><script>alert(1)</script></html>";
    let generation = made(
        &stage,
        &deeds,
        42,
        1,
        &[
            ("0", MediaType::Png, &png, true),
            ("1", MediaType::Text, "An answer & <b>more</b>".as_bytes(), true),
            ("2", MediaType::Png, b"never kept", false),
            ("3", MediaType::Png, page, true),
        ],
    );
    let other = made(&stage, &deeds, 42, 2, &[("0", MediaType::Png, &png, true)]);
    let path = format!("/requests/{generation}");
    stage.until("both on the page", || {
        let text = admin.gets("/requests").text;
        (text.contains(&path) && text.contains(&other.to_string())).then_some(())
    });
    let ops = Seat::signed_in(&stage, "ops", PASSWORD);
    for (seat, who) in [(&admin, "admin"), (&ops, "ops")] {
        for at in
            ["/requests", &path, "/api/v1/requests", &format!("/api/v1{path}"), &format!("{path}?looked=1")]
        {
            let answer = seat.gets(at);
            assert_eq!(answer.status, StatusCode::OK, "{who} {at}");
            for hidden in ["plantain leaf", "An answer", "<img"] {
                assert!(!answer.text.contains(hidden), "{who} {at}: {hidden}");
            }
        }
    }
    assert!(admin.gets(&path).text.contains("GenerationSucceeded"));
    assert_eq!(ops.posts(&format!("{path}/look"), &[]).status, StatusCode::FORBIDDEN);
    let picture = format!("{path}/pictures/0");
    for look in ["", "?look=1", "?look=99999999", "?look=-1", "?look=x"] {
        let status = admin.gets(&format!("{picture}{look}")).status;
        assert!([StatusCode::CONFLICT, StatusCode::BAD_REQUEST].contains(&status), "{look}: {status}");
    }
    assert_eq!(looks(&stage), 0);

    let seen = admin.posts(&format!("{path}/look"), &[]);
    assert_eq!(looks(&stage), 1);
    assert!(seen.text.contains("a plantain leaf in the rain"), "{}", seen.text);
    assert!(seen.text.contains("An answer &amp; &lt;b&gt;more&lt;/b&gt;"), "{}", seen.text);
    assert!(seen.text.contains("Результат больше не хранится здесь"), "{}", seen.text);
    let links = pictures(&seen.text);
    assert_eq!(links.len(), 2, "{links:?}");
    let sent = admin.gets(&links[0]);
    let header = |name: &str| sent.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default();
    assert_eq!(sent.status, StatusCode::OK);
    assert_eq!((header("content-type"), header("x-content-type-options")), ("image/png", "nosniff"));
    assert_eq!(
        (header("cache-control"), header("content-length")),
        ("no-store", png.len().to_string().as_str())
    );
    // What says that it is a picture and is a page is given to nobody.
    let page = admin.gets(&links[1]);
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!page.text.contains("alert"), "{}", page.text);
    assert_eq!(
        admin.gets(&links[0].replace("/0?", "/1?")).status,
        StatusCode::NOT_FOUND,
        "a text is no picture"
    );
    assert_eq!(admin.gets(&links[0].replace("/0?", "/2?")).status, StatusCode::GONE);

    // A look is of whoever looked, at what they looked at, and for a while.
    let look = links[0].rsplit('=').next().unwrap();
    let boss = Seat::signed_in(&stage, "boss", PASSWORD);
    assert_eq!(boss.gets(&links[0]).status, StatusCode::CONFLICT, "another's look");
    assert_eq!(ops.gets(&links[0]).status, StatusCode::FORBIDDEN);
    let others = format!("/requests/{other}/pictures/0?look={look}");
    assert_eq!(admin.gets(&others).status, StatusCode::CONFLICT, "a look at another request");
    // The page itself is as it was.
    assert!(pictures(&admin.gets(&path).text).is_empty());
    admin.posts(&format!("{path}/look"), &[]);
    assert_eq!(looks(&stage), 2, "each look");
    stage.assert_verified();
}

/// Its id, whose, of what kind, how it ended.
type Asked = (String, String, String, &'static str);

#[test]
fn requests_are_listed_once_each_the_newest_first_by_every_filter() {
    let (stage, history) = crate::log::with_history();
    hires(&stage, "ops", "operator");
    let ops = Seat::signed_in(&stage, "ops", PASSWORD);
    let listed = |query: &str| -> Vec<String> {
        let (mut found, mut path) = (Vec::new(), format!("/api/v1/requests?{query}"));
        for _ in 0..1_000 {
            let answer = ops.gets(&path);
            assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
            let page: Value = serde_json::from_str(&answer.text).unwrap();
            let lines = page["requests"].as_array().unwrap().iter();
            found.extend(lines.map(|line| line["generation"].as_str().unwrap().to_owned()));
            match page["next"].as_i64() {
                Some(next) => path = format!("/api/v1/requests?{query}&next={next}"),
                None => return found,
            }
        }
        panic!("{query} has no end");
    };
    // Whose, of what kind, and how it ended, by the events alone.
    let mut wanted: Vec<Asked> = Vec::new();
    for row in &history.rows {
        let event: Value = serde_json::from_str(&row.payload).unwrap();
        let name = || event["generation"].as_str().unwrap().to_owned();
        match row.event_type.as_str() {
            "GenerationRequested" => {
                let kind = event["kind"].as_str().unwrap().to_owned();
                wanted.push((name(), row.account_id.to_string(), kind, "open"));
            }
            kind @ ("GenerationSucceeded" | "GenerationFailed" | "GenerationCanceled") => {
                let of = wanted.iter_mut().find(|one| one.0 == name()).unwrap();
                let ends = [
                    ("GenerationSucceeded", "succeeded"),
                    ("GenerationFailed", "failed"),
                    ("GenerationCanceled", "canceled"),
                ];
                of.3 = ends.iter().find(|(of, _)| *of == kind).unwrap().1;
            }
            _ => {}
        }
    }
    wanted.reverse();
    let so = |fits: &dyn Fn(&Asked) -> bool| -> Vec<String> {
        wanted.iter().filter(|one| fits(one)).map(|one| one.0.clone()).collect()
    };
    stage.until("the projection", || (listed("") == so(&|_| true)).then_some(()));
    assert!(wanted.len() > 150, "{}", wanted.len());
    for kind in ["text", "picture", "edit"] {
        assert_eq!(listed(&format!("kind={kind}")), so(&|one| one.2 == kind), "{kind}");
    }
    for state in ["open", "succeeded", "failed", "canceled"] {
        assert_eq!(listed(&format!("state={state}")), so(&|one| one.3 == state), "{state}");
    }
    let account = history.accounts()[1].to_string();
    assert_eq!(listed(&format!("account={account}")), so(&|one| one.1 == account));
    let both = format!("account={account}&state=succeeded");
    assert_eq!(listed(&both), so(&|one| one.1 == account && one.3 == "succeeded"));
    for bad in ["kind=song", "state=lost", "account=ann", "next=x"] {
        assert_eq!(ops.gets(&format!("/requests?{bad}")).status, StatusCode::UNPROCESSABLE_ENTITY, "{bad}");
    }
    for nowhere in ["/requests/x", "/requests/g-00000000000040008000000000000000-0000000000000000"] {
        assert_eq!(ops.gets(nowhere).status, StatusCode::NOT_FOUND, "{nowhere}");
    }
}
