//! What changes in a chat, as server-sent events.

use std::{convert::Infallible, pin::Pin, sync::Arc};

use axum::{
    extract::{Path, State},
    response::sse::{Event, KeepAlive, KeepAliveStream, Sse},
};
use futures_util::{Stream, StreamExt, stream};
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use crate::world::World;

/// One change in one chat; chat 0 means every one.
#[derive(Debug, Clone)]
pub(crate) struct ChatEvent {
    /// The person's id, or the group's.
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

type Changes = Sse<KeepAliveStream<Boxed>>;
type Boxed = Pin<Box<dyn Stream<Item = Result<Event, Infallible>> + Send>>;

/// One chat's changes.
pub(crate) async fn stream(State(world): State<Arc<World>>, Path(chat): Path<i64>) -> Changes {
    changes(&world, move |event| {
        (event.user == chat || event.user == 0)
            .then(|| Event::default().event(event.name).data(event.data.to_string()))
    })
}

/// Every chat's changes, each under its chat: `{"chat": 7, "data": {…}}`.
pub(crate) async fn all(State(world): State<Arc<World>>) -> Changes {
    changes(&world, |event| {
        let data = json!({"chat": event.user, "data": event.data});
        Some(Event::default().event(event.name).data(data.to_string()))
    })
}

fn changes(
    world: &Arc<World>,
    shown: impl Fn(&ChatEvent) -> Option<Event> + Send + Clone + 'static,
) -> Changes {
    let receiver = world.events.subscribe();
    let hello = stream::iter([Ok(Event::default().event("hello").data("{}"))]);
    let changes = stream::unfold(receiver, move |mut receiver| {
        let shown = shown.clone();
        async move {
            loop {
                let event = match receiver.recv().await {
                    Ok(event) => event,
                    // The page was too slow: it reads the whole chat again.
                    Err(RecvError::Lagged(_)) => ChatEvent::new(0, "reload", json!({})),
                    Err(RecvError::Closed) => return None,
                };
                if let Some(sent) = shown(&event) {
                    return Some((Ok(sent), receiver));
                }
            }
        }
    });
    let end = world.shutdown.clone().cancelled_owned();
    let changes: Boxed = Box::pin(hello.chain(changes).take_until(Box::pin(end)));
    Sse::new(changes).keep_alive(KeepAlive::default())
}
