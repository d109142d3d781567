//! cala-ledger: credits are a currency, what is reserved stands in the layer PENDING. Singly, and as a
//! batch of half of what is in flight for each of two workers.

use std::time::Duration;

use anyhow::{Result, anyhow};
use cala_ledger::account::NewAccount;
use cala_ledger::job::{JobSvcConfig, Jobs};
use cala_ledger::journal::NewJournal;
use cala_ledger::posting::PostingInput;
use cala_ledger::tx_template::{
    NewParamDefinition, NewTxTemplate, NewTxTemplateEntry, NewTxTemplateTransaction, ParamDataType, Params,
};
use cala_ledger::{AccountId, CalaLedger, CalaLedgerConfig, JournalId, TransactionId};
use rust_decimal::Decimal;
use sqlx::postgres::PgPool;
use uuid::Uuid;

use crate::{ACCOUNTS, IN_FLIGHT, Operation, Rates, workers};

#[derive(Clone)]
struct Books {
    cala: CalaLedger,
    accounts: Vec<AccountId>,
}

pub async fn measure(pool: PgPool, time: Duration) -> Result<Rates> {
    let migrated = CalaLedgerConfig::builder().pool(pool.clone()).exec_migrations(true).build();
    let mut jobs = Jobs::init(JobSvcConfig::builder().pool(pool).build().map_err(|e| anyhow!("{e:?}"))?)
        .await
        .map_err(|e| anyhow!("{e:?}"))?;
    let cala = CalaLedger::init(migrated.map_err(|e| anyhow!("{e:?}"))?, &mut jobs)
        .await
        .map_err(|e| anyhow!("{e:?}"))?;
    let books = open(cala).await?;
    let mut progress = vec![0; ACCOUNTS];
    let mut rates = Vec::new();
    for in_flight in IN_FLIGHT {
        let singly = post(&books, in_flight, 1, time / 2, &mut progress).await?;
        let batch = (in_flight / 2).max(1);
        let batched = post(&books, (in_flight / batch).min(2), batch, time / 2, &mut progress).await?;
        rates.push((in_flight, singly.max(batched)));
    }
    Ok(rates)
}

async fn open(cala: CalaLedger) -> Result<Books> {
    let (journal, shop) = (JournalId::new(), AccountId::new());
    let new = NewJournal::builder().id(journal).name("credits").build();
    cala.journals().create(new).await.map_err(|e| anyhow!("{e:?}"))?;
    let mut accounts = Vec::new();
    for n in 0..=ACCOUNTS {
        let id = if n == ACCOUNTS { shop } else { AccountId::new() };
        let new = NewAccount::builder().id(id).name(format!("account {n}")).code(format!("a{n}")).build();
        cala.accounts().create(new).await.map_err(|e| anyhow!("{e:?}"))?;
        accounts.push(id);
    }
    accounts.truncate(ACCOUNTS);
    for operation in [Operation::Topup, Operation::Reserve, Operation::Commit] {
        let template = template(operation, journal)?;
        cala.tx_templates().create(template).await.map_err(|e| anyhow!("{e:?}"))?;
    }
    Ok(Books { cala, accounts })
}

fn code(operation: Operation) -> &'static str {
    match operation {
        Operation::Topup => "TOPUP",
        Operation::Reserve => "RESERVE",
        Operation::Commit => "COMMIT",
    }
}

/// Each operation moves credits within the person's account and a counter-account of the person's, so that
/// no account is everybody's.
fn template(operation: Operation, journal: JournalId) -> Result<NewTxTemplate> {
    let param = |name: &str, r#type| NewParamDefinition::builder().name(name).r#type(r#type).build();
    let entry = |kind: &str, layer: &str, direction: &str| {
        NewTxTemplateEntry::builder()
            .entry_type(format!("'{}_{kind}'", code(operation)))
            .account_id("params.person")
            .layer(layer)
            .direction(direction)
            .units("params.credits")
            .currency("'USD'")
            .build()
    };
    let (from, to) = match operation {
        Operation::Topup => (("OUT", "SETTLED", "DEBIT"), ("IN", "SETTLED", "CREDIT")),
        Operation::Reserve => (("OUT", "PENDING", "DEBIT"), ("IN", "PENDING", "CREDIT")),
        Operation::Commit => (("OUT", "SETTLED", "DEBIT"), ("IN", "SETTLED", "CREDIT")),
    };
    let entries = [from, to].map(|(kind, layer, direction)| entry(kind, layer, direction));
    let entries = entries.into_iter().collect::<Result<Vec<_>, _>>().map_err(|e| anyhow!("{e:?}"))?;
    let params = [param("person", ParamDataType::Uuid), param("credits", ParamDataType::Decimal)];
    let params = params.into_iter().collect::<Result<Vec<_>, _>>().map_err(|e| anyhow!("{e:?}"))?;
    let transaction = NewTxTemplateTransaction::builder()
        .effective("date()")
        .journal_id(format!("uuid('{}')", Uuid::from(journal)))
        .build()
        .map_err(|e| anyhow!("{e:?}"))?;
    let template = NewTxTemplate::builder().id(Uuid::now_v7()).code(code(operation)).params(params);
    Ok(template.transaction(transaction).entries(entries).build())
}

async fn post(
    books: &Books,
    in_flight: usize,
    batch: usize,
    time: Duration,
    progress: &mut [usize],
) -> Result<f64> {
    let books = books.clone();
    workers(in_flight, time, progress, move |account, step| {
        let books = books.clone();
        async move {
            let posting = |n: usize| {
                let operation = Operation::of_step(step + n);
                let mut params = Params::new();
                params.insert("person", books.accounts[(account + n * 7) % ACCOUNTS]);
                params.insert("credits", Decimal::from(operation.credits()));
                PostingInput::new(TransactionId::new(), code(operation), params)
            };
            let postings: Vec<PostingInput> = (0..batch).map(posting).collect();
            let posted = books.cala.post_transactions(postings).await;
            posted.map_err(|error| anyhow!("{error:?}"))?;
            Ok(batch)
        }
    })
    .await
}
