//! What YooKassa's own word, held against ours, means. Pure.

use proto_events::{
    PaymentId, Rail,
    commands::{Command, PaymentCancel, PaymentFee, PaymentSettle},
    events::{PaymentProblem, ProviderId},
    queries::{PaymentState, PaymentView},
};

use crate::yookassa;

/// What a payment must look like to be ours, besides its amount.
#[derive(Debug, Clone)]
pub struct Expected {
    pub shop_id: String,
    /// Is ours a test shop?
    pub test: bool,
    /// Others sell by this shop too: payments that nobody claims are none of our business.
    pub shared_shop: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// To be told to the ledger.
    Tell(Box<Command>),
    /// Not final yet.
    Wait,
    /// The ledger knows already.
    Known,
    /// Says "paid" and is not what we asked for: never credited, for a person to look at.
    Wrong(Vec<PaymentProblem>),
    /// Not final for us: another attempt of the same payment, or a status we don't know.
    Strange(&'static str),
}

/// `theirs` comes from GET by `id`, never from a notification.
pub fn judge(
    id: &ProviderId,
    theirs: &yookassa::Payment,
    ours: &PaymentView,
    expected: &Expected,
) -> Judgement {
    let known_as = ours.provider_payment_id.as_ref();
    match theirs.status.as_str() {
        "pending" => Judgement::Wait,
        "succeeded" if ours.state == PaymentState::Settled && known_as == Some(id) => known(id, theirs, ours),
        "succeeded" => match settle(id, theirs, ours, expected) {
            Ok(command) => Judgement::Tell(Box::new(command.into())),
            Err(problems) => Judgement::Wrong(problems),
        },
        "canceled" if known_as.is_some_and(|known| known != id) => {
            Judgement::Strange("another payment of YooKassa's under our id was canceled")
        }
        "canceled" if ours.rail != Rail::Yookassa || theirs.id != id.as_str() => {
            Judgement::Strange("canceled, but not the payment that we asked for")
        }
        "canceled" => match ours.state {
            PaymentState::Settled => Judgement::Strange("canceled after it was settled"),
            PaymentState::Canceled => Judgement::Known,
            PaymentState::Opened | PaymentState::Registered => {
                Judgement::Tell(Box::new(cancel(id, theirs, ours.payment).into()))
            }
        },
        // We always ask for capture at once.
        "waiting_for_capture" => Judgement::Wrong(vec![PaymentProblem::NotCaptured]),
        _ => Judgement::Strange("has a status we don't know"),
    }
}

/// Settled by Telegram's word or a person's, which say nothing of the fee: YooKassa's does.
fn known(id: &ProviderId, theirs: &yookassa::Payment, ours: &PaymentView) -> Judgement {
    let paid = ours.paid.unwrap_or(ours.price);
    let fits = |net: &proto_events::Money| net.currency == paid.currency && net.minor() <= paid.minor();
    let net = theirs.income_amount.as_ref().and_then(yookassa::Amount::money).filter(fits);
    let (payment, rail, provider_payment_id) = (ours.payment, ours.rail, id.clone());
    match net.filter(|_| ours.fee_unknown) {
        Some(net) => Judgement::Tell(Box::new(PaymentFee { payment, rail, provider_payment_id, net }.into())),
        None => Judgement::Known,
    }
}

fn settle(
    id: &ProviderId,
    theirs: &yookassa::Payment,
    ours: &PaymentView,
    expected: &Expected,
) -> Result<PaymentSettle, Vec<PaymentProblem>> {
    let mut problems = Vec::new();
    let amount = theirs.amount.money();
    if theirs.amount.currency != ours.price.currency.code() {
        problems.push(PaymentProblem::CurrencyDiffers);
    } else if amount != Some(ours.price) || theirs.paid == Some(false) {
        problems.push(PaymentProblem::AmountDiffers);
    }
    if theirs.test != Some(expected.test) {
        problems.push(PaymentProblem::TestDiffers);
    }
    let shop = theirs.recipient.as_ref().and_then(|recipient| recipient.account_id.as_deref());
    if shop != Some(expected.shop_id.as_str()) {
        problems.push(PaymentProblem::ShopDiffers);
    }
    let other_id = ours.provider_payment_id.as_ref().is_some_and(|known| known != id);
    if other_id || theirs.id != id.as_str() || ours.rail == Rail::Stars {
        problems.push(PaymentProblem::IdDiffers);
    }
    // Telegram writes no name of ours into the payments that it makes; only the id tells.
    let named = theirs.ours() == Some(ours.payment);
    let misnamed = match ours.rail {
        Rail::Yookassa => !named,
        Rail::TelegramYookassa => named,
        Rail::Stars => false,
    };
    if misnamed {
        problems.push(PaymentProblem::UnknownPayment);
    }
    match (amount, problems.is_empty()) {
        (Some(amount), true) => Ok(PaymentSettle {
            payment: ours.payment,
            rail: ours.rail,
            provider_payment_id: id.clone(),
            amount,
            net: theirs
                .income_amount
                .as_ref()
                .and_then(yookassa::Amount::money)
                .filter(|net| net.minor() <= amount.minor()),
            test: expected.test,
            paid_at: theirs.captured(),
            context: None,
        }),
        _ => Err(problems),
    }
}

fn cancel(id: &ProviderId, theirs: &yookassa::Payment, payment: PaymentId) -> PaymentCancel {
    use proto_events::Text;
    let details = theirs.cancellation_details.as_ref();
    let said = |word: Option<&str>| word.filter(|word| !word.is_empty()).unwrap_or("not_said").to_owned();
    PaymentCancel {
        payment,
        rail: Rail::Yookassa,
        provider_payment_id: Some(id.clone()),
        party: Text::lossy(&said(details.map(|details| details.party.as_str()))),
        reason: Text::lossy(&said(details.map(|details| details.reason.as_str()))),
    }
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
