//! A bill that was paid once more: the provider has the money twice, so it is credited twice, each as a
//! payment of its own. Telegram lets an old invoice be paid again; a person may find the same of a link.

use proto_events::events::{PaymentOpened, PaymentSettled};
use proto_events::{Credits, PaymentId};

use super::{Payment, grant_purchase};
use crate::account::Facts;
use crate::lots::Course;

/// Opens a payment of the same terms, and settles it. `settled` names the one that was paid before.
pub(crate) fn settle_again(
    course: &mut Course,
    first: &Payment,
    settled: PaymentSettled,
    credits: Credits,
    facts: &Facts,
) {
    let payment = PaymentId::derive(facts.account, facts.producer, facts.command_id);
    course.push(PaymentOpened {
        payment,
        rail: settled.rail,
        package: first.package.clone(),
        catalog_version: first.catalog_version,
        credits,
        price: settled.amount,
        expires_at: facts.now,
        method: None,
        again_of: Some(settled.payment),
    });
    let price = settled.amount;
    course.push(PaymentSettled { payment, ..settled });
    grant_purchase(course, payment, credits, price, facts);
}
