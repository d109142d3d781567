//! Four eyes: above an amount that the owner sets, an operator's act about money needs the word of a second one.
//!
//! Asked after everything else: what would be refused anyway is not put before a second person. What lets somebody else be
//! an administrator needs it whatever the amount: else one would make a second of themselves.

use proto_events::Credits;
use proto_events::commands::{Command, QuarantineVerdict, Role, StaffPut};

use crate::account::{Account, Facts};
use crate::refunds;
use crate::refusal::Refusal;

/// # Errors
/// It is above the amount, and nobody else has agreed.
pub(crate) fn agreed(state: &Account, command: &Command, facts: &Facts) -> Result<(), Refusal> {
    let Some(above) = facts.four_eyes_above else { return Ok(()) };
    if weight(state, command).is_some_and(|credits| credits > above.get()) {
        return must_be_approved(above, facts);
    }
    Ok(())
}

/// Of an act about staff.
///
/// # Errors
/// Somebody else would be an administrator, and nobody else has agreed.
pub(crate) fn agreed_staff(above: Option<Credits>, c: &StaffPut, facts: &Facts) -> Result<(), Refusal> {
    let other = facts.operator.is_some_and(|operator| operator != c.name.as_str());
    match above.filter(|_| other && c.roles.contains(&Role::Administrator)) {
        Some(above) => must_be_approved(above, facts),
        None => Ok(()),
    }
}

/// Of new prices: what they cost or give away has no amount, so that any change needs it.
///
/// # Errors
/// An operator publishes, and nobody else has agreed.
pub(crate) fn agreed_catalog(facts: &Facts) -> Result<(), Refusal> {
    facts.four_eyes_above.map_or(Ok(()), |above| must_be_approved(above, facts))
}

fn must_be_approved(above: Credits, facts: &Facts) -> Result<(), Refusal> {
    match (facts.operator, facts.approver) {
        // Of adapters, timers and the ledger itself: nobody decides.
        (None, _) => Ok(()),
        (Some(operator), Some(approver)) if operator != approver => Ok(()),
        _ => Err(Refusal::NeedsApproval { above }),
    }
}

/// What it gives or takes, in credits. `None`: it is not about money.
fn weight(state: &Account, command: &Command) -> Option<i64> {
    match command {
        Command::CreditsGrant(c) => Some(c.credits.get()),
        Command::CreditsRevoke(c) => Some(c.credits.get()),
        Command::DebtForgive(c) => Some(c.credits.get()),
        Command::RefundOpen(c) => Some(refunds::worth(state, c)),
        Command::QuarantineResolve(c) => match c.verdict {
            QuarantineVerdict::Settle { credits, .. } => Some(credits.get()),
            QuarantineVerdict::Dismiss => None,
        },
        _ => None,
    }
}
