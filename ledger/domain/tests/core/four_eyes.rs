//! Acts above the owner's amount need the word of a second operator.

use ledger_domain::{Facts, OperationsStream, Refusal, decide, decide_operations, evolve_operations};
use proto_events::commands::*;
use proto_events::{AccountId, CommandId, Event, Micros, Producer};

use crate::grants::{give, take};
use crate::refunds::refund;
use crate::world::*;

/// By whom it is wanted, and who agrees.
type Names<'a> = (Option<&'a str>, Option<&'a str>);

fn asked(
    world: &World,
    above: Option<i64>,
    names: Names<'_>,
    command: impl Into<Command>,
) -> Result<Vec<Event>, Refusal> {
    let id = CommandId::new("act:1").unwrap();
    let facts = Facts {
        four_eyes_above: above.map(credits),
        operator: names.0,
        approver: names.1,
        ..Facts::new(world.now, world.id, Producer::Console, &id)
    };
    decide(&world.state, &command.into(), &facts)
}

fn needs(above: i64) -> Result<Vec<Event>, Refusal> {
    Err(Refusal::NeedsApproval { above: credits(above) })
}

#[test]
fn above_the_amount_another_has_to_agree() {
    let world = person();
    let ann = Some("ann");
    assert_eq!(asked(&world, Some(7), (ann, None), give(8)), needs(7));
    assert_eq!(asked(&world, Some(7), (ann, ann), give(8)), needs(7), "nobody agrees with themselves");
    assert_eq!(asked(&world, Some(0), (ann, None), take(1)), needs(0));
    for (above, names, n) in [
        (Some(7), (ann, None), 7),
        (Some(7), (ann, Some("bob")), 8),
        (None, (ann, None), 1_000_000),
        // The ledger's own and the adapters' are nobody's decision.
        (Some(7), (None, None), 8),
    ] {
        assert!(asked(&world, above, names, give(n)).is_ok(), "{above:?} {names:?} {n}");
    }
    // What is refused anyway is not put before a second person.
    let too_much = asked(&world, Some(1), (ann, None), take(100));
    assert!(matches!(too_much, Err(Refusal::InsufficientCredits { .. })), "{too_much:?}");
}

#[test]
fn a_refund_weighs_what_its_money_bought_spent_or_not() {
    let world = payer();
    let ann = Some("ann");
    assert_eq!(asked(&world, Some(49), (ann, None), refund(&world, 5_000)), needs(49));
    assert!(asked(&world, Some(50), (ann, None), refund(&world, 5_000)).is_ok());
    let spent = payer().did(take(100));
    assert_eq!(asked(&spent, Some(49), (ann, None), refund(&spent, 5_000)), needs(49));
}

#[test]
fn who_lets_another_administrator_in_is_not_alone() {
    let set = |above: Option<i64>| FourEyesSet { above: above.map(credits), reason: text("r") };
    let id = CommandId::new("act:1").unwrap();
    let when = |state: &OperationsStream, (operator, approver): Names<'_>, command: &Command| {
        let facts = Facts::new(Micros::default(), AccountId::OPERATIONS, Producer::Console, &id);
        decide_operations(state, command, &Facts { operator, approver, ..facts })
    };
    let off = OperationsStream::default();
    assert_eq!(when(&off, (None, None), &set(None).into()), Err(Refusal::Unchanged));
    let events = when(&off, (None, None), &set(Some(5)).into()).unwrap();
    let on = events.iter().fold(off.clone(), evolve_operations);
    assert_eq!(on.four_eyes_above, Some(credits(5)));
    assert_eq!(when(&on, (None, None), &set(Some(5)).into()), Err(Refusal::Unchanged));
    let put = |name: &str, role| -> Command {
        StaffPut { name: text(name), roles: vec![role], password_hash: None, reason: text("r") }.into()
    };
    let (ann, bob) = (Some("ann"), Some("bob"));
    for (state, names, command, fine) in [
        (&on, (ann, None), put("eve", Role::Administrator), false),
        (&on, (ann, ann), put("eve", Role::Administrator), false),
        (&on, (ann, bob), put("eve", Role::Administrator), true),
        // One's own password; who is no administrator; the first one, of ADMIN_PASSWORD.
        (&on, (ann, None), put("ann", Role::Administrator), true),
        (&on, (ann, None), put("eve", Role::Operator), true),
        (&on, (None, None), put("admin", Role::Administrator), true),
        (&off, (ann, None), put("eve", Role::Administrator), true),
    ] {
        assert_eq!(when(state, names, &command).is_ok(), fine, "{names:?} {command:?}");
    }
}
