//! How often somebody may try to sign in: so many wrong passwords for a name and from an address, then a wait.
//!
//! In this process: with several ledgers there are as many times as many tries. Of names only a bounded number is known.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::pace::network;

const WINDOW: Duration = Duration::from_secs(15 * 60);
const OF_A_NAME: usize = 10;
const FROM_AN_ADDRESS: usize = 50;
/// Past so many, those whose window is over are forgotten; past that, nobody else may try.
const KNOWN_MAX: usize = 10_000;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Who {
    Name(String),
    Address(IpAddr),
}

#[derive(Debug, Default)]
pub(super) struct Attempts(Mutex<HashMap<Who, (Instant, usize)>>);

impl Attempts {
    /// Counts a try before it is made. False: there were too many.
    pub(super) fn may(&self, name: &str, address: IpAddr) -> bool {
        self.may_at(name, address, Instant::now())
    }

    /// It was right: what was tried under this name before counts no more, and this one not for the address.
    pub(super) fn succeeded(&self, name: &str, address: IpAddr) {
        let mut known = self.known();
        known.remove(&Who::Name(name.to_owned()));
        if let Some((_, tries)) = known.get_mut(&Who::Address(network(address))) {
            *tries = tries.saturating_sub(1);
        }
    }

    fn may_at(&self, name: &str, address: IpAddr, now: Instant) -> bool {
        let mut known = self.known();
        if known.len() >= KNOWN_MAX {
            known.retain(|_, (since, _)| now.duration_since(*since) < WINDOW);
        }
        let full = known.len() >= KNOWN_MAX;
        let both =
            [(Who::Address(network(address)), FROM_AN_ADDRESS), (Who::Name(name.to_owned()), OF_A_NAME)];
        both.into_iter().all(|(who, most)| {
            if full && !known.contains_key(&who) {
                return false;
            }
            let (since, tries) = known.entry(who).or_insert((now, 0));
            if now.duration_since(*since) >= WINDOW {
                (*since, *tries) = (now, 0);
            }
            *tries += 1;
            *tries <= most
        })
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Who, (Instant, usize)>> {
        // The map stays whole whatever panics.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        attempts.succeeded("ann", HERE);
        for _ in 0..OF_A_NAME {
            assert!(attempts.may_at("ann", HERE, start + WINDOW), "begun anew");
        }
    }

    #[test]
    fn an_address_waits_whatever_names_it_tries_and_what_is_known_is_bounded() {
        let (attempts, start) = (Attempts::default(), Instant::now());
        let tries = (0..2 * FROM_AN_ADDRESS).filter(|n| attempts.may_at(&n.to_string(), HERE, start));
        assert_eq!(tries.count(), FROM_AN_ADDRESS);
        for n in 0..2 * KNOWN_MAX as u32 {
            attempts.may_at("x", IpAddr::V4(n.into()), start);
        }
        assert!(attempts.known().len() <= KNOWN_MAX + 1);
    }
}
