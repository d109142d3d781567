//! A payment's life on paper.

use std::fmt::Write as _;

use ledger_domain::Asset;
use proto_events::Currency;

use super::Told;
use crate::books::moscow::{Day, date_time, time_of_day};
use crate::books::payment::{Bought, Life, Quarantine, Refund};
use crate::books::words::{amount, count, grouped, money_text, word};
use crate::cli::out::folded;
use crate::cli::table::{beside, left, right, rule};
use crate::store::Notice;

/// Where what is said of a thing begins.
const INDENT: usize = 14;

pub fn paper(told: &Told) -> String {
    let life = &told.life;
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "Payment {}\n", life.payment);
    head(&mut out, life, told.telegram_user);
    if !life.lots.is_empty() {
        part(&mut out, "Credits bought");
        life.lots.iter().for_each(|bought| lot(&mut out, bought));
    }
    if !life.refunds.is_empty() {
        part(&mut out, "Refunds");
        life.refunds.iter().for_each(|one| refund(&mut out, one));
    }
    if !life.quarantine.is_empty() {
        part(&mut out, "Quarantine");
        life.quarantine.iter().for_each(|one| quarantine(&mut out, one));
    }
    part(&mut out, "Events");
    events(&mut out, life);
    if !told.tellings.is_empty() {
        part(&mut out, "Still to be told");
        for telling in &told.tellings {
            let tries = match telling.attempt {
                0 => String::new(),
                n => format!(", try {n}, held until {}", date_time(telling.lease_until)),
            };
            say(&mut out, "", &format!("{}, position {}{tries}", telling.r#type, grouped(telling.position)));
        }
    }
    if !told.notices.is_empty() {
        part(&mut out, "Notifications kept");
        told.notices.iter().for_each(|one| notice(&mut out, one));
    }
    out
}

fn head(out: &mut String, life: &Life, person: Option<i64>) {
    let method = life.method.map(|method| format!(" ({})", method.as_str())).unwrap_or_default();
    let ended = life.closed_at.map(|at| format!(", {}", date_time(at))).unwrap_or_default();
    let why = life.canceled.as_deref().map(|why| format!(", {why}")).unwrap_or_default();
    say(out, "state", &format!("{}{ended}{why}", word(&life.state)));
    say(out, "account", &life.account.to_string());
    if let Some(user) = person {
        say(out, "person", &format!("telegram:{user}"));
    }
    let (credits, price) = (count(life.credits, "credit"), money_text(life.price));
    say(out, "asked for", &format!("{}: {credits} for {price}", life.package));
    say(out, "by", &format!("{}{method}", life.rail.as_str()));
    if let Some(id) = &life.provider_payment_id {
        say(out, "provider's id", id);
    }
    if let Some(first) = life.again_of {
        say(out, "once more", &format!("for the bill of {first}"));
    }
    say(out, "opened", &format!("{}, open until {}", date_time(life.opened_at), date_time(life.expires_at)));
    if let Some(paid) = life.paid {
        let at = life.paid_at.map(|at| format!(", {} by the provider", date_time(at))).unwrap_or_default();
        let test = if life.test == Some(true) { ", a test" } else { "" };
        say(out, "paid", &format!("{}{at}{test}", money_text(paid)));
        let kept = life.fee.zip(life.net);
        let kept = kept.map(|(fee, net)| format!("{}, net {}", money_text(fee), money_text(net)));
        say(out, "fee", kept.as_deref().unwrap_or("not known yet"));
    }
}

fn lot(out: &mut String, bought: &Bought) {
    let lot = &bought.stands;
    let back = bought.restores.map(|refund| format!(", back from {refund}")).unwrap_or_default();
    let ends = lot.expires_at.map(|at| format!(", until {}", date_time(at))).unwrap_or_default();
    say(out, &format!("lot {}", bought.lot), &format!("{}{ends}{back}", count(lot.credits, "credit")));
    let places = [
        (lot.available, "left"),
        (lot.reserved, "held"),
        (lot.consumed, "consumed"),
        (lot.revoked, "revoked"),
        (lot.expired, "expired"),
    ];
    let places = places.map(|(n, what)| format!("{what} {}", grouped(n)));
    say(out, "", &places.join(", "));
    if let Some((price, currency)) = lot.price {
        let deferred = price - lot.recognised - lot.breakage - lot.refunded;
        let minor = |n: i64| amount(n, Asset::from(currency));
        let sums = [
            (lot.recognised, "revenue so far"),
            (deferred, "deferred"),
            (lot.refunded, "taken out for refunds"),
            (lot.breakage, "breakage"),
        ];
        let sums = sums.map(|(n, what)| format!("{what} {}", minor(n)));
        say(out, "", &format!("{} {}", sums.join(", "), Currency::code(currency)));
    }
}

fn refund(out: &mut String, refund: &Refund) {
    say(out, &word(&refund.state), &refund.refund.to_string());
    let by = format!("by {}, {}", refund.by, date_time(refund.opened_at));
    say(out, "", &format!("{}, {}, {by}", money_text(refund.amount), count(refund.credits, "credit")));
    say(
        out,
        "",
        &format!("credits taken back {}, made debt {}", grouped(refund.taken), grouped(refund.debt)),
    );
    if let Some(id) = &refund.provider_refund_id {
        say(out, "", &format!("provider's id {id}"));
    }
    if let Some(at) = refund.closed_at {
        let theirs = refund.refunded_at.map(|at| format!(", {} by the provider", date_time(at)));
        say(out, "", &format!("closed {}{}", date_time(at), theirs.unwrap_or_default()));
    }
    say(out, "", &format!("reason: {}", refund.reason));
    if let Some(why) = &refund.failure {
        say(out, "", &format!("failed: {why}"));
    }
}

fn quarantine(out: &mut String, q: &Quarantine) {
    let state = q.outcome.map_or("open".to_owned(), |outcome| word(&outcome));
    let problems: Vec<String> = q.problems.iter().map(word).collect();
    say(out, &state, &problems.join(", "));
    let money = q.amount.map(|money| format!(", {}", money_text(money))).unwrap_or_default();
    say(out, "", &format!("seen: {}{money}; provider's id {}", q.status, q.provider_payment_id));
    let by = q.decided.as_deref().map(|who| format!("; decided by {who}")).unwrap_or_default();
    say(out, "", &format!("position {}, {}{by}", grouped(q.position), date_time(q.recorded_at)));
}

fn events(out: &mut String, life: &Life) {
    let mut day = None;
    for line in &life.events {
        let today = Day::of(line.recorded_at);
        if day != Some(today) {
            let _ = writeln!(out, "{today}");
            day = Some(today);
        }
        let what = if line.what == line.r#type { "" } else { &line.what };
        let head = format!("{} {}", time_of_day(line.recorded_at), right(&grouped(line.position), 10));
        out.push_str(&beside(&head, &[(&line.r#type, 18), (what, 26), (&line.actor, 14)]));
    }
}

fn notice(out: &mut String, notice: &Notice) {
    say(out, "", &format!("{} {}", notice.event, notice.object));
    let (first, last) = (date_time(notice.first_at), date_time(notice.last_at));
    let times = if notice.times > 1 { format!(" to {last}, {} times", notice.times) } else { String::new() };
    say(out, "", &format!("{}; {first}{times}", notice.outcome));
    if !notice.body.is_empty() {
        out.push_str(&notice.body);
        out.push('\n');
    }
}

fn part(out: &mut String, title: &str) {
    let _ = write!(out, "\n{title}\n{}\n", rule());
}

/// What of what, folded.
fn say(out: &mut String, name: &str, text: &str) {
    let hang = if name.is_empty() { 0 } else { INDENT };
    // Breaks that people typed are spaces here.
    let line = format!("{} {text}", left(name, INDENT - 1)).replace(['\n', '\r', '\t'], " ");
    let _ = writeln!(out, "{}", folded(&line, hang));
}

#[cfg(test)]
#[path = "paper_tests.rs"]
mod tests;
