//! What changes in a chat, as server-sent events.

use std::{convert::Infallible, sync::Arc};

use axum::{
    extract::{Path, State},
    response::sse::{Event, KeepAlive, Sse},
};
use futures_util::{Stream, StreamExt, stream};
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use crate::world::World;

/// One change in one person's chat; person 0 means everyone's.
#[derive(Debug, Clone)]
pub(crate) struct ChatEvent {
    pub(crate) user: i64,
    pub(crate) name: &'static str,
    pub(crate) data: Value,
}

impl ChatEvent {
    pub(crate) fn new(user: i64, name: &'static str, data: Value) -> Self {
        Self { user, name, data }
    }

    pub(crate) fn message(user: i64, message: &Value) -> Self {
        Self::new(user, "message", json!({"message": message}))
    }
}

pub(crate) async fn stream(
    State(world): State<Arc<World>>,
    Path(user): Path<i64>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let receiver = world.events.subscribe();
    let hello = stream::iter([Ok(Event::default().event("hello").data("{}"))]);
    let changes = stream::unfold(receiver, move |mut receiver| async move {
        loop {
            let event = match receiver.recv().await {
                Ok(event) if event.user == user || event.user == 0 => event,
                Ok(_) => continue,
                // The page was too slow: it reads the whole chat again.
                Err(RecvError::Lagged(_)) => ChatEvent::new(user, "reload", json!({})),
                Err(RecvError::Closed) => return None,
            };
            let sent = Event::default().event(event.name).data(event.data.to_string());
            return Some((Ok(sent), receiver));
        }
    });
    let end = world.shutdown.clone().cancelled_owned();
    Sse::new(hello.chain(changes).take_until(Box::pin(end))).keep_alive(KeepAlive::default())
}
