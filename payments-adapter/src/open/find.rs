//! Looks for our payment in YooKassa's list, which can't be filtered by metadata.

use proto_events::{Micros, PaymentId};

use crate::yookassa::{Error, Listed, Payment, YooKassa};

/// Clocks may differ by so much.
const SLACK_MS: i64 = 5 * 60_000;
/// A key is known for 24 h from the first call, which comes at most that long after the opening.
const AFTER_MS: i64 = 48 * 3_600_000;
/// 100 payments a page: a shop that makes more in that time must be reconciled by a person.
const PAGES_MAX: u32 = 200;

/// Pages through what was made around that time, newest first. One that was paid goes before others.
pub(super) async fn find(
    yookassa: &YooKassa,
    payment: PaymentId,
    opened_at: Micros,
    now: Micros,
) -> Result<Option<Payment>, Error> {
    let from = opened_at.plus_ms(-SLACK_MS);
    let to = opened_at.plus_ms(AFTER_MS).min(now.plus_ms(SLACK_MS));
    let (mut best, mut cursor) = (None::<Payment>, None);
    for _ in 0..PAGES_MAX {
        let page = yookassa.list(Listed::Made { from, to }, cursor.as_deref()).await?;
        for found in page.items.into_iter().filter(|found| found.ours() == Some(payment)) {
            if best.as_ref().is_none_or(|best| rank(&found) > rank(best)) {
                best = Some(found);
            }
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(best);
        }
    }
    // Half a look must not pass for a look that found nothing.
    match best {
        Some(found) => Ok(Some(found)),
        None => Err(Error::Unknown { codes: "the list is too long".into() }),
    }
}

fn rank(payment: &Payment) -> u8 {
    match payment.status.as_str() {
        "succeeded" => 2,
        "canceled" => 0,
        _ => 1,
    }
}
