//! Steps of a life, and the commands they turn into.
//!
//! A step names a person, a verb and a seed; what it picks (the latest payment, a job that isn't
//! there, an old attempt) it picks when it is played. So any steps can be left out and the rest
//! still make sense: that is what makes a failing life shrink.

use proto_events::authority::COMMANDS;
use proto_events::commands::*;
use proto_events::events::*;
use proto_events::*;

use crate::desk::{Desk, PEOPLE, Sent};
use crate::dice::Dice;
use crate::shop::{PACKAGES, RATIOS, SIZES, next_catalog, text};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The command is sent at once.
    Send {
        person: usize,
        verb: &'static str,
        seed: u64,
    },
    /// The command is written, and stays under way.
    Write {
        person: usize,
        verb: &'static str,
        seed: u64,
    },
    /// One of those under way arrives.
    Arrive {
        seed: u64,
    },
    /// One that was sent is sent again, under its own id or a new one.
    Repeat {
        seed: u64,
    },
    Later {
        seed: u64,
    },
}

/// How often each verb is chosen. A command without a line here can't be played, and `main.rs` says so.
pub const WEIGHTS: &[(&str, u32)] = &[
    ("account_open", 6),
    ("topup_open", 12),
    ("payment_register", 6),
    ("payment_settle", 16),
    ("payment_cancel", 3),
    ("generation_request", 26),
    ("generation_claim", 22),
    ("generation_attempt", 5),
    ("generation_complete", 20),
    ("generation_fail", 6),
    ("reservation_expire", 9),
    ("delivery_confirm", 4),
    ("delivery_fail", 5),
    ("catalog_publish", 2),
];

/// A life of `len` steps.
pub fn life(dice: &mut Dice, len: usize) -> Vec<Step> {
    // Nearly everybody begins with an account.
    let open = |person, seed| Step::Send { person, verb: "account_open", seed };
    let mut steps: Vec<Step> =
        (0..PEOPLE).filter(|_| dice.percent(90)).map(|person| open(person, 1)).collect();
    while steps.len() < len {
        let (person, seed) = (dice.weighted(&[(0, 6), (1, 2), (2, 1)]), dice.roll());
        steps.push(match dice.below(100) {
            0..=5 => Step::Later { seed },
            6..=9 => Step::Repeat { seed },
            10..=13 => Step::Write { person, verb: dice.weighted(WEIGHTS), seed },
            14..=17 => Step::Arrive { seed },
            _ => Step::Send { person, verb: dice.weighted(WEIGHTS), seed },
        });
    }
    steps
}

/// What a step sends now, if anything.
pub fn play(step: Step, desk: &mut Desk) -> Option<Sent> {
    match step {
        Step::Send { person, verb, seed } => Some(write(person, verb, seed, desk)),
        Step::Write { person, verb, seed } => {
            let sent = write(person, verb, seed, desk);
            desk.drawer.push(sent);
            None
        }
        Step::Arrive { seed } => {
            let mut dice = Dice::new(seed);
            (!desk.drawer.is_empty()).then(|| desk.drawer.remove(dice.below(desk.drawer.len())))
        }
        Step::Repeat { seed } => {
            let mut dice = Dice::new(seed);
            let mut again = dice.latest(&desk.sent)?;
            match dice.below(4) {
                0 | 1 => {}
                2 => again.id = desk.fresh_id(),
                // The id of another command.
                _ => again.id = dice.latest(&desk.sent)?.id,
            }
            Some(again)
        }
        Step::Later { seed } => {
            let mut dice = Dice::new(seed);
            let ms = match dice.below(40) {
                0 => 400 * 86_400_000,
                1..=3 => 3_600_000,
                4..=20 => dice.between(1, 5_000),
                _ => dice.between(1_000, 90_000),
            };
            desk.later(ms);
            None
        }
    }
}

fn write(person: usize, verb: &'static str, seed: u64, desk: &mut Desk) -> Sent {
    let mut dice = Dice::new(seed);
    let id = desk.fresh_id();
    let account = if verb == "catalog_publish" { AccountId::CATALOG } else { desk.people[person].id };
    let command = Writer { desk, person, dice: &mut dice }.command(verb);
    let who = COMMANDS.iter().find(|(name, _)| *name == verb).expect("a verb of the contract").1;
    let allowed: Vec<Producer> = who
        .iter()
        .filter(|(_, rails)| command.rail().is_none_or(|rail| rails.contains(&rail)))
        .map(|(producer, _)| *producer)
        .collect();
    Sent { person, producer: dice.of(&allowed), id, command, account }
}

struct Writer<'a> {
    desk: &'a Desk,
    person: usize,
    dice: &'a mut Dice,
}

impl Writer<'_> {
    fn command(&mut self, verb: &str) -> Command {
        match verb {
            "account_open" => AccountOpen { language: text("en"), name: text("N"), inviter: None }.into(),
            "topup_open" => self.topup(),
            "payment_register" | "payment_settle" | "payment_cancel" => self.payment(verb),
            "generation_request" => self.ask(),
            "generation_claim" => {
                let (generation, claims) = self.job();
                let ahead = self.dice.weighted(&[(1, 12), (0, 1), (2, 1)]);
                GenerationClaim { generation, worker: text("w"), attempt: number(claims + ahead) }.into()
            }
            "generation_attempt" | "generation_complete" | "generation_fail" => self.work(verb),
            "reservation_expire" => {
                let id = self.job().0;
                let late = self.dice.percent(10);
                let reservation = if late { ReservationId::late(id) } else { ReservationId::of(id) };
                ReservationExpire { reservation }.into()
            }
            "delivery_confirm" => DeliveryConfirm { generation: self.job().0, file_ids: Vec::new() }.into(),
            "delivery_fail" => {
                use DeliveryTrouble::*;
                let reason = self.dice.of(&[BytesLost, BytesLost, Refused, Refused, Blocked, Gone]);
                DeliveryFail { generation: self.job().0, reason, r#final: self.dice.percent(50) }.into()
            }
            "catalog_publish" => {
                let next = self.desk.published().version + 1;
                let version = self.dice.weighted(&[(next, 8), (next - 1, 1), (next + 1, 1), (i64::MAX, 1)]);
                CatalogPublish { version, catalog: next_catalog(self.desk.catalog(), self.dice) }.into()
            }
            other => panic!("no step writes {other}: add it here and to WEIGHTS"),
        }
    }

    fn log(&self) -> &[Event] {
        &self.desk.people[self.person].log
    }

    /// An id that nothing has, of this person or of another.
    fn nothing(&mut self) -> CommandId {
        CommandId::new(self.dice.of(&["nothing", "naught"])).unwrap()
    }

    fn topup(&mut self) -> Command {
        let package = self.dice.weighted(&[(0, 12), (1, 4), (2, 1), (3, 1)]);
        let rails: &[Rail] =
            if package == 1 { &[Rail::Stars, Rail::Stars, Rail::Yookassa] } else { &Rail::ALL };
        let rail = self.dice.of(rails);
        TopupOpen { package: text(PACKAGES[package]), rail, context: context() }.into()
    }

    /// One of the person's latest payments, or one that isn't there.
    fn bill(&mut self) -> (PaymentId, Rail, Money) {
        let opened = |e: &Event| match e {
            Event::PaymentOpened(e) => Some((e.payment, e.rail, e.price)),
            _ => None,
        };
        let all: Vec<_> = self.log().iter().filter_map(opened).collect();
        let nothing = self.nothing();
        self.dice.latest(&all).unwrap_or_else(|| {
            let account = self.desk.people[self.person].id;
            (PaymentId::derive(account, Producer::Console, &nothing), Rail::Stars, rub(1))
        })
    }

    fn payment(&mut self, verb: &str) -> Command {
        let (payment, mut rail, price) = self.bill();
        if self.dice.percent(4) {
            rail = self.dice.of(&Rail::ALL);
        }
        let id = self.dice.below(30);
        // Mostly its own, so that it is registered and settled under one id.
        let provider_payment_id: ProviderId = match id {
            0..=3 => text(&format!("id-{id}")),
            _ => text(&format!("of-{payment}")),
        };
        match verb {
            "payment_register" => {
                PaymentRegister { payment, rail, provider_payment_id, checkout_url: None }.into()
            }
            "payment_settle" => {
                let amount = match self.dice.below(12) {
                    0 => rub(1_000_000_000_000),
                    1 => Money { currency: Currency::Xtr, ..price },
                    _ => price,
                };
                let net = match self.dice.below(8) {
                    0 => None,
                    1 => Money::new(amount.minor() + 1, amount.currency).ok(),
                    2 => Some(rub(0)),
                    _ => Money::new(amount.minor() - amount.minor() / 29, amount.currency).ok(),
                };
                let (test, paid_at) = (self.dice.percent(10), Some(self.desk.now));
                PaymentSettle { payment, rail, provider_payment_id, amount, net, test, paid_at }.into()
            }
            _ => PaymentCancel {
                payment,
                rail,
                provider_payment_id: None,
                party: text("merchant"),
                reason: text("expired"),
            }
            .into(),
        }
    }

    fn ask(&mut self) -> Command {
        use GenerationKind::*;
        let kind = self.dice.weighted(&[(Text, 4), (Picture, 5), (Edit, 1)]);
        let models = ["gemini-3.8-flash", "gemini-nano-banana-2.1", "gemini-3-pro-image", "nobody"];
        let model = self.dice.percent(15).then(|| text(self.dice.of(&models)));
        let one = |chance, all: &[&str], dice: &mut Dice| {
            dice.percent(chance).then(|| text(all[dice.weighted(&[(0, 5), (1, 4), (all.len() - 1, 1)])]))
        };
        let pictures = kind != Text;
        let size = one(if pictures { 40 } else { 4 }, &SIZES, self.dice);
        let aspect_ratio = one(if pictures { 20 } else { 2 }, &RATIOS, self.dice);
        let prompt = match self.dice.below(40) {
            0 => String::new(),
            1 => " \t\n\u{a0}".to_owned(),
            2 => "длинно ".repeat(9),
            3 => "x".repeat(4096),
            _ => "a".to_owned(),
        };
        let references = if self.dice.percent(10) { self.dice.below(4) } else { 0 };
        GenerationRequest {
            kind,
            model,
            aspect_ratio,
            size,
            prompt: text(&prompt),
            references: vec![text("file"); references],
            context: context(),
        }
        .into()
    }

    /// One of the person's latest generations with how often it was claimed, or one that isn't there.
    fn job(&mut self) -> (GenerationId, i64) {
        let requested = |e: &Event| match e {
            Event::GenerationRequested(e) => Some(e.generation),
            _ => None,
        };
        let all: Vec<_> = self.log().iter().filter_map(requested).collect();
        let nothing = self.nothing();
        let Some(id) = self.dice.latest(&all) else {
            return (GenerationId::derive(self.desk.people[self.person].id, Producer::Console, &nothing), 0);
        };
        let claims =
            self.log().iter().filter(|e| matches!(e, Event::GenerationStarted(e) if e.generation == id));
        (id, i64::try_from(claims.count()).unwrap())
    }

    fn work(&mut self, verb: &str) -> Command {
        let (generation, claims) = self.job();
        let attempt = number(claims - self.dice.weighted(&[(0, 12), (1, 1), (-1, 1)]));
        let spent = self.spent();
        match verb {
            "generation_attempt" => GenerationAttempt {
                generation,
                attempt,
                outcome: Trouble::Overloaded,
                spent,
                retry_after_ms: self.dice.of(&[0, 0, 10_000, u32::MAX]),
            }
            .into(),
            "generation_complete" => {
                let n = self.dice.weighted(&[(1, 14), (0, 1), (3, 1)]);
                GenerationComplete { generation, attempt, outputs: vec![output(); n], charge: None, spent }
                    .into()
            }
            _ => GenerationFail { generation, attempt, reason: Trouble::Policy, spent }.into(),
        }
    }

    fn spent(&mut self) -> Spent {
        let cost = self.dice.of(&[0, 39_000, MicroUsd::MAX.get()]);
        let latency_ms = self.dice.of(&[0, 900, u32::MAX]);
        let usage = self.dice.percent(30).then(|| Usage { prompt_tokens: u32::MAX, ..Usage::default() });
        Spent { usage, model_version: None, cost_micro_usd: MicroUsd::new(cost).ok(), latency_ms }
    }
}

fn number(n: i64) -> Attempt {
    Attempt::new(n.clamp(0, 1000)).unwrap()
}

fn rub(kopecks: i64) -> Money {
    Money::new(kopecks, Currency::Rub).unwrap()
}

fn context() -> ChatContext {
    ChatContext { chat: i64::MIN, message: 1, status_message: None }
}

fn output() -> MadeOutput {
    MadeOutput {
        object: text("o/1"),
        sha256: text("ab"),
        media_type: MediaType::Jpeg,
        bytes: u32::MAX,
        width: Some(1024),
        height: Some(1024),
    }
}
