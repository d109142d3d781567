//! The books as finance reads them: the trial balance of any moment, the events behind each of its numbers, an account's
//! statement, money by day, what providers hold, who owes.

mod behind;
mod clearing;
mod debts;
mod revenue;
pub(super) mod statement;
mod trial;

use proto_events::commands::Role;

use super::door::{Door, Need};

pub(super) const READS: Need = Need::One(&[Role::Finance, Role::Administrator]);

pub(super) fn rooms(door: &mut Door) {
    door.view::<trial::TrialBalance>();
    door.view::<behind::Behind>();
    door.view::<revenue::Revenue>();
    door.view::<statement::Statement>();
    door.view::<clearing::Clearing>();
    door.view::<debts::Debts>();
}
