//! From bytes to a typed request, or a refusal that says what was wrong and what is allowed.

use proto_events::authority::{Verdict, may_ask, may_send, names_operator, takes_approval};
use proto_events::commands::{Command, GenerationRequest, Operation};
use proto_events::envelope::AccountRef;
use proto_events::events::GenerationKind;
use proto_events::media::is_conversation_name;
use proto_events::{Ask, CommandEnvelope, CommandId, Position, Producer, Query, Refused, subjects};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::names::Names;
use crate::operations::OperationRequest;
use crate::queries::Question;
use crate::sequencer::{Request, refused};

/// The largest command or query: a prompt of 4 096 characters and 14 references fit several times.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

#[derive(Debug)]
pub enum Asked {
    Command(Box<Request>),
    Operation(Box<OperationRequest>),
}

/// A question as it came: what its answer repeats, and what is asked, or why nothing can be.
#[derive(Debug)]
pub struct Decoded<T> {
    pub ask: Option<Ask>,
    /// Refused: not allowed, not known, or not readable.
    pub asked: Result<T, Refused>,
}

impl<T> Decoded<T> {
    fn new<E: DeserializeOwned>(
        payload: &[u8],
        ask: fn(&mut E) -> Option<Ask>,
        read: impl FnOnce(Result<E, Refused>) -> Result<T, Refused>,
    ) -> Self {
        let mut envelope = json(payload);
        let ask = match &mut envelope {
            Ok(envelope) => ask(envelope),
            Err(_) => only_ask(payload),
        };
        Self { ask, asked: read(envelope) }
    }
}

/// Of what can't be read otherwise, so that even that refusal finds its way.
fn only_ask(payload: &[u8]) -> Option<Ask> {
    #[derive(Deserialize)]
    struct Only {
        ask: Option<Ask>,
    }
    serde_json::from_slice::<Only>(payload).ok().and_then(|only| only.ask)
}

pub fn decode_command(names: &Names, subject: &str, payload: &[u8]) -> Decoded<Asked> {
    let ask = |envelope: &mut CommandEnvelope| envelope.ask.take();
    Decoded::new(payload, ask, |envelope| command(names, subject, envelope))
}

pub fn decode_query(subject: &str, payload: &[u8]) -> Decoded<Question> {
    let ask = |query: &mut Query| query.ask.take();
    Decoded::new(payload, ask, |query| question(subject, query))
}

fn command(
    names: &Names,
    subject: &str,
    envelope: Result<CommandEnvelope, Refused>,
) -> Result<Asked, Refused> {
    let (producer, verb) = parse(subject)?;
    judge(may_send(producer, verb, None), producer, verb)?;
    let envelope = envelope?;
    let invalid =
        |error: serde_json::Error| refused("invalid", format!("the body of {verb} can't be read: {error}"));
    let unknown = || refused("unknown_verb", format!("there is no command {verb}"));
    if Operation::VERBS.contains(&verb) {
        let operation = Operation::decode(verb, envelope.body).ok_or_else(unknown)?.map_err(invalid)?;
        let account = envelope.account;
        return Ok(Asked::Operation(Box::new(OperationRequest { producer, account, operation })));
    }
    let command = Command::decode(verb, envelope.body).ok_or_else(unknown)?;
    let command = command.map_err(invalid)?;
    judge(may_send(producer, verb, command.rail()), producer, verb)?;
    match &command {
        Command::GenerationRequest(request) => fits_together(request)?,
        Command::MessageRequest(c) => {
            c.content.check().map_err(|why| refused("content_unfit", why.to_string()))?;
        }
        _ => {}
    }
    let actor = envelope.actor.map_or_else(|| default_actor(producer).to_owned(), |a| a.to_string());
    if names_operator(producer, verb) && actor.strip_prefix("operator:").is_none_or(str::is_empty) {
        return Err(refused("invalid", "an act of an operator names them: \"actor\": \"operator:<name>\""));
    }
    if let Some(approval) = &envelope.approval {
        approves(producer, verb, &actor, &approval.by)?;
    }
    Ok(Asked::Command(Box::new(Request {
        producer,
        id: names.stored(producer, verb, envelope.id),
        account: envelope.account,
        actor,
        approval: envelope.approval,
        causation: envelope.causation,
        trace_id: envelope.trace_id,
        command,
    })))
}

/// Only the console knows who has agreed, and nobody agrees with themselves.
fn approves(producer: Producer, verb: &str, actor: &str, by: &str) -> Result<(), Refused> {
    if producer != Producer::Console || !takes_approval(verb) {
        return Err(refused(
            "invalid",
            "an approval is the console's, of acts about money and administrators",
        ));
    }
    if by == actor || by.strip_prefix("operator:").is_none_or(str::is_empty) {
        return Err(refused("invalid", "an approval names another operator: \"by\": \"operator:<name>\""));
    }
    Ok(())
}

/// What the types of a request can't say.
fn fits_together(request: &GenerationRequest) -> Result<(), Refused> {
    if request.conversation.as_deref().is_some_and(|name| !is_conversation_name(name)) {
        return Err(refused("invalid", "a conversation's name is 1 to 64 of A-Z a-z 0-9 _ -"));
    }
    if request.follows.is_some() && request.kind != GenerationKind::Edit {
        return Err(refused("invalid", "only an edit follows another generation"));
    }
    Ok(())
}

fn question(subject: &str, query: Result<Query, Refused>) -> Result<Question, Refused> {
    let (producer, name) = parse(subject)?;
    judge(may_ask(producer, name), producer, name)?;
    let query = query?;
    Ok(Question { producer, name: name.to_owned(), at_least: query.at_least, body: query.body })
}

/// A request of the ledger's own: of timers, follow-ups, swaps of projections, the first catalog.
pub fn own_request(
    id: CommandId,
    account: AccountRef,
    command: Command,
    causation: Option<Position>,
) -> Request {
    Request {
        producer: Producer::Ledger,
        id,
        account,
        actor: "system".to_owned(),
        approval: None,
        causation,
        trace_id: None,
        command,
    }
}

fn default_actor(producer: Producer) -> &'static str {
    match producer {
        Producer::Telegram => "person",
        _ => "system",
    }
}

fn parse(subject: &str) -> Result<(Producer, &str), Refused> {
    subjects::parse(subject).ok_or_else(|| {
        refused("unknown_verb", "a subject is cmd.ledger.<producer>.<verb> or qry.ledger.<producer>.<name>")
    })
}

fn judge(verdict: Verdict, producer: Producer, name: &str) -> Result<(), Refused> {
    match verdict {
        Verdict::Allowed => Ok(()),
        Verdict::NotAllowed => Err(refused("not_allowed", format!("{producer} may not send this {name}"))),
        Verdict::UnknownVerb => Err(refused("unknown_verb", format!("there is no {name}"))),
    }
}

fn json<T: DeserializeOwned>(payload: &[u8]) -> Result<T, Refused> {
    if payload.len() > BODY_BYTES_MAX {
        let message = format!("a message is at most {BODY_BYTES_MAX} bytes, not {}", payload.len());
        return Err(refused("invalid", message));
    }
    serde_json::from_slice(payload).map_err(|error| {
        let what = if error.is_data() { "the envelope can't be read" } else { "the message is not JSON" };
        refused("invalid", format!("{what}: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto_events::Rail;
    use proto_events::authority::COMMANDS;
    use serde_json::json;

    fn code(subject: &str, body: &[u8]) -> String {
        decode_command(&Names::new([7; 32]), subject, body).asked.unwrap_err().code.to_string()
    }

    #[test]
    fn what_can_not_be_a_command_is_refused_with_a_reason() {
        let body = br#"{"id":"x","account":{"telegram":1},"body":{}}"#;
        assert_eq!(code("cmd.ledger.telegram.no_such_verb", body), "unknown_verb");
        assert_eq!(code("cmd.ledger.nobody.topup_open", body), "unknown_verb");
        assert_eq!(code("cmd.ledger.generator.topup_open", body), "not_allowed");
        let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
        let huge = vec![b' '; BODY_BYTES_MAX + 1];
        for bad in [
            body.as_slice(),
            b"",
            b"{",
            b"\xff\xfe",
            deep.as_bytes(),
            &huge,
            br#"{"id":"","account":{"telegram":1},"body":{}}"#,
            br#"{"id":"x","account":{"telegram":9007199254740993000000},"body":{}}"#,
            br#"{"id":"x","account":{"id":"not-a-uuid"},"body":{}}"#,
            br#"{"id":"x","account":{"telegram":1},"surplus":1,"body":{}}"#,
        ] {
            assert_eq!(code("cmd.ledger.telegram.topup_open", bad), "invalid");
        }
    }

    #[test]
    fn amounts_that_are_negative_huge_or_broken_are_refused_at_the_door() {
        for amount in [
            json!(-1),
            json!(1_000_000_000_001i64),
            json!(9_007_199_254_740_993i64),
            json!(1.5),
            json!("100"),
        ] {
            let body = json!({"id": "x", "account": {"telegram": 1}, "body": {
                "payment": "p-f3d0c9a25b1e4c7d9a601b2c3d4e5f60-0123456789abcdef", "rail": "yookassa",
                "provider_payment_id": "y", "test": false, "amount": {"amount": amount, "currency": "RUB"},
            }});
            assert_eq!(code("cmd.ledger.payments.payment_settle", body.to_string().as_bytes()), "invalid");
        }
    }

    #[test]
    fn a_prompt_with_nul_or_beyond_the_limit_is_refused() {
        for prompt in ["a\0b".to_owned(), "x".repeat(4_097)] {
            let body = json!({"id": "x", "account": {"telegram": 1}, "body": {
                "kind": "picture", "prompt": prompt, "references": [], "context": {"chat": 1, "message": 1},
            }});
            assert_eq!(
                code("cmd.ledger.telegram.generation_request", body.to_string().as_bytes()),
                "invalid"
            );
        }
    }

    #[test]
    fn a_conversation_has_a_plain_name_and_only_an_edit_follows() {
        let followed = "g-f3d0c9a25b1e4c7d9a601b2c3d4e5f60-0123456789abcdef";
        let send = |kind: &str, field: &str, value: &str| {
            let mut body = json!({
                "kind": kind, "prompt": "a", "references": [], "context": {"chat": 1, "message": 1},
            });
            body[field] = value.into();
            let envelope = json!({"id": "msg:1:2:3", "account": {"telegram": 1}, "body": body}).to_string();
            let names = Names::new([7; 32]);
            let asked = decode_command(&names, "cmd.ledger.telegram.generation_request", envelope.as_bytes());
            asked.asked.map_err(|refused| refused.code.to_string())
        };
        for name in ["", "a.b", "*", "ё", &"a".repeat(65)] {
            assert_eq!(send("text", "conversation", name).unwrap_err(), "invalid", "{name}");
        }
        assert!(send("text", "conversation", "a-1").is_ok());
        assert_eq!(send("picture", "follows", followed).unwrap_err(), "invalid");
        assert!(send("edit", "follows", followed).is_ok());
    }

    #[test]
    fn an_act_of_an_operator_names_them() {
        let send = |actor: Option<&str>| {
            let body = json!({"credits": 5, "source": "admin", "reason": "sorry"});
            let mut envelope = json!({"id": "grant:1", "account": {"telegram": 1}, "body": body});
            envelope["actor"] = actor.into();
            let names = Names::new([7; 32]);
            decode_command(&names, "cmd.ledger.telegram.credits_grant", envelope.to_string().as_bytes()).asked
        };
        for nobody in [None, Some("person"), Some("system"), Some("operator:")] {
            assert_eq!(send(nobody).unwrap_err().code.as_str(), "invalid", "{nobody:?}");
        }
        let Ok(Asked::Command(request)) = send(Some("operator:ada")) else { panic!("refused") };
        assert_eq!(request.actor, "operator:ada");
    }

    /// Every cell of producer × verb × rail: what the table does not allow is refused at the door.
    #[test]
    fn every_cell_of_the_authority_table_is_held() {
        let mut cells = 0;
        for (verb, who) in COMMANDS {
            for producer in Producer::ALL {
                for rail in [None].into_iter().chain(Rail::ALL.map(Some)) {
                    let allowed = who
                        .iter()
                        .any(|(p, rails)| *p == producer && rail.is_none_or(|r| rails.contains(&r)));
                    assert_eq!(
                        may_send(producer, verb, rail) == Verdict::Allowed,
                        allowed,
                        "{producer} {verb} {rail:?}"
                    );
                    cells += 1;
                }
                let body = br#"{"id":"x","account":{"telegram":1},"body":{}}"#;
                let subject = subjects::command(producer, verb);
                let known = who.iter().any(|(p, _)| *p == producer);
                if !known {
                    assert_eq!(code(&subject, body), "not_allowed", "{subject}");
                }
            }
        }
        assert_eq!(cells, COMMANDS.len() * Producer::ALL.len() * 4);
    }
}
