//! The catalog, as the ledger said it last: old prices are better than none, and an answer that did not come is not waited for
//! by each in line. What is charged is the ledger's to say.

use std::sync::Arc;
use std::time::{Duration, Instant};

use proto_events::catalog::Catalog;
use service::ledger::SendError;

/// It is asked for at most this often, also when no answer came.
const FRESH: Duration = Duration::from_secs(1);
/// How old it may be while the ledger does not answer.
const AGE_MAX: Duration = Duration::from_secs(300);

type Answer = Result<Arc<Catalog>, SendError>;

#[derive(Default)]
pub(super) struct Prices {
    known: Option<(Instant, Arc<Catalog>)>,
    /// When the ledger did not answer last, and why.
    failed: Option<(Instant, String)>,
}

impl Prices {
    /// `None`: the ledger is to be asked.
    pub(super) fn answer(&self, now: Instant) -> Option<Answer> {
        let since = |at: Instant| now.saturating_duration_since(at);
        if let Some(catalog) = self.younger(FRESH, now) {
            return Some(Ok(catalog));
        }
        let (_, why) = self.failed.as_ref().filter(|(at, _)| since(*at) < FRESH)?;
        Some(self.younger(AGE_MAX, now).ok_or_else(|| SendError::Unknown(why.clone())))
    }

    /// What was answered now, or an older one in its place.
    pub(super) fn learn(&mut self, asked: Answer, now: Instant) -> Answer {
        match asked {
            Ok(catalog) => {
                *self = Self { known: Some((now, Arc::clone(&catalog))), failed: None };
                Ok(catalog)
            }
            Err(SendError::Unknown(why)) => {
                let old = self.younger(AGE_MAX, now);
                self.failed = Some((now, why.clone()));
                tracing::warn!(why, old = old.is_some(), "the prices were not to be had");
                old.ok_or(SendError::Unknown(why))
            }
            refused @ Err(SendError::Refused(_)) => refused,
        }
    }

    fn younger(&self, age: Duration, now: Instant) -> Option<Arc<Catalog>> {
        let (at, catalog) = self.known.as_ref()?;
        (now.saturating_duration_since(*at) < age).then(|| Arc::clone(catalog))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn away() -> Answer {
        Err(SendError::Unknown("away".to_owned()))
    }

    #[test]
    fn one_that_fails_is_not_asked_again_by_those_in_line_and_old_prices_do_for_minutes() {
        let (mut prices, start) = (Prices::default(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        assert!(prices.answer(start).is_none(), "nothing is known");
        assert!(prices.learn(away(), start).is_err());
        assert!(matches!(prices.answer(at(900)), Some(Err(_))), "those in line");
        assert!(prices.answer(at(1_000)).is_none(), "asked again");
        let catalog = Arc::new(Catalog::default_catalog().unwrap());
        assert!(prices.learn(Ok(catalog), at(2_000)).is_ok());
        assert!(matches!(prices.answer(at(2_999)), Some(Ok(_))));
        assert!(prices.answer(at(3_000)).is_none());
        assert!(prices.learn(away(), at(15_000)).is_ok(), "the old one");
        assert!(matches!(prices.answer(at(15_500)), Some(Ok(_))));
        assert!(prices.answer(at(16_000)).is_none());
        assert!(prices.learn(away(), at(302_000)).is_err(), "too old");
    }
}
