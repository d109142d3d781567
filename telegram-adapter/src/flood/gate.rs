//! When a call may go out, by what is known of Telegram's limits. Pure: the time comes in.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::{Glance, Rate, Traffic};

/// Telegram (FAQ, "My bot is hitting limits"): 20 messages a minute in a group, a third of what a person gets.
const GROUP_SHARE: f64 = 1.0 / 3.0;
/// Chats remembered. Past it, those that nothing is known of but full buckets are forgotten, then open ones, then
/// all: what Telegram still limits it says again.
const CHATS_MAX: usize = 10_000;
/// Messages and drafts that are watched being changed. Past it a change for the eye is dropped.
const GLANCES_MAX: usize = 4_096;
/// So many chats limited within so long are the bot as a whole.
const SEVERAL: usize = 3;
const MOMENT: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Admission {
    Go,
    /// Then ask again.
    Wait(Duration),
    /// Not within the caller's patience, or not for the eye alone: come back after this.
    No(Duration),
}

#[derive(Debug)]
pub(super) struct Gate {
    rate: Rate,
    chats: HashMap<i64, Chat>,
    glances: HashMap<(i64, Glance), Instant>,
    all_until: Option<Instant>,
    /// Chats that were limited within a moment, each once, with the end of that.
    recent: VecDeque<(Instant, i64, Instant)>,
}

#[derive(Debug, Clone, Copy)]
struct Chat {
    closed_until: Option<Instant>,
    tokens: f64,
    at: Instant,
}

impl Gate {
    pub(super) fn new(rate: Rate) -> Self {
        let (chats, glances) = (HashMap::new(), HashMap::new());
        Self { rate, chats, glances, all_until: None, recent: VecDeque::new() }
    }

    /// `paid` says whether this call has its place in the chat's bucket, and is set when it gets one. Who has one and
    /// does not come back has wasted it.
    pub(super) fn admit(
        &mut self,
        traffic: Traffic,
        paid: &mut bool,
        patience: Duration,
        now: Instant,
    ) -> Admission {
        let (Traffic::Sent { chat, .. } | Traffic::Glance { chat, .. }) = traffic else {
            return Admission::Go;
        };
        let closed = self.closed(chat, now);
        match traffic {
            Traffic::Glance { of, .. } => match closed.or_else(|| self.glance(chat, of, now)) {
                Some(rest) => Admission::No(rest),
                None => Admission::Go,
            },
            Traffic::Sent { count, .. } => {
                let wait = match closed {
                    Some(rest) => rest,
                    None if *paid => return Admission::Go,
                    None => match self.pay(chat, count, patience, now) {
                        Ok(wait) => {
                            *paid = true;
                            wait
                        }
                        Err(rest) => return Admission::No(rest),
                    },
                };
                match wait {
                    Duration::ZERO => Admission::Go,
                    wait if wait > patience => Admission::No(wait),
                    wait => Admission::Wait(wait),
                }
            }
            Traffic::Free => Admission::Go,
        }
    }

    /// Telegram limits this chat, or all. Answers with how long it limits all if that is to be concluded from it.
    pub(super) fn limited(&mut self, chat: Option<i64>, pause: Duration, now: Instant) -> Option<Duration> {
        let until = now + pause;
        let Some(chat) = chat else {
            self.all_until = self.all_until.max(Some(until));
            return None;
        };
        let known = self.chat(chat, now);
        known.closed_until = known.closed_until.max(Some(until));
        known.tokens = known.tokens.min(0.0);
        self.recent.retain(|(at, other, _)| now.duration_since(*at) <= MOMENT && *other != chat);
        self.recent.push_back((now, chat, until));
        if self.recent.len() < SEVERAL {
            return None;
        }
        // Each keeps its own end; all have at least the soonest.
        let soonest = self.recent.drain(..).map(|(_, _, until)| until).min()?;
        self.all_until = self.all_until.max(Some(soonest));
        Some(soonest.saturating_duration_since(now))
    }

    /// For how long.
    fn closed(&self, chat: i64, now: Instant) -> Option<Duration> {
        // When all may go again, they go within a second, not at once.
        let apart = Duration::from_millis(chat.unsigned_abs() % 1_000);
        let all = self.all_until.filter(|until| *until > now).map(|until| until + apart);
        let own = self.chats.get(&chat).and_then(|chat| chat.closed_until);
        let until = own.max(all).filter(|until| *until > now)?;
        Some(until.saturating_duration_since(now))
    }

    /// Takes places in the chat's bucket; more than it holds are taken in advance. Answers with how long to wait for
    /// them; `Err`: longer than the patience, and none are taken.
    fn pay(&mut self, chat: i64, count: u32, patience: Duration, now: Instant) -> Result<Duration, Duration> {
        if count == 0 {
            return Ok(Duration::ZERO);
        }
        let rate = self.rate.of(chat);
        let known = self.chat(chat, now);
        known.fill(rate, now);
        let lacking = f64::from(count).min(rate.burst) - known.tokens;
        let wait = Duration::try_from_secs_f64(lacking.max(0.0) / rate.per_second).unwrap_or(Duration::MAX);
        if wait > patience {
            return Err(wait);
        }
        known.tokens -= f64::from(count);
        Ok(wait)
    }

    /// `Some`: not now, but after this.
    fn glance(&mut self, chat: i64, of: Glance, now: Instant) -> Option<Duration> {
        let every = of.every()?;
        let key = (chat, of);
        if let Some(next) = self.glances.get(&key).map(|at| *at + every).filter(|next| *next > now) {
            return Some(next.saturating_duration_since(now));
        }
        if self.glances.len() >= GLANCES_MAX {
            self.glances.retain(|(_, of), at| of.every().is_some_and(|every| *at + every > now));
        }
        if self.glances.len() >= GLANCES_MAX {
            return Some(every);
        }
        self.glances.insert(key, now);
        None
    }

    fn chat(&mut self, chat: i64, now: Instant) -> &mut Chat {
        if self.chats.len() >= CHATS_MAX && !self.chats.contains_key(&chat) {
            let rate = self.rate;
            let closed = |chat: &Chat| chat.closed_until.is_some_and(|until| until > now);
            self.chats.retain(|id, chat| closed(chat) || !chat.is_full(rate.of(*id), now));
            if self.chats.len() >= CHATS_MAX {
                self.chats.retain(|_, chat| closed(chat));
            }
            if self.chats.len() >= CHATS_MAX {
                self.chats.clear();
            }
        }
        let full = Chat { closed_until: None, tokens: self.rate.of(chat).burst, at: now };
        self.chats.entry(chat).or_insert(full)
    }
}

impl Chat {
    fn fill(&mut self, rate: Rate, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + passed * rate.per_second).min(rate.burst);
        self.at = now;
    }

    fn is_full(mut self, rate: Rate, now: Instant) -> bool {
        self.fill(rate, now);
        self.tokens >= rate.burst
    }
}

impl Rate {
    fn of(self, chat: i64) -> Self {
        let share = if chat < 0 { GROUP_SHARE } else { 1.0 };
        Self { per_second: self.per_second * share, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);
    const PATIENCE: Duration = Duration::from_secs(15);

    fn gate() -> Gate {
        Gate::new(Rate { per_second: 1.0, burst: 3.0 })
    }

    fn sent(gate: &mut Gate, chat: i64, now: Instant) -> Admission {
        gate.admit(Traffic::Sent { chat, count: 1 }, &mut false, PATIENCE, now)
    }

    fn edit(gate: &mut Gate, message: i64, now: Instant) -> Admission {
        let traffic = Traffic::Glance { chat: 1, of: Glance::Edit(message) };
        gate.admit(traffic, &mut false, PATIENCE, now)
    }

    #[test]
    fn a_few_go_at_once_and_then_one_a_second_in_their_order() {
        let (mut gate, now) = (gate(), Instant::now());
        let seen: Vec<_> = (0..5).map(|_| sent(&mut gate, 1, now)).collect();
        let wait = |seconds| Admission::Wait(S * seconds);
        assert_eq!(seen, [Admission::Go, Admission::Go, Admission::Go, wait(1), wait(2)]);
        assert_eq!(sent(&mut gate, 2, now), Admission::Go, "another chat");
        assert_eq!(sent(&mut gate, 1, now + S * 3), Admission::Go, "the two that waited are through");
        // A group has a third: 20 a minute.
        let in_group: Vec<_> = (0..4).map(|_| sent(&mut gate, -5, now)).collect();
        assert_eq!(in_group[3], wait(3));
    }

    #[test]
    fn who_has_paid_pays_once_and_who_is_too_impatient_not_at_all() {
        let (mut gate, now) = (gate(), Instant::now());
        let album = Traffic::Sent { chat: 1, count: 10 };
        let mut paid = false;
        assert_eq!(gate.admit(album, &mut paid, PATIENCE, now), Admission::Go, "a full bucket is enough");
        assert_eq!(gate.admit(album, &mut paid, PATIENCE, now), Admission::Go, "it was paid");
        let one = Traffic::Sent { chat: 1, count: 1 };
        let mut paid = false;
        assert_eq!(gate.admit(one, &mut paid, S, now), Admission::No(S * 8));
        assert!(!paid);
        assert_eq!(gate.admit(one, &mut paid, S * 8, now), Admission::Wait(S * 8), "nothing was taken");
        assert_eq!(gate.admit(one, &mut paid, Duration::ZERO, now + S * 8), Admission::Go);
        let nothing = Traffic::Sent { chat: 1, count: 0 };
        assert_eq!(gate.admit(nothing, &mut false, Duration::ZERO, now), Admission::Go, "it counts nothing");
    }

    #[test]
    fn a_limited_chat_waits_as_long_as_it_is_told_and_the_eye_does_not() {
        let (mut gate, now) = (gate(), Instant::now());
        assert_eq!(gate.limited(Some(1), S * 5, now), None);
        gate.limited(Some(1), S * 2, now);
        assert_eq!(sent(&mut gate, 1, now), Admission::Wait(S * 5), "the longer one counts");
        assert_eq!(edit(&mut gate, 7, now), Admission::No(S * 5));
        assert_eq!(sent(&mut gate, 2, now), Admission::Go);
        let impatient = gate.admit(Traffic::Sent { chat: 1, count: 0 }, &mut false, S, now);
        assert_eq!(impatient, Admission::No(S * 5));
        assert_eq!(gate.admit(Traffic::Free, &mut false, S, now), Admission::Go);
        assert_eq!(sent(&mut gate, 1, now + S * 5), Admission::Go);
        assert_eq!(edit(&mut gate, 7, now + S * 5), Admission::Go);
    }

    #[test]
    fn several_chats_within_a_moment_are_the_bot_as_a_whole() {
        let (mut gate, now) = (gate(), Instant::now());
        let ms = Duration::from_millis;
        assert_eq!(gate.limited(Some(1), S * 9, now), None);
        assert_eq!(gate.limited(Some(2), S * 9, now), None);
        assert_eq!(gate.limited(Some(2), S * 9, now + ms(500)), None, "the same once more");
        assert_eq!(gate.limited(Some(3), S * 7, now + S), Some(S * 7));
        assert_eq!(sent(&mut gate, 4_000, now + S), Admission::Wait(S * 7));
        assert_eq!(sent(&mut gate, 4_250, now + S), Admission::Wait(S * 7 + ms(250)), "not all at once");
        assert_eq!(sent(&mut gate, 4_250, now + S * 8), Admission::Go);
        assert_eq!(sent(&mut gate, 1, now + S * 8), Admission::Wait(S), "its own is longer");
        let later = now + S * 20;
        assert_eq!(gate.limited(Some(1), S, later), None);
        assert_eq!(gate.limited(Some(2), S, later + S), None);
        assert_eq!(gate.limited(Some(3), S, later + S * 4), None, "not within a moment");
        gate.limited(None, S * 3, later);
        assert_eq!(sent(&mut gate, 6_000, later), Admission::Wait(S * 3));
    }

    #[test]
    fn a_message_is_changed_for_the_eye_every_few_seconds_at_most() {
        let (mut gate, now) = (gate(), Instant::now());
        assert_eq!([edit(&mut gate, 7, now), edit(&mut gate, 8, now)], [Admission::Go, Admission::Go]);
        assert_eq!(edit(&mut gate, 7, now + S), Admission::No(S * 2));
        assert_eq!(edit(&mut gate, 7, now + S * 3), Admission::Go);
        let action = Traffic::Glance { chat: 1, of: Glance::Action };
        for _ in 0..9 {
            assert_eq!(gate.admit(action, &mut false, S, now), Admission::Go);
        }
        assert_eq!(sent(&mut gate, 1, now), Admission::Go, "what is for the eye takes nobody's place");
    }

    #[test]
    fn what_is_remembered_is_bounded_and_what_is_closed_stays_so() {
        let (mut gate, now) = (gate(), Instant::now());
        gate.limited(Some(1), S * 60, now);
        let more = i64::try_from(CHATS_MAX).unwrap() * 3;
        for chat in 2..more {
            sent(&mut gate, chat, now);
            edit(&mut gate, chat, now);
        }
        assert!(gate.chats.len() <= CHATS_MAX && gate.glances.len() <= GLANCES_MAX);
        assert_eq!(sent(&mut gate, 1, now), Admission::Wait(S * 60).min_with(PATIENCE));
        assert_eq!(edit(&mut gate, more + 1, now), Admission::No(S * 60), "closed");
    }

    impl Admission {
        /// Longer than the patience is a no.
        fn min_with(self, patience: Duration) -> Self {
            match self {
                Self::Wait(wait) if wait > patience => Self::No(wait),
                other => other,
            }
        }
    }
}
