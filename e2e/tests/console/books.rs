//! The finance walk: from a number of the trial balance to the events behind it, to one event, to its proof.

use std::collections::BTreeMap;

use ledger::books::moscow::Day;
use ledger::books::words::amount;
use ledger_domain::{Asset, postings};
use proto_events::{Currency, Event};
use reqwest::StatusCode;

use crate::desk::{PASSWORD, Seat, hires};
use crate::log::{listed, proves, with_history};

/// The cells of a page's rows, without their marks.
fn rows(page: &str) -> Vec<Vec<String>> {
    let cell = |text: &str| {
        let mut plain = String::new();
        let mut inside = true;
        for c in text.chars() {
            match c {
                '<' => inside = false,
                '>' => inside = true,
                c if inside => plain.push(c),
                _ => {}
            }
        }
        plain
    };
    let rows = page.split("<tr>").skip(1).map(|row| row.split("</tr>").next().unwrap());
    let cells = |row: &str| {
        let parts = row.split("</t").map(|part| part.rsplit("<t").next().unwrap_or_default().to_owned());
        parts.map(|part| cell(part.split_once('>').map_or("", |(_, text)| text))).collect::<Vec<_>>()
    };
    rows.map(|row| cells(row).into_iter().filter(|cell| !cell.is_empty()).collect()).collect()
}

/// The positions that all pages of this list.
fn behind(seat: &Seat<'_>, link: &str) -> Vec<i64> {
    let (mut found, mut path) = (Vec::new(), link.to_owned());
    for _ in 0..1_000 {
        let answer = seat.gets(&path);
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        found.extend(listed(&answer.text));
        let links = answer.text.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
        let Some(next) = links.filter(|link| link.contains("next=")).last() else { return found };
        path = next.replace("&amp;", "&");
    }
    panic!("{link} has no end");
}

#[test]
fn a_number_of_the_books_leads_to_its_events_and_their_proofs() {
    let (stage, history) = with_history();
    hires(&stage, "fin", "finance");
    let fin = Seat::signed_in(&stage, "fin", PASSWORD);
    let at = i64::try_from(history.rows.len()).unwrap() / 2;
    let mut wanted: BTreeMap<(String, String), (i64, i64, Vec<i64>)> = BTreeMap::new();
    for row in history.rows.iter().filter(|row| row.position <= at) {
        for line in postings(&row.event().unwrap()) {
            let name = (line.asset.code().to_owned(), line.account.to_string());
            let (debit, credit, events) = wanted.entry(name).or_default();
            if line.amount > 0 {
                *debit += line.amount
            } else {
                *credit -= line.amount
            }
            if events.last() != Some(&row.position) {
                events.push(row.position);
            }
        }
    }
    let page = fin.gets(&format!("/books?at={at}")).text;
    assert!(page.contains("Дебет равен кредиту"), "{page}");
    let (mut walked, mut proved) = (0, false);
    for ((asset, book), (debit, credit, mut events)) in wanted {
        let link = format!("/books/behind?asset={asset}&amp;book={}&amp;at={at}", book.replace(':', "%3A"));
        let row = page.split("<tr>").find(|row| row.contains(&link));
        let row = row.unwrap_or_else(|| panic!("{asset} {book} leads nowhere: {link}"));
        let cells = rows(&format!("<tr>{row}")).remove(0);
        let unit = if asset == "RUB" { Asset::Rub } else { Asset::Credit };
        assert_eq!(cells[1..3], [debit, credit].map(|n| amount(n, unit)), "{asset} {book}: {cells:?}");
        events.reverse();
        assert_eq!(behind(&fin, &link.replace("&amp;", "&")), events, "{asset} {book}");
        if !proved {
            proves(&fin, events[0]);
            proved = true;
        }
        walked += 1;
    }
    println!("{walked} numbers walked to their events");
    assert!(walked > 8 && proved);
    for (query, status) in [
        ("/books?at=99999999", StatusCode::UNPROCESSABLE_ENTITY),
        ("/books/behind?asset=EUR&book=fees", StatusCode::UNPROCESSABLE_ENTITY),
        ("/statement?account=ann", StatusCode::UNPROCESSABLE_ENTITY),
        ("/statement", StatusCode::OK),
        ("/revenue?from=yesterday", StatusCode::UNPROCESSABLE_ENTITY),
        ("/revenue?from=2026-02-01&to=2026-01-01", StatusCode::UNPROCESSABLE_ENTITY),
        ("/revenue?from=2020-01-01&to=2026-01-01", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        assert_eq!(fin.gets(query).status, status, "{query}");
    }
}

#[test]
fn a_statement_is_that_of_the_log_at_any_moment() {
    let (stage, history) = with_history();
    hires(&stage, "fin", "finance");
    let fin = Seat::signed_in(&stage, "fin", PASSWORD);
    let (account, to) = (history.accounts()[1], i64::try_from(history.rows.len()).unwrap() * 3 / 4);
    let wanted = stage.rt.block_on(ledger::books::statement::statement(&stage.pool, account, 1, to)).unwrap();
    let wanted: Vec<i64> = wanted.lines.iter().rev().map(|line| line.position).collect();
    let link = format!("/statement?account={account}&to={to}");
    stage.until("the projection to be there", || (behind(&fin, &link) == wanted).then_some(()));
    let balance = stage.rt.block_on(ledger::books::statement::balance(&stage.pool, account, to)).unwrap();
    let page = fin.gets(&link).text;
    let shown = format!("<dd>{}</dd>", ledger::books::words::grouped(balance.available));
    assert!(page.contains(&shown), "{shown}: {page}");
}

#[test]
fn money_by_day_is_what_the_books_say() {
    let (stage, history) = with_history();
    hires(&stage, "fin", "finance");
    let fin = Seat::signed_in(&stage, "fin", PASSWORD);
    let mut paid: BTreeMap<Day, i64> = BTreeMap::new();
    for row in &history.rows {
        if let Event::PaymentSettled(e) = row.event().unwrap()
            && e.amount.currency == Currency::Rub
        {
            *paid.entry(Day::of(row.recorded_at)).or_default() += e.amount.minor();
        }
    }
    let (first, last) = (*paid.keys().next().unwrap(), *paid.keys().last().unwrap());
    let sum = amount(paid.values().sum(), Asset::Rub);
    let link = format!("/revenue?from={first}&to={last}");
    stage.until("the projection to be there", || {
        let page = fin.gets(&link).text;
        let foot = page.split("<tfoot>").nth(1)?.split("</tfoot>").next()?.to_owned();
        foot.contains(&format!(">{sum}<")).then_some(())
    });
    assert!(fin.gets("/revenue?from=2000-01-01&to=2000-01-02").text.contains("денег не было"));
}
