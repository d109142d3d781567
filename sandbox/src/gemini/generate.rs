//! generateContent and its streamed sister: read, think, paint or write, bill, answer.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use super::{books, error::ApiError, make, models::Model, render, request};
use crate::{calendar::rfc3339, clock::wall_ms, faults::Effect, reply::Reply, world::World};

pub(crate) async fn run(
    world: &Arc<World>,
    model: &Model,
    key: &str,
    body: &Bytes,
    effect: &Effect,
    stream: bool,
) -> Result<Reply, ApiError> {
    let asked = request::read(body, model)?;
    let id = books::new_id();
    let method = if stream { "streamGenerateContent" } else { "generateContent" };
    let latency = world.change(|state| {
        state.gemini.add(books::Call {
            prompt: asked.prompt.clone(),
            fault: effect.name(),
            turns: u64::try_from(asked.turns).unwrap_or(0),
            references: asked.references.iter().map(|reference| reference.sha256.clone()).collect(),
            ..books::Call::begun(&id, method, model.name, key)
        });
        state.settings.gemini_latency_ms
    });
    tokio::time::sleep(Duration::from_millis(latency)).await;
    let made = make::make(world, model, &asked, effect, &id).await?;
    world.change(|state| {
        state.gemini.finish(&id, |call| {
            call.outcome = made.outcome.to_owned();
            call.model_version = Some(made.model_version.clone());
            call.finish_reason.clone_from(&made.finish);
            call.status = Some(200);
            call.billed = made.is_billed();
            call.usage = made.usage.shown();
            call.cost_micro_usd = made.cost_micro_usd;
            call.picture = made.pictures.last().cloned();
            call.pictures = if made.pictures.len() > 1 { made.pictures.clone() } else { Vec::new() };
            call.finished_at = Some(rfc3339(wall_ms()));
        });
    });
    let mut reply = render::reply(&made, &id, effect, stream);
    reply.watch = Some(books::watch(world, id));
    Ok(reply)
}
