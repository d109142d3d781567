//! What accounts do, command by command, each known beforehand: a cycle is a top-up of 100 credits
//! (open, register, settle), ten pictures that are made and delivered (request, claim, complete,
//! deliver) and two that are not (request, claim, fail). 49 commands, 74 events, and the credits are
//! spent to the last.
//!
//! Nothing waits for an answer: the ids of payments and generations follow from the commands' own.

use ledger::inbox::Names;
use ledger::sequencer::Request;
use proto_events::commands::{
    AccountOpen, ChatContext, Command, DeliveryConfirm, GenerationClaim, GenerationComplete, GenerationFail,
    GenerationRequest, MadeOutput, PaymentRegister, PaymentSettle, TopupOpen,
};
use proto_events::envelope::AccountRef;
use proto_events::events::{GenerationKind, MediaType, ProviderId, Spent, Trouble};
use proto_events::{AccountId, Attempt, CommandEnvelope, CommandId, GenerationId, PaymentId, Producer, Rail};

use crate::deeds::{id, rubles, text};

/// Commands and events of one cycle.
pub const CYCLE_COMMANDS: usize = 49;
pub const CYCLE_EVENTS: usize = 74;

/// Of the twelve pictures of a cycle, these two fail.
const FAILING: [u32; 2] = [4, 9];
const PICTURES: u32 = 12;
const PROMPT: &str = "a plantain leaf in the rain, macro, soft morning light, shallow depth of field";

/// A command as it is sent.
#[derive(Debug, Clone)]
pub struct Said {
    pub producer: Producer,
    pub id: CommandId,
    pub account: AccountRef,
    pub command: Command,
}

impl Said {
    /// As the ledger's inbox hands it on.
    pub fn request(self, names: &Names) -> Request {
        let actor = if self.producer == Producer::Telegram { "person" } else { "system" };
        Request {
            producer: self.producer,
            id: names.stored(self.producer, self.command.verb(), self.id),
            account: self.account,
            actor: actor.to_owned(),
            approval: None,
            causation: None,
            trace_id: None,
            command: self.command,
        }
    }

    /// As it travels.
    ///
    /// # Errors
    /// Never in practice: it is plain JSON.
    pub fn wire(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(&CommandEnvelope {
            id: self.id.clone(),
            account: self.account,
            actor: None,
            approval: None,
            causation: None,
            trace_id: None,
            ask: Some(proto_events::envelope::new_ask()),
            body: self.command.body()?,
        })
    }
}

/// A person's first message.
pub fn open(user: i64) -> Said {
    Said {
        producer: Producer::Telegram,
        id: id(format!("start:1:{user}")),
        account: AccountRef::Telegram(user),
        command: AccountOpen { language: text("ru"), name: text("Ada"), inviter: None }.into(),
    }
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Topup,
    Register(PaymentId),
    Settle(PaymentId),
    Request,
    Claim(GenerationId),
    Finish(GenerationId),
    Deliver(GenerationId),
}

/// One cycle of an account. An account may have up to three at a time.
#[derive(Debug, Clone)]
pub struct Cycle {
    account: AccountId,
    /// Names this cycle for ever.
    name: String,
    step: Option<Step>,
    picture: u32,
}

impl Cycle {
    /// `name` is different for each cycle that ever is in this log.
    pub fn new(account: AccountId, name: String) -> Self {
        Self { account, name, step: Some(Step::Topup), picture: 0 }
    }

    pub fn account(&self) -> AccountId {
        self.account
    }

    pub fn is_over(&self) -> bool {
        self.step.is_none()
    }

    /// Goes on as if so many pictures had been made: cycles that begin together then differ.
    pub fn skip_pictures(&mut self, count: u32) {
        self.picture = count.min(PICTURES - 1);
    }

    /// The next command, if the cycle is not over. The one before must have been taken by then.
    pub fn next(&mut self, names: &Names) -> Option<Said> {
        let (step, name) = (self.step?, &self.name);
        let context =
            ChatContext { chat: 1_000_000, message: i64::from(self.picture) + 1, status_message: None };
        let (producer, command_id, command): (_, String, Command) = match step {
            Step::Topup => {
                let command = TopupOpen {
                    package: text("rub-100"),
                    rail: Rail::Yookassa,
                    context,
                    email: None,
                    method: None,
                };
                (Producer::Telegram, format!("topup:{name}"), command.into())
            }
            Step::Register(payment) => {
                let command = PaymentRegister {
                    payment,
                    rail: Rail::Yookassa,
                    provider_payment_id: provider_id(payment),
                    checkout_url: Some(text("https://yoomoney.ru/checkout/payments/v2/contract")),
                };
                (Producer::Payments, format!("register:{payment}"), command.into())
            }
            Step::Settle(payment) => {
                let command = PaymentSettle {
                    payment,
                    rail: Rail::Yookassa,
                    provider_payment_id: provider_id(payment),
                    amount: rubles(100),
                    net: None,
                    test: false,
                    paid_at: None,
                    context: None,
                };
                (Producer::Payments, format!("settle:yookassa:{}", provider_id(payment)), command.into())
            }
            Step::Request => {
                let command = GenerationRequest::new(GenerationKind::Picture, text(PROMPT), context);
                (Producer::Telegram, format!("msg:{name}:{}", self.picture), command.into())
            }
            Step::Claim(generation) => {
                let command = GenerationClaim { generation, worker: text("worker-1"), attempt: first() };
                (Producer::Generator, format!("claim:{generation}:1:worker-1"), command.into())
            }
            Step::Finish(generation) if FAILING.contains(&self.picture) => {
                let reason = Trouble::Policy;
                let (attempt, spent) = (first(), Spent::default());
                let command = GenerationFail { generation, attempt, reason, spent, text: None };
                (Producer::Generator, format!("fail:{generation}:1"), command.into())
            }
            Step::Finish(generation) => {
                let (outputs, spent) = (vec![output(generation)], Spent::default());
                let command =
                    GenerationComplete { generation, attempt: first(), outputs, spent, charge: None };
                (Producer::Generator, format!("complete:{generation}:1"), command.into())
            }
            Step::Deliver(generation) => {
                let command =
                    DeliveryConfirm { generation, file_ids: vec![text(FILE_ID)], unique_ids: Vec::new() };
                (Producer::Telegram, format!("delivered:{generation}"), command.into())
            }
        };
        let said = Said { producer, id: id(command_id), account: AccountRef::Id(self.account), command };
        self.step = self.after(step, &said, names);
        Some(said)
    }

    fn after(&mut self, step: Step, said: &Said, names: &Names) -> Option<Step> {
        let stored = || names.stored(said.producer, said.command.verb(), said.id.clone());
        match step {
            Step::Topup => Some(Step::Register(PaymentId::derive(self.account, said.producer, &stored()))),
            Step::Register(payment) => Some(Step::Settle(payment)),
            Step::Settle(_) => Some(Step::Request),
            Step::Request => Some(Step::Claim(GenerationId::derive(self.account, said.producer, &stored()))),
            Step::Claim(generation) => Some(Step::Finish(generation)),
            Step::Finish(generation) if !FAILING.contains(&self.picture) => Some(Step::Deliver(generation)),
            Step::Finish(_) | Step::Deliver(_) => {
                self.picture += 1;
                (self.picture < PICTURES).then_some(Step::Request)
            }
        }
    }
}

/// As long as Telegram's are.
const FILE_ID: &str = "AgACAgIAAxkDAAIBQ2bq3vK0AAE5bqkAAT5bJ8cAAbq8jQACfd4xG3t1cUtS3lY7k5u6VQEAAwIAA3kAAzYE";

fn provider_id(payment: PaymentId) -> ProviderId {
    text(&format!("2c{:014x}-000f-5000-8000-1", payment.tail() & 0xff_ffff_ffff_ffff))
}

fn first() -> Attempt {
    Attempt::new(1).expect("attempts begin with 1")
}

fn output(generation: GenerationId) -> MadeOutput {
    MadeOutput {
        object: text(&format!("{generation}/1/0")),
        sha256: text(&format!("{:064x}", generation.tail())),
        media_type: MediaType::Png,
        bytes: 1_400_000,
        width: Some(1024),
        height: Some(1024),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_has_the_commands_it_says() {
        let names = Names::new([1; 32]);
        let mut cycle = Cycle::new(AccountId::random(), "c1".into());
        let said: Vec<Said> = std::iter::from_fn(|| cycle.next(&names)).collect();
        assert_eq!(said.len(), CYCLE_COMMANDS);
        assert!(cycle.is_over());
        let ids: std::collections::BTreeSet<_> = said.iter().map(|s| s.id.clone()).collect();
        assert_eq!(ids.len(), said.len(), "each has an id of its own");
    }
}
