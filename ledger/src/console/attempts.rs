//! How often somebody may try to sign in: so many wrong passwords for a name and from an address, then a wait.
//!
//! Where somebody has signed in before their tries are counted apart, and so are those of a session: whoever tries a name from
//! elsewhere keeps nobody out who was there already.
//!
//! In this process: with several ledgers there are as many times as many tries. Of names only a bounded number is known.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::pace::network;

const WINDOW: Duration = Duration::from_secs(15 * 60);
/// Also of a name at a place of its own, and of a session.
const OF_A_NAME: usize = 10;
/// A place where somebody has signed in is theirs for so long.
const HOME: Duration = Duration::from_secs(30 * 24 * 3_600);
const FROM_AN_ADDRESS: usize = 50;
/// Past so many, those whose window is over are forgotten; past that, nobody else may try.
const KNOWN_MAX: usize = 10_000;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Who {
    Name(String),
    /// A name where it has signed in before.
    At(String, IpAddr),
    Session(Uuid),
    Address(IpAddr),
}

#[derive(Debug, Default)]
struct Known {
    /// Since when, and how often.
    tries: HashMap<Who, (Instant, usize)>,
    /// Where names have signed in, and when last.
    places: HashMap<(String, IpAddr), Instant>,
}

#[derive(Debug, Default)]
pub(super) struct Attempts(Mutex<Known>);

impl Attempts {
    /// Counts a try before it is made. False: there were too many.
    pub(super) fn may(&self, name: &str, address: IpAddr) -> bool {
        self.may_at(name, address, Instant::now())
    }

    /// The same of whoever is signed in and gives the password once more.
    pub(super) fn may_prove(&self, session: Uuid, address: IpAddr) -> bool {
        self.known().counts([Who::Session(session), Who::Address(network(address))], Instant::now())
    }

    /// It was right: what was tried under this name here, or by this session, counts no more, and this try not for the address.
    pub(super) fn succeeded(&self, name: &str, session: Option<Uuid>, address: IpAddr) {
        self.succeeded_at(name, session, address, Instant::now());
    }

    fn succeeded_at(&self, name: &str, session: Option<Uuid>, address: IpAddr, now: Instant) {
        let (mut known, place) = (self.known(), (name.to_owned(), network(address)));
        if let Some((_, tries)) = known.tries.get_mut(&Who::Address(place.1)) {
            *tries = tries.saturating_sub(1);
        }
        match session {
            Some(session) => known.tries.remove(&Who::Session(session)),
            None if known.is_at_home(&place, now) => known.tries.remove(&Who::At(place.0.clone(), place.1)),
            None => known.tries.remove(&Who::Name(place.0.clone())),
        };
        if known.places.len() >= KNOWN_MAX {
            known.places.retain(|_, last| now.duration_since(*last) < HOME);
        }
        if known.places.len() < KNOWN_MAX || known.places.contains_key(&place) {
            known.places.insert(place, now);
        }
    }

    fn may_at(&self, name: &str, address: IpAddr, now: Instant) -> bool {
        let (mut known, place) = (self.known(), (name.to_owned(), network(address)));
        let who = if known.is_at_home(&place, now) { Who::At(place.0, place.1) } else { Who::Name(place.0) };
        known.counts([Who::Address(place.1), who], now)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // The maps stay whole whatever panics.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn is_at_home(&self, place: &(String, IpAddr), now: Instant) -> bool {
        self.places.get(place).is_some_and(|last| now.duration_since(*last) < HOME)
    }

    /// Counts a try of both; whether neither has had too many.
    fn counts(&mut self, both: [Who; 2], now: Instant) -> bool {
        if self.tries.len() >= KNOWN_MAX {
            self.tries.retain(|_, (since, _)| now.duration_since(*since) < WINDOW);
        }
        let full = self.tries.len() >= KNOWN_MAX;
        both.into_iter().all(|who| {
            if full && !self.tries.contains_key(&who) {
                return false;
            }
            let most = if matches!(who, Who::Address(_)) { FROM_AN_ADDRESS } else { OF_A_NAME };
            let (since, tries) = self.tries.entry(who).or_insert((now, 0));
            if now.duration_since(*since) >= WINDOW {
                (*since, *tries) = (now, 0);
            }
            *tries += 1;
            *tries <= most
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn after_so_many_tries_a_name_waits_and_others_do_not() {
        let (attempts, start) = (Attempts::default(), Instant::now());
        for _ in 0..OF_A_NAME {
            assert!(attempts.may_at("ann", HERE, start));
        }
        assert!(!attempts.may_at("ann", HERE, start), "too many");
        assert!(attempts.may_at("bob", HERE, start), "another name");
        assert!(attempts.may_at("ann", HERE, start + WINDOW), "a while later");
        attempts.succeeded_at("ann", None, HERE, start + WINDOW);
        for _ in 0..OF_A_NAME {
            assert!(attempts.may_at("ann", HERE, start + WINDOW), "begun anew");
        }
    }

    #[test]
    fn who_tries_a_name_from_elsewhere_keeps_nobody_out_at_home() {
        let (attempts, start) = (Attempts::default(), Instant::now());
        let elsewhere = IpAddr::V4([192, 0, 2, 7].into());
        attempts.succeeded_at("ann", None, HERE, start);
        let tries = (0..2 * OF_A_NAME).filter(|_| attempts.may_at("ann", elsewhere, start));
        assert_eq!(tries.count(), OF_A_NAME);
        assert!(attempts.may_at("ann", HERE, start), "her own place");
        let session = Uuid::from_u128(1);
        let tries = (0..2 * OF_A_NAME).filter(|_| attempts.may_prove(session, HERE));
        assert_eq!(tries.count(), OF_A_NAME, "a session has its own");
        assert!(attempts.may_prove(Uuid::from_u128(2), HERE), "another session");
        assert!(!attempts.may_at("ann", elsewhere, start + WINDOW / 2), "the stranger waits on");
        for _ in 0..OF_A_NAME {
            attempts.may_at("ann", HERE, start);
        }
        assert!(!attempts.may_at("ann", HERE, start), "too many there, too");
        assert!(attempts.may_at("ann", IpAddr::V4([192, 0, 2, 8].into()), start + HOME), "a while later");
    }

    #[test]
    fn an_address_waits_whatever_names_it_tries_and_what_is_known_is_bounded() {
        let (attempts, start) = (Attempts::default(), Instant::now());
        let tries = (0..2 * FROM_AN_ADDRESS).filter(|n| attempts.may_at(&n.to_string(), HERE, start));
        assert_eq!(tries.count(), FROM_AN_ADDRESS);
        for n in 0..2 * KNOWN_MAX as u32 {
            attempts.may_at("x", IpAddr::V4(n.into()), start);
        }
        assert!(attempts.known().tries.len() <= KNOWN_MAX + 1);
    }
}
