//! What was come across: every command accepted, every refusal, every event, or it proves little.

use std::collections::BTreeMap;

use proto_events::Event;
use proto_events::events::{DebtPayer, LotSource, Settlement};
use serde_json::{Value, json};

use crate::desk::Answer;

#[derive(Debug, Clone, Default)]
pub struct Tally {
    pub sequences: u64,
    pub commands: u64,
    /// Verb → accepted.
    pub accepted: BTreeMap<&'static str, u64>,
    /// (verb, code) → refused.
    pub refused: BTreeMap<(&'static str, &'static str), u64>,
    pub repeated: u64,
    /// Type, and ways of a type.
    pub events: BTreeMap<&'static str, u64>,
}

impl Tally {
    pub fn answer(&mut self, verb: &'static str, answer: &Answer) {
        self.commands += 1;
        match answer {
            Answer::Done(events) => {
                *self.accepted.entry(verb).or_default() += 1;
                for event in events {
                    *self.events.entry(event.type_name()).or_default() += 1;
                    if let Some(way) = way(event) {
                        *self.events.entry(way).or_default() += 1;
                    }
                }
            }
            Answer::Again => self.repeated += 1,
            Answer::Refused(code) => *self.refused.entry((verb, code)).or_default() += 1,
        }
    }

    pub fn add(&mut self, other: &Self) {
        self.sequences += other.sequences;
        self.commands += other.commands;
        self.repeated += other.repeated;
        other.accepted.iter().for_each(|(verb, n)| *self.accepted.entry(verb).or_default() += n);
        other.refused.iter().for_each(|(key, n)| *self.refused.entry(*key).or_default() += n);
        other.events.iter().for_each(|(kind, n)| *self.events.entry(kind).or_default() += n);
    }

    /// Code → times, over all verbs.
    pub fn codes(&self) -> BTreeMap<&'static str, u64> {
        let mut codes = BTreeMap::new();
        for ((_, code), n) in &self.refused {
            *codes.entry(*code).or_default() += n;
        }
        codes
    }

    pub fn to_json(&self) -> Value {
        let refused: BTreeMap<String, u64> =
            self.refused.iter().map(|((verb, code), n)| (format!("{verb}/{code}"), *n)).collect();
        json!({
            "sequences": self.sequences, "commands": self.commands, "repeated": self.repeated,
            "accepted": self.accepted, "refused": refused, "events": self.events,
        })
    }

    /// In lines of 80 columns.
    pub fn words(&self) -> String {
        let line = |title: &str, counts: &BTreeMap<&'static str, u64>| {
            let mut text = format!("{title}:\n");
            for pair in counts.iter().collect::<Vec<_>>().chunks(2) {
                let cells = pair.iter().map(|(name, n)| format!("  {name:<26}{n:>11}"));
                text.push_str(&cells.collect::<String>());
                text.push('\n');
            }
            text
        };
        let repeats = BTreeMap::from([("answered again", self.repeated)]);
        line("accepted", &self.accepted)
            + &line("refused", &self.codes())
            + &line("events", &self.events)
            + &line("repeats", &repeats)
    }
}

/// Ways of an event that must be come across, beside its type.
fn way(event: &Event) -> Option<&'static str> {
    match event {
        Event::CreditsGranted(e) => match e.source {
            LotSource::Compensation => Some("a compensation"),
            LotSource::Purchase => Some("a purchase"),
            _ => None,
        },
        Event::GenerationSucceeded(e) => match e.settlement {
            Settlement::Late => Some("a late charge"),
            Settlement::GivenAway => Some("a gift"),
            Settlement::Charged => None,
        },
        Event::DebtPaid(e) if e.by == DebtPayer::Undone => Some("a debt undone"),
        _ => None,
    }
}
