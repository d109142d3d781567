//! Random steps of a life: commands, right and wrong, and what only later commands will bring.

use proptest::prelude::*;
use proto_events::commands::*;
use proto_events::events::*;
use proto_events::*;

use crate::auditor::{Auditor, LotBook};
use crate::world::*;

#[derive(Debug, Clone)]
pub enum Step {
    Open,
    Topup {
        package: usize,
        rail: Rail,
    },
    Register {
        payment: usize,
        id: u8,
    },
    Settle {
        payment: usize,
        id: u8,
        short: bool,
    },
    Cancel {
        payment: usize,
    },
    Ask {
        kind: GenerationKind,
        size: Option<usize>,
    },
    Claim {
        generation: usize,
        ahead: i64,
        held: bool,
    },
    Attempt {
        generation: usize,
        behind: i64,
    },
    Complete {
        generation: usize,
        behind: i64,
        empty: bool,
    },
    Fail {
        generation: usize,
        behind: i64,
    },
    Expire {
        generation: usize,
        late: bool,
    },
    Confirm {
        generation: usize,
    },
    Undelivered {
        generation: usize,
        reason: DeliveryTrouble,
        last: bool,
    },
    Later {
        seconds: i64,
    },
    Granted {
        n: i64,
        price: Option<i64>,
        lasts: Option<i64>,
    },
    /// The whole payment.
    Refunded {
        payment: usize,
    },
    Banned,
    Unbanned,
}

fn step() -> impl Strategy<Value = Step> {
    use Step::*;
    let rail =
        prop_oneof![4 => Just(Rail::Yookassa), 1 => Just(Rail::TelegramYookassa), 1 => Just(Rail::Stars)];
    let kind = prop_oneof![
        2 => Just(GenerationKind::Text), 3 => Just(GenerationKind::Picture), 1 => Just(GenerationKind::Edit)
    ];
    let reason = prop_oneof![
        3 => Just(DeliveryTrouble::BytesLost), 2 => Just(DeliveryTrouble::Refused), 1 => Just(DeliveryTrouble::Blocked)
    ];
    let behind = || prop_oneof![6 => Just(0i64), 1 => 1..3i64];
    // Mostly the latest one or two; now and then one that isn't there.
    let which = || prop_oneof![5 => Just(0usize), 4 => Just(1usize), 3 => Just(2usize), 1 => 3..9usize];
    prop_oneof![
        1 => Just(Open),
        6 => (0..3usize, rail).prop_map(|(package, rail)| Topup { package, rail }),
        3 => (which(), 0..6u8).prop_map(|(payment, id)| Register { payment, id }),
        8 => (which(), 0..6u8, prop::bool::weighted(0.1))
            .prop_map(|(payment, id, short)| Settle { payment, id, short }),
        1 => which().prop_map(|payment| Cancel { payment }),
        12 => (kind, prop::option::of(0..4usize)).prop_map(|(kind, size)| Ask { kind, size }),
        12 => (which(), prop_oneof![6 => Just(1i64), 1 => 0..4i64], prop::bool::weighted(0.1))
            .prop_map(|(generation, ahead, held)| Claim { generation, ahead, held }),
        2 => (which(), behind()).prop_map(|(generation, behind)| Attempt { generation, behind }),
        12 => (which(), behind(), prop::bool::weighted(0.1))
            .prop_map(|(generation, behind, empty)| Complete { generation, behind, empty }),
        3 => (which(), behind()).prop_map(|(generation, behind)| Fail { generation, behind }),
        4 => (which(), prop::bool::weighted(0.1)).prop_map(|(generation, late)| Expire { generation, late }),
        2 => which().prop_map(|generation| Confirm { generation }),
        2 => (which(), reason, any::<bool>())
            .prop_map(|(generation, reason, last)| Undelivered { generation, reason, last }),
        5 => (1..90i64).prop_map(|seconds| Later { seconds }),
        4 => (1..40i64, prop::option::of(1..500i64), prop::option::of(1..120i64))
            .prop_map(|(n, price, lasts)| Granted { n, price, lasts }),
        4 => which().prop_map(|payment| Refunded { payment }),
        1 => Just(Banned),
        6 => Just(Unbanned),
    ]
}

/// Steps of one life; nearly every one begins with an account.
pub fn life() -> impl Strategy<Value = Vec<Step>> {
    (prop::bool::weighted(0.95), prop::collection::vec(step(), 1..120)).prop_map(|(opened, mut steps)| {
        if opened {
            steps.insert(0, Step::Open);
        }
        steps
    })
}

/// An account under small limits and odd prices, so that everything is reached soon.
pub fn small_world() -> World {
    let mut world = nobody();
    let catalog = &mut world.catalog.as_mut().unwrap().catalog;
    let limits = &mut catalog.limits;
    (limits.running_per_person_max, limits.payments_open_max, limits.attempts_max) = (3, 3, 3);
    (limits.reservation_ms, limits.payment_ms) = (60_000, 100_000);
    let (rub, stars) = (vec![Rail::Yookassa, Rail::TelegramYookassa], vec![Rail::Stars]);
    let package = |id: &str, n, price, rails| proto_events::catalog::Package {
        id: text(id),
        credits: credits(n),
        price,
        rails,
    };
    catalog.packages = vec![
        package("odd", 37, crate::world::rub(10_001), rub),
        package("stars", 13, Money::new(50, Currency::Xtr).unwrap(), stars),
    ];
    world
}

fn payments(world: &World) -> Vec<PaymentOpened> {
    let opened = |e: &Event| match e {
        Event::PaymentOpened(e) => Some(e.clone()),
        _ => None,
    };
    world.log.iter().filter_map(opened).collect()
}

/// With how often it was claimed.
fn generations(world: &World) -> Vec<(GenerationId, i64)> {
    let requested = |e: &Event| match e {
        Event::GenerationRequested(e) => Some(e.generation),
        _ => None,
    };
    let claims = |id: GenerationId| {
        let started = |e: &&Event| matches!(e, Event::GenerationStarted(e) if e.generation == id);
        i64::try_from(world.log.iter().filter(started).count()).unwrap()
    };
    world.log.iter().filter_map(requested).map(|id| (id, claims(id))).collect()
}

/// One of the latest; now and then one that isn't there.
fn pick<T: Clone>(all: &[T], n: usize) -> Option<T> {
    all.iter().rev().nth(n).cloned()
}

impl Step {
    /// The command of this step, with the facts it needs put into the world.
    pub fn command(&self, world: &mut World) -> Option<Command> {
        (world.lease_until, world.provider_id_owner) = (None, None);
        let nothing = CommandId::new("nothing").unwrap();
        let none = GenerationId::derive(world.id, Producer::Console, &nothing);
        let job = |n: usize| pick(&generations(world), n).unwrap_or((none, 0));
        let at = |claims: i64, behind: i64| Attempt::new((claims - behind).max(0)).unwrap();
        Some(match self.clone() {
            Step::Open => open_account().into(),
            Step::Topup { package, rail } => topup(["odd", "stars", "gold"][package], rail).into(),
            Step::Register { .. } | Step::Settle { .. } | Step::Cancel { .. } => self.payment_command(world),
            Step::Ask { kind, size } => {
                let size = size.map(|n| text(["1K", "2K", "4K", "8K"][n]));
                GenerationRequest { kind, size, ..picture() }.into()
            }
            Step::Claim { generation, ahead, held } => {
                let (generation, claims) = job(generation);
                world.lease_until = held.then(|| world.now.plus_ms(1));
                GenerationClaim { generation, worker: text("w"), attempt: attempt(claims + ahead) }.into()
            }
            Step::Attempt { generation, behind } => {
                let (generation, claims) = job(generation);
                let outcome = Trouble::Overloaded;
                GenerationAttempt {
                    generation,
                    attempt: at(claims, behind),
                    outcome,
                    spent: spent(),
                    retry_after_ms: 0,
                }
                .into()
            }
            Step::Complete { generation, behind, empty } => {
                let (generation, claims) = job(generation);
                let outputs = if empty { Vec::new() } else { vec![output()] };
                let attempt = at(claims, behind);
                GenerationComplete { generation, attempt, outputs, spent: spent(), charge: None }.into()
            }
            Step::Fail { generation, behind } => {
                let (generation, claims) = job(generation);
                let reason = Trouble::Policy;
                GenerationFail { generation, attempt: at(claims, behind), reason, spent: spent() }.into()
            }
            Step::Expire { generation, late } => {
                let id = job(generation).0;
                let reservation = if late { ReservationId::late(id) } else { ReservationId::of(id) };
                ReservationExpire { reservation }.into()
            }
            Step::Confirm { generation } => {
                DeliveryConfirm { generation: job(generation).0, file_ids: Vec::new() }.into()
            }
            Step::Undelivered { generation, reason, last } => {
                DeliveryFail { generation: job(generation).0, reason, r#final: last }.into()
            }
            _ => return None,
        })
    }

    fn payment_command(&self, world: &mut World) -> Command {
        let (n, id, short) = match self {
            Step::Register { payment, id } => (*payment, *id, false),
            Step::Settle { payment, id, short } => (*payment, *id, *short),
            Step::Cancel { payment } => (*payment, 0, false),
            other => panic!("{other:?}"),
        };
        let nothing = CommandId::new("nothing").unwrap();
        let (payment, rail, price) = match pick(&payments(world), n) {
            Some(opened) => (opened.payment, opened.rail, opened.price),
            None => (PaymentId::derive(world.id, Producer::Console, &nothing), Rail::Stars, rub(1)),
        };
        let provider_payment_id: ProviderId = text(&format!("id-{id}"));
        world.provider_id_owner = world.log.iter().find_map(|e| match e {
            Event::PaymentRegistered(e) if e.provider_payment_id == provider_payment_id => Some(e.payment),
            Event::PaymentSettled(e) if e.provider_payment_id == provider_payment_id => Some(e.payment),
            _ => None,
        });
        match self {
            Step::Register { .. } => {
                PaymentRegister { payment, rail, provider_payment_id, checkout_url: None }.into()
            }
            Step::Settle { .. } => {
                let amount = if short { rub(1) } else { price };
                let net = Money::new(amount.minor() * 96 / 100, amount.currency).ok();
                PaymentSettle { payment, rail, provider_payment_id, amount, net, test: false, paid_at: None }
                    .into()
            }
            _ => PaymentCancel {
                payment,
                rail,
                provider_payment_id: None,
                party: text("p"),
                reason: text("r"),
            }
            .into(),
        }
    }

    /// The events of a step that is no command yet.
    pub fn events(&self, world: &World, auditor: &Auditor) -> Vec<Event> {
        match self {
            // A grant would have to pay the debt first: its command will.
            Step::Granted { n, price, lasts } if world.state.is_open() && world.balance().2 == 0 => {
                let lot = LotId::new(world.state.version() + 1).unwrap();
                let expires_at = lasts.map(|seconds| world.now.plus_ms(seconds * 1000));
                vec![CreditsGranted { price: price.map(rub), ..grant(lot, *n, expires_at) }.into()]
            }
            Step::Refunded { payment } => match pick(&payments(world), *payment) {
                Some(opened) => refund(&opened, world, auditor),
                None => Vec::new(),
            },
            Step::Banned if world.state.is_open() => vec![AccountBanned { reason: text("r") }.into()],
            Step::Unbanned if world.state.banned() => vec![AccountUnbanned { reason: text("r") }.into()],
            _ => Vec::new(),
        }
    }
}

/// A chargeback: what is left goes at once, what is spent becomes debt, which what else there is pays.
fn refund(opened: &PaymentOpened, world: &World, auditor: &Auditor) -> Vec<Event> {
    let Some(lot) = auditor.lots.values().find(|l| l.granted.payment == Some(opened.payment)) else {
        return Vec::new();
    };
    if auditor.refunded.contains(&opened.payment) {
        return Vec::new();
    }
    let command = CommandId::new(format!("refund:{}", opened.payment)).unwrap();
    let refund = RefundId::derive(world.id, Producer::Console, &command);
    let payment = opened.payment;
    let (amount, credits, by) = (opened.price, opened.credits, RefundBy::Provider);
    let mut events: Vec<Event> =
        vec![RefundOpened { refund, payment, amount, credits, by, reason: text("r") }.into()];
    let reason = RevokeReason::Chargeback;
    if lot.left > 0 {
        let taken = vec![lot.part(lot.left)];
        events.push(CreditsRevoked { taken, reason, payment: Some(payment), refund: Some(refund) }.into());
    }
    if lot.gone() > 0 {
        let debt = lot.gone();
        events.push(DebtIncurred { credits: crate::world::credits(debt), payment, refund }.into());
        let taken = pay(world.balance().2 + debt, lot.granted.lot, world.now, auditor);
        let paid = taken.iter().map(|p| p.credits.get()).sum::<i64>();
        if paid > 0 {
            let (credits, by) = (crate::world::credits(paid), DebtPayer::Lots);
            events.push(DebtPaid { credits, taken, by }.into());
        }
    }
    events
}

fn pay(mut debt: i64, but: LotId, now: Micros, auditor: &Auditor) -> Vec<ConsumedPart> {
    let lasts = |l: &&LotBook| l.granted.expires_at.is_none_or(|at| at > now);
    let mut lots: Vec<&LotBook> =
        auditor.lots.values().filter(|l| l.granted.lot != but && l.left > 0).filter(lasts).collect();
    lots.sort_by_key(|l| {
        (l.granted.expires_at.unwrap_or(Micros::MAX), l.granted.price.is_some(), l.granted.lot)
    });
    let mut taken = Vec::new();
    for lot in lots {
        let n = debt.min(lot.left);
        if n > 0 {
            taken.push(lot.part(n));
            debt -= n;
        }
    }
    taken
}
