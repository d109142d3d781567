//! Top-ups: by YooKassa's page, in Stars, by card in Telegram.

use e2e::browser::{Browser, Screen};
use e2e::{Role, Stage};

use crate::seat::Seat;

/// A package in rubles by the provider's page, which opens over the chat.
pub fn tops_up_by_yookassa(seat: &Seat<'_>) {
    seat.opens_packages();
    seat.shot("2-packages");
    seat.page.click(".buttons button", "100\u{20}₽");
    seat.opens_checkout();
    seat.shot("3-checkout");
    seat.pays_at_checkout();
    seat.available(105);
    seat.is_told("105");
    seat.shot("4-paid");
}

/// A package in Stars by Telegram's own sheet.
pub fn tops_up_by_stars(seat: &Seat<'_>) {
    seat.opens_packages();
    seat.page.click(".buttons button", "75\u{20}⭐");
    seat.page.click(".buttons button.pay", "75");
    seat.page.sees("#pay .sum", "75");
    seat.shot("5-stars");
    seat.page.click("#pay .big:not(.quiet)", "");
    seat.available(205);
    seat.page.sees("#messages .service b", "75");
    // The Pay button is a receipt now, and leads to the line that says so.
    seat.page.click(".buttons .receipt", "");
    seat.is_told("205");
}

const TOKEN: (&str, &str) = ("YOOKASSA_PROVIDER_TOKEN", "381764678:TEST:100500");
const RECEIPTS: [(&str, &str); 3] =
    [("YOOKASSA_RECEIPTS", "on"), ("YOOKASSA_VAT_CODE", "1"), ("YOOKASSA_TAX_SYSTEM_CODE", "2")];

/// By the invoice in the chat: the bank declines once, then it is paid, and the receipt goes to the address given there.
fn tops_up_by_card(seat: &Seat<'_>) {
    seat.comes();
    seat.opens_packages();
    seat.page.click(".buttons button", "100\u{20}₽");
    seat.is_told(seat.word("Как удобнее оплатить?", "How would you like to pay?"));
    seat.shot("1-ways");
    seat.page.click(".buttons button", seat.word("Картой в Telegram", "By card in Telegram"));
    seat.page.sees(".invoice", "100");
    seat.shot("2-invoice");
    seat.page.click(".buttons button.pay", "");
    seat.page.sees("#pay .sum", "100");
    seat.page.click("#pay input[type='email']", "");
    seat.page.eval("document.activeElement.select()");
    seat.page.types("payer@example.org");
    seat.page.click("#pay .big.quiet", seat.word("Банк отказывает", "Let the bank decline"));
    seat.page.sees("#pay .said.bad", "");
    seat.shot("3-declined");
    seat.page.assert_complains("/payments");
    seat.available(5);
    seat.page.click("#pay .big:not(.quiet)", "");
    seat.available(105);
    seat.page.sees("#messages .service b", "100");
    seat.is_told(seat.word("Платёж получен", "Payment received"));
    seat.page.until("the sheet to go", || seat.page.count("#pay", "") == 0);
    seat.shot("4-paid");
    let books = seat.stage.books();
    let receipts = books["yookassa"].to_string();
    assert!(
        receipts.contains("payer@example.org"),
        "the receipt's address is not in YooKassa's books: {receipts}"
    );
    assert_eq!(seat.stage.count_of(seat.person, "PaymentSettled"), 1);
    seat.page.assert_tidy();
}

#[test]
fn a_package_is_paid_by_card_in_telegram_with_its_receipt() {
    let bot = [&[TOKEN], &RECEIPTS[..]].concat();
    let stage = Stage::whole_where(&[(Role::Telegram, &bot), (Role::Payments, &RECEIPTS)]).unwrap();
    let browser = Browser::start("card").unwrap();
    tops_up_by_card(&Seat::take(&stage, &browser, Screen::Wide, 7411, "ru"));
    tops_up_by_card(&Seat::take(&stage, &browser, Screen::Phone, 7412, "en"));
    stage.judge_bot_requests();
    stage.assert_verified();
}
