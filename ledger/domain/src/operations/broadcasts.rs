//! Which broadcasts are being sent: what was started ends once, and nothing that is over begins again.

use std::collections::BTreeMap;

use proto_events::Event;
use proto_events::commands::{BroadcastFinish, BroadcastPause, BroadcastStart};
use proto_events::events::{BroadcastFinished, BroadcastPaused, BroadcastStarted};

use crate::refusal::Refusal;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    Paused,
    Finished,
}

/// By their ids. As many as were ever started: a person's work each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Broadcasts(BTreeMap<String, Phase>);

impl Broadcasts {
    pub(super) fn start(&self, c: BroadcastStart) -> Result<Event, Refusal> {
        match self.0.get(c.broadcast.as_str()) {
            Some(Phase::Finished) => Err(Refusal::BroadcastFinished),
            Some(Phase::Running) => Err(Refusal::BroadcastRunning),
            Some(Phase::Paused) | None => {
                Ok(BroadcastStarted { broadcast: c.broadcast, recipients: c.recipients }.into())
            }
        }
    }

    pub(super) fn pause(&self, c: BroadcastPause) -> Result<Event, Refusal> {
        match self.0.get(c.broadcast.as_str()) {
            Some(Phase::Running) => Ok(BroadcastPaused { broadcast: c.broadcast, reason: c.reason }.into()),
            Some(Phase::Finished) => Err(Refusal::BroadcastFinished),
            Some(Phase::Paused) | None => Err(Refusal::BroadcastNotRunning),
        }
    }

    pub(super) fn finish(&self, c: BroadcastFinish) -> Result<Event, Refusal> {
        match self.0.get(c.broadcast.as_str()) {
            Some(Phase::Running | Phase::Paused) => {
                let BroadcastFinish { broadcast, sent, failed, blocked } = c;
                Ok(BroadcastFinished { broadcast, sent, failed, blocked }.into())
            }
            Some(Phase::Finished) => Err(Refusal::BroadcastFinished),
            None => Err(Refusal::BroadcastNotRunning),
        }
    }

    pub(super) fn evolve(&mut self, event: &Event) {
        let (broadcast, phase) = match event {
            Event::BroadcastStarted(e) => (&e.broadcast, Phase::Running),
            Event::BroadcastPaused(e) => (&e.broadcast, Phase::Paused),
            Event::BroadcastFinished(e) => (&e.broadcast, Phase::Finished),
            _ => return,
        };
        self.0.insert(broadcast.to_string(), phase);
    }
}

#[cfg(test)]
mod tests {
    use proto_events::Text;

    use super::*;

    fn broadcast() -> Text<64> {
        Text::lossy("b1")
    }

    fn start() -> BroadcastStart {
        BroadcastStart { broadcast: broadcast(), recipients: 7, drafted_at: None }
    }

    fn pause() -> BroadcastPause {
        BroadcastPause { broadcast: broadcast(), reason: Text::lossy("a typo") }
    }

    fn finish() -> BroadcastFinish {
        BroadcastFinish { broadcast: broadcast(), sent: 5, failed: 1, blocked: 1 }
    }

    fn code(outcome: Result<Event, Refusal>) -> &'static str {
        outcome.unwrap_err().code()
    }

    #[test]
    fn what_was_not_started_can_neither_be_paused_nor_finished() {
        let none = Broadcasts::default();
        assert_eq!([code(none.pause(pause())), code(none.finish(finish()))], ["broadcast_not_running"; 2]);
    }

    #[test]
    fn a_broadcast_is_started_paused_gone_on_with_and_finished_once() {
        let mut all = Broadcasts::default();
        all.evolve(&all.start(start()).unwrap());
        assert_eq!(code(all.start(start())), "broadcast_running");
        all.evolve(&all.pause(pause()).unwrap());
        assert_eq!(code(all.pause(pause())), "broadcast_not_running");
        all.evolve(&all.start(start()).unwrap());
        all.evolve(&all.finish(finish()).unwrap());
        let over = [code(all.start(start())), code(all.pause(pause())), code(all.finish(finish()))];
        assert_eq!(over, ["broadcast_finished"; 3]);
    }
}
