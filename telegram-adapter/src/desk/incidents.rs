//! What administrators are to know at night.

use proto_events::commands::{Incident, IncidentClaim, IncidentReport, IncidentTold, Operation};
use proto_events::envelope::AccountRef;
use proto_events::queries::ClaimedIncident;
use proto_events::{AccountId, Text};
use service::ledger::{Done, SendError, operation_id};

use super::{Committed, Desk, bad};

impl Desk {
    /// Said again, it changes nothing. When the ledger can't be told, the next one says it.
    pub async fn report(&self, incident: Incident) {
        let report = IncidentReport { incident, open: true };
        if let Err(error) = self.of_incident(report.into()).await {
            tracing::warn!(%error, incident = incident.as_str(), "an incident could not be reported");
        }
    }

    /// One to tell of. `None`: administrators know how it stands, or another tells them.
    pub async fn claim_incident(&self, claimant: &Text<64>) -> Result<Option<ClaimedIncident>, SendError> {
        match self.of_incident(IncidentClaim { claimant: claimant.clone() }.into()).await {
            Ok(done) => Committed::read(&done).map(|claimed| Some(claimed.result)),
            Err(error) if error.code() == Some("nothing_to_tell") => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub async fn incident_told(&self, of: &ClaimedIncident, claimant: &Text<64>) -> Result<(), SendError> {
        let told = IncidentTold { incident: of.incident, open: of.open, claimant: claimant.clone() };
        self.of_incident(told.into()).await.map(drop)
    }

    async fn of_incident(&self, operation: Operation) -> Result<Done, SendError> {
        let id = bad(operation_id("incident", self.bot))?;
        self.ledger.operate(id, AccountRef::Id(AccountId::OPERATIONS), operation).await
    }
}
