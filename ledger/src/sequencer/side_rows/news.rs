//! What people are told of an account as a whole, what administrators are told, and what we say to many.

use proto_events::commands::Command;
use proto_events::events::{
    CreditsGranted, DebtPayer, LotSource, PaymentQuarantined, PictureChanged, RevokeReason,
};
use proto_events::{Event, Micros, Producer};

use super::{QUARANTINED, Sink};
use crate::store::side::{
    Ban, BroadcastChange, Delivery, ExpiringLot, PictureChange, StaffChange, StoredMessage, TextChange,
};

impl Sink<'_> {
    /// What is about the account as a whole: told in the person's own chat, under the account's id.
    pub(super) fn account(&mut self, position: i64, event: &Event) {
        let told_of = match event {
            Event::CreditsGranted(e) => {
                if let Some(expires_at) = e.expires_at {
                    let (account_id, lot, expires_at) = (self.account.0, e.lot.get(), expires_at.get());
                    self.side.inserts.lots.push(ExpiringLot { account_id, lot, expires_at });
                }
                self.is_news(e).then_some("CreditsGranted")
            }
            Event::CreditsRevoked(e) if e.reason == RevokeReason::Operator => Some("CreditsRevoked"),
            Event::CreditsExpired(_) => Some("CreditsExpired"),
            Event::DebtPaid(e) if e.by == DebtPayer::Forgiven => Some("DebtPaid"),
            // The ban that an opening carries is an old one.
            Event::AccountBanned(_) => {
                self.ban(true);
                self.told(position, self.account.to_string(), "AccountUnbanned");
                (!matches!(self.request.command, Command::AccountOpen(_))).then_some("AccountBanned")
            }
            Event::AccountUnbanned(_) => {
                self.ban(false);
                self.told(position, self.account.to_string(), "AccountBanned");
                Some("AccountUnbanned")
            }
            Event::MessageRequested(_) => {
                self.message(position);
                Some("MessageRequested")
            }
            _ => None,
        };
        if let Some(event_type) = told_of {
            self.tell(position, event_type, self.account.to_string());
        }
    }

    /// Whether nothing else tells of these credits: not the settlement, the welcome, or what failed.
    fn is_news(&self, e: &CreditsGranted) -> bool {
        match e.source {
            LotSource::Admin | LotSource::Promo | LotSource::Referral => e.restores.is_none(),
            LotSource::Compensation => {
                e.restores.is_none() && !matches!(self.request.command, Command::DeliveryFail(_))
            }
            LotSource::Purchase | LotSource::Welcome => false,
        }
    }

    /// For administrators, whoever's it is. An operator who has taken it over knows.
    pub(super) fn quarantined(&mut self, position: i64, e: &PaymentQuarantined) {
        let subject = e.rail.key(&e.provider_payment_id);
        self.told(position, subject.clone(), QUARANTINED);
        if self.request.producer != Producer::Console {
            let (account_id, event_type) = (self.account.0, QUARANTINED);
            self.side.inserts.deliveries.push(Delivery { position, account_id, event_type, subject });
        }
    }

    fn message(&mut self, position: i64) {
        let account_id = self.account.0;
        if let Command::MessageRequest(c) = &self.request.command
            && let Ok(content) = serde_json::to_string(&c.content)
            && let Some(theirs) = self.theirs()
        {
            theirs.messages.push(StoredMessage { position, account_id, content });
        }
    }

    pub(super) fn broadcast(
        &mut self,
        position: i64,
        broadcast: &str,
        state: &'static str,
        recipients: Option<i32>,
    ) {
        let drafted_at = match &self.request.command {
            Command::BroadcastStart(c) => c.drafted_at.map(Micros::get),
            _ => None,
        };
        let broadcast = broadcast.to_owned();
        let change = BroadcastChange { broadcast, state, recipients, position, drafted_at };
        self.side.changes.broadcasts.push(change);
    }

    /// What an operator's act changes beside the log.
    pub(super) fn act(&mut self, position: i64) {
        match &self.request.command {
            Command::ContentPut(c) => self.side.changes.texts.push(TextChange {
                key: c.key.to_string(),
                language: c.language.to_string(),
                text: c.text.as_ref().map(ToString::to_string),
                version: position,
            }),
            Command::StaffPut(c) => self.side.changes.staff.push(StaffChange {
                name: c.name.to_string(),
                roles: c.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(","),
                password_hash: c.password_hash.as_ref().map(ToString::to_string),
                position,
            }),
            _ => {}
        }
    }

    pub(super) fn picture(&mut self, position: i64, e: &PictureChanged) {
        self.side.changes.pictures.push(PictureChange {
            key: e.key.to_string(),
            language: e.language.to_string(),
            sha256: e.picture.as_ref().map(|picture| picture.sha256.to_string()),
            version: position,
        });
    }

    /// Who is banned gets no broadcast.
    fn ban(&mut self, banned: bool) {
        self.side.changes.bans.push(Ban { account_id: self.account.0, banned });
    }
}
