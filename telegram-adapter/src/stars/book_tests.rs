use std::sync::Mutex;

use serde_json::json;

use super::*;

/// A book in memory that does odd things at the call with this number.
#[derive(Clone, Default)]
struct Fake(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    rows: Vec<Value>,
    calls: usize,
    odd: Option<(usize, Odd)>,
}

#[derive(Clone, Copy)]
enum Odd {
    /// Shows less than there is.
    Short(usize),
    /// Does not answer.
    Fails,
    /// Some rows are written here, not at the end.
    Inserts(usize),
    /// Begins anew.
    Burns,
}

impl Rows for Fake {
    async fn rows(&self, number: u64, count: u8) -> Result<Vec<Value>, Error> {
        let mut inner = self.0.lock().unwrap();
        inner.calls += 1;
        let this = inner.calls;
        let odd = inner.odd.take_if(|(call, _)| *call == this).map(|(_, odd)| odd);
        let mut count = usize::from(count);
        match odd {
            Some(Odd::Fails) => return Err(Error::InDoubt("no answer in time".to_owned())),
            Some(Odd::Short(most)) => count = count.min(most),
            Some(Odd::Inserts(at)) => {
                let late = ["late1", "late2", "late3"].map(|id| row("source", id, 0));
                drop(inner.rows.splice(at..at, late));
            }
            Some(Odd::Burns) => inner.rows.clear(),
            None => {}
        }
        Ok(inner.rows.iter().skip(usize::try_from(number).unwrap()).take(count).cloned().collect())
    }
}

impl Fake {
    fn calls(&self) -> usize {
        self.0.lock().unwrap().calls
    }

    /// From now on, at so many calls from here.
    fn will(&self, calls: usize, odd: Odd) {
        let mut inner = self.0.lock().unwrap();
        inner.odd = Some((inner.calls + calls, odd));
    }
}

fn row(side: &str, id: &str, minute: usize) -> Value {
    let partner = json!({"type": "user", "transaction_type": "invoice_payment", "user": {"id": 42}});
    json!({"id": id, "amount": 75, "date": 1_790_000_000 + 60 * minute, side: partner})
}

/// So many payments, a minute each; the refund of the one named `back` comes last.
fn book(count: usize, back: Option<usize>) -> (Fake, Book<Fake>) {
    let fake = Fake::default();
    let mut rows: Vec<Value> = (0..count).map(|n| row("source", &format!("c{n}"), n)).collect();
    rows.extend(back.map(|n| row("receiver", &format!("c{n}"), count)));
    fake.0.lock().unwrap().rows = rows;
    (fake.clone(), Book::new(fake))
}

fn charge(n: usize) -> ProviderId {
    ProviderId::lossy(&format!("c{n}"))
}

#[test]
fn the_end_is_found_in_few_steps() {
    for count in [0, 1, 2, 3, 7, 8, 9, 1_000, 123_457] {
        for known in [0, count / 2, count] {
            let (mut search, mut asked) = (Search::from(known), 0);
            while let Some(number) = search.next() {
                search.learn(number, number < count);
                asked += 1;
            }
            assert_eq!(search.absent, count, "from {known}");
            assert!(asked <= 2 * 18, "{count} from {known}: {asked}");
        }
    }
}

#[tokio::test]
async fn an_end_that_is_known_takes_one_call_and_an_endless_book_is_refused() {
    let (fake, book) = book(1_000, None);
    assert_eq!(book.end().await.unwrap(), 1_000);
    let calls = fake.calls();
    assert_eq!(book.end().await.unwrap(), 1_000);
    assert_eq!(fake.calls(), calls + 1);

    #[derive(Clone)]
    struct Endless;
    impl Rows for Endless {
        async fn rows(&self, _: u64, _: u8) -> Result<Vec<Value>, Error> {
            Ok(vec![Value::Null])
        }
    }
    assert!(matches!(Book::new(Endless).end().await, Err(Error::InDoubt(_))));
}

#[tokio::test]
async fn a_time_has_its_first_row_and_pages_lead_to_the_end() {
    let (_, book) = book(1_000, None);
    let at = |minute: i64| clock::of_seconds(1_790_000_000 + 60 * minute).unwrap();
    for (minute, number) in [(-5, 0), (0, 0), (1, 1), (700, 700), (999, 999), (5_000, 1_000)] {
        assert_eq!(book.since(at(minute)).await.unwrap(), number, "{minute}");
    }
    let (mut number, mut seen) = (700, 0);
    loop {
        let page = book.page(number).await.unwrap();
        assert!(page.rows.len() <= 100);
        if page.next == number {
            break;
        }
        (number, seen) = (page.next, seen + page.rows.len());
    }
    assert_eq!((number, seen), (1_000, 300));
}

#[tokio::test]
async fn a_charge_is_found_with_its_refund_wherever_it_stands() {
    for n in [0, 1, 99, 100, 101, 198, 199, 297, 500, 899, 900, 998, 999] {
        let found = book(1_000, Some(n)).1.find(&charge(n)).await.unwrap();
        assert!(found.paid.is_some() && found.returned.is_some(), "{n}");
        let found = book(1_000, None).1.find(&charge(n)).await.unwrap();
        assert!(found.paid.is_some() && found.returned.is_none(), "{n}");
    }
    for count in [0, 1, 99, 100, 101, 1_000] {
        assert_eq!(book(count, None).1.find(&charge(5_000)).await.unwrap(), Found::default(), "{count}");
    }
}

#[tokio::test]
async fn a_refund_is_found_where_it_stands_however_far_back_its_payment_is() {
    let (fake, mut long) = book(100_000, Some(3));
    long.pages_max = 3;
    long.end().await.unwrap();
    let before = fake.calls();
    assert!(long.returned(&charge(3)).await.unwrap().is_some());
    assert!(fake.calls() - before <= 4, "{} calls", fake.calls() - before);
    assert!(long.find(&charge(3)).await.is_err(), "its payment is not at hand");
    assert!(long.returned(&charge(4)).await.is_err(), "nor is it known that another did not go back");
    for n in [0, 99, 100, 500, 999] {
        assert!(book(1_000, Some(n)).1.returned(&charge(n)).await.unwrap().is_some(), "{n}");
        assert_eq!(book(1_000, None).1.returned(&charge(n)).await.unwrap(), None, "{n}");
    }
    assert_eq!(book(1_000, None).1.returned(&charge(5_000)).await.unwrap(), None);
}

#[tokio::test]
async fn a_page_that_comes_short_is_asked_for_again_and_one_that_does_not_come_is_an_error() {
    let looks = {
        let (fake, book) = book(1_000, Some(3));
        book.end().await.unwrap();
        let before = fake.calls();
        book.find(&charge(3)).await.unwrap();
        fake.calls() - before
    };
    assert!(looks > 10, "{looks}");
    for call in 1..=looks {
        let (fake, book) = book(1_000, Some(3));
        book.end().await.unwrap();
        // The first asks for the end alone.
        if call > 1 {
            fake.will(call, Odd::Short(7));
            let found = book.find(&charge(3)).await.unwrap();
            assert!(found.paid.is_some() && found.returned.is_some(), "{call}");
        }
        fake.will(call, Odd::Fails);
        assert!(book.find(&charge(3)).await.is_err(), "{call}");
        let found = book.find(&charge(3)).await.unwrap();
        assert!(found.paid.is_some() && found.returned.is_some(), "{call}: the next look is whole");
    }
}

#[tokio::test]
async fn a_book_that_moves_under_the_reader_is_never_half_a_look() {
    // What stands where two pages meet could slip from the one to the other.
    for n in (0..3).chain(98..106).chain(196..206) {
        for (at, call) in [0, 50, 150, 250].into_iter().flat_map(|at| (1..=5).map(move |call| (at, call))) {
            let (fake, book) = book(300, Some(n));
            book.end().await.unwrap();
            fake.will(call, Odd::Inserts(at));
            // Either it is seen and said, or nothing was missed.
            if let Ok(found) = book.find(&charge(n)).await {
                assert!(found.paid.is_some() && found.returned.is_some(), "{n}: rows at {at} at call {call}");
            }
            let found = book.find(&charge(n)).await.unwrap();
            assert!(found.paid.is_some() && found.returned.is_some(), "{n}: the look after that");
        }
    }
    let (fake, book) = book(1_000, None);
    book.end().await.unwrap();
    fake.will(2, Odd::Burns);
    assert!(book.find(&charge(3)).await.is_err(), "another book is not one without this charge");
    assert_eq!(book.find(&charge(3)).await.unwrap(), Found::default());
}

#[tokio::test]
async fn what_lies_too_far_back_is_said_and_is_not_none() {
    let (_, mut book) = book(1_000, None);
    book.pages_max = 3;
    let Err(Error::InDoubt(why)) = book.find(&charge(3)).await else { panic!() };
    assert!(why.contains("the last 300 rows"), "{why}");
    assert!(book.find(&charge(950)).await.unwrap().paid.is_some());
}
