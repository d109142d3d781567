//! Generations as they are printed: one in full, or a list with the totals of each model.

use std::fmt::Write as _;

use ledger_domain::Asset;

use crate::books::generations::{Generations, Line, Totals};
use crate::books::moscow::date_time;
use crate::books::words::{amount, count, grouped};
use crate::cli::table::{WIDTH, beside, left, right, rule};

/// Columns for a model's name beside its figures.
const MODEL_WIDTH: usize = 20;

/// Micro-dollars in dollars: `0.138472`; of what is estimated in part it says so.
fn dollars(micro_usd: i64, is_estimated: bool) -> String {
    let about = if is_estimated { "~" } else { "" };
    let (whole, part) = (micro_usd / 1_000_000, micro_usd.unsigned_abs() % 1_000_000);
    format!("{about}{}.{part:06}", grouped(whole))
}

fn rubles(kopecks: i64) -> String {
    amount(kopecks, Asset::Rub)
}

/// A dash where no rates are known.
fn margin(kopecks: Option<i64>) -> String {
    kopecks.map_or_else(|| "–".to_owned(), rubles)
}

fn seconds(ms: i64) -> String {
    format!("{}.{}", grouped(ms / 1_000), ms % 1_000 / 100)
}

/// A list, and the totals of each model.
pub fn all(found: &Generations) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "Generations through position {}, the newest first\n", grouped(found.position));
    if !found.generations.is_empty() {
        let _ = writeln!(
            out,
            "{} {} {} {} {} {} {} {}",
            left("Asked, Moscow time", 19),
            left("State", 9),
            right("Tries", 5),
            right("Seconds", 7),
            right("Cost, $", 9),
            right("Rubles", 8),
            right("Stars", 5),
            right("Margin", 9)
        );
        out.push_str(&rule());
        out.push('\n');
        found.generations.iter().for_each(|line| out.push_str(&row(line)));
        out.push('\n');
    }
    let _ = writeln!(
        out,
        "{} {} {} {} {} {} {}",
        left("By model", MODEL_WIDTH),
        right("Made", 6),
        right("of", 6),
        right("Cost, $", 13),
        right("Rubles", 11),
        right("Stars", 6),
        right("Margin", 12)
    );
    out.push_str(&rule());
    out.push('\n');
    found.models.iter().for_each(|model| out.push_str(&totals(model)));
    out.push('\n');
    out.push_str(&note(found));
    debug_assert!(out.lines().all(|line| line.chars().count() <= WIDTH), "{out}");
    out
}

fn row(line: &Line) -> String {
    format!(
        "{} {} {} {} {} {} {} {}\n{}",
        left(&date_time(line.requested_at), 19),
        left(&line.state, 9),
        right(&line.attempts.to_string(), 5),
        right(&seconds(line.latency_ms), 7),
        right(&dollars(line.yields.cost(), line.yields.estimated_micro_usd > 0), 9),
        right(&rubles(line.yields.revenue_kopecks), 8),
        right(&grouped(line.yields.revenue_stars), 5),
        right(&margin(line.yields.margin_kopecks), 9),
        beside(&format!("  {}", line.generation), &[(&line.model, 26)]),
    )
}

fn totals(model: &Totals) -> String {
    let cost = dollars(model.yields.cost(), model.yields.estimated_micro_usd > 0);
    // A long name has a line of its own.
    let (above, name) = match model.model.chars().count() > MODEL_WIDTH {
        true => (format!("{}\n", model.model), ""),
        false => (String::new(), model.model.as_str()),
    };
    format!(
        "{above}{} {} {} {} {} {} {}\n",
        left(name, MODEL_WIDTH),
        right(&grouped(model.made), 6),
        right(&grouped(model.asked), 6),
        right(&cost, 13),
        right(&rubles(model.yields.revenue_kopecks), 11),
        right(&grouped(model.yields.revenue_stars), 6),
        right(&margin(model.yields.margin_kopecks), 12)
    )
}

fn note(found: &Generations) -> String {
    let estimated: i64 = found.models.iter().map(|model| model.yields.estimated_micro_usd).sum();
    let mut out = String::new();
    if estimated > 0 {
        let _ =
            writeln!(out, "~: with {} $ that are only estimated: no bill came.", dollars(estimated, false));
    }
    let _ = match found.rates {
        Some(rates) => writeln!(
            out,
            "Margin in rubles, at {} for a dollar and {} for a Star.",
            rubles(rates.kopecks_per_usd.into()),
            rubles(rates.kopecks_per_star.into())
        ),
        None => writeln!(out, "No margin: the catalog has no rates."),
    };
    out
}

/// One in full.
pub fn one(found: &Generations) -> String {
    let Some(line) = found.generations.first() else { return String::new() };
    let time = |us: Option<i64>| us.map_or_else(|| "–".to_owned(), date_time);
    let outcome = [line.settlement.as_deref(), line.reason.as_deref()].into_iter().flatten();
    let state: Vec<&str> = std::iter::once(line.state.as_str()).chain(outcome).collect();
    let fields = [
        ("asked as", format!("{} by {}", line.kind, line.model)),
        ("answered by", line.model_version.clone().unwrap_or_else(|| "–".to_owned())),
        ("state", state.join(", ")),
        ("asked", date_time(line.requested_at)),
        ("closed", time(line.closed_at)),
        ("delivered", time(line.delivered_at)),
        ("attempts", format!("{}, {} s in all", line.attempts, seconds(line.latency_ms))),
        ("credits", format!("{}, of them charged {}", grouped(line.credits), grouped(line.charged))),
        ("prompt", count(line.prompt_tokens, "token")),
        (
            "output",
            format!(
                "{}, of them {} of pictures",
                count(line.output_tokens, "token"),
                grouped(line.image_tokens)
            ),
        ),
        ("thoughts", count(line.thought_tokens, "token")),
        ("cost", format!("{} $", dollars(line.yields.cost_micro_usd, false))),
        ("estimated", format!("{} $ more", dollars(line.yields.estimated_micro_usd, false))),
        (
            "earned",
            format!(
                "{} RUB, {} XTR",
                rubles(line.yields.revenue_kopecks),
                grouped(line.yields.revenue_stars)
            ),
        ),
        ("margin", margin(line.yields.margin_kopecks)),
    ];
    let mut out = format!("{}\n\n", line.generation);
    for (name, value) in fields {
        out.push_str(&beside(&format!("  {}", left(name, 12)), &[(&value, 64)]));
    }
    out.push('\n');
    out.push_str(&note(found));
    out
}

#[cfg(test)]
mod tests {
    use proto_events::catalog::Rates;

    use super::*;
    use crate::books::generations::Yield;

    fn line() -> Line {
        Line {
            generation: format!("g-{}-{}", "5".repeat(32), "a".repeat(16)),
            account_id: uuid::Uuid::nil(),
            tail: 0,
            position: 1_234,
            kind: "picture".into(),
            model: "gemini-3-pro-image".into(),
            model_version: Some("gemini-3-pro-image-001".into()),
            state: "succeeded".into(),
            settlement: Some("charged".into()),
            reason: None,
            attempts: 2,
            outputs: 1,
            credits: 10,
            charged: 10,
            prompt_tokens: 14,
            output_tokens: 1_283,
            thought_tokens: 174,
            image_tokens: 1_120,
            latency_ms: 12_345,
            yields: Yield {
                cost_micro_usd: 138_472,
                revenue_kopecks: 1_000,
                margin_kopecks: Some(-129),
                ..Yield::default()
            },
            // 2026-11-22 00:00:01 in Moscow.
            requested_at: 1_795_294_801_000_000,
            closed_at: Some(1_795_294_813_000_000),
            delivered_at: None,
        }
    }

    fn found() -> Generations {
        let failed = Line {
            state: "failed".into(),
            settlement: None,
            reason: Some("timed_out".into()),
            charged: 0,
            yields: Yield { estimated_micro_usd: 134_000, ..Yield::default() },
            ..line()
        };
        let totals = Totals {
            model: "gemini-3-pro-image".into(),
            asked: 12_345,
            made: 12_000,
            attempts: 13_000,
            yields: Yield {
                cost_micro_usd: 1_661_664_000,
                estimated_micro_usd: 134_000,
                revenue_kopecks: 12_000_000,
                revenue_stars: 0,
                margin_kopecks: Some(-1_542_610),
            },
        };
        let rates = Some(Rates { kopecks_per_usd: 8_150, kopecks_per_star: 130 });
        Generations { position: 98_765, rates, generations: vec![line(), failed], models: vec![totals] }
    }

    #[test]
    fn a_list_fits_its_paper() {
        let wanted = "\
Generations through position 98,765, the newest first

Asked, Moscow time  State     Tries Seconds   Cost, $   Rubles Stars    Margin
────────────────────────────────────────────────────────────────────────────────
2026-11-22 00:00:01 succeeded     2    12.3  0.138472    10.00     0     -1.29
  g-55555555555555555555555555555555-aaaaaaaaaaaaaaaa gemini-3-pro-image
2026-11-22 00:00:01 failed        2    12.3 ~0.134000     0.00     0         –
  g-55555555555555555555555555555555-aaaaaaaaaaaaaaaa gemini-3-pro-image

By model               Made     of       Cost, $      Rubles  Stars       Margin
────────────────────────────────────────────────────────────────────────────────
gemini-3-pro-image   12,000 12,345 ~1,661.798000  120,000.00      0   -15,426.10

~: with 0.134000 $ that are only estimated: no bill came.
Margin in rubles, at 81.50 for a dollar and 1.30 for a Star.
";
        assert_eq!(all(&found()), wanted);
    }

    #[test]
    fn one_is_told_in_full() {
        let told = one(&found());
        for words in [
            "output       1,283 tokens, of them 1,120 of pictures",
            "answered by  gemini-3-pro-image-001",
            "cost         0.138472 $",
            "earned       10.00 RUB, 0 XTR",
            "margin       -1.29",
            "state        succeeded, charged",
        ] {
            assert!(told.contains(words), "{words} is not in\n{told}");
        }
        assert!(told.lines().all(|line| line.chars().count() <= WIDTH), "{told}");
    }
}
