//! What a batch must see of those in flight before it: they are decided, and not in the database yet.

use proto_events::catalog::Catalog;
use proto_events::commands::*;
use proto_events::events::{GenerationKind, PaymentProblem, PaymentSeen, Spent, Trouble};
use proto_events::{Attempt, GenerationId, Position, Rail};

use super::*;

const START: i64 = 1_800_000_000_000_000;

/// A leader's memory, without a database behind it.
struct Desk {
    accounts: Accounts,
    streams: Streams,
    ahead: Vec<Arc<Drafted>>,
    position: i64,
}

fn text<const N: usize>(text: &str) -> Text<N> {
    Text::new(text).unwrap()
}

fn erase() -> AccountErase {
    AccountErase { forfeit: true }
}

fn topup() -> TopupOpen {
    TopupOpen {
        package: text("rub-100"),
        rail: Rail::Yookassa,
        context: ChatContext { chat: 1, message: 1, status_message: None },
        email: None,
        method: None,
    }
}

impl Desk {
    fn new() -> Self {
        let catalog =
            CatalogPublish { version: 1, catalog: Catalog::default_catalog().unwrap(), reason: None };
        let id = CommandId::new("catalog:1").unwrap();
        let facts = Facts::new(Micros::default(), AccountId::CATALOG, Producer::Ledger, &id);
        let events = domain::decide_catalog(&CatalogStream::default(), &catalog, &facts).unwrap();
        let catalog = events.iter().fold(CatalogStream::default(), domain::evolve_catalog);
        let streams = Streams { catalog, ..Streams::default() };
        Self { accounts: Accounts::default(), streams, ahead: Vec::new(), position: 1 }
    }

    /// One batch of these, which stays in flight; what the last of them came to.
    fn batch(&mut self, requests: &[Request]) -> Outcome {
        let known = Known::default();
        let mut draft = Draft::new(
            &mut self.accounts,
            &mut self.streams,
            &known,
            &self.ahead,
            self.position,
            Times::at(START),
        )
        .for_people(Fingerprints::new([7; 32]));
        let outcomes: Vec<Outcome> =
            requests.iter().enumerate().map(|(index, request)| draft.decide(index, request)).collect();
        let (drafted, _) = draft.done([0; 32]);
        self.position += i64::try_from(drafted.rows.len()).unwrap();
        self.ahead.push(Arc::new(drafted));
        outcomes.into_iter().next_back().unwrap()
    }

    fn send(&mut self, id: &str, to: AccountRef, command: impl Into<Command>) -> Outcome {
        self.batch(&[request(id, to, command)])
    }

    fn open(&mut self, id: &str, user: i64) -> AccountId {
        let open = AccountOpen { language: text("ru"), name: text("Ada"), inviter: None };
        accepted(&self.send(id, AccountRef::Telegram(user), open));
        self.accounts.person(user).unwrap()
    }
}

fn request(id: &str, account: AccountRef, command: impl Into<Command>) -> Request {
    Request {
        producer: Producer::Telegram,
        id: CommandId::new(id).unwrap(),
        account,
        actor: "person".to_owned(),
        approval: None,
        causation: None,
        trace_id: None,
        command: command.into(),
    }
}

fn accepted(outcome: &Outcome) -> Vec<&'static str> {
    match outcome {
        Outcome::Accepted { events, .. } => events.iter().map(Event::type_name).collect(),
        other => panic!("{other:?}"),
    }
}

fn details(outcome: &Outcome) -> &serde_json::Value {
    match outcome {
        Outcome::Refused(refusal) => &refusal.details,
        other => panic!("{other:?}"),
    }
}

fn code(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Refused(refusal) => refusal.code.as_str(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_bonus_in_flight_is_not_given_again_under_another_id() {
    let mut desk = Desk::new();
    let (inviter, invited) = (desk.open("start:1", 1), AccountId::random());
    let bonus = |cause: i64| ReferralBonus {
        invited,
        side: ReferralSide::Inviter,
        cause: Position::new(cause).unwrap(),
    };
    assert_eq!(accepted(&desk.send("referral:9", AccountRef::Id(inviter), bonus(9))), ["CreditsGranted"]);
    assert_eq!(code(&desk.send("referral:10", AccountRef::Id(inviter), bonus(10))), "already_rewarded");
    let same_batch = [11, 12].map(|n| {
        let bonus = ReferralBonus { invited: inviter, ..bonus(n) };
        request(&format!("referral:{n}"), AccountRef::Id(desk.open(&format!("s{n}"), n)), bonus)
    });
    assert_eq!(code(&desk.batch(&same_batch)), "already_rewarded");
}

#[test]
fn a_quarantine_in_flight_is_seen_by_whoever_asks() {
    let mut desk = Desk::new();
    let doubt = |id: &str| PaymentQuarantine {
        payment: None,
        rail: Rail::Yookassa,
        provider_payment_id: text(id),
        problems: vec![PaymentProblem::AmountDiffers],
        seen: PaymentSeen {
            amount: None,
            status: text("succeeded"),
            test: None,
            named: None,
            other_amount: None,
            shop: None,
        },
    };
    let operations = AccountRef::Id(AccountId::OPERATIONS);
    assert_eq!(accepted(&desk.send("q:1", operations, doubt("y-1"))), ["PaymentQuarantined"]);
    assert_eq!(code(&desk.send("q:2", operations, doubt("y-1"))), "already_quarantined");
    let both = [request("q:3", operations, doubt("y-2")), request("q:4", operations, doubt("y-2"))];
    assert_eq!(code(&desk.batch(&both)), "already_quarantined");
    // Nobody's so far; a payment's account takes it over, once, whatever is in flight.
    let account = desk.open("start:1", 1);
    let payment = match desk.send("topup:1", AccountRef::Id(account), topup()) {
        Outcome::Accepted { events, .. } => match &events[..] {
            [Event::PaymentOpened(e)] => e.payment,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    let mine = |id: &str| PaymentQuarantine { payment: Some(payment), ..doubt(id) };
    let taken = desk.send("q:5", AccountRef::Id(account), mine("y-1"));
    assert_eq!(accepted(&taken), ["PaymentQuarantined"]);
    for (id, to, again) in [("q:6", AccountRef::Id(account), mine("y-1")), ("q:7", operations, doubt("y-1"))]
    {
        let refused = desk.send(id, to, again);
        assert_eq!(code(&refused), "already_quarantined");
        // Whoever has taken it over since.
        assert_eq!(details(&refused)["account"], account.to_string());
    }
    let both = ["q:8", "q:9"].map(|id| request(id, AccountRef::Id(account), mine("y-2")));
    assert_eq!(code(&desk.batch(&both)), "already_quarantined");
    // An operator places what is nobody's, in flight or not, and nothing that was never seen.
    let by_hand = |id: &str, odd| Request {
        producer: Producer::Console,
        actor: "operator:ada".to_owned(),
        ..request(id, AccountRef::Id(account), odd)
    };
    assert_eq!(code(&desk.batch(&[by_hand("claim:1", mine("y-4"))])), "quarantine_not_found");
    let both = [request("q:13", operations, doubt("y-4")), by_hand("claim:2", mine("y-4"))];
    assert_eq!(accepted(&desk.batch(&both)), ["PaymentQuarantined"]);
    // What is an account's from the beginning is never nobody's.
    assert_eq!(accepted(&desk.send("q:10", AccountRef::Id(account), mine("y-3"))), ["PaymentQuarantined"]);
    assert_eq!(code(&desk.send("q:11", operations, doubt("y-3"))), "already_quarantined");
    assert_eq!(code(&desk.send("q:12", AccountRef::Id(account), mine("y-3"))), "already_quarantined");
}

#[test]
fn an_erasure_in_flight_leaves_its_fingerprint_to_the_next_opening() {
    let mut desk = Desk::new();
    let first = desk.open("start:1", 1);
    let ban = AccountBan { reason: text("spam") };
    accepted(&desk.send("ban:1", AccountRef::Id(first), ban));
    let erasure = desk.send("erase:1", AccountRef::Telegram(1), erase());
    assert_eq!(accepted(&erasure), ["CreditsRevoked", "AccountErased"]);
    let open = AccountOpen { language: text("ru"), name: text("Ada"), inviter: None };
    let again = desk.send("start:2", AccountRef::Telegram(1), open);
    assert_eq!(accepted(&again), ["AccountOpened", "AccountBanned"], "no second welcome");
    assert_ne!(desk.accounts.person(1), Some(first));
    // The first erasure's answer got lost, and its person is somebody else by now.
    let lost = desk.send("erase:1", AccountRef::Telegram(1), erase());
    assert!(matches!(lost, Outcome::Repeat(answer) if answer.account == first));
    // Another command's id is no erasure.
    assert_eq!(code(&desk.send("start:2", AccountRef::Telegram(1), erase())), "command_id_reused");
}

#[test]
fn who_is_erased_in_a_batch_is_nobody_to_what_follows_in_it() {
    let mut desk = Desk::new();
    desk.open("start:1", 1);
    let both = [
        request("erase:1", AccountRef::Telegram(1), erase()),
        request("topup:1", AccountRef::Telegram(1), topup()),
    ];
    assert_eq!(code(&desk.batch(&both)), "account_not_found");
}

#[test]
fn a_batch_that_failed_leaves_no_erasure_behind() {
    let mut desk = Desk::new();
    let account = desk.open("start:1", 1);
    accepted(&desk.send("erase:1", AccountRef::Telegram(1), erase()));
    let failed = desk.ahead.pop().unwrap();
    failed.forget(&mut desk.accounts, &mut desk.streams);
    assert_eq!(desk.accounts.person(1), Some(account), "still theirs");
    assert!(desk.accounts.peek(account).is_none(), "its state is loaded from the log again");
}

#[test]
fn a_person_is_busy_by_claims_of_the_same_batch_and_of_those_in_flight() {
    let mut desk = Desk::new();
    let account = desk.open("start:1", 1);
    let to = AccountRef::Id(account);
    let grant = CreditsGrant {
        credits: proto_events::SomeCredits::new(50).unwrap(),
        source: GrantSource::Promo,
        reason: text("r"),
        lasts_days: None,
        expires_at: None,
    };
    accepted(&desk.send("grant:1", to, grant));
    let ask = |n: i64| {
        let context = ChatContext { chat: 1, message: n, status_message: None };
        GenerationRequest::new(GenerationKind::Picture, text("a"), context)
    };
    let claim = |n: i64| {
        let command = CommandId::new(format!("msg:{n}")).unwrap();
        let generation = GenerationId::derive(account, Producer::Telegram, &command);
        GenerationClaim { generation, worker: text("w"), attempt: Attempt::ZERO.next() }
    };
    for n in 1..=3 {
        accepted(&desk.send(&format!("msg:{n}"), to, ask(n)));
    }
    let both = [request("claim:1", to, claim(1)), request("claim:2", to, claim(2))];
    assert_eq!(code(&desk.batch(&both)), "person_busy", "the first is of the same batch");
    assert_eq!(code(&desk.send("claim:3", to, claim(3))), "person_busy", "it is in flight");
    let tried = GenerationAttempt {
        generation: claim(1).generation,
        attempt: Attempt::ZERO.next(),
        outcome: Trouble::Overloaded,
        spent: Spent::default(),
        retry_after_ms: 60_000,
    };
    accepted(&desk.send("attempted:1", to, tried));
    assert_eq!(accepted(&desk.send("claim:3:again", to, claim(3))), ["GenerationStarted"]);
}
