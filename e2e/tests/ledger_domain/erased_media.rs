//! What an erased account leaves in the object store and in the sessions is deleted there, however long NATS is away.

use std::collections::BTreeSet;

use async_nats::jetstream::{self, kv, object_store::ObjectStore};
use base64::{Engine as _, prelude::BASE64_URL_SAFE};
use e2e::Stage;
use e2e::deeds::Deeds;
use e2e::raw::{Raw, of, person};
use futures_util::StreamExt as _;
use proto_events::media::{conversation_key, file_object, turn_object};
use proto_events::subjects::{IMAGES_BUCKET, SESSIONS_BUCKET};
use proto_events::{AccountId, GenerationId, Producer};
use serde_json::json;

use crate::payer;

struct Media {
    images: ObjectStore,
    sessions: kv::Store,
}

impl Media {
    fn open(stage: &Stage) -> Self {
        let client = stage.client("media-ledger");
        let context = stage.rt.block_on(async { jetstream::new(client) });
        stage.until("the buckets", || {
            let [images, sessions] = [IMAGES_BUCKET, SESSIONS_BUCKET];
            let opened =
                async { (context.get_object_store(images).await, context.get_key_value(sessions).await) };
            match stage.rt.block_on(opened) {
                (Ok(images), Ok(sessions)) => Some(Self { images, sessions }),
                _ => None,
            }
        })
    }

    /// What lies there, by name.
    async fn names(&self) -> Option<BTreeSet<String>> {
        let mut names = BTreeSet::new();
        let mut objects = self.images.list().await.ok()?;
        while let Some(object) = objects.next().await {
            names.insert(object.ok()?.name);
        }
        let mut keys = self.sessions.keys().await.ok()?;
        while let Some(key) = keys.next().await {
            names.insert(key.ok()?);
        }
        Some(names)
    }

    async fn put(&self, objects: &[String], key: &str) {
        for name in objects {
            self.images.put(name.as_str(), &mut b"bytes".as_slice()).await.unwrap();
        }
        self.sessions.put(key, "{}".into()).await.unwrap();
    }
}

/// An edit with a reference, made at the second attempt and delivered; and all that may lie in MEDIA for it.
fn edited(raw: &Raw, deeds: &Deeds, stage: &Stage, user: i64, account: AccountId) -> Vec<String> {
    let reference = format!("reference-of-{user}");
    let body = json!({
        "kind": "edit", "prompt": "a leaf", "references": [reference], "context": {"chat": user, "message": 1},
    });
    let reply =
        raw.send(Producer::Telegram, "generation_request", &format!("msg:1:{user}:1"), person(user), body);
    let generation: GenerationId = reply["result"]["generation"].as_str().unwrap().parse().unwrap();
    let tried = json!({
        "generation": generation, "attempt": 1, "outcome": "truncated", "spent": {"latency_ms": 1},
    });
    stage.rt.block_on(deeds.claim(generation, 1)).unwrap();
    raw.done(Producer::Generator, "generation_attempt", &format!("tried:{user}"), of(account), tried);
    stage.rt.block_on(async {
        deeds.claim(generation, 2).await.unwrap();
        deeds.complete(generation, 2).await.unwrap();
    });
    let confirm = json!({"generation": generation, "file_ids": [format!("delivered-to-{user}")]});
    raw.done(Producer::Telegram, "delivery_confirm", &format!("delivered:{user}"), of(account), confirm);
    let of_it = ["1/0", "2/0", "2/1", "2/signatures", "2/result"].map(|name| format!("{generation}/{name}"));
    let files =
        [file_object(&reference), file_object(&format!("delivered-to-{user}")), turn_object(generation)];
    of_it.into_iter().chain(files).collect()
}

#[test]
fn results_files_and_conversations_go_though_nats_is_away_when_they_should() {
    let mut stage = Stage::with_ledger().unwrap();
    let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
    let media = Media::open(&stage);
    let mut theirs = Vec::new();
    for user in [1, 2] {
        let (account, _) = payer(&stage, &deeds, user);
        let objects = edited(&raw, &deeds, &stage, user, account);
        let key = conversation_key(account, "a-1").unwrap();
        stage.rt.block_on(media.put(&objects, &key));
        theirs.push(objects.into_iter().chain([key]).collect::<BTreeSet<String>>());
    }
    let all: BTreeSet<String> = theirs.iter().flatten().cloned().collect();
    assert_eq!(stage.rt.block_on(media.names()), Some(all), "the control: they are all there");

    // Nothing is written down, let alone deleted, before NATS is away.
    let mut held = stage.sql(stage.pool.begin());
    stage.sql(sqlx::query("LOCK TABLE erased_media IN SHARE MODE").execute(&mut *held));
    let body = json!({"forfeit": true});
    let gone = raw.send(Producer::Telegram, "account_erase", "erase:1", person(1), body);
    assert_eq!(gone["status"], "done", "{gone}");
    stage.nats.kill9();
    stage.sql(held.commit());
    let lines = || {
        stage.sql(sqlx::query_scalar::<_, i64>("SELECT count(*) FROM erased_media").fetch_one(&stage.pool))
    };
    stage.until("what is to be deleted to be written down", || (lines() > 0).then_some(()));
    stage.until("the ledger to find NATS away", || {
        let log = std::fs::read_to_string(stage.log_path(e2e::Role::Ledger)).unwrap_or_default();
        log.contains("left in MEDIA is not deleted yet").then_some(())
    });
    assert!(lines() > 0);
    stage.nats.restart().unwrap();

    let media = Media::open(&stage);
    let left = |stage: &Stage| stage.rt.block_on(media.names());
    stage.until("everything of the first to be deleted", || (left(&stage)? == theirs[1]).then_some(()));
    stage.until("nothing to be left to do", || {
        let lines = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM erased_media").fetch_one(&stage.pool);
        (stage.sql(lines) == 0).then_some(())
    });
    assert_eq!(left(&stage), Some(theirs[1].clone()), "another's things stay");
    stage.assert_verified();
}

#[test]
fn what_can_not_be_deleted_keeps_nothing_else() {
    let stage = Stage::with_ledger().unwrap();
    let (deeds, raw) = (Deeds::new(&stage), Raw::new(&stage));
    let media = Media::open(&stage);
    // Entries that nobody can read; they come before all others, and are more than a round bears.
    let stuck: Vec<String> = (10..25).map(|n| format!("a{n}")).collect();
    let client = stage.client("media-ledger");
    stage.rt.block_on(async {
        let context = jetstream::new(client);
        for name in &stuck {
            let subject = format!("$O.{IMAGES_BUCKET}.M.{}", BASE64_URL_SAFE.encode(name));
            context.publish(subject, "no entry".into()).await.unwrap().await.unwrap();
        }
    });
    let line = "INSERT INTO erased_media (kind, name) SELECT 'object', unnest($1::text[])";
    stage.sql(sqlx::query(line).bind(&stuck).execute(&stage.pool));
    let (account, _) = payer(&stage, &deeds, 1);
    let objects = edited(&raw, &deeds, &stage, 1, account);
    stage.rt.block_on(media.put(&objects, &conversation_key(account, "a-1").unwrap()));
    raw.send(Producer::Telegram, "account_erase", "erase:1", person(1), json!({"forfeit": true}));
    for name in &objects {
        stage.until("it to be deleted", || {
            let info = stage.rt.block_on(media.images.info(name.as_str()));
            info.is_ok_and(|info| info.deleted).then_some(())
        });
    }
    stage.until("all other lines to be gone", || {
        let left = sqlx::query_scalar::<_, String>("SELECT name FROM erased_media ORDER BY name");
        (stage.sql(left.fetch_all(&stage.pool)) == stuck).then_some(())
    });
}
