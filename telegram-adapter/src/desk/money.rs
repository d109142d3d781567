//! The ledger about money: what came by invoices, what went back, what the provider's books say.

use proto_events::commands::{
    Email, NoticeKeep, PaymentQuarantine, PaymentSettle, ProfileUpdate, ProviderDayDone, ProviderRow,
    ProviderRowsPut, RefundFail, RefundOpen, RefundSettle,
};
use proto_events::envelope::AccountRef;
use proto_events::events::{DayNumber, ProviderId};
use proto_events::queries::{
    KnownQuery, KnownView, PaymentSweep, ReconciledQuery, ReconciledView, RefundQuery, RefundView,
};
use proto_events::{AccountId, CommandId, Position, Provider, Rail, RefundId};
use service::ledger::SendError;
use sha2::{Digest as _, Sha256};

use super::{Desk, bad};

impl Desk {
    pub async fn keep_email(&self, user: i64, email: Email) -> Result<(), SendError> {
        let update = ProfileUpdate { email: Some(email), ..ProfileUpdate::default() };
        let id = bad(service::ledger::operation_id("profile", user))?;
        self.ledger.operate(id, AccountRef::Telegram(user), update.into()).await.map(drop)
    }

    /// The money is there. The same charge settles once, whoever reports it and however often.
    pub async fn settle(&self, settle: PaymentSettle) -> Result<Position, SendError> {
        let id = command_id("settle", settle.rail, &settle.provider_payment_id)?;
        let account = AccountRef::Id(settle.payment.account());
        self.position(id, account, settle.into()).await
    }

    /// To the account it names, else to the stream that is nobody's.
    pub async fn quarantine(&self, quarantine: PaymentQuarantine) -> Result<(), SendError> {
        let id = command_id("quarantine", quarantine.rail, &quarantine.provider_payment_id)?;
        let account = quarantine.payment.map_or(AccountId::OPERATIONS, |payment| payment.account());
        self.send_plain(id, AccountRef::Id(account), quarantine.into()).await
    }

    /// A refund that Telegram has made by itself.
    pub async fn chargeback(&self, refund: RefundOpen, charge: &ProviderId) -> Result<Position, SendError> {
        let id = command_id("chargeback", refund.rail, charge)?;
        let account = AccountRef::Id(refund.payment.account());
        self.position(id, account, refund.into()).await
    }

    pub async fn settle_refund(&self, settle: RefundSettle) -> Result<(), SendError> {
        let id = command_id("refunded", settle.rail, &settle.provider_refund_id)?;
        let account = AccountRef::Id(settle.refund.account());
        self.send_plain(id, account, settle.into()).await
    }

    pub async fn fail_refund(&self, fail: RefundFail) -> Result<(), SendError> {
        let id = super::id(format!("refund_failed:{}:{}", fail.rail.as_str(), fail.refund))?;
        let account = AccountRef::Id(fail.refund.account());
        self.send_plain(id, account, fail.into()).await
    }

    pub async fn refund(&self, refund: RefundId) -> Result<RefundView, SendError> {
        self.ask("refund", &RefundQuery { refund }, None).await
    }

    /// Refunds of Stars that Telegram has not made yet, oldest first.
    pub async fn refunds_open(&self, limit: u16, after: Position) -> Result<Vec<RefundView>, SendError> {
        self.ask("refunds_open", &PaymentSweep { limit, after, account: None }, None).await
    }

    /// Which of these charges the log has as paid, and which as given back.
    pub async fn known(
        &self,
        payments: Vec<ProviderId>,
        refunds: Vec<ProviderId>,
    ) -> Result<KnownView, SendError> {
        let query = KnownQuery { provider: Provider::Telegram, payments, refunds };
        self.ask("known_to_us", &query, None).await
    }

    /// The newest Moscow days whose rows are all at the ledger, newest first.
    pub async fn reconciled(&self) -> Result<Vec<DayNumber>, SendError> {
        let query = ReconciledQuery { provider: Provider::Telegram };
        let view: ReconciledView = self.ask("reconciled", &query, None).await?;
        Ok(view.days)
    }

    pub async fn put_rows(&self, rows: Vec<ProviderRow>) -> Result<(), SendError> {
        let put = ProviderRowsPut { provider: Provider::Telegram, rows };
        self.operate("rows", Provider::Telegram.as_str(), AccountId::OPERATIONS, put.into()).await
    }

    pub async fn day_done(&self, day: DayNumber) -> Result<(), SendError> {
        let done = ProviderDayDone { provider: Provider::Telegram, day };
        self.operate("day", day.get(), AccountId::OPERATIONS, done.into()).await
    }

    /// Telegram's own words, for disputes.
    pub async fn keep_notice(&self, notice: NoticeKeep) -> Result<(), SendError> {
        // Not the charge, whose letters may not fit; such ids are for logs only.
        let event = notice.event.clone();
        self.operate("notice", event, AccountId::OPERATIONS, notice.into()).await
    }

    async fn position(
        &self,
        id: CommandId,
        account: AccountRef,
        command: proto_events::commands::Command,
    ) -> Result<Position, SendError> {
        let envelope = service::ledger::Envelope { id, account, command, causation: None, trace_id: None };
        Ok(self.ledger.send(envelope).await?.position)
    }
}

/// `<verb>:<rail>:<id>`. Telegram promises no alphabet for its ids: one that does not fit is named by its
/// digest.
fn command_id(verb: &str, rail: Rail, id: &ProviderId) -> Result<CommandId, SendError> {
    let begin = format!("{verb}:{}", rail.as_str());
    if let Ok(id) = CommandId::new(format!("{begin}:{id}")) {
        return Ok(id);
    }
    let digest = Sha256::digest(id.as_str().as_bytes());
    let digest: String = digest[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    super::id(format!("{begin}:digest.{digest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charge_is_one_command_whatever_its_letters() {
        let id = |charge: &str| command_id("settle", Rail::Stars, &ProviderId::new(charge).unwrap()).unwrap();
        assert_eq!(id("stxAb-1_9").as_str(), "settle:stars:stxAb-1_9");
        let odd = id("stx/+=");
        assert!(odd.as_str().starts_with("settle:stars:digest."), "{odd:?}");
        assert_eq!(odd, id("stx/+="));
        assert_ne!(odd, id("stx/+-="));
        assert!(id(&"x".repeat(128)).as_str().len() <= 120);
    }
}
