//! The attacks that permissions inside one account do not stop: the server, or the ledger itself, is
//! made to publish where the attacker may not.
//!
//! Between accounts a reply subject is the server's own, and leads back to the asker only.

use async_nats::{Client, Message};
use proto_events::subjects::JS_PREFIX;

use super::world::{MARKER, World, comes};

/// The verb of the attacker's honest command.
pub const ASKED: &str = "asked";

/// What an attacker would have published where it may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goal {
    /// A command of another adapter.
    Command,
    /// A command of the attacker's own, made of an event.
    OwnCommand,
    /// A fact that the log does not have.
    Event,
}

/// All attacks on this world by this adapter, and whether each did what it should never do.
pub async fn all(world: &World, name: &'static str, victim: &'static str) -> Vec<(String, bool)> {
    let attacker = Attacker { world, client: world.connect(name).await, name, victim };
    let mut attacks = Vec::new();
    for goal in [Goal::Command, Goal::OwnCommand, Goal::Event] {
        attacks.push((format!("{name}: pull {goal:?}"), attacker.pull(goal).await));
        attacks.push((format!("{name}: next {goal:?}"), attacker.ack_and_next(goal).await));
        attacks.push((format!("{name}: reply {goal:?}"), attacker.reply(goal).await));
    }
    attacks.push((format!("{name}: ambiguous ack"), attacker.ambiguous_ack().await));
    attacks
}

/// What was heard and held before an attack.
struct Before {
    heard: usize,
    events: Option<u64>,
}

struct Attacker<'a> {
    world: &'a World,
    client: Client,
    name: &'static str,
    victim: &'static str,
}

impl Attacker<'_> {
    fn subject(&self, goal: Goal) -> String {
        match goal {
            Goal::Command => format!("cmd.ledger.{}.payment_settle", self.victim),
            Goal::OwnCommand => format!("cmd.ledger.{}.topup_open", self.name),
            Goal::Event => "evt.ledger.0.CreditsGranted.00000000-0000-4000-8000-000000000001".into(),
        }
    }

    /// Lets it happen, and sees whether the goal was reached.
    async fn reached(&self, goal: Goal, before: Before) -> bool {
        self.world.settle(&self.client, self.name).await;
        // What JetStream was made to send still bears its own subject.
        let openly = [ASKED, MARKER].map(|verb| format!("cmd.ledger.{}.{verb}", self.name));
        let forged = || self.world.heard()[before.heard..].iter().any(|h| !openly.contains(&h.subject));
        let reached = async || match goal {
            Goal::Command | Goal::OwnCommand => forged(),
            Goal::Event => self.world.events().await > before.events,
        };
        self.world.happens(reached).await
    }

    async fn before(&self) -> Before {
        Before { heard: self.world.heard().len(), events: self.world.events().await }
    }

    /// Pulls an event of its own to where it says.
    async fn pull_to(&self, reply: String) {
        let pull = format!("{JS_PREFIX}.CONSUMER.MSG.NEXT.EVT.{}", self.name);
        self.client.publish_with_reply(pull, reply, "1".into()).await.unwrap();
    }

    /// Pulls an event of its own, as it may.
    async fn pull_properly(&self) -> Message {
        self.world.publish_for(self.name).await;
        let inbox = self.client.new_inbox();
        let mut mine = self.client.subscribe(inbox.clone()).await.unwrap();
        self.pull_to(inbox).await;
        comes(&mut mine).await
    }

    /// Attack 1: pulls its own consumer and gives the goal as the reply subject, so that JetStream
    /// sends an event there.
    async fn pull(&self, goal: Goal) -> bool {
        self.world.publish_for(self.name).await;
        let before = self.before().await;
        self.pull_to(self.subject(goal)).await;
        self.reached(goal, before).await
    }

    /// Attack 1 by an ack: takes an event properly, then acks it with `+NXT`, which pulls the next one
    /// to the reply subject.
    async fn ack_and_next(&self, goal: Goal) -> bool {
        let ack = self.pull_properly().await.reply.expect("an event can be acked");
        self.world.publish_for(self.name).await;
        let before = self.before().await;
        self.client.publish_with_reply(ack, self.subject(goal), "+NXT".into()).await.unwrap();
        self.reached(goal, before).await
    }

    /// Attack 2: sends a command of its own and gives the goal as the reply subject, so that the
    /// ledger itself publishes there.
    async fn reply(&self, goal: Goal) -> bool {
        let command = format!("cmd.ledger.{}.{ASKED}", self.name);
        let before = self.before().await;
        self.client.publish_with_reply(command.clone(), self.subject(goal), "{}".into()).await.unwrap();
        let reached = self.reached(goal, before).await;
        assert!(self.world.heard_on(&command), "the command did not arrive: the attack did not run");
        reached
    }

    /// Acks with `+NXT` on a subject that is an ack of the victim's consumer in the first form
    /// (`$JS.ACK.<stream>.<consumer>.…`) and looks like an own one in the second
    /// (`$JS.ACK.<domain>.<account>.<stream>.<consumer>.…`). True: an event of the victim's was taken.
    async fn ambiguous_ack(&self) -> bool {
        let world = self.world;
        world.publish_for(self.victim).await;
        let in_hand = world.in_hand(self.victim).await.unwrap();
        let inbox = self.client.new_inbox();
        let _stolen = self.client.subscribe(inbox.clone()).await.unwrap();
        let ack = format!("$JS.ACK.EVT.{}.EVT.{}.7.8.9", self.victim, self.name);
        self.client.publish_with_reply(ack, inbox, "+NXT".into()).await.unwrap();
        world.settle(&self.client, self.name).await;
        world.happens(async || world.in_hand(self.victim).await.unwrap() > in_hand).await
    }
}
