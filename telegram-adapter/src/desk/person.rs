//! The ledger about a person: what they set and sent, what was made for them, what they are owed an answer to.

use proto_events::commands::{
    AccountErase, AlbumClaim, AlbumDone, AlbumPut, GenerationCancel, GenerationRequest, Operation,
    PersonReach, Photo, ProfileUpdate, ReferencesPut, ReferencesRemove, ReferralRegister, SupportNote,
    WishKeep,
};
use proto_events::envelope::{AccountRef, TraceId};
use proto_events::queries::{
    AccountGone, AccountQuery, ClaimedAlbum, FileOf, FileQuery, GenerationAccepted, GenerationQuery,
    HistoryItem, LineView, OpenAlbum, PageQuery, QueueView, ReferencesView, ReferralsView, ResultView,
    SupportQuery, SupportView, Sweep, TotalsView, WishView,
};
use proto_events::{AccountId, GenerationId, Position, Text};
use serde::de::DeserializeOwned;
use service::ledger::{SendError, operation_id};

use super::{Committed, Desk, bad, id};

/// Who asks for something: the same however often it arrives.
#[derive(Debug, Clone, Copy)]
pub enum By<'a> {
    Message {
        chat: i64,
        message: i64,
    },
    /// A button's nonce.
    Nonce(&'a str),
}

impl Desk {
    pub async fn update_profile(&self, user: i64, update: ProfileUpdate) -> Result<(), SendError> {
        self.do_to(user, "profile", update.into()).await
    }

    pub async fn reach(&self, user: i64, reachable: bool) -> Result<(), SendError> {
        self.do_to(user, "reach", PersonReach { reachable }.into()).await
    }

    pub async fn references(&self, user: i64) -> Result<Vec<Photo>, SendError> {
        let view: ReferencesView = self.ask("references", &of(user), None).await?;
        Ok(view.photos)
    }

    /// What is kept then.
    pub async fn keep_references(&self, user: i64, photos: Vec<Photo>) -> Result<Vec<Photo>, SendError> {
        let put = ReferencesPut { photos };
        self.asked_to::<ReferencesView>(user, "references", put.into()).await.map(|view| view.photos)
    }

    /// One, or all. What is kept then.
    pub async fn remove_references(
        &self,
        user: i64,
        unique_id: Option<Text<64>>,
    ) -> Result<Vec<Photo>, SendError> {
        let remove = ReferencesRemove { unique_id };
        self.asked_to::<ReferencesView>(user, "references", remove.into()).await.map(|view| view.photos)
    }

    pub async fn put_album(&self, user: i64, part: AlbumPut) -> Result<(), SendError> {
        self.do_to(user, "album", part.into()).await
    }

    pub async fn albums_due(&self, limit: u16) -> Result<Vec<OpenAlbum>, SendError> {
        self.ask("albums_due", &Sweep { limit }, None).await
    }

    /// `None`: it is somebody else's, or done.
    pub async fn claim_album(
        &self,
        album: &OpenAlbum,
        claimant: &Text<64>,
    ) -> Result<Option<ClaimedAlbum>, SendError> {
        let (chat, group) = (album.chat, album.group.clone());
        let claim = AlbumClaim { chat, group, claimant: claimant.clone() };
        let id = bad(operation_id("album", chat))?;
        match self.ledger.operate(id, AccountRef::Id(album.account), claim.into()).await {
            Ok(done) => Committed::read(&done).map(|claimed| Some(claimed.result)),
            Err(error) if matches!(error.code(), Some("album_done" | "album_held" | "album_coming")) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    pub async fn album_done(&self, album: &OpenAlbum, claimant: &Text<64>) -> Result<(), SendError> {
        let (chat, group) = (album.chat, album.group.clone());
        let done = AlbumDone { chat, group, claimant: claimant.clone() };
        self.operate("album", chat, album.account, done.into()).await
    }

    /// The same message, or the same button, never asks twice.
    pub async fn request(
        &self,
        user: i64,
        by: By<'_>,
        request: GenerationRequest,
        trace: &TraceId,
    ) -> Result<Committed<GenerationAccepted>, SendError> {
        let id = match by {
            By::Message { chat, message } => id(format!("msg:{}:{chat}:{message}", self.bot))?,
            By::Nonce(nonce) => id(format!("tap:{}:{user}:{nonce}", self.bot))?,
        };
        self.send(id, AccountRef::Telegram(user), request.into(), Some(trace)).await
    }

    /// False: it is over already.
    pub async fn cancel(&self, generation: GenerationId, trace: &TraceId) -> Result<bool, SendError> {
        let id = id(format!("cancel:{}:{generation}", self.bot))?;
        let account = AccountRef::Id(generation.account());
        let sent =
            self.send::<serde_json::Value>(id, account, GenerationCancel { generation }.into(), Some(trace));
        match sent.await {
            Ok(_) => Ok(true),
            Err(error) if matches!(error.code(), Some("generation_closed" | "generation_not_found")) => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// What could not be paid; `None` forgets it.
    pub async fn keep_wish(&self, user: i64, request: Option<GenerationRequest>) -> Result<(), SendError> {
        self.do_to(user, "wish", WishKeep { request }.into()).await
    }

    pub async fn wish(&self, account: AccountRef) -> Result<Option<WishView>, SendError> {
        found(self.ask("wish", &AccountQuery { account }, None).await, "wish_not_found")
    }

    /// `None`: there is none, or what was asked is forgotten.
    pub async fn result(&self, generation: GenerationId) -> Result<Option<ResultView>, SendError> {
        found(self.ask("result", &GenerationQuery { generation }, None).await, "generation_not_found")
    }

    /// How many are before it; `None`: it does not wait.
    pub async fn queue(&self, generation: GenerationId) -> Result<Option<u32>, SendError> {
        let view = self.ask::<QueueView>("queue", &GenerationQuery { generation }, None).await;
        Ok(found(view, "generation_not_found")?.map(|view| view.before))
    }

    pub async fn generation_of_file(
        &self,
        user: i64,
        unique_id: &str,
    ) -> Result<Option<GenerationId>, SendError> {
        let query = FileQuery { account: AccountRef::Telegram(user), unique_id: Text::lossy(unique_id) };
        let view = self.ask::<FileOf>("generation_of_file", &query, None).await;
        Ok(found(view, "generation_not_found")?.map(|view| view.generation))
    }

    pub async fn history(
        &self,
        user: i64,
        before: Option<Position>,
        limit: u16,
    ) -> Result<Vec<HistoryItem>, SendError> {
        let query = PageQuery { account: AccountRef::Telegram(user), limit, before };
        self.ask("history", &query, None).await
    }

    pub async fn statement(
        &self,
        user: i64,
        before: Option<Position>,
        limit: u16,
    ) -> Result<Vec<LineView>, SendError> {
        let query = PageQuery { account: AccountRef::Telegram(user), limit, before };
        self.ask("statement", &query, None).await
    }

    pub async fn totals(&self, user: i64) -> Result<TotalsView, SendError> {
        self.ask("totals", &of(user), None).await
    }

    pub async fn referrals(&self, user: i64) -> Result<ReferralsView, SendError> {
        self.ask("referrals", &of(user), None).await
    }

    /// One who was here already, but has done nothing yet, came by a link. Refusals say that it does not count.
    pub async fn register_referral(
        &self,
        account: AccountId,
        inviter: AccountId,
        trace: &TraceId,
    ) -> Result<bool, SendError> {
        let id = id(format!("invited:{account}"))?;
        let command = ReferralRegister { inviter }.into();
        match self.send::<serde_json::Value>(id, AccountRef::Id(account), command, Some(trace)).await {
            Ok(_) => Ok(true),
            Err(SendError::Refused(refused)) => {
                tracing::debug!(code = %refused.code, "an invitation does not count");
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// What is left of the credits is given up.
    pub async fn erase(&self, user: i64, nonce: &str, trace: &TraceId) -> Result<AccountGone, SendError> {
        let id = id(format!("erase:{}:{user}:{nonce}", self.bot))?;
        let command = AccountErase { forfeit: true }.into();
        self.send(id, AccountRef::Telegram(user), command, Some(trace)).await.map(|done| done.result)
    }

    /// A message in an administrator's chat stands for this person.
    pub async fn note_support(&self, user: i64, chat: i64, message: i64) -> Result<(), SendError> {
        self.do_to(user, "support", SupportNote { chat, message }.into()).await
    }

    pub async fn support_of(&self, chat: i64, message: i64) -> Result<Option<SupportView>, SendError> {
        found(self.ask("support_of", &SupportQuery { chat, message }, None).await, "note_not_found")
    }

    async fn do_to(&self, user: i64, kind: &str, operation: Operation) -> Result<(), SendError> {
        let id = bad(operation_id(kind, user))?;
        self.ledger.operate(id, AccountRef::Telegram(user), operation).await.map(drop)
    }

    async fn asked_to<T: DeserializeOwned>(
        &self,
        user: i64,
        kind: &str,
        operation: Operation,
    ) -> Result<T, SendError> {
        let id = bad(operation_id(kind, user))?;
        let done = self.ledger.operate(id, AccountRef::Telegram(user), operation).await?;
        Committed::read(&done).map(|answered| answered.result)
    }
}

fn of(user: i64) -> AccountQuery {
    AccountQuery { account: AccountRef::Telegram(user) }
}

fn found<T>(answer: Result<T, SendError>, none: &str) -> Result<Option<T>, SendError> {
    match answer {
        Err(error) if error.code() == Some(none) => Ok(None),
        answer => answer.map(Some),
    }
}
