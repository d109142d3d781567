//! Credits by the money: what was sold was granted, what the refunds bought was taken or is owed, and an account has
//! what is left of it and of what came and went besides.
//!
//! A debt and credits that could pay it never stand beside each other, so the sum says how much is available and how
//! much is owed.

use std::collections::BTreeMap;

use proto_events::AccountId;

use super::{Books, ours::Ours};

pub(super) fn judge(theirs: &Books, ours: &Ours, found: &mut Vec<String>) {
    let mut due: BTreeMap<AccountId, i64> = BTreeMap::new();
    for (payment, it) in &ours.payments {
        let Some((id, _)) = &it.settled else {
            if it.granted != 0 {
                found.push(format!("{payment} was not paid, and {} credits were granted", it.granted));
            }
            continue;
        };
        let by_hand = ours.by_hand.contains(id);
        let paid = theirs.get(id).is_some_and(|there| there.paid == it.price);
        // A person may have settled it for other money and other credits.
        let sold = if by_hand { it.granted } else { it.sold * i64::from(paid) };
        if it.granted != sold {
            found.push(format!("{payment}: {} credits were granted, {sold} were sold", it.granted));
        }
        *due.entry(payment.account()).or_default() += sold;
    }
    for (refund, it) in &ours.refunds {
        if it.settled == it.failed {
            found.push(format!("{refund} has no end"));
        }
        if it.credits != it.bought {
            found.push(format!("{refund} takes {} credits, its money bought {}", it.credits, it.bought));
        }
        let account = it.payment.account();
        // What is held is waited for.
        let held = ours.accounts.get(&account).is_some_and(|account| account.reserved > 0);
        let waits = if held { (it.bought - it.taken).max(0) } else { 0 };
        if it.failed && it.taken != it.restored {
            found
                .push(format!("{refund} failed: {} credits were taken, {} came back", it.taken, it.restored));
        }
        if !it.failed && it.taken + waits != it.bought {
            found.push(format!("{refund}: {} credits were to be taken, {} were", it.bought, it.taken));
        }
        *due.entry(account).or_default() -= if it.failed { 0 } else { it.bought - waits };
    }
    for (id, account) in &ours.accounts {
        let sum = account.besides + due.get(id).copied().unwrap_or_default();
        let free = sum - account.reserved;
        let wanted = (free.max(0), account.reserved, (-free).max(0));
        if account.balance != wanted {
            found.push(format!("{id} has {:?}, by the money it is {wanted:?}", account.balance));
        }
    }
}
