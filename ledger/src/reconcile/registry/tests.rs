use std::io::{Cursor, Read as _, Write as _};
use std::sync::LazyLock;

use proptest::prelude::*;
use proto_events::{Currency, Money};
use rust_xlsxwriter::{Workbook, Worksheet};

use super::super::operation::KINDS;
use super::*;
use crate::books::moscow::parse_rfc3339;

/// As shops had them in 2022.
const PAYMENTS: &str = "\
РЕЕСТР ПЛАТЕЖЕЙ ПО ДОГОВОРУ НЭК.11322.23 (152368)
Дата платежей: 2022-12-15
Идентификатор платежа;Сумма платежа;Валюта платежа;Сумма за вычетом комиссии и НДС;Сумма комиссии без НДС;Время платежа;Идентификатор платежного средства;Описание;Тип платежа;Имя плательщика;Адрес плательщика;ИНН плательщика;НДС с комиссии
276a9776-000f-5000-a000-179a4d5c6bad;2.00;RUB;1.91;0.07;15.12.2022 12:37:07;41001860899377;Заказ №72;AC;Иван;Москва;7700000000;0,02
21b212e1-0016-50fb-9000-07aebf184c41;8.00;RUB;7.66;0.28;14.12.2022 23:43:01;41001860899377;\"Заказ; \"\"№73\"\"\";PC;;;;0,06

Сумма принятых платежей: 10.00 RUB
Сумма принятых платежей за вычетом комиссии и НДС: 9.57 RUB
Число платежей: 2
";

const REFUNDS: &str = "\
РЕЕСТР ВОЗВРАТОВ ПО ДОГОВОРУ НЭК.451387.01 (1403902)
Дата возвратов: 13.07.2026
Идентификатор возврата;Идентификатор платежа;Сумма возврата;Валюта возврата;Время возврата
refund-1;payment-1;500.00;RUB;13.07.2026 10:00:00

Сумма возвратов: 500.00 RUB
Число возвратов: 1
";

/// The standard registry before, as a mail.
const OLD: &str = "\
РЕЕСТР ПЛАТЕЖЕЙ В ООО \"Ромашка\". № 17
Дата платежей: 15.12.2022
Идентификатор платежа;Сумма платежа;Валюта платежа;Сумма за вычетом комиссии;Время платежа;Идентификатор платежного средства;Описание;Тип платежа
a-1;2.00;RUB;1.91;15.12.2022 12:37:07;41001860899377;Заказ №72;AC

Сумма принятых платежей типа AC: 2.00 RUB
Сумма принятых платежей за вычетом комиссии типа AC: 1.91 RUB
Число платежей типа AC: 1
Сумма принятых платежей: 2.00 RUB
Сумма принятых платежей за вычетом комиссии: 1.91 RUB
Число платежей: 1

От: ООО \"Ромашка\" (По договору № 5 от 01.02.2020)
";

const ENGLISH: &str = "\
PAYMENT REGISTER UNDER THE CONTRACT 11322.23 (152368)
Payment date: 2026-11-21
Payment ID,Payment amount,Payment currency,Amount excluding commission and VAT,Payment time
a-1,\"1,50\",RUB,1.40,21.11.2026 12:37:07
Amount of payments: 1.50 RUB
Number of payments: 1
";

fn rub(minor: i64) -> Money {
    Money::new(minor, Currency::Rub).unwrap()
}

fn text(text: &str) -> Result<Registry, Refused> {
    read("f.csv", text.as_bytes())
}

fn refused(of: &str) -> String {
    text(of).unwrap_err().to_string()
}

fn days(part: &Part) -> Vec<String> {
    part.days.iter().map(Day::to_string).collect()
}

#[test]
fn a_registry_of_payments_is_read() {
    let registry = text(PAYMENTS).unwrap();
    let [first, second] = registry.operations.as_slice() else { panic!("{registry:?}") };
    assert_eq!(first.id, "276a9776-000f-5000-a000-179a4d5c6bad");
    assert_eq!((first.kind, first.amount, first.net), (MoneyMoved::Payment, rub(200), Some(rub(191))));
    assert_eq!(first.at, parse_rfc3339("2022-12-15T12:37:07+03:00"));
    assert_eq!((second.amount, second.net), (rub(800), Some(rub(766))));
    let [part] = registry.parts.as_slice() else { panic!("{registry:?}") };
    assert_eq!((part.kind, part.rows, days(part)), (MoneyMoved::Payment, 2, vec!["2022-12-15".to_owned()]));
    assert_eq!(part.made.len(), 2, "the second was made the evening before");
}

#[test]
fn a_registry_of_refunds_is_read() {
    let registry = text(REFUNDS).unwrap();
    let [back] = registry.operations.as_slice() else { panic!("{registry:?}") };
    assert_eq!((back.kind, back.id.as_str(), back.amount), (MoneyMoved::Refund, "refund-1", rub(50_000)));
    assert_eq!(back.payment_id.as_deref(), Some("payment-1"));
    assert_eq!(
        (registry.parts[0].kind, days(&registry.parts[0])),
        (MoneyMoved::Refund, vec!["2026-07-13".to_owned()])
    );
}

#[test]
fn encodings_marks_delimiters_languages_and_the_old_layout_come_to_the_same() {
    let (cp1251, _, _) = encoding_rs::WINDOWS_1251.encode(PAYMENTS);
    assert_ne!(cp1251, PAYMENTS.as_bytes());
    let marked = [b"\xef\xbb\xbf", PAYMENTS.as_bytes()].concat();
    let crlf = PAYMENTS.replace('\n', "\r\n");
    let tabs = PAYMENTS.replace("\"Заказ; \"\"№73\"\"\"", "Заказ").replace(';', "\t");
    let wanted = text(PAYMENTS).unwrap();
    for bytes in [&cp1251, marked.as_slice(), crlf.as_bytes(), tabs.as_bytes()] {
        assert_eq!(read("f.csv", bytes).unwrap(), wanted);
    }
    let old = text(OLD).unwrap();
    assert_eq!((old.operations[0].amount, old.operations[0].net), (rub(200), Some(rub(191))));
    assert_eq!(days(&old.parts[0]), ["2022-12-15"]);
    let english = text(ENGLISH).unwrap();
    assert_eq!((english.operations[0].amount, english.operations[0].net), (rub(150), Some(rub(140))));
    assert_eq!(days(&english.parts[0]), ["2026-11-21"]);
}

#[test]
fn the_fee_is_known_from_the_net_amount_or_from_its_own_columns() {
    let net = |names: &str, cells: &str| {
        let text =
            format!("Идентификатор платежа;Сумма платежа;Валюта платежа;{names}\na;100.00;RUB;{cells}\n");
        read("f.csv", text.as_bytes()).map(|r| r.operations[0].net.map(Money::minor))
    };
    assert_eq!(net("Сумма за вычетом комиссии", "96.34"), Ok(Some(9_634)));
    assert_eq!(net("Сумма за вычетом комиссии", ""), Ok(None));
    assert_eq!(
        net("Сумма комиссии без НДС;НДС с комиссии;Комиссия за чеки с НДС", "3.00;0,66;0"),
        Ok(Some(9_634))
    );
    assert_eq!(net("Описание", "x"), Ok(None));
    let said = net("Сумма за вычетом комиссии", "100.01").unwrap_err().to_string();
    assert!(said.contains("at most the payment's own amount"), "{said}");
    assert!(net("Сумма комиссии", "100.01").is_err());
}

#[test]
fn an_empty_day_and_several_days_in_one_file_are_read() {
    let empty = PAYMENTS.lines().filter(|l| !l.contains(";RUB;")).collect::<Vec<_>>().join("\n");
    let empty = empty.replace(" 10.00", " 0.00").replace(" 9.57", " 0.00").replace(": 2\n", ": 0\n");
    let empty =
        empty.strip_suffix('2').unwrap_or(&empty).to_owned() + if empty.ends_with('2') { "0" } else { "" };
    let registry = text(&empty).unwrap();
    assert_eq!((registry.operations.len(), registry.parts[0].rows), (0, 0));
    let next = PAYMENTS.replace("2022-12-15", "2022-12-16").replace("276a", "376a").replace("21b2", "31b2");
    let both = text(&format!("{PAYMENTS}\n{next}")).unwrap();
    assert_eq!((both.operations.len(), both.parts.len()), (4, 2));
    assert_eq!(
        (days(&both.parts[0]), days(&both.parts[1])),
        (vec!["2022-12-15".into()], vec!["2022-12-16".into()])
    );
    let month = PAYMENTS.replace("Дата платежей: 2022-12-15", "Дата платежей: с 01.12.2022 по 31.12.2022");
    assert_eq!(text(&month).unwrap().parts[0].days.len(), 31);
    let with_refunds = text(&format!("{PAYMENTS}\n{REFUNDS}")).unwrap();
    assert_eq!(with_refunds.parts.iter().map(|p| p.kind).collect::<Vec<_>>(), KINDS);
}

#[test]
fn what_is_not_as_it_should_be_is_refused_with_its_place() {
    for (of, with, wanted) in [
        (
            ";2.00;RUB",
            ";2.0.0;RUB",
            "f.csv, line 4, column \"Сумма платежа\": found \"2.0.0\"; allowed: an amount",
        ),
        (";2.00;RUB", ";0.00;RUB", "line 4, column \"Сумма платежа\""),
        (";2.00;RUB", ";-2.00;RUB", "line 4, column \"Сумма платежа\""),
        (";2.00;RUB", ";2.00;USD", "line 4, column \"Валюта платежа\": found \"USD\"; allowed: RUB"),
        ("15.12.2022 12:37", "15.12.22 12:37", "line 4, column \"Время платежа\""),
        ("276a9776-000f-5000-a000-179a4d5c6bad", "", "line 4, column \"Идентификатор платежа\""),
        ("PC;;;;0,06", "PC;0,06", "line 5: found 10 cells; allowed: 13"),
        ("PC;;;;0,06", "PC;;;;0,06;7", "line 5: found 14 cells; allowed: 13"),
        (
            "платежей: 10.00",
            "платежей: 10.01",
            "line 7: the total does not add up: \"Сумма принятых платежей: 10.01 RUB\"",
        ),
        ("НДС: 9.57", "НДС: 9.58", "the rows come to 9.57"),
        ("платежей: 2\n", "платежей: 3\n", "line 9: the total does not add up"),
        ("платежей: 2\n", "платежей: two\n", "allowed: a number such as 12"),
        ("Число платежей: 2\n", "", "it may be cut off"),
        (";Валюта платежа;", ";Валюта;Валюта;", "two columns say the same"),
        (";Сумма платежа;", ";Сумма;", "it has no column \"сумма платежа\""),
        ("платежей: 2022-12-15", "платежей: с 2020-12-15 по 2022-12-15", "allowed: at most 400 days"),
        ("\nСумма принятых платежей:", "\nСумма возвратов:", "no refunds before it"),
    ] {
        let changed = PAYMENTS.replacen(of, with, 1);
        assert_ne!(changed, PAYMENTS, "{of}");
        let said = refused(&changed);
        assert!(said.starts_with("f.csv") && said.contains(wanted), "{wanted}\n{said}");
    }
    let after = format!("{PAYMENTS}b;1.00;RUB;0.90;0.10;;;;;;;;0\n");
    assert!(refused(&after).contains("line 10: a row after the totals"), "{}", refused(&after));
    for (bytes, wanted) in [
        (&b""[..], "it is empty"),
        (b"a;b;c\n1;2;3\n", "no header that is known"),
        (b"<html></html>", "no header that is known"),
        (b"\xd0\xcf\x11\xe0\xa1", "old Excel"),
        (b"PK\x03\x04 and so on", "no XLSX book"),
        (b"a\0b", "no text"),
    ] {
        let said = read("f.csv", bytes).unwrap_err().to_string();
        assert!(said.contains(wanted), "{said}");
    }
}

#[test]
fn a_file_that_is_too_large_is_refused() {
    let large = vec![b'a'; usize::try_from(BYTES_MAX).unwrap() + 1];
    assert!(read("f.csv", &large).unwrap_err().to_string().contains("at most 64 MB"));
    let header = "Идентификатор платежа;Сумма платежа;Валюта платежа\n";
    let rows = usize::try_from(ROWS_MAX).unwrap();
    let mut long = header.to_owned();
    long.reserve(rows * 9);
    (0..rows).for_each(|_| long.push_str("a;1;RUB\n"));
    assert!(refused(&long).contains("more than 1000000 rows"));
    assert!(text(&long[..long.len() - 8]).is_ok());
}

fn put(sheet: &mut Worksheet, row: u32, cells: &[&str]) {
    for (cell, column) in cells.iter().zip(0..) {
        sheet.write(row, column, *cell).unwrap();
    }
}

/// A book with a sheet of payments and one of refunds; amounts as numbers, times as dates.
fn book(amount: f64) -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet().set_name("Платежи").unwrap();
    let date = rust_xlsxwriter::Format::new().set_num_format("dd.mm.yyyy hh:mm:ss");
    sheet.write(0, 0, "РЕЕСТР ПЛАТЕЖЕЙ ПО ДОГОВОРУ НЭК.11322.23 (152368)").unwrap();
    sheet.write(1, 0, "Дата платежей: 2022-12-15").unwrap();
    let names = [
        "Идентификатор платежа",
        "Сумма платежа",
        "Валюта платежа",
        "Сумма за вычетом комиссии и НДС",
        "Время платежа",
        "Описание",
    ];
    put(sheet, 2, &names);
    sheet.write(3, 0, "a-1").unwrap();
    sheet.write(3, 1, amount).unwrap();
    sheet.write(3, 2, "RUB").unwrap();
    sheet.write(3, 3, "96,34").unwrap();
    let at = rust_xlsxwriter::ExcelDateTime::from_ymd(2022, 12, 15).unwrap().and_hms(12, 37, 7).unwrap();
    sheet.write_datetime_with_format(3, 4, &at, &date).unwrap();
    sheet.write(5, 0, "Сумма принятых платежей:").unwrap();
    sheet.write(5, 1, 100.05).unwrap();
    sheet.write(5, 2, "RUB").unwrap();
    sheet.write(6, 0, "Число платежей: 1").unwrap();
    let sheet = book.add_worksheet().set_name("Возвраты").unwrap();
    sheet.write(0, 0, "Дата возвратов: 2022-12-15").unwrap();
    let names = ["Идентификатор возврата", "Идентификатор платежа", "Сумма возврата", "Валюта возврата"];
    put(sheet, 1, &names);
    put(sheet, 2, &["r-1", "a-1", "50.05", "RUB"]);
    book.add_worksheet().set_name("Справка").unwrap().write(0, 0, "Вопросы: b2b_support").unwrap();
    book.save_to_buffer().unwrap()
}

#[test]
fn a_book_with_a_sheet_of_each_is_read() {
    let registry = read("f.xlsx", &book(100.05)).unwrap();
    let [paid, back] = registry.operations.as_slice() else { panic!("{registry:?}") };
    assert_eq!((paid.id.as_str(), paid.amount, paid.net), ("a-1", rub(10_005), Some(rub(9_634))));
    assert_eq!(paid.at, parse_rfc3339("2022-12-15T12:37:07+03:00"));
    assert_eq!((back.kind, back.amount), (MoneyMoved::Refund, rub(5_005)));
    assert_eq!(
        registry.parts.iter().map(|p| (p.kind, p.days.len())).collect::<Vec<_>>(),
        KINDS.map(|k| (k, 1))
    );
    let said = read("f.xlsx", &book(100.04)).unwrap_err().to_string();
    assert!(said.starts_with("f.xlsx, sheet \"Платежи\", line 6: the total does not add up"), "{said}");
    let said = read("f.xlsx", &book(100.055)).unwrap_err().to_string();
    assert!(said.contains("line 4, column \"Сумма платежа\": found \"100.055\""), "{said}");
}

#[test]
fn a_sheet_with_a_table_of_an_unknown_layout_is_refused() {
    let mut book = Workbook::new();
    put(book.add_worksheet(), 0, &["что-то"; 4]);
    let said = read("f.xlsx", &book.save_to_buffer().unwrap()).unwrap_err().to_string();
    assert!(said.contains("line 1: a table of an unknown layout"), "{said}");
}

static BOOK: LazyLock<Vec<u8>> = LazyLock::new(|| book(100.05));

/// The book's parts by name.
static PARTS: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
    let mut zip = zip::ZipArchive::new(Cursor::new(BOOK.as_slice())).unwrap();
    let names: Vec<String> = zip.file_names().map(|name| name.unwrap().into_owned()).collect();
    let part = |name: String| {
        let mut bytes = Vec::new();
        zip.by_name(&name).unwrap().read_to_end(&mut bytes).unwrap();
        (name, bytes)
    };
    names.into_iter().map(part).collect()
});

/// A sound archive of these parts.
fn zipped(parts: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        zip.start_file(name.as_str(), zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Bytes changed, cut out or put in.
fn damaged(of: &[u8], damages: &[(prop::sample::Index, u8, u8)]) -> Vec<u8> {
    let mut bytes = of.to_vec();
    for (place, how, byte) in damages {
        if bytes.is_empty() {
            break;
        }
        let place = place.index(bytes.len());
        match how % 4 {
            0 => bytes[place] = *byte,
            1 => drop(bytes.remove(place)),
            2 => bytes.insert(place, *byte),
            _ => bytes.truncate(place.max(1)),
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..2_000), zip in any::<bool>()) {
        let bytes = if zip { [b"PK\x03\x04", bytes.as_slice()].concat() } else { bytes };
        let _ = read("f", &bytes);
    }

    #[test]
    fn no_text_makes_it_panic(lines in prop::collection::vec("[;,.:\"\t a-яЁ0-9]{0,60}|Идентификатор платежа;Сумма платежа;Валюта платежа|a;1,5;RUB|Число платежей: [0-9]{0,3}", 0..20)) {
        let _ = text(&lines.join("\n"));
    }

    /// The archive is sound, and what is in it is not: some of XML's own marks and numbers among the damage.
    #[test]
    fn no_damaged_book_makes_it_panic(
        part in any::<prop::sample::Index>(),
        marks in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(b"<>/\"=&;0195-AZ:.r".to_vec())), 0..4),
        damages in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<u8>()), 0..3),
    ) {
        let mut parts = PARTS.clone();
        let bytes = &mut part.get_mut(&mut parts).1;
        for (place, mark) in marks {
            let place = place.index(bytes.len());
            bytes[place] = mark;
        }
        *bytes = damaged(bytes, &damages);
        let _ = read("f.xlsx", &zipped(&parts));
    }

    /// Whatever is taken of a damaged registry adds up to what its totals say.
    #[test]
    fn a_damaged_registry_is_refused_or_whole(
        damages in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<u8>()), 1..6),
    ) {
        if let Ok(registry) = read("f.csv", &damaged(PAYMENTS.as_bytes(), &damages)) {
            for part in registry.parts.iter().filter(|part| !part.days.is_empty()) {
                prop_assert_eq!(part.rows, 2);
            }
        }
        let _ = read("f.xlsx", &damaged(&BOOK, &damages));
    }
}
