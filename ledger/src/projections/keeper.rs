//! What the leader looks after: rebuilds of projections whose version is not the code's, and what rebuilds
//! that died have left.

use std::time::Duration;

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::held::discard;
use super::registry::{self, Instance, State};
use super::{ALL, Definition, Rebuild};

const LOOK: Duration = Duration::from_secs(2);
/// Between two rebuilds: one that failed is helped by other code or another log only.
const RETRY: Duration = Duration::from_secs(60);

/// Looks after the instances until dropped. For the leader alone.
pub async fn keep(pool: PgPool) {
    loop {
        let kept = async {
            let instances = registry::all(&pool).await?;
            clean_up(&pool, &instances).await?;
            Ok::<_, sqlx::Error>(outdated(&instances))
        };
        let wait = match kept.await {
            Ok(outdated) if outdated.is_empty() => LOOK,
            Ok(outdated) => {
                renew(&pool, &outdated).await;
                RETRY
            }
            Err(error) => {
                tracing::warn!(%error, "can't look after the projections");
                LOOK
            }
        };
        tokio::time::sleep(wait).await;
    }
}

/// Drops what rebuilds that died were making.
async fn clean_up(pool: &PgPool, instances: &[Instance]) -> Result<(), sqlx::Error> {
    let dead = |i: &&Instance| i.state == State::Building && !i.is_worked_on();
    for instance in instances.iter().filter(dead) {
        if discard(pool, instance).await? {
            tracing::info!(instance = instance.tables().name(), "dropped what a dead rebuild left");
        }
    }
    Ok(())
}

/// Those that are read in another version than the code's, and that nobody makes anew.
fn outdated(instances: &[Instance]) -> Vec<&'static Definition> {
    let is_in = |definition: &Definition, state: State| {
        instances.iter().find(|i| i.name == definition.name && i.state == state)
    };
    let is_outdated = |definition: &&'static Definition| {
        let live = is_in(definition, State::Live);
        let beside = is_in(definition, State::Building).or_else(|| is_in(definition, State::Ready));
        let on_its_way = beside.is_some_and(|i| i.is_worked_on() || i.wished_at.is_some());
        live.is_some_and(|i| i.version != definition.version) && !on_its_way
    };
    ALL.into_iter().filter(is_outdated).collect()
}

/// Makes them anew and asks for them to be swapped in.
async fn renew(pool: &PgPool, outdated: &[&'static Definition]) {
    let names: Vec<&str> = outdated.iter().map(|definition| definition.name).collect();
    tracing::info!(?names, "rebuilding projections of another version");
    // Dropped with this task: what it was making is then dropped as that of a dead worker.
    let rebuild = match Rebuild::begin(pool.clone(), outdated, None, CancellationToken::new()).await {
        Ok(rebuild) => rebuild,
        Err(error) => {
            return tracing::warn!(%error, "projections could not be rebuilt");
        }
    };
    for made in rebuild.run().await {
        let name = made.definition.name;
        match made.outcome {
            Ok(held) => {
                if let Err(error) = held.wish().await {
                    tracing::warn!(name, %error, "the swap could not be asked for");
                }
            }
            Err(error) => {
                tracing::error!(name, %error, "could not be rebuilt; its old version is read");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(version: i64, state: State) -> Instance {
        Instance {
            name: "balances".into(),
            instance: 1,
            version,
            state,
            position: 0,
            failure: None,
            failed_at: None,
            stage: None,
            reached: None,
            target: None,
            rate: None,
            wished_at: None,
            wished_position: None,
            wish_refused: None,
            silent_us: None,
        }
    }

    fn names(instances: &[Instance]) -> Vec<&'static str> {
        outdated(instances).iter().map(|definition| definition.name).collect()
    }

    #[test]
    fn what_is_live_in_another_version_is_rebuilt_unless_it_is_on_its_way() {
        let now = ALL[0].version;
        assert!(names(&[instance(now, State::Live)]).is_empty());
        assert_eq!(names(&[instance(now - 1, State::Live)]), ["balances"]);
        let mut beside = instance(now, State::Building);
        beside.silent_us = Some(1_000);
        assert!(names(&[instance(now - 1, State::Live), beside.clone()]).is_empty());
        beside.silent_us = Some(60_000_000);
        assert_eq!(names(&[instance(now - 1, State::Live), beside]), ["balances"]);
    }
}
