//! One table of text, row by row: preamble, header, operations, totals; and again, where a file holds several.

use std::collections::BTreeSet;
use std::sync::Arc;

use proto_events::Money;
use proto_events::events::MoneyMoved;

use super::columns::Columns;
use super::totals::{Sums, TOTALS, Total};
use super::values::{self, AMOUNT, COUNT, CURRENCY, ID, PERHAPS, TIME};
use super::{Part, ROWS_MAX, Refused, Registry, shown};
use crate::books::moscow::Day;
use crate::books::words::count;
use crate::reconcile::operation::{Operation, plural};

/// A file for a period is of at most a quarter; this is above it.
const DAYS_MAX: i32 = 400;

/// With what a line begins that is text between tables, in lower case.
const TEXTS: [&str; 24] = [
    "сумма ",
    "число ",
    "количество ",
    "итого",
    "всего",
    "по договору",
    "от:",
    "реестр",
    "дата ",
    "период",
    "за период",
    "магазин",
    "total",
    "the amount ",
    "the number ",
    "amount of ",
    "number of ",
    "from:",
    "under the contract",
    "(under the contract",
    "payment date",
    "refund date",
    "period",
    "register",
];

/// With what a line begins that says of which days the table is.
const DATES: [&str; 9] =
    ["дата", "период", "за период", "за ", "date", "period", "payment date", "refund date", "payments date"];

struct Table {
    columns: Arc<Columns>,
    part: Part,
    sums: Sums,
    /// Text has come after its rows.
    over: bool,
    counted: bool,
}

pub struct Sheet<'r> {
    file: &'r str,
    name: Option<&'r str>,
    /// What stood between cells of a line of text.
    joint: &'static str,
    out: &'r mut Registry,
    /// Rows of all sheets so far.
    rows: &'r mut u64,
    days: BTreeSet<Day>,
    table: Option<Table>,
    /// Of all tables of this kind so far: payments, refunds.
    whole: [Sums; 2],
    /// The first row that looked like one of a table, before any header.
    stray: Option<(u64, String)>,
}

impl<'r> Sheet<'r> {
    pub fn new(
        file: &'r str,
        name: Option<&'r str>,
        joint: &'static str,
        out: &'r mut Registry,
        rows: &'r mut u64,
    ) -> Self {
        let (days, whole) = (BTreeSet::new(), [Sums::default(); 2]);
        Self { file, name, joint, out, rows, days, table: None, whole, stray: None }
    }

    /// Cells of a row of the table that is being read.
    pub fn width(&self) -> usize {
        self.table.as_ref().map_or(0, |table| table.columns.names.len())
    }

    pub fn refused(&self, line: Option<u64>, column: Option<&str>, what: impl Into<String>) -> Refused {
        Refused {
            file: self.file.to_owned(),
            sheet: self.name.map(str::to_owned),
            line,
            column: column.map(str::to_owned),
            what: what.into(),
        }
    }

    /// Takes the next row; its cells are trimmed.
    pub fn row(&mut self, line: u64, cells: &[&str]) -> Result<(), Refused> {
        *self.rows += 1;
        if *self.rows > ROWS_MAX {
            return Err(self.refused(Some(line), None, format!("more than {ROWS_MAX} rows are not read")));
        }
        let filled = cells.iter().filter(|cell| !cell.is_empty()).count();
        if filled == 0 {
            return Ok(());
        }
        // Names have no amounts: rows, which are many, are not compared with them.
        let open = self.table.as_ref().filter(|table| !table.over);
        if open.is_some_and(|table| looks_like_one(&table.columns, cells)) {
            return self.operation(line, cells);
        }
        let header = Columns::of(cells).map_err(|what| self.refused(Some(line), None, what))?;
        if let Some(columns) = header {
            return self.open(columns);
        }
        let first = cells[0].to_lowercase();
        let is_text = TEXTS.iter().any(|begin| first.starts_with(begin));
        match &mut self.table {
            Some(table) if !table.over && !is_text => self.operation(line, cells),
            Some(_) if filled > 2 && !is_text => {
                let what =
                    format!("a row after the totals: {}; allowed: text, or another header", shown(cells[0]));
                Err(self.refused(Some(line), None, what))
            }
            None if filled > 2 && !is_text => {
                self.stray.get_or_insert_with(|| (line, cells.join(";")));
                Ok(())
            }
            _ => self.text(line, &cells.join(self.joint)),
        }
    }

    fn open(&mut self, columns: Columns) -> Result<(), Refused> {
        self.close(None)?;
        let (days, made) = (self.days.clone(), BTreeSet::new());
        let part = Part { kind: columns.kind, days, rows: 0, made };
        let columns = Arc::new(columns);
        self.table = Some(Table { columns, part, sums: Sums::default(), over: false, counted: false });
        Ok(())
    }

    /// The end of a table. `must`: it has to say how many rows it has.
    fn close(&mut self, must: Option<&str>) -> Result<(), Refused> {
        let Some(table) = self.table.take() else { return Ok(()) };
        if let Some(why) = must.filter(|_| !table.counted && !table.part.days.is_empty()) {
            return Err(self.refused(None, None, why));
        }
        self.out.parts.push(table.part);
        Ok(())
    }

    /// The end of the sheet. `counted`: each table with a preamble has to say how many rows it has.
    pub fn end(mut self, counted: bool) -> Result<(), Refused> {
        let why = "it ends without saying how many rows it has (\"Число платежей\"): it may be cut off";
        self.close(counted.then_some(why))?;
        match self.stray.take() {
            None => Ok(()),
            Some((line, found)) => Err(self.refused(
                Some(line),
                None,
                format!("a table of an unknown layout: {}; allowed: {LAYOUTS}", shown(&found)),
            )),
        }
    }

    fn text(&mut self, line: u64, text: &str) -> Result<(), Refused> {
        let lower = text.trim().to_lowercase();
        if let Some(table) = &mut self.table {
            table.over = true;
        }
        if DATES.iter().any(|begin| lower.starts_with(begin)) {
            return self.dates(line, &lower);
        }
        let (name, value) = match lower.split_once(':') {
            Some(parts) => parts,
            None => lower.split_at(lower.find(|c: char| c.is_ascii_digit()).unwrap_or(lower.len())),
        };
        let found = TOTALS.iter().find(|(_, _, names)| names.contains(&name.trim()));
        match found {
            Some((kind, total, _)) => self.total(line, text, *kind, *total, value.trim()),
            None => Ok(()),
        }
    }

    fn dates(&mut self, line: u64, text: &str) -> Result<(), Refused> {
        let days = values::days_in(text);
        let (Some(first), Some(last)) = (days.iter().min(), days.iter().max()) else { return Ok(()) };
        if last.0 - first.0 > DAYS_MAX {
            let what = format!("found the days {first} to {last}; allowed: at most {DAYS_MAX} days");
            return Err(self.refused(Some(line), None, what));
        }
        self.days = (first.0..=last.0).map(Day).collect();
        Ok(())
    }

    /// A total is of its table, or of all tables of its kind in this sheet.
    fn total(
        &mut self,
        line: u64,
        text: &str,
        kind: MoneyMoved,
        total: Total,
        value: &str,
    ) -> Result<(), Refused> {
        let number =
            value.trim_end_matches(|c: char| c.is_alphabetic() || c.is_whitespace() || "₽.;".contains(c));
        let read = if total == Total::Count { number.parse().ok() } else { values::kopecks(number) };
        let Some(said) = read else {
            let allowed = if total == Total::Count { COUNT } else { PERHAPS };
            return Err(self.refused(
                Some(line),
                None,
                format!("found the total {}; allowed: {allowed}", shown(text)),
            ));
        };
        let whole = self.whole[usize::from(kind == MoneyMoved::Refund)];
        let Some(table) = self.table.as_mut().filter(|table| table.part.kind == kind) else {
            let what = format!("found the total {}, but no {} before it", shown(text), plural(kind));
            return Err(self.refused(Some(line), None, what));
        };
        table.counted |= total == Total::Count;
        let (own, whole) = (table.sums.of(total), whole.of(total));
        if own.is_none_or(|own| own == said || whole == Some(said)) {
            return Ok(());
        }
        let show = |n: i64| match total {
            Total::Count => n.to_string(),
            Total::Amount | Total::Net => format!("{}.{:02}", n / 100, n % 100),
        };
        let own = show(own.unwrap_or_default());
        let what = format!("the total does not add up: {}, and the rows come to {own}", shown(text));
        Err(self.refused(Some(line), None, what))
    }

    fn operation(&mut self, line: u64, cells: &[&str]) -> Result<(), Refused> {
        let Some(table) = &self.table else { return Ok(()) };
        let (columns, width) = (Arc::clone(&table.columns), table.columns.names.len());
        // Trailing delimiters are no cells; missing ones are a row that is cut off.
        let surplus = cells.iter().skip(width).any(|cell| !cell.is_empty());
        if cells.len() < width || surplus {
            let what = format!(
                "found {}; allowed: {width}, as in the header",
                count(i64::try_from(cells.len()).unwrap_or(i64::MAX), "cell")
            );
            return Err(self.refused(Some(line), None, what));
        }
        let bad = |place: usize, allowed: &str| {
            let what = format!("found {}; allowed: {allowed}", shown(cells[place]));
            self.refused(Some(line), Some(&columns.names[place]), what)
        };
        let money = |place: usize| values::rubles(cells[place]);
        let perhaps = |place: Option<usize>| match place.filter(|place| !cells[*place].is_empty()) {
            None => Ok(None),
            Some(place) => money(place).map(Some).ok_or_else(|| bad(place, PERHAPS)),
        };
        let id = values::id(cells[columns.id]).ok_or_else(|| bad(columns.id, ID))?;
        values::currency(cells[columns.currency]).ok_or_else(|| bad(columns.currency, CURRENCY))?;
        let amount = money(columns.amount).filter(|m| m.minor() > 0);
        let amount = amount.ok_or_else(|| bad(columns.amount, AMOUNT))?;
        let payment_id = match columns.payment_id.filter(|place| !cells[*place].is_empty()) {
            None => None,
            Some(place) => Some(values::id(cells[place]).ok_or_else(|| bad(place, ID))?),
        };
        let at = match columns.time.filter(|place| !cells[*place].is_empty()) {
            None => None,
            Some(place) => Some(values::time(cells[place]).ok_or_else(|| bad(place, TIME))?),
        };
        let mut net = perhaps(columns.net)?;
        let fee = perhaps(columns.fee)?;
        let mut parts = 0;
        for place in &columns.fee_parts {
            parts += perhaps(Some(*place))?.map_or(0, Money::minor);
        }
        if columns.net.is_none() {
            let left = fee.map(|fee| amount.minor() - fee.minor() - parts);
            net = left.and_then(|left| Money::new(left, amount.currency).ok());
        }
        if let Some(place) =
            columns.net.or(columns.fee).filter(|_| net.is_none_or(|net| net.minor() > amount.minor()))
            && (net.is_some() || fee.is_some())
        {
            return Err(bad(place, "at most the payment's own amount"));
        }
        let operation = Operation { kind: columns.kind, id, payment_id, amount, net, at };
        self.keep(operation);
        Ok(())
    }

    fn keep(&mut self, operation: Operation) {
        let (amount, net) = (operation.amount.minor(), operation.net.map(Money::minor));
        self.whole[usize::from(operation.kind == MoneyMoved::Refund)].add(amount, net);
        if let Some(table) = &mut self.table {
            table.sums.add(amount, net);
            table.part.rows += 1;
            table.part.made.extend(operation.at.map(Day::of));
        }
        self.out.operations.push(operation);
    }
}

/// Is it a row of an operation, however the rest of it may be?
fn looks_like_one(columns: &Columns, cells: &[&str]) -> bool {
    let is = |place: usize, check: fn(&str) -> bool| cells.get(place).is_some_and(|cell| check(cell));
    is(columns.amount, |cell| values::kopecks(cell).is_some())
        && is(columns.id, |cell| values::id(cell).is_some())
}

/// What is told where no header is found.
pub const LAYOUTS: &str = "YooKassa's registry of payments (\"Идентификатор платежа\", \"Сумма платежа\", \"Валюта платежа\", …) \
     or of refunds (\"Идентификатор возврата\", \"Сумма возврата\", \"Валюта возврата\", …), in Russian or English";
