//! What a claimed job asks of the model: its words, what was said before, the pictures it shows.

use proto_events::{
    Text,
    catalog::{Catalog, Model},
    events::Trouble,
    media::Turn,
    queries::ClaimedJob,
};
use tokio::time::Instant;

use super::Tools;
use crate::{
    gemini::{Ask, Said},
    shelf::{Missing, Wanted, json_len},
};

/// What a model takes when the catalog does not say.
const PICTURES_MAX: usize = 14;

/// Gathers it all, within `until`.
///
/// # Errors
/// Why the job can't be asked, so that it ends, or is tried again later.
pub(super) async fn gather(
    tools: &Tools,
    job: &ClaimedJob,
    catalog: Option<&Catalog>,
    until: Instant,
) -> Result<Ask, Missing> {
    let model = catalog.and_then(|catalog| catalog.models.iter().find(|model| model.name == job.model));
    let account = job.generation.account();
    let turns = match &job.conversation {
        Some(name) => tools.shelf.conversation(account, name).await.turns,
        None => Vec::new(),
    };
    // One that is made again does not answer itself.
    let before: Vec<Turn> = turns.into_iter().take_while(|turn| turn.generation != job.generation).collect();
    let said = before.iter().flat_map(|turn| [turn.prompt.as_str(), turn.answer.as_str()]);
    let asked = [Some(job.prompt.as_str()), job.system.as_ref().map(Text::as_str)];
    let wanted = Wanted {
        references: &job.references,
        followed: job.followed.as_ref(),
        pictures_max: model.map_or(PICTURES_MAX, pictures_max),
        words_bytes: said.chain(asked.into_iter().flatten()).map(json_len).sum(),
    };
    let material = tools.shelf.material(wanted, until).await?;
    Ok(Ask {
        kind: job.kind,
        model: job.model.to_string(),
        api: model.map(|model| model.api).unwrap_or_default(),
        system: job.system.as_ref().map(Text::to_string),
        turns: before.into_iter().map(|turn| Said { prompt: turn.prompt, answer: turn.answer }).collect(),
        prompt: job.prompt.to_string(),
        material,
        aspect_ratio: job.aspect_ratio.as_ref().map(Text::to_string),
        size: job.size.as_ref().map(Text::to_string),
    })
}

fn pictures_max(model: &Model) -> usize {
    // An edit shows what it follows, also where the catalog sells no references.
    usize::from(model.references_max).max(1)
}

/// How a job ends whose pictures can't be had.
pub(super) fn trouble(missing: &Missing) -> Trouble {
    match missing {
        Missing::Gone(_) => Trouble::ReferenceGone,
        Missing::Unfit(_) => Trouble::InvalidRequest,
        Missing::TooLarge => Trouble::TooLarge,
        Missing::Away(_) => Trouble::Deadline,
    }
}

/// For the person's next question.
pub(super) async fn remember(tools: &Tools, job: &ClaimedJob, answer: String) {
    if let Some(name) = &job.conversation {
        let (generation, prompt) = (job.generation, job.prompt.to_string());
        tools.shelf.remember(generation.account(), name, Turn { generation, prompt, answer }).await;
    }
}
