//! People at once: some by chance, so many updates a second, whatever is under way; or each as soon as the last was answered.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use serde::Serialize;
use tokio::task::JoinSet;

use super::person::{Act, Person, Reply};
use super::town::{Town, WHO};
use crate::bench::generator::{Times, times};
use crate::dice::Dice;

/// What one measurement found.
#[derive(Debug, Clone, Serialize)]
pub struct Played {
    /// To the last reply.
    pub seconds: f64,
    pub updates: usize,
    pub updates_s: f64,
    /// ms from an update to the first that is seen of its answer.
    pub reply: Times,
    pub by_act: BTreeMap<&'static str, (usize, Times)>,
    /// ms until what was asked for was there: an answer, a picture, a receipt. The model thinks for a second of it.
    pub whole: BTreeMap<&'static str, Times>,
    /// Updates without an answer, or things that were asked for and did not come.
    pub lost: usize,
    /// Messages more than were due.
    pub doubled: usize,
    /// Acts that found everybody still waiting for something.
    pub crowded: usize,
    /// Processor ms of an update, by [`WHO`].
    pub cpu_ms: [f64; WHO.len()],
}

#[derive(Default)]
struct Seen {
    replies: Vec<Reply>,
    /// ms.
    whole: Vec<(Act, f64)>,
    lost: Vec<String>,
    crowded: usize,
}

/// Acts at random moments, so many updates a second.
pub fn arriving(
    town: &mut Town,
    people: &mut Vec<Person>,
    per_s: u32,
    lasting: Duration,
    dice: &mut Dice,
) -> Result<Played> {
    let (before, begun) = (town.cpu(), Instant::now());
    let idle = Arc::new(Mutex::new(std::mem::take(people)));
    let (mut seen, count) = (Seen::default(), idle.lock().unwrap_or_else(PoisonError::into_inner).len());
    town.stage.rt.block_on(async {
        let mut under_way = JoinSet::new();
        let (mut at, end) = (0.0, lasting.as_secs_f64());
        let start = tokio::time::Instant::now();
        loop {
            let act = Act::by_chance(dice);
            // What lies between two that come by chance; a top-up is two updates.
            let updates = if act == Act::Topup { 2.0 } else { 1.0 };
            at -= (1.0 - dice.below(1 << 20) as f64 / f64::from(1 << 20)).ln() * updates / f64::from(per_s);
            if at > end {
                break;
            }
            tokio::time::sleep_until(start + Duration::from_secs_f64(at)).await;
            let free = {
                let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
                let chosen = usize::try_from(dice.below(idle.len() as u64)).unwrap_or(0);
                (!idle.is_empty()).then(|| idle.swap_remove(chosen))
            };
            let Some(mut person) = free else {
                seen.crowded += 1;
                continue;
            };
            let idle = Arc::clone(&idle);
            under_way.spawn(async move {
                let (mut replies, asked) = (Vec::with_capacity(2), Instant::now());
                let lost = person.act(act, &mut replies).await.err();
                let whole = asked.elapsed().as_secs_f64() * 1e3;
                idle.lock().unwrap_or_else(PoisonError::into_inner).push(person);
                (replies, (act, whole), lost.map(|error| format!("{}: {error:#}", act.name())))
            });
        }
        while let Some(ended) = under_way.join_next().await {
            let (replies, whole, lost) = ended.context("somebody broke off")?;
            seen.replies.extend(replies);
            seen.whole.push(whole);
            seen.lost.extend(lost);
        }
        anyhow::Ok(())
    })?;
    let cpu = town.cpu();
    *people = std::mem::take(&mut *idle.lock().unwrap_or_else(PoisonError::into_inner));
    ensure!(people.len() == count, "somebody has gone");
    finish(town, people, seen, begun, cpu, before)
}

/// Commands, each as soon as the last was answered.
pub fn at_once(town: &mut Town, people: &mut [Person], lasting: Duration) -> Result<Played> {
    let (before, begun) = (town.cpu(), Instant::now());
    let lanes = people.iter_mut().map(|person| async move {
        let (mut replies, mut lost) = (Vec::new(), None);
        while begun.elapsed() < lasting && lost.is_none() {
            lost = person.act(Act::Command, &mut replies).await.err().map(|error| format!("{error:#}"));
        }
        anyhow::Ok((replies, lost))
    });
    let mut seen = Seen::default();
    for (replies, lost) in town.stage.rt.block_on(try_join_all(lanes))? {
        seen.replies.extend(replies);
        seen.lost.extend(lost);
    }
    let cpu = town.cpu();
    finish(town, people, seen, begun, cpu, before)
}

fn finish(
    town: &Town,
    people: &mut [Person],
    seen: Seen,
    begun: Instant,
    cpu: [f64; WHO.len()],
    before: [f64; WHO.len()],
) -> Result<Played> {
    let last = seen.replies.iter().map(|reply| reply.at).max().unwrap_or(begun);
    let seconds = (last - begun).as_secs_f64().max(f64::EPSILON);
    town.at_rest()?;
    town.ear.heard_all()?;
    for why in seen.lost.iter().take(5) {
        eprintln!("lost: {why}");
    }
    let mut by_act = BTreeMap::new();
    for act in Act::ALL {
        let ms: Vec<f64> = seen.replies.iter().filter(|reply| reply.act == act).map(|r| r.ms).collect();
        if !ms.is_empty() {
            by_act.insert(act.name(), (ms.len(), times(ms)));
        }
    }
    let mut whole = BTreeMap::new();
    for act in [Act::Talk, Act::Picture, Act::Topup] {
        let ms: Vec<f64> = seen.whole.iter().filter(|(other, _)| *other == act).map(|(_, ms)| *ms).collect();
        if !ms.is_empty() {
            whole.insert(act.name(), times(ms));
        }
    }
    let updates = seen.replies.len();
    let mut cpu_ms = cpu;
    for (used, before) in cpu_ms.iter_mut().zip(before) {
        *used = (*used - before) * 1e3 / updates.max(1) as f64;
    }
    Ok(Played {
        seconds,
        updates,
        updates_s: updates as f64 / seconds,
        reply: times(seen.replies.iter().map(|reply| reply.ms).collect()),
        by_act,
        whole,
        lost: seen.lost.len(),
        doubled: strays(people),
        crowded: seen.crowded,
        cpu_ms,
    })
}

/// Messages that were more than was due, since this was asked last.
pub fn strays(people: &mut [Person]) -> usize {
    people
        .iter_mut()
        .map(|person| {
            person.quiet();
            std::mem::take(&mut person.strays)
        })
        .sum()
}
