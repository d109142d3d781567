//! What administrators are to know at night, told by one instance, once it begins and once it is over.

use std::time::Duration;

use proto_events::Text;
use proto_events::commands::Incident;
use proto_events::queries::ClaimedIncident;
use tokio_util::sync::CancellationToken;

use super::Teller;
use super::outcome::Outcome;
use crate::texts::Say;

const LOOK_EVERY: Duration = Duration::from_secs(5);

impl Teller {
    /// Until told to stop.
    pub async fn watch(&self, shutdown: CancellationToken) {
        let claimant = Text::lossy(&uuid::Uuid::new_v4().to_string());
        loop {
            match self.0.desk.claim_incident(&claimant).await {
                Ok(Some(claimed)) => self.tell_incident(&claimed, &claimant).await,
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "what administrators are to know is not known"),
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    async fn tell_incident(&self, claimed: &ClaimedIncident, claimant: &Text<64>) {
        let say = match (claimed.incident, claimed.open) {
            (Incident::GeneratorShut, true) => Some(Say::AdminGeneratorShut),
            (Incident::GeneratorShut, false) => Some(Say::AdminGeneratorOpen),
            (Incident::TellingsGivenUp, true) => Some(Say::AdminTellingsGivenUp),
            (Incident::BroadcastRefused, true) => Some(Say::AdminBroadcastRefused),
            // They end by themselves.
            (Incident::TellingsGivenUp | Incident::BroadcastRefused, false) => None,
        };
        if let Some(say) = say
            && self.0.tell_admins(say).await == Outcome::Later
        {
            // Nothing was sent: the next look claims it again. In doubt counts as told, as else it might be told without end.
            return;
        }
        fail::fail_point!("telegram.incident.sent");
        if let Err(error) = self.0.desk.incident_told(claimed, claimant).await {
            tracing::warn!(%error, "that administrators know is not recorded; they may be told again");
        }
    }
}
