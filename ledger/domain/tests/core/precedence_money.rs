//! Refusals in the order of docs/EVENTS.md, of the commands about credits, refunds and accounts.

use proto_events::commands::*;
use proto_events::{AccountId, Event, LotId, Producer, Rail, RefundId};

use crate::erasure::erase;
use crate::grants::{expire, forgive, give, some, take};
use crate::precedence::{
    act, another, command, in_order, limits, no_generation, no_payment, steps, tangled_generation,
};
use crate::quarantine::{doubtful, quarantine, resolve, settle};
use crate::referrals::{inviter, register, thanked, welcomed};
use crate::refunds::{failed, refund, settled};
use crate::world::*;

fn ban() -> AccountBan {
    AccountBan { reason: text("spam") }
}

fn unban() -> AccountUnban {
    AccountUnban { reason: text("sorry") }
}

fn open(world: &mut World) {
    act(world, open_account());
}

#[test]
fn account_ban() {
    in_order(
        nobody(),
        ban(),
        steps! {
            "account_not_found" => |w, _| { open(w); act(w, ban()) },
            "account_banned" => |w, _| act(w, unban()),
        },
    );
}

#[test]
fn account_unban() {
    in_order(
        nobody(),
        unban(),
        steps! {
            "account_not_found" => |w, _| open(w),
            "account_not_banned" => |w, _| act(w, ban()),
        },
    );
}

#[test]
fn message_request() {
    let content = MessageContent { text: Some(text("hello")), ..MessageContent::default() };
    in_order(
        nobody(),
        MessageRequest { message: text("m1"), kind: proto_events::events::MessageKind::Text, content },
        steps! { "account_not_found" => |w, _| open(w) },
    );
}

#[test]
fn account_erase() {
    in_order(
        nobody(),
        erase(false),
        steps! {
            "account_not_found" => |w, _| {
                *w = payer().did(topup("rub-100", Rail::Yookassa)).did(picture());
            },
            "open_reservations" => |w, _| { let fail = w.fail(0); act(w, fail) },
            "open_payments" => |w, _| { let cancel = w.cancel(); act(w, cancel) },
            "credits_would_be_lost" => |_, c| c.forfeit = true,
        },
    );
}

#[test]
fn referral_register() {
    let mut world = nobody();
    world.inviter_known = false;
    let own = ReferralRegister { inviter: world.id };
    in_order(
        world,
        own,
        steps! {
            "account_not_found" => |w, _| {
                w.inviter_known = true;
                open(w);
                act(w, register());
                act(w, words());
                act(w, ban());
                w.inviter_known = false;
            },
            "account_banned" => |w, _| act(w, unban()),
            "self_referral" => |_, c| c.inviter = inviter(),
            "inviter_not_found" => |w, _| w.inviter_known = true,
            "already_invited" => |w, _| *w = person().did(words()),
            "account_known" => |w, _| *w = person(),
        },
    );
}

#[test]
fn referral_bonus() {
    let mut world = nobody();
    let bonuses = &mut world.catalog.as_mut().unwrap().catalog.bonuses;
    (bonuses.referral_inviter, bonuses.referral_daily_max) = (credits(0), 0);
    world.rewarded = true;
    let bonus = welcomed(&world);
    in_order(
        world,
        bonus,
        steps! {
            "account_not_found" => |w, _| { open(w); act(w, ban()) },
            "account_banned" => |w, _| act(w, unban()),
            "not_invited" => |w, _| {
                act(w, register());
                w.rewarded = false;
                let bonus = welcomed(w);
                act(w, bonus);
                w.rewarded = true;
            },
            "already_rewarded" => |w, _| w.rewarded = false,
            "already_rewarded" => |w, c| { c.side = ReferralSide::Inviter; w.rewarded = true },
            "already_rewarded" => |w, _| w.rewarded = false,
            "self_referral" => |_, c| *c = thanked(3),
            "bonus_off" => |w, _| {
                w.catalog.as_mut().unwrap().catalog.bonuses.referral_inviter = credits(1);
            },
            "daily_bound" => |w, _| {
                w.catalog.as_mut().unwrap().catalog.bonuses.referral_daily_max = 1;
            },
        },
    );
}

#[test]
fn credits_grant() {
    let past = CreditsGrant { expires_at: Some(nobody().now), ..give(5) };
    in_order(
        nobody(),
        past,
        steps! {
            "account_not_found" => |w, _| open(w),
            "end_in_the_past" => |_, c| c.expires_at = None,
        },
    );
}

#[test]
fn credits_revoke() {
    in_order(
        nobody(),
        take(7),
        steps! {
            "account_not_found" => |w, _| open(w),
            "insufficient_credits" => |_, c| c.credits = some(5),
        },
    );
}

#[test]
fn debt_forgive() {
    in_order(
        nobody(),
        forgive(31),
        steps! {
            "account_not_found" => |w, _| *w = crate::debts::indebted(),
            "debt_smaller" => |_, c| c.credits = some(30),
        },
    );
}

#[test]
fn lots_expire() {
    let world = payer();
    let end = Some(world.now.plus_ms(10_000));
    // Lot 5 is all reserved, lot 8 is not.
    let world = world.granted(10, end).did(picture());
    let world = world.granted(1, end);
    in_order(
        world,
        expire(99),
        steps! {
            "lot_not_found" => |_, c| c.lot = LotId::new(5).unwrap(),
            "lot_not_expired" => |w, _| *w = w.clone().later(10),
            "lot_held" => |_, c| c.lot = LotId::new(8).unwrap(),
        },
    );
}

#[test]
fn payment_quarantine() {
    let world = doubtful();
    let world = world.clone().did(PaymentSettle { provider_payment_id: text("y-3"), ..world.settle() });
    let stray = PaymentQuarantine { payment: Some(no_payment(&world)), ..quarantine(&world) };
    let stray = PaymentQuarantine { provider_payment_id: text("y-3"), ..stray };
    in_order(
        world,
        stray,
        steps! {
            "payment_not_found" => |w, c| c.payment = Some(w.payment().payment),
            "payment_settled" => |_, c| c.provider_payment_id = text("y-1"),
            "already_quarantined" => |w, c| {
                (w.producer, w.quarantined) = (Producer::Console, Some(AccountId::CATALOG));
                c.provider_payment_id = text("y-4");
            },
            "already_quarantined" => |w, _| w.quarantined = None,
            "quarantine_not_found" => |w, _| w.quarantined = Some(AccountId::OPERATIONS),
        },
    );
}

#[test]
fn quarantine_resolve() {
    let mut world = doubtful();
    let other = PaymentSettle { provider_payment_id: text("y-2"), ..world.settle() };
    act(&mut world, other);
    world.provider_id_owner = Some(no_payment(&world));
    let unknown = QuarantineResolve { provider_payment_id: text("y-9"), ..resolve(settle(1, 1)) };
    in_order(
        world,
        unknown,
        steps! {
            "quarantine_not_found" => |w, c| {
                let gone = PaymentQuarantine {
                    problems: vec![proto_events::events::PaymentProblem::RefundExceeds],
                    provider_payment_id: text("rf-1"),
                    ..quarantine(w)
                };
                act(w, gone);
                c.provider_payment_id = text("rf-1");
            },
            "quarantine_is_refund" => |_, c| c.provider_payment_id = text("y-1"),
            "provider_id_taken" => |w, _| w.provider_id_owner = None,
        },
    );
}

#[test]
fn payment_fee() {
    let world = person().did(topup("rub-100", Rail::Yookassa));
    let net = rub(10_001);
    let unknown =
        PaymentFee { payment: no_payment(&world), rail: Rail::Stars, provider_payment_id: text("y-2"), net };
    in_order(
        world,
        unknown,
        steps! {
            "payment_not_found" => |w, c| c.payment = w.payment().payment,
            "rail_differs" => |_, c| c.rail = Rail::Yookassa,
            "payment_not_settled" => |w, _| {
                let known = PaymentSettle { net: Some(w.payment().price), ..w.settle() };
                act(w, known);
            },
            "provider_id_differs" => |_, c| c.provider_payment_id = text("y-1"),
            "fee_known" => |w, c| {
                act(w, topup("rub-100", Rail::Yookassa));
                c.payment = w.payment().payment;
                let settle = w.settle();
                act(w, settle);
            },
            "amount_differs" => |_, c| c.net = rub(9_650),
        },
    );
}

#[test]
fn refund_open() {
    let world = person().did(topup("xtr-100", Rail::Stars)).did(topup("rub-100", Rail::Yookassa));
    let mut lost = refund(&world, 10_001);
    (lost.payment, lost.rail) = (no_payment(&world), Rail::Stars);
    in_order(
        world,
        lost,
        steps! {
            "payment_not_found" => |w, c| c.payment = w.payment().payment,
            "rail_differs" => |w, c| {
                w.refund_id_owner = Some(RefundId::derive(w.id, Producer::Ledger, &command()));
                (c.rail, c.provider_refund_id) = (Rail::Yookassa, Some(text("rf-9")));
            },
            "refund_id_taken" => |w, _| w.refund_id_owner = None,
            "payment_not_settled" => |w, c| {
                let settle = w.settle();
                act(w, settle);
                c.version = Some(w.state.version() - 1);
            },
            "account_changed" => |w, c| c.version = Some(w.state.version()),
            "refund_exceeds_payment" => |w, c| {
                act(w, topup("xtr-100", Rail::Stars));
                let settle = PaymentSettle { provider_payment_id: text("charge"), ..w.settle() };
                act(w, settle);
                *c = refund(w, 1);
                c.amount.currency = proto_events::Currency::Xtr;
            },
            "refund_not_whole" => |w, c| {
                let whole = w.payment().price;
                c.amount = proto_events::SomeMoney::new(whole.minor(), whole.currency).unwrap();
            },
        },
    );
}

/// A payment of which one refund is settled, and a provider's refund id that belongs to another.
fn refunded() -> (World, RefundId) {
    let world = payer();
    let world = world.clone().did(refund(&world, 5_000));
    let mut world = world.clone().did(settled(&world));
    let nothing = RefundId::derive(world.id, Producer::Ledger, &command());
    world.refund_id_owner = Some(nothing);
    (world, nothing)
}

fn open_another(world: &mut World) -> RefundId {
    let command = refund(world, 5_000);
    match &world.act(command).unwrap()[0] {
        Event::RefundOpened(e) => e.refund,
        other => panic!("{other:?}"),
    }
}

#[test]
fn refund_settle() {
    let (world, nothing) = refunded();
    let settle = RefundSettle { refund: nothing, rail: Rail::Stars, amount: rub(1), ..settled(&world) };
    in_order(
        world,
        settle,
        steps! {
            "refund_not_found" => |w, c| c.refund = settled(w).refund,
            "rail_differs" => |_, c| c.rail = Rail::Yookassa,
            "refund_id_taken" => |w, _| w.refund_id_owner = None,
            "refund_closed" => |w, c| c.refund = open_another(w),
            "amount_differs" => |_, c| c.amount = rub(5_000),
        },
    );
}

#[test]
fn refund_fail() {
    let (world, nothing) = refunded();
    let fail = RefundFail { refund: nothing, rail: Rail::Stars, ..failed(&world) };
    in_order(
        world,
        fail,
        steps! {
            "refund_not_found" => |w, c| c.refund = failed(w).refund,
            "rail_differs" => |_, c| c.rail = Rail::Yookassa,
            "refund_closed" => |w, c| c.refund = open_another(w),
        },
    );
}

#[test]
fn generation_cancel() {
    let mut world = tangled_generation();
    limits(&mut world).attempts_max = 2;
    let cancel = GenerationCancel { generation: no_generation(&world) };
    in_order(
        world,
        cancel,
        steps! {
            "generation_not_found" => |w, c| c.generation = w.generation(),
            "generation_closed" => |w, c| c.generation = another(w, 1),
        },
    );
}

#[test]
fn acts_of_operators_are_for_their_own_stream() {
    let act = OperatorAct { act: text("a"), subject: text("s"), reason: text("r") };
    assert_eq!(person().refusal(act).code(), "account_not_found");
    assert!(!AccountId::OPERATIONS.is_person());
}
