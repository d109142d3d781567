//! Commands as producers would write them, right and wrong: about the latest payment or job of an
//! account, or one that isn't there, under old attempts, for too much, by the wrong rail.

use proto_events::authority::COMMANDS;
use proto_events::commands::*;
use proto_events::events::*;
use proto_events::*;

use crate::desk::{Desk, Sent};
use crate::dice::Dice;
use crate::shop::{PACKAGES, RATIOS, SIZES, next_catalog, text};

/// The command of this verb and seed, for an account of this person, as things stand now.
pub fn write(person: usize, verb: &'static str, seed: u64, desk: &mut Desk) -> Sent {
    let mut dice = Dice::new(seed);
    let id = desk.fresh_id();
    let account = account_of(person, verb, desk, &mut dice);
    let command = Writer { desk, account, dice: &mut dice }.command(verb);
    let who = COMMANDS.iter().find(|(name, _)| *name == verb).expect("a verb of the contract").1;
    let allowed: Vec<Producer> = who
        .iter()
        .filter(|(_, rails)| command.rail().is_none_or(|rail| rails.contains(&rail)))
        .map(|(producer, _)| *producer)
        .collect();
    // A rail that nobody may send this for is refused at the door; the core has an answer all the same.
    let producer = if allowed.is_empty() { Producer::Console } else { dice.of(&allowed) };
    Sent { person, producer, id, account, command }
}

/// The person's account; now and then one that was erased, or a stream that is nobody's.
fn account_of(person: usize, verb: &str, desk: &Desk, dice: &mut Dice) -> AccountId {
    let stray = dice.below(100);
    match verb {
        "catalog_publish" if stray > 2 => AccountId::CATALOG,
        "operator_act"
        | "projection_swap"
        | "reconciliation_record"
        | "content_put"
        | "picture_put"
        | "staff_put"
        | "four_eyes_set"
        | "broadcast_start"
        | "broadcast_pause"
        | "broadcast_finish"
            if stray > 5 =>
        {
            AccountId::OPERATIONS
        }
        "payment_quarantine" | "quarantine_resolve" if stray < 25 => AccountId::OPERATIONS,
        _ if stray == 99 => AccountId::OPERATIONS,
        _ if stray < 15 => {
            let own: Vec<_> =
                desk.streams.iter().filter(|(_, s)| s.person == person).map(|(id, _)| *id).collect();
            dice.of(&own)
        }
        _ => desk.current[person],
    }
}

struct Writer<'a> {
    desk: &'a Desk,
    account: AccountId,
    dice: &'a mut Dice,
}

impl Writer<'_> {
    fn command(&mut self, verb: &str) -> Command {
        match verb {
            "account_open" | "account_ban" | "account_unban" | "account_erase" | "referral_register"
            | "referral_bonus" => self.person(verb),
            "credits_grant" | "credits_revoke" | "debt_forgive" | "lots_expire" => self.credits(verb),
            "topup_open" => self.topup(),
            "payment_register" | "payment_settle" | "payment_cancel" => self.payment(verb),
            "payment_fee" => self.fee(),
            "payment_quarantine" | "quarantine_resolve" => self.quarantine(verb),
            "refund_open" | "refund_settle" | "refund_fail" => self.refund(verb),
            "generation_request" => self.ask(),
            "generation_claim" => {
                let (generation, claims) = self.job();
                let ahead = self.dice.weighted(&[(1, 12), (0, 1), (2, 1)]);
                GenerationClaim { generation, worker: text("w"), attempt: number(claims + ahead) }.into()
            }
            "generation_attempt" | "generation_complete" | "generation_fail" => self.work(verb),
            "generation_cancel" => GenerationCancel { generation: self.job().0 }.into(),
            "reservation_expire" => {
                let id = self.job().0;
                let late = self.dice.percent(10);
                let reservation = if late { ReservationId::late(id) } else { ReservationId::of(id) };
                ReservationExpire { reservation }.into()
            }
            "delivery_confirm" => {
                let generation = self.job().0;
                DeliveryConfirm { generation, file_ids: Vec::new(), unique_ids: Vec::new() }.into()
            }
            "delivery_fail" => {
                use DeliveryTrouble::*;
                let reason = self.dice.of(&[BytesLost, BytesLost, Refused, Refused, Blocked, Gone]);
                DeliveryFail { generation: self.job().0, reason, r#final: self.dice.percent(50) }.into()
            }
            "catalog_publish" => {
                let next = self.desk.published().version + 1;
                let version = self.dice.weighted(&[(next, 8), (next - 1, 1), (next + 1, 1), (i64::MAX, 1)]);
                let catalog = next_catalog(self.desk.catalog(), self.dice);
                CatalogPublish { version, catalog, reason: None }.into()
            }
            "operator_act" => {
                OperatorAct { act: text("looked"), subject: text("x"), reason: text("r") }.into()
            }
            "projection_swap" => {
                let (from, to) = (text("balances_1"), text("balances_2"));
                ProjectionSwap { projection: text("balances"), from, to, position: Position::ZERO }.into()
            }
            "reconciliation_record" => self.reconciliation(),
            "message_request" => {
                let content = MessageContent { text: Some(text("hello")), ..MessageContent::default() };
                MessageRequest { message: text("m"), kind: MessageKind::Text, content }.into()
            }
            "four_eyes_set" => {
                let above = self.dice.weighted(&[(None, 1), (Some(100), 1), (Some(1_000), 1)]);
                let above = above.and_then(|n| Credits::new(n).ok());
                FourEyesSet { above, reason: text("r") }.into()
            }
            "staff_put" => {
                let roles = vec![Role::Administrator];
                StaffPut { name: text("ann"), roles, password_hash: None, reason: text("r") }.into()
            }
            "content_put" | "picture_put" | "broadcast_start" | "broadcast_pause" | "broadcast_finish" => {
                self.ours(verb)
            }
            other => panic!("no step writes {other}: add it here and to WEIGHTS"),
        }
    }

    fn log(&self) -> &[Event] {
        self.desk.streams.get(&self.account).map(|stream| stream.log.as_slice()).unwrap_or_default()
    }

    /// What this account's events hold, oldest first.
    fn all<T>(&self, pick: fn(&Event) -> Option<T>) -> Vec<T> {
        self.log().iter().filter_map(pick).collect()
    }

    /// An account of anybody, that stands open or not, or one that is nobody's.
    fn somebody(&mut self) -> AccountId {
        let mut all: Vec<AccountId> = self.desk.streams.keys().copied().collect();
        all.extend([AccountId::CATALOG, self.account]);
        self.dice.of(&all)
    }

    /// The id of a command that nobody sent.
    fn nothing(&mut self) -> CommandId {
        CommandId::new(self.dice.of(&["nothing", "naught"])).unwrap()
    }

    /// What we say to many.
    fn ours(&mut self, verb: &str) -> Command {
        let broadcast = text(self.dice.of(&["b1", "b2", "b3"]));
        match verb {
            "broadcast_start" => BroadcastStart { broadcast, recipients: 3, drafted_at: None }.into(),
            "broadcast_pause" => BroadcastPause { broadcast, reason: text("r") }.into(),
            "broadcast_finish" => BroadcastFinish { broadcast, sent: 1, failed: 1, blocked: 1 }.into(),
            "picture_put" => {
                let picture = self.dice.of(&[None, Some("a"), Some("b")]);
                let of = |sha256| TextPicture { sha256: text(sha256), media_type: MediaType::Png, bytes: 7 };
                PicturePut {
                    key: text(self.dice.of(&["welcome", "help"])),
                    language: text(self.dice.of(&["ru", "en"])),
                    picture: picture.map(of),
                    replaces: self.dice.of(&[None, Some("a"), Some("b")]).map(text),
                    reason: text("r"),
                }
                .into()
            }
            _ => {
                let (key, language) = (text("welcome"), text("ru"));
                ContentPut { key, language, text: Some(text("hi")), reason: text("r") }.into()
            }
        }
    }

    fn person(&mut self, verb: &str) -> Command {
        match verb {
            "account_open" => {
                let inviter = match self.dice.below(10) {
                    0 => Some(text("hello")),
                    1..=3 => Some(text(&self.somebody().to_string())),
                    _ => None,
                };
                AccountOpen { language: text("en"), name: text("N"), inviter }.into()
            }
            "account_ban" => AccountBan { reason: text("spam") }.into(),
            "account_unban" => AccountUnban { reason: text("sorry") }.into(),
            "account_erase" => AccountErase { forfeit: self.dice.percent(60) }.into(),
            "referral_register" => ReferralRegister { inviter: self.somebody() }.into(),
            _ => {
                let side = self.dice.of(&ReferralSide::ALL);
                let own = side == ReferralSide::Invited && self.dice.percent(90);
                let invited = if own { self.account } else { self.somebody() };
                let cause = Position::new(self.dice.between(1, 1000)).unwrap();
                ReferralBonus { invited, side, cause }.into()
            }
        }
    }

    fn credits(&mut self, verb: &str) -> Command {
        let few = [(1, 8), (2, 6), (5, 6), (10, 4), (11, 3), (37, 2), (1000, 1), (1_000_000_000, 1)];
        let n = self.dice.weighted(&few);
        let credits = SomeCredits::new(n).unwrap();
        let reason: Text<500> = text("r");
        match verb {
            "credits_grant" => {
                use GrantSource::*;
                let source = self.dice.of(&[Promo, Admin, Compensation]);
                let lasts_days =
                    self.dice.percent(60).then(|| Days::new(self.dice.of(&[1, 1, 2, 3_650])).unwrap());
                let ends_in_ms = self.dice.of(&[-1_000, 0, 1, 1_000, 86_400_000]);
                let expires_at = self.dice.percent(20).then(|| self.desk.now.plus_ms(ends_in_ms));
                CreditsGrant { credits, source, reason, lasts_days, expires_at }.into()
            }
            "credits_revoke" => CreditsRevoke { credits, reason }.into(),
            "debt_forgive" => DebtForgive { credits, reason }.into(),
            _ => {
                // Rather one that has an end, as the timer does.
                let ends = |e: &Event| match e {
                    Event::CreditsGranted(e) if e.expires_at.is_some() => Some(e.lot),
                    _ => None,
                };
                let every = |e: &Event| match e {
                    Event::CreditsGranted(e) => Some(e.lot),
                    _ => None,
                };
                let all = if self.dice.percent(85) { self.all(ends) } else { self.all(every) };
                let lot = self.dice.latest(&all).unwrap_or(LotId::new(1).unwrap());
                LotsExpire { lot }.into()
            }
        }
    }

    fn topup(&mut self) -> Command {
        let package = self.dice.weighted(&[(0, 12), (1, 4), (2, 1), (3, 1)]);
        let rails: &[Rail] =
            if package == 1 { &[Rail::Stars, Rail::Stars, Rail::Yookassa] } else { &Rail::ALL };
        let rail = self.dice.of(rails);
        let method = self.dice.percent(10).then_some(PayMethod::Sbp);
        TopupOpen { package: text(PACKAGES[package]), rail, context: context(), email: None, method }.into()
    }

    /// One of the person's latest payments, or one that isn't there.
    fn bill(&mut self) -> (PaymentId, Rail, Money) {
        let opened = |e: &Event| match e {
            Event::PaymentOpened(e) => Some((e.payment, e.rail, e.price)),
            _ => None,
        };
        let (all, nothing) = (self.all(opened), self.nothing());
        let none = PaymentId::derive(self.account, Producer::Console, &nothing);
        self.dice.latest(&all).unwrap_or((none, Rail::Stars, rub(1)))
    }

    /// Mostly the payment's own, so that it is registered and settled under one id.
    fn provider_id(&mut self, payment: PaymentId) -> ProviderId {
        match self.dice.below(30) {
            n @ 0..=3 => text(&format!("id-{n}")),
            // Paid once more.
            n @ 4..=8 => text(&format!("{n}-of-{payment}")),
            _ => text(&format!("of-{payment}")),
        }
    }

    fn quarantine(&mut self, verb: &str) -> Command {
        let (payment, mut rail, price) = self.bill();
        let mut provider_payment_id = self.provider_id(payment);
        if self.dice.percent(10) {
            rail = self.dice.of(&Rail::ALL);
        }
        if verb == "payment_quarantine" {
            let payment = self.dice.percent(90).then_some(payment);
            let seen = PaymentSeen {
                amount: Some(price),
                status: text("succeeded"),
                test: None,
                named: None,
                other_amount: None,
                shop: None,
            };
            let problem = match self.dice.below(5) {
                0 => PaymentProblem::RefundExceeds,
                _ => PaymentProblem::AmountDiffers,
            };
            let problems = vec![problem];
            return PaymentQuarantine { payment, rail, provider_payment_id, problems, seen }.into();
        }
        let open = |e: &Event| match e {
            Event::PaymentQuarantined(e) => Some((e.rail, e.provider_payment_id.clone())),
            _ => None,
        };
        if let Some(one) = self.dice.latest(&self.all(open)) {
            (rail, provider_payment_id) = one;
        }
        let amount = SomeMoney::new(self.dice.of(&[1, 10_001, 1_000_000_000_000]), price.currency).unwrap();
        let credits = SomeCredits::new(self.dice.of(&[1, 36, 1_000_000_000])).unwrap();
        let verdict = match self.dice.below(3) {
            0 => QuarantineVerdict::Dismiss,
            _ => QuarantineVerdict::Settle { amount, credits, test: false },
        };
        QuarantineResolve { rail, provider_payment_id, verdict, reason: text("r") }.into()
    }

    fn refund(&mut self, verb: &str) -> Command {
        if verb == "refund_open" {
            return self.refund_open();
        }
        let opened = |e: &Event| match e {
            Event::RefundOpened(e) => Some((e.refund, e.payment, e.amount)),
            _ => None,
        };
        let (all, nothing) = (self.all(opened), self.nothing());
        let none = (
            RefundId::derive(self.account, Producer::Console, &nothing),
            PaymentId::derive(self.account, Producer::Console, &nothing),
            rub(1),
        );
        let (refund, payment, mut amount) = self.dice.latest(&all).unwrap_or(none);
        let paid = self.all(|e| match e {
            Event::PaymentSettled(e) => Some((e.payment, e.rail)),
            _ => None,
        });
        let of = paid.iter().find(|(id, _)| *id == payment).map_or(Rail::Yookassa, |(_, rail)| *rail);
        let rail = if self.dice.percent(5) { self.dice.of(&Rail::ALL) } else { of };
        if self.dice.percent(5) {
            amount = rub(1);
        }
        let provider_refund_id = match self.dice.below(12) {
            0 => text("one"),
            _ => text(&format!("of-{refund}")),
        };
        match verb {
            "refund_settle" => {
                RefundSettle { refund, rail, provider_refund_id, amount, refunded_at: None }.into()
            }
            _ => RefundFail { refund, rail, reason: text("declined") }.into(),
        }
    }

    fn refund_open(&mut self) -> Command {
        let paid = |e: &Event| match e {
            Event::PaymentSettled(e) => Some((e.payment, e.rail, e.amount)),
            _ => None,
        };
        let paid = self.all(paid);
        let found = if self.dice.percent(90) { self.dice.latest(&paid) } else { None };
        let (payment, mut rail, price) = found.unwrap_or_else(|| self.bill());
        if self.dice.percent(4) {
            rail = self.dice.of(&Rail::ALL);
        }
        let whole = price.minor().max(1);
        let minor = match self.dice.below(10) {
            0 => whole.min(999_999_999_999) + 1,
            1 => 1,
            2 => (whole / 3).max(1),
            3 | 4 => (whole / 2).max(1),
            _ => whole,
        };
        let amount = SomeMoney::new(minor, price.currency).unwrap();
        // Some were made by the provider, and are told again.
        let n = self.dice.below(40);
        let provider_refund_id = (n < 12).then(|| text(&format!("{}-of-{payment}", n % 4)));
        let refunded_at = provider_refund_id.is_some().then_some(self.desk.now);
        let reason = text("r");
        RefundOpen { payment, rail, amount, reason, provider_refund_id, refunded_at, version: None }.into()
    }

    fn payment(&mut self, verb: &str) -> Command {
        let (payment, mut rail, price) = self.bill();
        if self.dice.percent(4) {
            rail = self.dice.of(&Rail::ALL);
        }
        let provider_payment_id = self.provider_id(payment);
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
                PaymentSettle {
                    payment,
                    rail,
                    provider_payment_id,
                    amount,
                    net,
                    test,
                    paid_at,
                    context: None,
                }
                .into()
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

    fn fee(&mut self) -> Command {
        let settled = |e: &Event| match e {
            Event::PaymentSettled(e) => Some((e.payment, e.rail, e.provider_payment_id.clone(), e.amount)),
            _ => None,
        };
        let (bill, rail, price) = self.bill();
        let found = self.dice.latest(&self.all(settled)).filter(|_| self.dice.percent(90));
        let (payment, rail, provider_payment_id, amount) =
            found.unwrap_or_else(|| (bill, rail, text("id-1"), price));
        let provider_payment_id = if self.dice.percent(5) { text("another") } else { provider_payment_id };
        let minor = amount.minor() - self.dice.of(&[0, 1, amount.minor() / 29, -1]);
        let net = Money::new(minor.max(0), amount.currency).unwrap_or(amount);
        PaymentFee { payment, rail, provider_payment_id, net }.into()
    }

    fn reconciliation(&mut self) -> Command {
        let (day, by, zero) = (DayNumber::new(20_000).unwrap(), StatedBy::Api, rub(0));
        let tally = Tally { count: 0, sum: zero };
        let none = Tallies { ours: tally, theirs: tally };
        let difference = DifferenceFound {
            provider: Provider::Yookassa,
            day,
            by,
            what: Disagreement::MissingHere,
            of: MoneyMoved::Payment,
            provider_id: text("id-1"),
            payment: None,
            refund: None,
            ours: None,
            theirs: Some(zero),
        };
        let differences = vec![difference; self.dice.below(3)];
        let finished = ReconciliationFinished {
            provider: Provider::Yookassa,
            day,
            by,
            payments: none,
            refunds: none,
            fees: none,
            matched: 0,
            differences: u32::try_from(differences.len()).unwrap(),
        };
        ReconciliationRecord { finished, differences }.into()
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
        let references = vec![text("file"); references];
        let follows = self.dice.percent(10).then(|| self.followed());
        let plain = GenerationRequest::new(kind, text(&prompt), context());
        GenerationRequest { model, aspect_ratio, size, references, follows, ..plain }.into()
    }

    /// A generation of the account, be it long forgotten, or one that never was; now and then of another account.
    fn followed(&mut self) -> GenerationId {
        let strangers: Vec<AccountId> =
            self.desk.streams.keys().filter(|id| **id != self.account).copied().collect();
        match self.dice.below(4) {
            0 => GenerationId::derive(self.dice.of(&strangers), Producer::Telegram, &self.nothing()),
            _ => self.job().0,
        }
    }

    /// One of the person's latest generations with how often it was claimed, or one that isn't there.
    fn job(&mut self) -> (GenerationId, i64) {
        let requested = |e: &Event| match e {
            Event::GenerationRequested(e) => Some(e.generation),
            _ => None,
        };
        let (all, nothing) = (self.all(requested), self.nothing());
        let Some(id) = self.dice.latest(&all) else {
            return (GenerationId::derive(self.account, Producer::Console, &nothing), 0);
        };
        let claims =
            self.log().iter().filter(|e| matches!(e, Event::GenerationStarted(e) if e.generation == id));
        (id, i64::try_from(claims.count()).unwrap())
    }

    fn work(&mut self, verb: &str) -> Command {
        let (generation, claims) = self.job();
        let attempt = number(claims - self.dice.weighted(&[(0, 12), (1, 2), (-1, 1)]));
        let spent = self.spent();
        match verb {
            "generation_attempt" => GenerationAttempt {
                generation,
                attempt,
                outcome: self.dice.of(&[Trouble::Overloaded, Trouble::Unreachable, Trouble::TimedOut]),
                spent,
                retry_after_ms: self.dice.of(&[0, 0, 10_000, u32::MAX]),
            }
            .into(),
            "generation_complete" => {
                let n = self.dice.weighted(&[(1, 14), (0, 1), (3, 1)]);
                let part = self.dice.of(&[1, 1, 2, 9, 11, 1_000_000_000]);
                let charge = self.dice.percent(20).then(|| SomeCredits::new(part).unwrap());
                GenerationComplete { generation, attempt, outputs: vec![output(); n], charge, spent }.into()
            }
            _ => GenerationFail { generation, attempt, reason: Trouble::Policy, spent, text: None }.into(),
        }
    }

    fn spent(&mut self) -> Spent {
        let cost = self.dice.of(&[0, 39_000, MicroUsd::MAX.get()]);
        let latency_ms = self.dice.of(&[0, 900, u32::MAX]);
        let usage = self.dice.percent(30).then(|| Usage { prompt_tokens: u32::MAX, ..Usage::default() });
        Spent { usage, cost_micro_usd: MicroUsd::new(cost).ok(), latency_ms, ..Spent::default() }
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
