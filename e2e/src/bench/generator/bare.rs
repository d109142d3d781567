//! Ceilings of the same minute: the same calls by a bare HTTP client, the same commands and bytes by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Result, ensure};
use async_nats::jetstream;
use futures_util::StreamExt as _;
use futures_util::future::try_join_all;
use proto_events::subjects::{IMAGES_BUCKET, live};
use serde_json::json;

use super::floor::{Floor, PICTURE, WORDS, Wish};
use super::text::Heard;
use super::{Times, times};
use crate::Role;

/// Calls a second of a client that reads answers and keeps nothing.
pub fn calls_s(floor: &Floor, wish: Wish, in_flight: usize, count: usize) -> Result<f64> {
    let next = AtomicUsize::new(0);
    let next = &next;
    let lane = |_| async move {
        while next.fetch_add(1, Ordering::SeqCst) < count {
            let answer = request(floor, wish, "generateContent", "bare").send().await?;
            ensure!(answer.status() == 200, "Gemini: {}", answer.status());
            let mut body = answer.bytes_stream();
            while let Some(chunk) = body.next().await {
                chunk?;
            }
        }
        anyhow::Ok(())
    };
    let begun = Instant::now();
    floor.stage.rt.block_on(try_join_all((0..in_flight).map(lane)))?;
    Ok(count as f64 / begun.elapsed().as_secs_f64())
}

fn request(floor: &Floor, wish: Wish, verb: &str, prompt: &str) -> reqwest::RequestBuilder {
    let url = format!("{}/gemini/v1beta/models/{}:{verb}", floor.stage.url(Role::Sandbox), wish.model);
    let mut body = json!({"contents": [{"role": "user", "parts": [{"text": prompt}]}]});
    if let Some(size) = wish.size {
        body["generationConfig"]["imageConfig"]["imageSize"] = json!(size);
    }
    floor.stage.http.post(url).header("x-goog-api-key", "sandbox-key").json(&body)
}

/// ms of a claim alone, and of storing so many bytes and completing, one after the other.
pub fn commands(floor: &Floor, count: usize, bytes: usize) -> Result<(Times, Times)> {
    let users = floor.people(count)?;
    let client = floor.stage.client("media-generator");
    let _in_runtime = floor.stage.rt.enter();
    let jetstream = jetstream::new(client);
    let picture = vec![7_u8; bytes];
    let (mut claims, mut settles) = (Vec::new(), Vec::new());
    floor.stage.rt.block_on(async {
        for user in users {
            let generation = floor.order(user, 1, PICTURE, "by hand").await?;
            let begun = Instant::now();
            floor.deeds.claim(generation, 1).await?;
            claims.push(begun.elapsed().as_secs_f64() * 1e3);
            let begun = Instant::now();
            let store = jetstream.get_object_store(IMAGES_BUCKET).await?;
            store.put(format!("{generation}/1/0").as_str(), &mut picture.as_slice()).await?;
            floor.deeds.complete(generation, 1).await?;
            settles.push(begun.elapsed().as_secs_f64() * 1e3);
        }
        anyhow::Ok(())
    })?;
    Ok((times(claims), times(settles)))
}

/// ms from the first byte that Gemini sends to the first that arrives, by a client that passes on what it
/// reads as it is.
pub fn first_bytes(floor: &Floor, heard: &Arc<Heard>, count: usize) -> Result<Times> {
    let client = floor.stage.client("media-generator");
    let user = floor.people(1)?[0];
    let mut sent = Vec::new();
    for n in 0..count {
        let prompt = format!("passed on {n}.");
        floor.stage.rt.block_on(async {
            // A subject of its own: nobody generates this.
            let generation = floor.order(user, i64::try_from(n)? + 1, WORDS, &prompt).await?;
            floor.deeds.claim(generation, 1).await?;
            let answer = request(floor, WORDS, "streamGenerateContent?alt=sse", &prompt).send().await?;
            let mut body = answer.bytes_stream();
            if let Some(first) = body.next().await {
                client.publish(live(generation), first?).await?;
                client.flush().await?;
            }
            while let Some(chunk) = body.next().await {
                chunk?;
            }
            floor.deeds.complete(generation, 1).await?;
            sent.push((prompt, generation));
            anyhow::Ok(())
        })?;
    }
    let calls = floor.calls();
    Ok(times(super::text::delays(&sent, &calls, heard)))
}
