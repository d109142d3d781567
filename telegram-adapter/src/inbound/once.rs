//! The same update comes again when our answer to it was lost on the way. Whoever has dealt with it does not do so again: the ledger
//! would give the first answers, but the person would be told once more.
//!
//! It is known by what it tells of, never by its own id, which may be another the next time. Only this instance knows, and only
//! the newest ten thousand: past that and after a death, what comes again is told again.

use std::sync::Arc;

use super::met::Met;
use super::{Intake, Taken, Update};

/// A handle, cheap to clone.
#[derive(Debug, Clone)]
pub struct Once<I> {
    intake: I,
    met: Arc<Met>,
}

impl<I: Intake> Once<I> {
    pub fn new(intake: I) -> Self {
        Self { intake, met: Arc::default() }
    }
}

impl<I: Intake> Intake for Once<I> {
    async fn take(&self, update: Update) -> Taken {
        match name(&update) {
            Some(name) => self.met.turn(&name).await.take(&self.intake, update).await,
            None => self.intake.take(update).await,
        }
    }
}

/// `None`: it may come as often as it will. Money always goes to the ledger, and so does whether somebody can be reached.
fn name(update: &Update) -> Option<String> {
    match update {
        Update::Message(message) => Some(format!("{}:{}", message.chat, message.message)),
        Update::Tap(tap) => Some(format!("tap:{}", tap.id)),
        Update::StrayTap { id, .. } => Some(format!("tap:{id}")),
        Update::Checkout(query) => Some(format!("checkout:{}", query.id)),
        Update::Paid(_) | Update::Returned(_) | Update::Membership { .. } | Update::Ignored(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Answers with what it is told to, the last first, and counts.
    #[derive(Clone)]
    struct Script(Arc<Mutex<Vec<Taken>>>);

    impl Intake for Script {
        async fn take(&self, _: Update) -> Taken {
            self.0.lock().unwrap().pop().expect("it is not asked more often")
        }
    }

    fn tap(id: &str) -> Update {
        Update::StrayTap { id: id.to_owned(), language: None, why: "a test" }
    }

    #[tokio::test]
    async fn what_was_dealt_with_is_not_dealt_with_again_and_what_was_not_is() {
        let script = Script(Arc::new(Mutex::new(vec![Taken::Done, Taken::Done, Taken::Later])));
        let once = Once::new(script.clone());
        assert_eq!(once.take(tap("1")).await, Taken::Later);
        for _ in 0..3 {
            assert_eq!(once.take(tap("1")).await, Taken::Done);
        }
        assert_eq!(once.take(tap("2")).await, Taken::Done);
        assert!(script.0.lock().unwrap().is_empty(), "each was dealt with");
    }
}
