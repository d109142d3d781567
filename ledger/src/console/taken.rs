//! Long answers: made part by part, as fast as they are taken.

use std::io;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use tokio::sync::mpsc;

/// From which nothing is taken for so long is broken off.
pub(super) const STALLED: Duration = Duration::from_secs(60);

/// The parts of an answer, the next one made while one is on its way. Whoever takes nothing for so long is broken off, and whoever
/// has gone ends it: then what makes it is dropped, with all that it holds. What does not come to its end fails, so that nobody
/// takes half a file for a whole.
pub(super) fn as_taken<S>(parts: S, stalled: Duration) -> impl Stream<Item = io::Result<Bytes>> + Send
where
    S: Stream<Item = io::Result<Bytes>> + Send + 'static,
{
    // `None`: that is all.
    let (sender, receiver) = mpsc::channel::<io::Result<Option<Bytes>>>(1);
    tokio::spawn(async move {
        let last = make(parts, &sender, stalled).await;
        let _ = sender.send_timeout(last.map(|()| None), stalled).await;
    });
    stream::try_unfold(Some(receiver), |receiver| async {
        let Some(mut receiver) = receiver else { return Ok(None) };
        let part =
            receiver.recv().await.ok_or_else(|| io::Error::other("nothing was taken for too long"))??;
        Ok(part.map(|part| (part, Some(receiver))))
    })
}

async fn make(
    parts: impl Stream<Item = io::Result<Bytes>>,
    sender: &mpsc::Sender<io::Result<Option<Bytes>>>,
    stalled: Duration,
) -> io::Result<()> {
    let mut parts = pin!(parts);
    loop {
        let part = tokio::select! {
            part = parts.next() => part,
            () = sender.closed() => return Err(io::Error::other("nobody takes it any more")),
        };
        let Some(part) = part else { return Ok(()) };
        let taken = sender.send_timeout(Ok(Some(part?)), stalled).await;
        taken.map_err(|_| io::Error::other("nothing was taken for too long"))?;
    }
}

#[cfg(test)]
mod tests {
    use std::iter;

    use tokio::sync::oneshot;

    use super::*;

    struct Held(Option<oneshot::Sender<()>>);

    impl Drop for Held {
        fn drop(&mut self) {
            let _ = self.0.take().map(|sender| sender.send(()));
        }
    }

    /// Parts without an end, and whether what they hold is free.
    fn endless() -> (impl Stream<Item = io::Result<Bytes>> + Send, oneshot::Receiver<()>) {
        let (sender, is_free) = oneshot::channel();
        let held = Held(Some(sender));
        let parts = stream::iter(iter::repeat_with(move || {
            let _ = &held;
            Ok(Bytes::from_static(b"part"))
        }));
        (parts, is_free)
    }

    #[tokio::test]
    async fn what_stands_still_gives_back_what_it_holds_and_is_no_whole_answer() {
        let (parts, is_free) = endless();
        let mut parts = pin!(as_taken(parts, Duration::from_millis(50)));
        assert_eq!(parts.next().await.unwrap().unwrap(), "part");
        // Nothing is taken any more.
        is_free.await.unwrap();
        let mut last = parts.next().await;
        while let Some(Ok(_)) = last {
            last = parts.next().await;
        }
        assert!(matches!(last, Some(Err(_))), "it looks like a whole answer");
    }

    #[tokio::test]
    async fn what_nobody_takes_any_more_ends_though_nothing_comes() {
        let (sender, is_free) = oneshot::channel();
        let held = Held(Some(sender));
        let silent = stream::once(async move {
            let _held = held;
            std::future::pending::<io::Result<Bytes>>().await
        });
        drop(as_taken(silent, STALLED));
        is_free.await.unwrap();
    }

    #[tokio::test]
    async fn what_is_taken_is_all_and_then_ends() {
        let all = ["a", "b", "c"];
        let parts = as_taken(stream::iter(all.map(|part| Ok(Bytes::from(part)))), STALLED);
        let taken: Vec<Bytes> = parts.map(Result::unwrap).collect().await;
        assert_eq!(taken, all);
        let broken = stream::iter([Ok(Bytes::from("a")), Err(io::Error::other("broken"))]);
        let taken: Vec<_> = as_taken(broken, STALLED).collect().await;
        assert!(matches!(taken.as_slice(), [Ok(_), Err(_)]), "{taken:?}");
    }
}
