//! The ledger as administrators use it in the chat: every act under their name, by the id of the message or button that asked.

use proto_events::commands::{
    AccountBan, AccountUnban, BroadcastClaim, BroadcastDraft, BroadcastFinish, BroadcastPause,
    BroadcastStart, BroadcastTold, BuiltInText, Command, CreditsGrant, CreditsRevoke, GrantSource,
    MessageContent, MessageRequest, Segment, SendOutcome, TextsKnown,
};
use proto_events::envelope::{AccountRef, TraceId};
use proto_events::events::MessageKind;
use proto_events::queries::{
    BroadcastDrafted, BroadcastQuery, BroadcastView, ClaimedBroadcast, ContentsQuery, ContentsView,
    PeopleQuery, PersonView, PicturePart, PictureQuery, PicturesView, StatisticsQuery, StatisticsView,
};
use proto_events::{AccountId, SomeCredits, Text};
use service::ledger::{Envelope, SendError, operation_id};

use super::{Committed, Desk, bad, id};

/// An administrator's act: who, and the message or button it came by.
#[derive(Debug, Clone, Copy)]
pub struct Act<'a> {
    pub admin: i64,
    /// The same however often it arrives.
    pub by: &'a str,
    pub trace: &'a TraceId,
}

impl Desk {
    pub async fn people(&self, find: &str) -> Result<Vec<PersonView>, SendError> {
        self.ask("people", &PeopleQuery { find: Text::lossy(find) }, None).await
    }

    pub async fn statistics(&self, days: u16) -> Result<StatisticsView, SendError> {
        self.ask("statistics", &StatisticsQuery { days }, None).await
    }

    /// A negative number of credits takes them.
    pub async fn grant(
        &self,
        act: Act<'_>,
        account: AccountId,
        credits: i64,
        reason: Text<500>,
    ) -> Result<(), SendError> {
        let unfit = |_| SendError::Unknown("a number of credits out of bounds".to_owned());
        let amount = SomeCredits::new(credits.abs()).map_err(unfit)?;
        let (verb, command): (_, Command) = if credits < 0 {
            ("revoke", CreditsRevoke { credits: amount, reason }.into())
        } else {
            let source = GrantSource::Admin;
            let grant = CreditsGrant { credits: amount, source, reason, lasts_days: None, expires_at: None };
            ("grant", grant.into())
        };
        self.act(act, verb, account, command).await
    }

    pub async fn ban(&self, act: Act<'_>, account: AccountId, reason: Text<500>) -> Result<(), SendError> {
        self.act(act, "ban", account, AccountBan { reason }.into()).await
    }

    pub async fn unban(&self, act: Act<'_>, account: AccountId, reason: Text<500>) -> Result<(), SendError> {
        self.act(act, "unban", account, AccountUnban { reason }.into()).await
    }

    pub async fn write_to(
        &self,
        act: Act<'_>,
        account: AccountId,
        content: MessageContent,
    ) -> Result<(), SendError> {
        let message = Text::lossy(&format!("m:{}", act.by));
        let request = MessageRequest { message, kind: MessageKind::Text, content };
        self.act(act, "message", account, request.into()).await
    }

    /// How many it is for, and when it was written down.
    pub async fn draft_broadcast(
        &self,
        broadcast: Text<64>,
        segment: Segment,
        content: MessageContent,
    ) -> Result<BroadcastDrafted, SendError> {
        let id = bad(operation_id("draft", &broadcast))?;
        let draft = BroadcastDraft { broadcast, segment, content, instead_of: None };
        let nobody = AccountRef::Id(AccountId::OPERATIONS);
        let done = self.ledger.operate(id, nobody, draft.into()).await?;
        Committed::read(&done).map(|drafted| drafted.result)
    }

    /// As it was seen: written down anew since, it is refused.
    pub async fn start_broadcast(&self, act: Act<'_>, view: &BroadcastView) -> Result<(), SendError> {
        let (broadcast, recipients) = (view.broadcast.clone(), view.recipients);
        let start = BroadcastStart { broadcast, recipients, drafted_at: Some(view.drafted_at) };
        self.act(act, "broadcast_start", AccountId::OPERATIONS, start.into()).await
    }

    pub async fn pause_broadcast(&self, act: Act<'_>, broadcast: Text<64>) -> Result<(), SendError> {
        let pause = BroadcastPause { broadcast, reason: Text::lossy("by an administrator, in the chat") };
        self.act(act, "broadcast_pause", AccountId::OPERATIONS, pause.into()).await
    }

    pub async fn finish_broadcast(&self, act: Act<'_>, view: &BroadcastView) -> Result<(), SendError> {
        let BroadcastView { broadcast, sent, failed, blocked, .. } = view.clone();
        let finish = BroadcastFinish { broadcast, sent, failed, blocked };
        self.act(act, "broadcast_finish", AccountId::OPERATIONS, finish.into()).await
    }

    pub async fn broadcast(&self, broadcast: Text<64>) -> Result<BroadcastView, SendError> {
        self.ask("broadcast", &BroadcastQuery { broadcast }, None).await
    }

    /// Some of a running broadcast to send. `None`: there is nothing to send, or another instance does it.
    pub async fn claim_broadcast(
        &self,
        claimant: &Text<64>,
        limit: u16,
    ) -> Result<Option<ClaimedBroadcast>, SendError> {
        let id = bad(operation_id("broadcast", claimant))?;
        let claim = BroadcastClaim { claimant: claimant.clone(), limit };
        match self.ledger.operate(id, AccountRef::Id(AccountId::OPERATIONS), claim.into()).await {
            Ok(done) => Committed::read(&done).map(|claimed| Some(claimed.result)),
            Err(error) if error.code() == Some("nothing_to_send") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// False: another instance has the broadcast.
    pub async fn broadcast_told(
        &self,
        broadcast: &Text<64>,
        claimant: &Text<64>,
        account: AccountId,
        outcome: SendOutcome,
    ) -> Result<bool, SendError> {
        let (broadcast, claimant) = (broadcast.clone(), claimant.clone());
        let told = BroadcastTold { broadcast, claimant, account, outcome };
        match self.operate("told", account, AccountId::OPERATIONS, told.into()).await {
            Err(error) if error.code() == Some("stale_claim") => Ok(false),
            told => told.map(|()| true),
        }
    }

    /// What is built in, for whoever edits it.
    pub async fn texts_known(&self, texts: Vec<BuiltInText>) -> Result<(), SendError> {
        let known = TextsKnown { texts, pictured: true };
        self.operate("texts", "known", AccountId::OPERATIONS, known.into()).await
    }

    /// What was changed after this version.
    pub async fn contents(&self, after: i64) -> Result<ContentsView, SendError> {
        self.ask("contents", &ContentsQuery { after }, None).await
    }

    /// Pictures above texts that were changed after this version.
    pub async fn pictures(&self, after: i64) -> Result<PicturesView, SendError> {
        self.ask("pictures", &ContentsQuery { after }, None).await
    }

    /// Some of a picture's bytes, from this one on.
    pub async fn picture_part(&self, sha256: &Text<64>, from: u32) -> Result<PicturePart, SendError> {
        self.ask("picture", &PictureQuery { sha256: sha256.clone(), from }, None).await
    }

    async fn act(
        &self,
        act: Act<'_>,
        verb: &str,
        account: AccountId,
        command: Command,
    ) -> Result<(), SendError> {
        let id = id(format!("{verb}:{}:{}", self.bot, act.by))?;
        let account = AccountRef::Id(account);
        let envelope = Envelope { id, account, command, causation: None, trace_id: Some(act.trace.clone()) };
        self.ledger.clone().acting(&act.admin.to_string()).send(envelope).await.map(drop)
    }
}
