//! Incidents: noticed by many, told to administrators once.

use proto_events::commands::{Incident, IncidentClaim, IncidentReport, IncidentTold};
use proto_events::queries::ClaimedIncident;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::{Problem, unwritten};
use crate::sequencer::refused;
use crate::store;

/// For a message to each administrator.
const LEASE_US: i64 = 60_000_000;
/// After which one that has no end of its own is told again if it goes on.
const QUIET_US: i64 = 3_600_000_000;

pub(super) async fn report(pool: &PgPool, c: IncidentReport, now: i64) -> Result<Value, Problem> {
    let quiet_us = match c.incident {
        Incident::GeneratorShut => None,
        Incident::TellingsGivenUp | Incident::BroadcastRefused => Some(QUIET_US),
    };
    store::report_incident(pool, c.incident.as_str(), c.open, quiet_us, now).await?;
    Ok(Value::Null)
}

pub(super) async fn claim(pool: &PgPool, c: &IncidentClaim, now: i64) -> Result<Value, Problem> {
    let nothing = || Problem::Refused(refused("nothing_to_tell", "administrators know how it stands"));
    let known = Incident::ALL.map(|incident| incident.as_str());
    let claimed = store::claim_incident(pool, &c.claimant, &known, LEASE_US, now).await?;
    let (incident, open, since) = claimed.ok_or_else(nothing)?;
    let incident = serde_json::from_value(json!(incident)).map_err(|_| nothing())?;
    let since = since.try_into().unwrap_or_default();
    serde_json::to_value(ClaimedIncident { incident, open, since }).map_err(unwritten)
}

pub(super) async fn told(pool: &PgPool, c: &IncidentTold, now: i64) -> Result<Value, Problem> {
    let closed = store::incident_told(pool, c.incident.as_str(), c.open, &c.claimant, now).await?;
    Ok(json!({"closed": closed}))
}
