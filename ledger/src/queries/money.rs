//! Payments and refunds: as they stand, those that are open, and which of the provider's we know.

use std::collections::HashMap;
use std::str::FromStr;

use proto_events::events::{MoneyMoved, ProviderId};
use proto_events::queries::{
    KnownPayment, KnownQuery, KnownRefund, KnownView, OpenPayment, PaymentSweep, PaymentView, ProviderQuery,
    ReceiptSweep, ReconciledQuery, ReconciledView, RefundView,
};
use proto_events::{Event, PaymentId, Producer, Provider, Rail, RefundId, Text};
use sqlx::PgPool;

use super::{Problem, views};
use crate::log::{BadRow, Row};
use crate::sequencer::{KEY_PAYMENT, KEY_REFUNDED, KEY_SETTLED, refused};
use crate::store::{self, Open, Thing};

/// In one page: with their links, far below a message's 1 MB.
const PAGE_MAX: u16 = 100;
/// Of each kind in one question.
const ASKED_MAX: usize = 100;
const DAYS_MAX: i64 = 60;

/// A payment as it is now, as the log has it.
///
/// # Errors
/// Postgres does not answer, or an event is not known to this version.
pub async fn payment_now(pool: &PgPool, payment: PaymentId) -> Result<Option<PaymentView>, BadRow> {
    let (account, id) = (payment.account(), payment.to_string());
    let mut found = store::events_about(pool, &[Thing { account, id: id.clone(), after: 0 }]).await?;
    views::payment(&found.remove(&id).unwrap_or_default(), payment)
}

/// The same of the payment that has this id at the provider, registered or settled.
///
/// # Errors
/// As [`payment_now`].
pub async fn payment_of_provider(
    pool: &PgPool,
    provider: Provider,
    id: &str,
) -> Result<Option<PaymentView>, BadRow> {
    let key = (KEY_PAYMENT, provider.key(id));
    let owners = store::owners_of_keys(pool, std::slice::from_ref(&key)).await?;
    match owner(&owners, key) {
        Some(ours) => payment_now(pool, ours).await,
        None => Ok(None),
    }
}

pub(super) async fn payment(
    pool: &PgPool,
    payment: PaymentId,
    who: Producer,
) -> Result<Option<PaymentView>, Problem> {
    match payment_now(pool, payment).await? {
        Some(view) => Ok(with_sides(pool, vec![view], who).await?.pop()),
        None => Ok(None),
    }
}

/// Addresses for receipts are shown to who makes receipts.
async fn with_sides(
    pool: &PgPool,
    mut views: Vec<PaymentView>,
    who: Producer,
) -> Result<Vec<PaymentView>, Problem> {
    let payments: Vec<String> = views.iter().map(|view| view.payment.to_string()).collect();
    let mut sides = store::payment_sides(pool, &payments).await?;
    for (view, payment) in views.iter_mut().zip(&payments) {
        let side = sides.remove(payment).unwrap_or_default();
        view.checkout_url = side.checkout_url;
        view.email = side.email.filter(|_| who == Producer::Payments).as_deref().map(Text::lossy);
    }
    Ok(views)
}

/// The payment that has this id at the provider, registered or settled.
pub(super) async fn payment_of(
    pool: &PgPool,
    query: &ProviderQuery,
    who: Producer,
) -> Result<Option<PaymentView>, Problem> {
    match payment_of_provider(pool, query.provider, &query.id).await? {
        Some(view) => Ok(with_sides(pool, vec![view], who).await?.pop()),
        None => Ok(None),
    }
}

fn owner<T: FromStr>(
    owners: &HashMap<(String, String), String>,
    (kind, key): (&'static str, String),
) -> Option<T> {
    owners.get(&(kind.to_owned(), key))?.parse().ok()
}

/// The rails whose books this adapter keeps in step.
fn rails(who: Producer) -> &'static [Rail] {
    match who {
        Producer::Payments => &[Rail::Yookassa, Rail::TelegramYookassa],
        Producer::Telegram => &[Rail::Stars],
        _ => &[],
    }
}

async fn open(
    pool: &PgPool,
    of: MoneyMoved,
    page: &PaymentSweep,
    who: Producer,
) -> Result<Vec<Open>, sqlx::Error> {
    let limit = page.limit.clamp(1, PAGE_MAX);
    store::open_money(pool, of, rails(who), page.account, page.after, limit).await
}

pub(super) async fn payments_open(
    pool: &PgPool,
    page: PaymentSweep,
    who: Producer,
) -> Result<Vec<OpenPayment>, Problem> {
    let open = open(pool, MoneyMoved::Payment, &page, who).await?;
    let things =
        open.into_iter().map(|Open { id, account, position }| Thing { account, id, after: position - 1 });
    let things: Vec<Thing> = things.collect();
    let rows = store::events_about(pool, &things).await?;
    let mut found = Vec::with_capacity(things.len());
    for Thing { id: payment, .. } in things {
        let (Ok(id), Some(rows)) = (payment.parse(), rows.get(&payment)) else { continue };
        match views::payment(rows, id) {
            Ok(Some(view)) => found.push(view),
            // One account that can't be read does not hide the others' payments.
            Ok(None) => tracing::error!(%payment, "an open payment is not in the log"),
            Err(error) => tracing::error!(%payment, %error, "an open payment can't be read"),
        }
    }
    with_sides(pool, found, who).await
}

/// A refund as it is now, as the log has it.
///
/// # Errors
/// As [`payment_now`].
pub async fn refund_now(pool: &PgPool, refund: RefundId) -> Result<Option<RefundView>, BadRow> {
    let (account, id) = (refund.account(), refund.to_string());
    let mut found = store::events_about(pool, &[Thing { account, id: id.clone(), after: 0 }]).await?;
    let Some(stands) = views::refund(&found.remove(&id).unwrap_or_default(), refund)? else {
        return Ok(None);
    };
    Ok(payment_now(pool, stands.payment).await?.map(|payment| RefundView {
        rail: payment.rail,
        provider_payment_id: payment.provider_payment_id,
        price: payment.paid.unwrap_or(payment.price),
        ..stands
    }))
}

pub(super) async fn refund(
    pool: &PgPool,
    refund: RefundId,
    who: Producer,
) -> Result<Option<RefundView>, Problem> {
    let Some(mut view) = refund_now(pool, refund).await? else { return Ok(None) };
    let account = refund.account();
    match who {
        Producer::Telegram => {
            view.telegram_user = store::people_of_accounts(pool, &[account]).await?.remove(&account);
        }
        Producer::Payments => {
            let side = store::payment_side(pool, view.payment.to_string()).await?;
            view.email = side.email.as_deref().map(Text::lossy);
        }
        _ => {}
    }
    Ok(Some(view))
}

pub(super) async fn refunds_open(
    pool: &PgPool,
    page: PaymentSweep,
    who: Producer,
) -> Result<Vec<RefundView>, Problem> {
    let open = open(pool, MoneyMoved::Refund, &page, who).await?;
    let mut found = Vec::with_capacity(open.len());
    for Open { id, .. } in open {
        let Ok(known) = id.parse() else { continue };
        match refund(pool, known, who).await {
            Ok(Some(view)) => found.push(view),
            Ok(None) => tracing::error!(refund = %id, "an open refund is not in the log"),
            Err(Problem::Row(error)) => tracing::error!(refund = %id, %error, "an open refund can't be read"),
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// Which of these the log has as settled.
pub(super) async fn known(pool: &PgPool, query: &KnownQuery) -> Result<KnownView, Problem> {
    if query.payments.len() > ASKED_MAX || query.refunds.len() > ASKED_MAX {
        let why = format!("at most {ASKED_MAX} payments and as many refunds in one question");
        return Err(Problem::Refused(refused("invalid", why)));
    }
    let payments = known_payments(pool, query).await?;
    let key = |id: &ProviderId| (KEY_REFUNDED, query.provider.key(id));
    let owners = store::owners_of_keys(pool, &query.refunds.iter().map(key).collect::<Vec<_>>()).await?;
    let refunds = query.refunds.iter().filter_map(|id| {
        let refund = owner(&owners, key(id))?;
        Some(KnownRefund { id: id.clone(), refund })
    });
    Ok(KnownView { payments, refunds: refunds.collect() })
}

/// Few are settled without their fee: only for those the log is asked whether it came later.
async fn known_payments(pool: &PgPool, query: &KnownQuery) -> Result<Vec<KnownPayment>, BadRow> {
    let keys: Vec<String> = query.payments.iter().map(|id| query.provider.key(id)).collect();
    let settled = store::events_of_keys(pool, KEY_SETTLED, &keys).await?;
    let (mut found, mut without) = (Vec::new(), Vec::new());
    for (id, key) in query.payments.iter().zip(&keys) {
        let Some(row) = settled.get(key) else { continue };
        let Event::PaymentSettled(e) = row.event()? else { continue };
        let fee_unknown = e.net.is_none() && e.rail != Rail::Stars;
        if fee_unknown {
            let (account, id) = (row.account(), e.payment.to_string());
            without.push(Thing { account, id, after: row.position });
        }
        found.push(KnownPayment { id: id.clone(), payment: e.payment, fee_unknown });
    }
    if !without.is_empty() {
        let later = store::events_about(pool, &without).await?;
        let came = |rows: &Vec<Row>| rows.iter().any(|row| row.event_type == "PaymentFeeRecorded");
        for payment in found.iter_mut().filter(|payment| payment.fee_unknown) {
            payment.fee_unknown = !later.get(&payment.payment.to_string()).is_some_and(came);
        }
    }
    Ok(found)
}

pub(super) async fn reconciled(pool: &PgPool, query: &ReconciledQuery) -> Result<ReconciledView, Problem> {
    Ok(ReconciledView { days: store::provider_days(pool, query.provider, DAYS_MAX).await? })
}

/// Payments that may need a second receipt, as they stand.
pub(super) async fn receipts_due(
    pool: &PgPool,
    page: ReceiptSweep,
    who: Producer,
) -> Result<Vec<PaymentView>, Problem> {
    let due = store::receipts_due(pool, &page.after, page.limit.clamp(1, PAGE_MAX)).await?;
    let mut found = Vec::with_capacity(due.len());
    for subject in due {
        let Ok(id) = subject.parse() else { continue };
        found.extend(payment(pool, id, who).await?);
    }
    Ok(found)
}
