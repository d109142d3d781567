//! The trial balance: what was debited and credited to each account of the books, in all, at the
//! end of each chunk of 2^10 positions.
//!
//! So the books of any position are the rows of the chunk before it and the events since: at most
//! 1 024, whatever the length of the log (`books::trial_balance`). Cost: some 25 rows a step, and as many a chunk:
//! 250 000 of 10 million events.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use ledger_domain::postings;
use sqlx::{AssertSqlSafe, PgConnection};

use super::{Definition, Fold, FoldError, Needs, TableDef, Tables};
use crate::books::trial_balance::{Books, end_of_chunk};
use crate::tail::Entry;

pub(super) static DEFINITION: Definition = Definition {
    name: "trial_balance",
    version: 2,
    needs: Needs::Payload,
    pace: Duration::from_millis(500),
    tables: &[TableDef {
        suffix: "",
        // The last position of the chunk, so that chunks of another size are not taken for these.
        columns: "through bigint NOT NULL, account text NOT NULL, asset text NOT NULL, \
            debit bigint NOT NULL CHECK (debit >= 0), credit bigint NOT NULL CHECK (credit >= 0)",
        key: "through, account, asset",
        indexes: &[],
        fillfactor: 50,
    }],
    make: |tables| {
        Box::new(TrialBalance {
            tables,
            is_known: false,
            through: 0,
            books: Books::default(),
            written: Books::default(),
            closed: BTreeMap::new(),
        })
    },
};

struct TrialBalance {
    tables: Tables,
    /// The newest chunk has been read.
    is_known: bool,
    /// Where the open chunk ends.
    through: i64,
    /// Through the last event taken.
    books: Books,
    /// Of the chunk, as the table has it.
    written: Books,
    /// Chunks that ended since the last flush, by their ends.
    closed: BTreeMap<i64, Books>,
}

impl Fold for TrialBalance {
    fn load<'a>(
        &'a mut self,
        tx: &'a mut PgConnection,
        entries: &'a [Arc<Entry>],
    ) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            let Some(first) = entries.first().filter(|_| !self.is_known) else { return Ok(()) };
            let sql = format!(
                "SELECT account, asset, debit, credit FROM {0} WHERE through = (SELECT max(through) FROM {0})",
                self.tables.main()
            );
            let found: Vec<(String, String, i64, i64)> =
                sqlx::query_as(AssertSqlSafe(sql)).fetch_all(tx).await?;
            self.books = Books::of(found);
            self.written = self.books.clone();
            // The chunk of the event before these.
            self.through = end_of_chunk((first.row.position - 1).max(1));
            self.is_known = true;
            Ok(())
        })
    }

    fn take(&mut self, entry: &Entry) -> Result<(), FoldError> {
        let position = entry.row.position;
        if position > self.through {
            self.closed.insert(self.through, self.books.clone());
            self.written = Books::default();
            self.through = end_of_chunk(position);
        }
        let postings = postings(entry.event().map_err(|_| FoldError::unreadable(entry))?);
        // Invariant: each event's postings sum to zero per asset, so that the books do.
        let mut off = [0i64; 3];
        for posting in postings {
            off[posting.asset as usize] += posting.amount;
            self.books.post(&posting).ok_or_else(|| {
                FoldError::broken(position, format!("the sum of {} does not fit", posting.account))
            })?;
        }
        match off {
            [0, 0, 0] => Ok(()),
            off => Err(FoldError::broken(position, format!("its postings sum to {off:?}, not to zero"))),
        }
    }

    fn flush<'a>(&'a mut self, tx: &'a mut PgConnection) -> BoxFuture<'a, Result<(), sqlx::Error>> {
        Box::pin(async move {
            let sql = format!(
                "INSERT INTO {} (through, account, asset, debit, credit) \
                 SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::bigint[]) \
                 ON CONFLICT (through, account, asset) DO UPDATE SET debit = excluded.debit, credit = excluded.credit",
                self.tables.main()
            );
            let closed =
                self.closed.iter().flat_map(|(through, books)| books.lines().map(move |l| (*through, l)));
            let open = self.books.changed_since(&self.written).map(|line| (self.through, line));
            let rows: Vec<_> = closed.chain(open).collect();
            if rows.is_empty() {
                return Ok(());
            }
            sqlx::query(AssertSqlSafe(sql))
                .bind(rows.iter().map(|(through, _)| *through).collect::<Vec<_>>())
                .bind(rows.iter().map(|(_, l)| l.account).collect::<Vec<_>>())
                .bind(rows.iter().map(|(_, l)| l.asset.code()).collect::<Vec<_>>())
                .bind(rows.iter().map(|(_, l)| l.debit).collect::<Vec<_>>())
                .bind(rows.iter().map(|(_, l)| l.credit).collect::<Vec<_>>())
                .execute(tx)
                .await?;
            self.closed.clear();
            self.written.clone_from(&self.books);
            Ok(())
        })
    }
}
