//! How fast requests may come: from an address, and of a session. Far above what people do; a script gone wild waits.
//!
//! In this process, before the database is asked. Each request moves the time at which its sender is at rest again by its
//! share (the generic cell rate algorithm); who would be at rest too late waits. Of senders only a bounded number is known:
//! past it new ones are let through, so that nobody keeps others out by coming from everywhere.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::session::Token;

/// So many a second for ever, and so many at once.
#[derive(Debug, Clone, Copy)]
struct Bound {
    a_second: u32,
    at_once: u32,
}

/// An office behind one address, with scripts that read the API.
const FROM_AN_ADDRESS: Bound = Bound { a_second: 200, at_once: 2_000 };
const OF_A_SESSION: Bound = Bound { a_second: 50, at_once: 500 };
const KNOWN_MAX: usize = 20_000;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Who {
    Address(IpAddr),
    Session(Token),
}

#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<HashMap<Who, Instant>>);

/// Whose it is: an IPv6 client has a whole /64.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        v4 => v4,
    }
}

impl Pace {
    pub(super) fn may(&self, address: IpAddr, session: Option<Token>) -> bool {
        self.may_at(address, session, Instant::now())
    }

    fn may_at(&self, address: IpAddr, session: Option<Token>, now: Instant) -> bool {
        // The map stays whole whatever panics.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_MAX {
            known.retain(|_, rest| *rest > now);
        }
        let address = Some((Who::Address(network(address)), FROM_AN_ADDRESS));
        let session = session.map(|token| (Who::Session(token), OF_A_SESSION));
        // The session first: one gone wild takes no more of its address than is its own.
        [session, address].into_iter().flatten().all(|(who, bound)| {
            if known.len() >= KNOWN_MAX && !known.contains_key(&who) {
                return true;
            }
            let rest = known.entry(who).or_insert(now);
            let share = Duration::from_secs(1) / bound.a_second;
            let next = (*rest).max(now) + share;
            if next - now > share * bound.at_once {
                return false;
            }
            *rest = next;
            true
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn many(pace: &Pace, address: IpAddr, session: Option<Token>, now: Instant) -> u32 {
        (0..10_000).map(|_| u32::from(pace.may_at(address, session, now))).sum()
    }

    #[test]
    fn so_many_at_once_then_so_many_a_second() {
        let (pace, start) = (Pace::default(), Instant::now());
        assert_eq!(many(&pace, HERE, Some([1; 32]), start), OF_A_SESSION.at_once);
        assert_eq!(many(&pace, HERE, Some([2; 32]), start), OF_A_SESSION.at_once, "another session");
        let second = start + Duration::from_secs(1);
        assert_eq!(many(&pace, HERE, Some([1; 32]), second), OF_A_SESSION.a_second);
        let there = IpAddr::V4(std::net::Ipv4Addr::BROADCAST);
        assert_eq!(many(&pace, there, None, start), FROM_AN_ADDRESS.at_once);
        assert_eq!(many(&pace, there, Some([3; 32]), start), 0, "the address waits, whatever the session");
    }

    #[test]
    fn what_is_known_is_bounded_and_keeps_nobody_out() {
        let (pace, start) = (Pace::default(), Instant::now());
        for n in 0..2 * KNOWN_MAX as u32 {
            assert!(pace.may_at(IpAddr::V4(n.into()), None, start));
        }
        assert_eq!(pace.0.lock().unwrap().len(), KNOWN_MAX);
        assert!(pace.may_at(HERE, None, start + Duration::from_secs(1)));
        assert!(pace.0.lock().unwrap().len() < 10, "those at rest are forgotten");
    }

    #[test]
    fn an_ipv6_client_is_its_network() {
        let network = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network("::ffff:10.0.0.1"), "10.0.0.1");
    }
}
