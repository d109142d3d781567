//! `ledger export --ndjson`: the log itself, to be verified anywhere (docs/PROOFS.md).

use sqlx::PgPool;

use super::super::progress::Progress;
use super::Range;
use super::output::Output;
use crate::proofs::export;

pub async fn write(
    pool: &PgPool,
    range: Range,
    output: &mut Output,
    progress: &mut Progress,
) -> anyhow::Result<()> {
    let (from, to) = (range.from, range.to.position);
    export::write(pool, Some(from), Some(to), output, |done, of| progress.at(done, of)).await?;
    Ok(())
}
