//! What the bot sends, judged by an independent model of the Bot API: the types of crate `frankenstein`.
//!
//! A request is read as its method's parameters and written again. What the types refuse (a wrong type, a value
//! that does not exist, a field that lacks) and what does not come back as it was (a field they don't know) is a
//! finding. Files stand for `attach://` references, and each reference must have its file.
//!
//! The sandbox judges limits and the world (is there such a message?); this judges shapes. Neither knows of the
//! other, and both are needed: the sandbox ignores a field it does not know, as Telegram does.

mod arrival;
pub mod controls;
mod methods;
mod update;

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use arrival::{Arrival, read_folder};
pub use update::judge_update;

use crate::stage::Stage;

/// Calls of the sandbox's that are no methods of the Bot API.
const NO_METHODS: [&str; 3] = ["download", "webhook", "unknown"];

/// Of one method.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    pub judged: usize,
    /// By the sandbox: not modified, blocked, gone, too many.
    pub refused: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    pub method: String,
    /// Of the arrival.
    pub id: u64,
    pub why: String,
}

#[derive(Debug, Default)]
pub struct Judgement {
    pub counts: BTreeMap<String, Count>,
    pub findings: Vec<Finding>,
}

impl Judgement {
    /// Judges each arrival that is a call of the Bot API.
    pub fn of(arrivals: &[Arrival]) -> Self {
        let mut judgement = Self::default();
        for arrival in arrivals.iter().filter(|arrival| arrival.is_call()) {
            let count = judgement.counts.entry(arrival.call.clone()).or_default();
            count.judged += 1;
            count.refused += usize::from(arrival.status.is_some_and(|status| status >= 400));
            let whys = judge(arrival);
            judgement.findings.extend(whys.into_iter().map(|why| Finding {
                method: arrival.call.clone(),
                id: arrival.id,
                why,
            }));
        }
        judgement
    }

    pub fn judged(&self) -> usize {
        self.counts.values().map(|count| count.judged).sum()
    }
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (method, count) in &self.counts {
            write!(f, "{method:<26} {:>5} judged", count.judged)?;
            if count.refused > 0 {
                write!(f, ", {} of them refused by the sandbox", count.refused)?;
            }
            writeln!(f)?;
        }
        for Finding { method, id, why } in &self.findings {
            writeln!(f, "BAD  {method} (arrival {id}): {why}")?;
        }
        Ok(())
    }
}

/// What is wrong with one request.
fn judge(arrival: &Arrival) -> Vec<String> {
    let (fields, mut wrong) = match arrival.fields() {
        Ok(fields) => fields,
        Err(why) => return vec![why],
    };
    wrong.extend(methods::judge(&arrival.call, &Value::Object(fields)));
    wrong
}

/// Reads `given` as a `T` and writes it again.
fn round<T: Serialize + DeserializeOwned>(given: &Value) -> Vec<String> {
    let read: T = match serde_json::from_value(given.clone()) {
        Ok(read) => read,
        Err(error) => return vec![error.to_string()],
    };
    let mut lost = Vec::new();
    match serde_json::to_value(read) {
        Ok(kept) => compare(given, &kept, "", &mut lost),
        Err(error) => lost.push(error.to_string()),
    }
    lost
}

/// What of `given` is not in `kept`. An absent field and a null are the same.
fn compare(given: &Value, kept: &Value, path: &str, lost: &mut Vec<String>) {
    match (given, kept) {
        (Value::Object(given), Value::Object(kept)) => {
            for (name, value) in given.iter().filter(|(_, value)| !value.is_null()) {
                let path = format!("{path}.{name}");
                match kept.get(name) {
                    Some(kept) => compare(value, kept, &path, lost),
                    None => lost.push(format!("{path} is unknown")),
                }
            }
        }
        (Value::Array(given), Value::Array(kept)) if given.len() == kept.len() => {
            for (at, (given, kept)) in given.iter().zip(kept).enumerate() {
                compare(given, kept, &format!("{path}[{at}]"), lost);
            }
        }
        // 1 and 1.0 are one number.
        (Value::Number(given), Value::Number(kept)) if given.as_f64() == kept.as_f64() => {}
        (given, kept) if given == kept => {}
        (given, kept) => lost.push(format!("{path} is {given}, and was read as {kept}")),
    }
}

impl Stage {
    /// Judges all that the bot has sent up to now; says what was judged.
    ///
    /// # Panics
    /// There is a finding, or nothing was sent.
    pub fn judge_bot_requests(&self) -> Judgement {
        let arrivals = self.get("/arrivals?vendor=telegram");
        let arrivals: Vec<Arrival> = serde_json::from_value(arrivals["arrivals"].clone())
            .unwrap_or_else(|error| panic!("the sandbox's arrivals should be readable: {error}"));
        let judgement = Judgement::of(&arrivals);
        println!("{judgement}");
        assert!(judgement.judged() > 0, "the bot has sent nothing");
        assert!(judgement.findings.is_empty(), "what the bot sends is not the Bot API's:\n{judgement}");
        judgement
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
