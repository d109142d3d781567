//! Refusals in the order of docs/EVENTS.md.
//!
//! Each table starts with a command where everything is wrong at once, and mends one thing after
//! the other: each time the next refusal of the order must show, and at last none.

use proto_events::commands::*;
use proto_events::events::*;
use proto_events::{AccountId, CommandId, GenerationId, PaymentId, Producer, Rail, ReservationId};

use crate::world::*;

pub struct Step<C> {
    pub code: &'static str,
    pub mend: fn(&mut World, &mut C),
}

const CONTRACT: &str = include_str!("../../../../docs/EVENTS.md");

/// The refusals that docs/EVENTS.md lists for a verb.
fn documented(verb: &str) -> Vec<&'static str> {
    let row =
        CONTRACT.lines().find(|line| line.starts_with(&format!("| {verb} | "))).expect("a row of the table");
    let refusals = row.split(" | ").nth(5).expect("a column of refusals");
    refusals.split(", ").collect()
}

pub fn in_order<C: Clone + Into<Command>>(mut world: World, mut command: C, steps: &[Step<C>]) {
    let mut codes: Vec<_> = steps.iter().map(|step| step.code).collect();
    codes.dedup();
    assert_eq!(codes, documented(command.clone().into().verb()), "the table here is that of the contract");
    for step in steps {
        let refusal = world.refusal(command.clone());
        assert_eq!(refusal.code(), step.code, "{refusal}");
        (step.mend)(&mut world, &mut command);
    }
    if let Err(refusal) = world.when(command) {
        panic!("everything is mended, but: {refusal}");
    }
}

macro_rules! steps {
    ($($code:literal => $mend:expr),+ $(,)?) => {
        &[$($crate::precedence::Step { code: $code, mend: $mend }),+]
    };
}
pub(crate) use steps;

/// Every verb of the core has a table here or in `precedence_money`; the streams that are nobody's have
/// tests of their own.
#[test]
fn every_verb_has_its_table() {
    let source = concat!(include_str!("precedence.rs"), include_str!("precedence_money.rs"));
    let elsewhere = [
        "catalog_publish",
        "operator_act",
        "projection_swap",
        "reconciliation_record",
        "content_put",
        "picture_put",
        "staff_put",
        "four_eyes_set",
        "broadcast_start",
        "broadcast_pause",
        "broadcast_finish",
    ];
    let missing = |verb: &&&str| !elsewhere.contains(*verb) && !source.contains(&format!("fn {verb}() {{"));
    let missing: Vec<_> = Command::VERBS.iter().filter(missing).collect();
    assert!(missing.is_empty(), "no table of refusals for {missing:?}");
}

pub fn command() -> CommandId {
    CommandId::new("nothing").unwrap()
}

pub fn no_payment(world: &World) -> PaymentId {
    PaymentId::derive(world.id, Producer::Console, &command())
}

pub fn no_generation(world: &World) -> GenerationId {
    GenerationId::derive(world.id, Producer::Console, &command())
}

pub fn act(world: &mut World, command: impl Into<Command>) {
    world.act(command).unwrap();
}

pub fn limits(world: &mut World) -> &mut proto_events::catalog::Limits {
    &mut world.catalog.as_mut().unwrap().catalog.limits
}

fn ban(world: &mut World) {
    world.happen(vec![AccountBanned { reason: text("spam") }.into()]);
}

fn unban(world: &mut World) {
    world.happen(vec![AccountUnbanned { reason: text("sorry") }.into()]);
}

#[test]
fn account_open() {
    in_order(person(), open_account(), steps! { "account_exists" => |w, _| *w = nobody() });
}

#[test]
fn topup_open() {
    let mut world = nobody();
    limits(&mut world).payments_open_max = 0;
    in_order(
        world,
        TopupOpen { method: Some(PayMethod::Sbp), ..topup("gold", Rail::Stars) },
        steps! {
            "account_not_found" => |w, _| { act(w, open_account()); ban(w) },
            "account_banned" => |w, _| unban(w),
            "package_unknown" => |_, c| c.package = text("rub-100"),
            "rail_off" => |_, c| c.rail = Rail::TelegramYookassa,
            "method_off" => |_, c| c.rail = Rail::Yookassa,
            "too_many_open" => |w, _| limits(w).payments_open_max = 1,
        },
    );
}

/// A payment of ours that is canceled and registered, and a provider id that belongs to another.
fn tangled_payment() -> World {
    let mut world = person().did(topup("rub-100", Rail::Yookassa));
    let register = world.register();
    act(&mut world, register);
    world.provider_id_owner = Some(no_payment(&world));
    world
}

#[test]
fn payment_register() {
    let mut world = tangled_payment();
    let cancel = world.cancel();
    act(&mut world, cancel);
    let register = PaymentRegister { payment: no_payment(&world), rail: Rail::Stars, ..world.register() };
    in_order(
        world,
        register,
        steps! {
            "payment_not_found" => |w, c| c.payment = w.payment().payment,
            "rail_differs" => |_, c| c.rail = Rail::Yookassa,
            "payment_closed" => |w, c| {
                act(w, topup("rub-100", Rail::Yookassa));
                c.payment = w.payment().payment;
                let owner = w.provider_id_owner.take();
                let register = w.register();
                act(w, register);
                w.provider_id_owner = owner;
            },
            "provider_id_taken" => |w, _| w.provider_id_owner = None,
            "already_registered" => |w, c| {
                act(w, topup("rub-100", Rail::Yookassa));
                c.payment = w.payment().payment;
            },
        },
    );
}

#[test]
fn payment_settle() {
    let mut world = tangled_payment();
    let owner = world.provider_id_owner.take();
    let settle = world.settle();
    act(&mut world, settle);
    world.provider_id_owner = owner;
    let settle = PaymentSettle {
        payment: no_payment(&world),
        rail: Rail::Stars,
        provider_payment_id: text("y-9"),
        amount: rub(1),
        ..world.settle()
    };
    in_order(
        world,
        settle,
        steps! {
            "payment_not_found" => |w, c| c.payment = w.payment().payment,
            "rail_differs" => |_, c| c.rail = Rail::Yookassa,
            "provider_id_taken" => |w, _| w.provider_id_owner = None,
            "payment_settled" => |w, c| {
                act(w, topup("rub-100", Rail::Yookassa));
                c.payment = w.payment().payment;
                let register = w.register();
                act(w, register);
            },
            "provider_id_differs" => |_, c| c.provider_payment_id = text("y-1"),
            "amount_differs" => |_, c| c.amount = rub(10_000),
        },
    );
}

#[test]
fn payment_cancel() {
    let mut world = person().paid("rub-100");
    let cancel = PaymentCancel { payment: no_payment(&world), rail: Rail::Stars, ..world.cancel() };
    world.producer = Producer::Ledger;
    in_order(
        world,
        cancel,
        steps! {
            "payment_not_found" => |w, c| c.payment = w.payment().payment,
            "rail_differs" => |_, c| c.rail = Rail::Yookassa,
            "payment_settled" => |w, c| {
                act(w, topup("rub-100", Rail::Yookassa));
                c.payment = w.payment().payment;
                let cancel = w.cancel();
                w.producer = Producer::Payments;
                act(w, cancel);
                w.producer = Producer::Ledger;
            },
            "payment_closed" => |w, c| {
                act(w, topup("rub-100", Rail::Yookassa));
                c.payment = w.payment().payment;
            },
            "deadline_ahead" => |w, _| w.now = w.payment().expires_at,
        },
    );
}

#[test]
fn generation_request() {
    let mut world = nobody();
    let limits_now = limits(&mut world);
    (limits_now.running_per_person_max, limits_now.prompt_chars_max) = (0, 3);
    let catalog = &mut world.catalog.as_mut().unwrap().catalog;
    catalog.models.iter_mut().for_each(|m| m.kinds.retain(|k| k.kind == GenerationKind::Picture));
    let mut ask = GenerationRequest { kind: GenerationKind::Edit, ..picture() };
    (ask.model, ask.size, ask.aspect_ratio) = (Some(text("nobody")), Some(text("8K")), Some(text("9:9")));
    (ask.prompt, ask.references) = (text(" "), vec![text("f"); 15]);
    ask.follows = Some(GenerationId::derive(AccountId::random(), Producer::Telegram, &command()));
    in_order(
        world,
        ask,
        steps! {
            "account_not_found" => |w, _| { act(w, open_account()); ban(w) },
            "account_banned" => |w, _| unban(w),
            "kind_unknown" => |_, c| c.kind = GenerationKind::Picture,
            "model_unknown" => |_, c| c.model = None,
            "ability_missing" => |_, c| c.size = Some(text("2K")),
            "ability_missing" => |_, c| c.aspect_ratio = Some(text("1:1")),
            "prompt_empty" => |_, c| c.prompt = text("long"),
            "prompt_too_long" => |w, _| limits(w).prompt_chars_max = 4,
            "too_many_references" => |_, c| c.references.truncate(14),
            // One that this account has forgotten, or never had.
            "generation_not_found" => |w, c| c.follows = Some(no_generation(w)),
            "too_many_running" => |w, _| limits(w).running_per_person_max = 1,
            "insufficient_credits" => |w, _| *w = w.clone().paid("rub-100"),
        },
    );
}

/// A generation of which all attempts are used up and the last is held, and which is closed.
pub fn tangled_generation() -> World {
    let mut world = payer().did(picture());
    limits(&mut world).attempts_max = 1;
    let claim = world.claim(1);
    let world = world.did(claim);
    let mut world = world.clone().did(world.fail(1));
    world.lease_until = Some(world.now.plus_ms(5_000));
    world
}

pub fn another(world: &mut World, claims: i64) -> GenerationId {
    let (lease, working) = (world.lease_until.take(), std::mem::take(&mut world.working));
    act(world, picture());
    for n in 1..=claims {
        let claim = world.claim(n);
        act(world, claim);
    }
    (world.lease_until, world.working) = (lease, working);
    world.generation()
}

#[test]
fn generation_claim() {
    let mut world = tangled_generation();
    let claim = GenerationClaim { generation: no_generation(&world), ..world.claim(9) };
    world.working = vec![world.now.plus_ms(1)];
    in_order(
        world,
        claim,
        steps! {
            "generation_not_found" => |w, c| c.generation = w.generation(),
            "generation_closed" => |w, c| c.generation = another(w, 1),
            "generation_held" => |w, _| w.lease_until = None,
            "attempts_exhausted" => |w, _| limits(w).attempts_max = 2,
            "stale_attempt" => |_, c| c.attempt = attempt(2),
            "person_busy" => |w, _| limits(w).working_per_person_max = 2,
        },
    );
}

#[test]
fn generation_attempt() {
    let mut world = payer();
    another(&mut world, 2);
    let tried = GenerationAttempt { generation: no_generation(&world), ..world.attempted(0) };
    in_order(
        world,
        tried,
        steps! {
            "generation_not_found" => |w, c| c.generation = w.generation(),
            "stale_attempt" => |_, c| c.attempt = attempt(2),
        },
    );
}

#[test]
fn generation_complete() {
    let world = tangled_generation();
    let complete = GenerationComplete {
        generation: no_generation(&world),
        outputs: Vec::new(),
        charge: Some(crate::grants::some(11)),
        ..world.complete(9)
    };
    in_order(
        world,
        complete,
        steps! {
            "generation_not_found" => |w, c| c.generation = w.generation(),
            "generation_closed" => |w, c| c.generation = another(w, 1),
            "stale_attempt" => |_, c| c.attempt = attempt(1),
            "no_outputs" => |_, c| c.outputs.push(output()),
            "charge_too_large" => |_, c| c.charge = None,
        },
    );
}

#[test]
fn generation_fail() {
    let world = tangled_generation();
    let fail = GenerationFail { generation: no_generation(&world), ..world.fail(9) };
    in_order(
        world,
        fail,
        steps! {
            "generation_not_found" => |w, c| c.generation = w.generation(),
            "generation_closed" => |w, c| c.generation = another(w, 1),
            "stale_attempt" => |_, c| c.attempt = attempt(1),
        },
    );
}

#[test]
fn reservation_expire() {
    let world = tangled_generation();
    let expire = ReservationExpire { reservation: ReservationId::of(no_generation(&world)) };
    in_order(
        world,
        expire,
        steps! {
            "reservation_not_found" => |w, c| c.reservation = ReservationId::of(w.generation()),
            "reservation_closed" => |w, c| c.reservation = ReservationId::of(another(w, 0)),
            "deadline_ahead" => |w, _| *w = w.clone().past_deadline(),
        },
    );
}

fn delivered(world: &mut World) -> GenerationId {
    let generation = made(world);
    let confirm = world.confirm();
    act(world, confirm);
    generation
}

fn made(world: &mut World) -> GenerationId {
    let generation = another(world, 1);
    let complete = world.complete(1);
    act(world, complete);
    generation
}

#[test]
fn delivery_confirm() {
    let world = tangled_generation();
    let confirm = DeliveryConfirm { generation: no_generation(&world), ..world.confirm() };
    in_order(
        world,
        confirm,
        steps! {
            "generation_not_found" => |w, c| c.generation = w.generation(),
            "generation_not_succeeded" => |w, c| c.generation = delivered(w),
            "generation_delivered" => |w, c| c.generation = made(w),
        },
    );
}

#[test]
fn delivery_fail() {
    let world = tangled_generation();
    let fail = DeliveryFail { generation: no_generation(&world), ..world.lost() };
    in_order(
        world,
        fail,
        steps! {
            "generation_not_found" => |w, c| c.generation = w.generation(),
            "generation_not_succeeded" => |w, c| c.generation = delivered(w),
            "generation_delivered" => |w, c| c.generation = made(w),
        },
    );
}

#[test]
fn the_catalog_is_published_to_its_own_stream_only() {
    let catalog = person().catalog.unwrap().catalog;
    assert_eq!(
        person().refusal(CatalogPublish { version: 2, catalog, reason: None }).code(),
        "account_not_found"
    );
    assert!(!AccountId::CATALOG.is_person());
}
