//! Random histories of the whole domain, decided by the core and chained as the ledger does, but in
//! memory: fast enough to have every kind of event many times over. For tests of what is read from the
//! log; the sequencer has no part in it.

use std::collections::{BTreeMap, BTreeSet};

use ledger::log::{GENESIS, Row};
use ledger_domain::{
    Account, CatalogStream, Facts, PublishedCatalog, decide, decide_catalog, effect, evolve, evolve_catalog,
};
use proto_events::catalog::{Catalog, Package, Rates};
use proto_events::commands::*;
use proto_events::events::*;
use proto_events::*;

use crate::bulk::insert;
use crate::deeds::{id, text};
use crate::dice::Dice;

const SECOND: i64 = 1_000_000;
/// 2026-11-20T20:00:00Z: an hour before midnight in Moscow.
const START: i64 = 1_795_204_800 * SECOND;

/// Ids that commands of one person need later.
#[derive(Default)]
struct Known {
    payments: Vec<(PaymentId, Rail, Money)>,
    refunds: Vec<(RefundId, Rail, Money)>,
    generations: Vec<GenerationId>,
    attempts: BTreeMap<GenerationId, i64>,
    lots: Vec<LotId>,
    /// Quarantined: rail and the provider's id.
    quarantined: Vec<(Rail, ProviderId)>,
}

struct Person {
    account: AccountId,
    state: Account,
    known: Known,
}

pub struct History {
    pub rows: Vec<Row>,
    dice: Dice,
    people: Vec<Person>,
    catalog: Option<PublishedCatalog>,
    now: i64,
    commands: u64,
    /// How often each type came.
    pub types: BTreeMap<String, usize>,
    /// Registrations of referrals whose bonuses are to come.
    referrals: Vec<(i64, usize, AccountId)>,
    opened: BTreeSet<AccountId>,
}

fn some(n: i64) -> SomeCredits {
    SomeCredits::new(n).expect("a test's amount is in bounds")
}

fn spent(dice: &mut Dice) -> Spent {
    let cost = MicroUsd::new(i64::try_from(dice.below(90_000)).unwrap_or(0)).ok();
    let mut some = || u32::try_from(dice.below(2_000)).unwrap_or(0);
    let usage =
        Usage { prompt_tokens: some(), output_tokens: some(), thought_tokens: some(), image_tokens: some() };
    let estimated = dice.below(4) == 0;
    Spent {
        usage: (!estimated).then_some(usage),
        model_version: (!estimated).then(|| text("a-model-001")),
        estimated,
        cost_micro_usd: cost,
        latency_ms: u32::try_from(dice.below(30_000)).unwrap_or(0),
    }
}

/// Odd prices, short lives, so that every rule is reached soon.
fn catalog() -> Catalog {
    let mut catalog = Catalog::default_catalog().expect("a test of proto-events reads the default catalog");
    let (rub, stars) = (vec![Rail::Yookassa, Rail::TelegramYookassa], vec![Rail::Stars]);
    let money = |minor, currency| Money::new(minor, currency).expect("a test's prices are small");
    let package = |name: &str, n, price, rails| Package {
        id: text(name),
        credits: Credits::new(n).expect("a test's packages are small"),
        price,
        rails,
    };
    // What deeds buy is sold too: people may go on where a history ends.
    let sold_to_deeds = catalog.packages.iter().find(|p| p.id.as_str() == "rub-100").cloned();
    catalog.packages = vec![
        package("odd", 23, money(10_001, Currency::Rub), rub),
        package("stars", 13, money(50, Currency::Xtr), stars),
    ];
    catalog.packages.extend(sold_to_deeds);
    catalog.limits.reservation_ms = 60_000;
    catalog.rates = Some(Rates { kopecks_per_usd: 8_150, kopecks_per_star: 130 });
    catalog
}

impl History {
    /// A history of about `events` events of `people` accounts.
    pub fn new(mut dice: Dice, people: usize, events: usize) -> Self {
        let person = |n: usize| Person {
            account: AccountId(uuid::Uuid::from_u128(
                (n as u128 + 1) << 80 | 0x4000 << 64 | 0x8000_0000_0000_0000,
            )),
            state: Account::default(),
            known: Known::default(),
        };
        let fork = dice.fork();
        let mut history = Self {
            rows: Vec::with_capacity(events + 16),
            dice: fork,
            people: (0..people).map(person).collect(),
            catalog: None,
            now: START,
            commands: 0,
            types: BTreeMap::new(),
            referrals: Vec::new(),
            opened: BTreeSet::new(),
        };
        history.publish();
        while history.rows.len() < events {
            history.step();
        }
        history
    }

    pub fn accounts(&self) -> Vec<AccountId> {
        self.people.iter().map(|p| p.account).collect()
    }

    fn publish(&mut self) {
        let stream = CatalogStream::default();
        let publish = CatalogPublish { version: 1, catalog: catalog(), reason: None };
        let id = CommandId::new("catalog:1").expect("letters, a colon and a digit are a command id");
        let facts = Facts::new(Micros::default(), AccountId::CATALOG, Producer::Ledger, &id);
        let events = decide_catalog(&stream, &publish, &facts)
            .expect("it is the default catalog, with a package more");
        self.catalog = events.iter().fold(stream, evolve_catalog).published;
        self.append(AccountId::CATALOG, 1, &events, Producer::Ledger, "catalog:1", "system");
    }

    fn append(
        &mut self,
        account: AccountId,
        version: i64,
        events: &[Event],
        producer: Producer,
        command: &str,
        actor: &str,
    ) {
        for (ordinal, event) in (0i16..).zip(events) {
            let e = effect(event);
            let mut row = Row {
                position: i64::try_from(self.rows.len()).expect("a history in memory is short") + 1,
                account_id: account.0,
                version: version + i64::from(ordinal),
                event_type: event.type_name().to_owned(),
                schema_version: event.schema_version(),
                available_delta: e.available,
                reserved_delta: e.reserved,
                debt_delta: e.debt,
                payload: event.payload().expect("every event can be written: its own tests write all"),
                producer: producer.as_str().to_owned(),
                command_id: command.to_owned(),
                ordinal,
                request_digest: [0; 16],
                actor: actor.to_owned(),
                causation: None,
                trace_id: None,
                recorded_at: self.now,
                prev_hash: GENESIS,
                hash: GENESIS,
            };
            row.chain(self.rows.last().map_or(GENESIS, |last| last.hash));
            *self.types.entry(row.event_type.clone()).or_default() += 1;
            self.rows.push(row);
        }
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        // Mostly one of the last few.
        let span = of.len().min(4) as u64;
        let back = usize::try_from(self.dice.below(span)).unwrap_or(0);
        let any = usize::try_from(self.dice.below(of.len() as u64)).unwrap_or(0);
        if self.dice.below(8) == 0 { of.get(any).copied() } else { of.iter().rev().nth(back).copied() }
    }

    fn step(&mut self) {
        let gap = [0, 0, 1_000, 700_000, 20 * SECOND, 70 * SECOND]
            [usize::try_from(self.dice.below(6)).unwrap_or(0)];
        self.now += i64::try_from(self.dice.below(gap.max(1) as u64)).unwrap_or(0);
        if self.dice.below(4_000) == 0 {
            self.now += 86_400 * SECOND;
        }
        let who = usize::try_from(self.dice.below(self.people.len() as u64)).unwrap_or(0);
        if !self.opened.contains(&self.people[who].account) {
            self.open(who);
            return;
        }
        if let Some((cause, inviter, invited)) = self.referrals.pop() {
            self.bonus(cause, inviter, invited);
            return;
        }
        if let Some((producer, command, facts)) = self.command(who) {
            self.act(who, producer, command, facts);
        }
    }

    fn open(&mut self, who: usize) {
        let neighbour = (who > 0 && self.dice.below(2) == 0).then(|| self.people[who - 1].account);
        let neighbour = neighbour.filter(|i| self.opened.contains(i));
        // The second one to come is invited: no history of two is without a referral.
        let first = self.opened.first().copied().filter(|_| self.opened.len() == 1);
        let inviter = neighbour.or(first);
        let command = AccountOpen {
            language: text("ru"),
            name: text("N"),
            inviter: inviter.map(|i| text(&i.0.simple().to_string())),
        };
        self.opened.insert(self.people[who].account);
        let knows = |facts: &mut Facts<'_>| facts.inviter_known = true;
        let from = self.rows.len();
        self.act(who, Producer::Telegram, command.into(), knows);
        let registered = self.rows[from..].iter().find(|r| r.event_type == "ReferralRegistered");
        if let Some(row) = registered {
            let inviter = self.people.iter().position(|p| Some(p.account) == inviter).unwrap_or(0);
            self.referrals.push((row.position, inviter, self.people[who].account));
            self.referrals.push((row.position, who, self.people[who].account));
        }
    }

    fn bonus(&mut self, cause: i64, who: usize, invited: AccountId) {
        let side =
            if self.people[who].account == invited { ReferralSide::Invited } else { ReferralSide::Inviter };
        let cause = Position::new(cause).expect("a cause is a position of this history, counted from 1");
        self.act(who, Producer::Ledger, ReferralBonus { invited, side, cause }.into(), |_| {});
    }

    /// Lets the core decide; what it accepts is appended.
    fn act(&mut self, who: usize, producer: Producer, command: Command, facts: impl FnOnce(&mut Facts<'_>)) {
        self.commands += 1;
        let command_id = id(format!("c:{}", self.commands));
        let now = Micros::new(self.now).expect("the history's clock goes on from a day in this century");
        let person = &self.people[who];
        let mut known = Facts::new(now, person.account, producer, &command_id);
        known.catalog = self.catalog.as_ref();
        known.fingerprint = "f0";
        facts(&mut known);
        let Ok(events) = decide(&person.state, &command, &known) else { return };
        let (account, version) = (person.account, person.state.version() + 1);
        let actor = match producer {
            Producer::Console => "operator:ann",
            Producer::Telegram => "person",
            _ => "system",
        };
        self.append(account, version, &events, producer, command_id.as_str(), actor);
        let person = &mut self.people[who];
        for event in &events {
            person.state = evolve(std::mem::take(&mut person.state), event);
            person.known.note(event);
        }
    }
}

impl Known {
    fn note(&mut self, event: &Event) {
        match event {
            Event::PaymentOpened(e) => self.payments.push((e.payment, e.rail, e.price)),
            Event::PaymentQuarantined(e) => self.quarantined.push((e.rail, e.provider_payment_id.clone())),
            Event::RefundOpened(e) => {
                let rail =
                    self.payments.iter().find(|(p, _, _)| *p == e.payment).map_or(Rail::Stars, |p| p.1);
                self.refunds.push((e.refund, rail, e.amount));
            }
            Event::CreditsGranted(e) => self.lots.push(e.lot),
            Event::GenerationRequested(e) => self.generations.push(e.generation),
            Event::GenerationStarted(e) => drop(self.attempts.insert(e.generation, e.attempt.get())),
            _ => {}
        }
    }
}

type Knows = fn(&mut Facts<'_>);
type Said = Option<(Producer, Command, Knows)>;

impl History {
    fn command(&mut self, who: usize) -> Said {
        let nothing: Knows = |_| {};
        let said = |producer, command: Command| Some((producer, command, nothing));
        match self.dice.below(40) {
            0 | 1 => {
                let (package, rail) = match self.dice.below(4) {
                    0 => ("stars", Rail::Stars),
                    1 => ("odd", Rail::TelegramYookassa),
                    _ => ("odd", Rail::Yookassa),
                };
                let context = ChatContext { chat: 1, message: 1, status_message: None };
                said(
                    Producer::Telegram,
                    TopupOpen { package: text(package), rail, context, email: None, method: None }.into(),
                )
            }
            2..=4 => self.pay(who),
            5..=14 => {
                let kind = [GenerationKind::Text, GenerationKind::Picture, GenerationKind::Edit];
                let kind = self.pick(&kind)?;
                let references = if kind == GenerationKind::Edit { vec![text("file")] } else { Vec::new() };
                let context = ChatContext { chat: 1, message: 1, status_message: None };
                let command =
                    GenerationRequest { references, ..GenerationRequest::new(kind, text("a cat"), context) };
                said(Producer::Telegram, command.into())
            }
            15..=32 => self.work(who),
            33 | 34 => self.refund(who),
            _ => self.office(who),
        }
    }

    fn pay(&mut self, who: usize) -> Said {
        let nothing: Knows = |_| {};
        let payments = self.people[who].known.payments.clone();
        let (payment, rail, amount) = self.pick(&payments)?;
        let producer = if rail == Rail::Stars { Producer::Telegram } else { Producer::Payments };
        let provider_payment_id: ProviderId = text(&format!("pp-{:016x}", payment.tail()));
        let fee = amount.minor() / 30;
        let net =
            (rail != Rail::Stars).then(|| Money::new(amount.minor() - fee, amount.currency)).transpose();
        let command: Command = match self.dice.below(12) {
            0 => PaymentCancel {
                payment,
                rail,
                provider_payment_id: None,
                party: text("yoo_money"),
                reason: text("expired_on_confirmation"),
            }
            .into(),
            1 => PaymentRegister { payment, rail, provider_payment_id, checkout_url: None }.into(),
            2 => PaymentQuarantine {
                payment: Some(payment),
                rail,
                provider_payment_id,
                problems: vec![PaymentProblem::AmountDiffers],
                seen: PaymentSeen {
                    amount: Some(amount),
                    status: text("succeeded"),
                    test: Some(false),
                    named: None,
                    other_amount: None,
                    shop: None,
                },
            }
            .into(),
            3 => {
                let (rail, provider_payment_id) = self.people[who].known.quarantined.pop()?;
                let verdict = QuarantineVerdict::Settle {
                    amount: SomeMoney::new(amount.minor(), amount.currency).ok()?,
                    credits: some(5),
                    test: false,
                };
                let command = QuarantineResolve {
                    rail,
                    provider_payment_id,
                    verdict,
                    reason: text("seen in the cabinet"),
                };
                return Some((Producer::Console, command.into(), nothing));
            }
            _ => PaymentSettle {
                payment,
                rail,
                provider_payment_id,
                amount,
                net: net.ok()?,
                test: false,
                paid_at: Micros::new(self.now - SECOND).ok(),
                context: None,
            }
            .into(),
        };
        Some((producer, command, nothing))
    }

    fn work(&mut self, who: usize) -> Said {
        let nothing: Knows = |_| {};
        let generations = self.people[who].known.generations.clone();
        let generation = self.pick(&generations)?;
        let last = self.people[who].known.attempts.get(&generation).copied().unwrap_or(0);
        let (attempt, next) = (Attempt::new(last).ok()?, Attempt::new(last + 1).ok()?);
        let spent = spent(&mut self.dice);
        let output = MadeOutput {
            object: text("o"),
            sha256: text(&"0".repeat(64)),
            media_type: MediaType::Png,
            bytes: 1_000,
            width: Some(8),
            height: Some(8),
        };
        let by = Producer::Generator;
        let (producer, command): (Producer, Command) = match self.dice.below(16) {
            0..=4 => (by, GenerationClaim { generation, worker: text("w"), attempt: next }.into()),
            5 => {
                let outcome = Trouble::RateLimited;
                (by, GenerationAttempt { generation, attempt, outcome, spent, retry_after_ms: 0 }.into())
            }
            6..=9 => {
                let charge = (self.dice.below(4) == 0).then(|| some(3));
                (by, GenerationComplete { generation, attempt, outputs: vec![output], spent, charge }.into())
            }
            10 => (
                by,
                GenerationFail { generation, attempt, reason: Trouble::Policy, spent, text: None }.into(),
            ),
            11 => (Producer::Telegram, GenerationCancel { generation }.into()),
            12 => (Producer::Ledger, ReservationExpire { reservation: ReservationId::of(generation) }.into()),
            13 => {
                let reason = DeliveryTrouble::BytesLost;
                (Producer::Telegram, DeliveryFail { generation, reason, r#final: true }.into())
            }
            _ => (
                Producer::Telegram,
                DeliveryConfirm { generation, file_ids: Vec::new(), unique_ids: Vec::new() }.into(),
            ),
        };
        Some((producer, command, nothing))
    }

    fn refund(&mut self, who: usize) -> Said {
        let nothing: Knows = |_| {};
        if self.dice.below(2) == 0 {
            let payments = self.people[who].known.payments.clone();
            let (payment, rail, price) = self.pick(&payments)?;
            let part = price.minor() / (1 + i64::try_from(self.dice.below(3)).unwrap_or(0));
            let amount = SomeMoney::new(part, price.currency).ok()?;
            let producer = if self.dice.below(3) == 0 { Producer::Payments } else { Producer::Console };
            return Some((
                producer,
                RefundOpen {
                    payment,
                    rail,
                    amount,
                    reason: text("asked"),
                    provider_refund_id: None,
                    refunded_at: None,
                    version: None,
                }
                .into(),
                nothing,
            ));
        }
        let refunds = self.people[who].known.refunds.clone();
        let (refund, rail, amount) = self.pick(&refunds)?;
        let provider_refund_id: ProviderId = text(&format!("rf-{:016x}", refund.tail()));
        let command: Command = match self.dice.below(3) {
            0 => RefundFail { refund, rail, reason: text("insufficient_funds") }.into(),
            _ => RefundSettle { refund, rail, provider_refund_id, amount, refunded_at: None }.into(),
        };
        let producer = if rail == Rail::Stars { Producer::Telegram } else { Producer::Payments };
        Some((producer, command, nothing))
    }

    fn office(&mut self, who: usize) -> Said {
        let nothing: Knows = |_| {};
        let lots = self.people[who].known.lots.clone();
        let credits = some(1 + i64::try_from(self.dice.below(30)).unwrap_or(0));
        let reason = text("a reason");
        let command: Command = match self.dice.below(16) {
            0 | 1 => {
                let lasts_days = (self.dice.below(2) == 0).then(|| Days::new(1).ok()).flatten();
                CreditsGrant { credits, source: GrantSource::Promo, reason, lasts_days, expires_at: None }
                    .into()
            }
            2..=5 => CreditsRevoke { credits, reason: text("a mistake") }.into(),
            6 => DebtForgive { credits, reason: text("goodwill") }.into(),
            7..=10 => return Some((Producer::Ledger, LotsExpire { lot: self.pick(&lots)? }.into(), nothing)),
            11 => AccountBan { reason: text("spam") }.into(),
            12..=14 => AccountUnban { reason: text("sorry") }.into(),
            _ if self.dice.below(4) == 0 => AccountErase { forfeit: true }.into(),
            _ => return None,
        };
        Some((Producer::Console, command, nothing))
    }
}

/// Writes rows of a history as the ledger would, and moves the head.
///
/// # Errors
/// Postgres refuses them.
pub async fn append(pool: &sqlx::PgPool, rows: &[Row]) -> Result<(), sqlx::Error> {
    let mut tx = pool.begin().await?;
    insert::events(&mut tx, rows).await?;
    insert::head(&mut tx, rows).await?;
    tx.commit().await
}
