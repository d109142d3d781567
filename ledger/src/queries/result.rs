//! A generation as it can be asked for once more, with what it made.

use proto_events::commands::{ChatContext, GenerationRequest};
use proto_events::queries::ResultView;
use proto_events::{Event, GenerationId, Text};
use sqlx::PgPool;

use super::{Problem, rows_about, views};
use crate::log::{BadRow, Row};
use crate::operations::place;
use crate::store;

/// `None`: there is none, or what was asked is deleted.
pub(super) async fn result(pool: &PgPool, generation: GenerationId) -> Result<Option<ResultView>, Problem> {
    let id = generation.to_string();
    let rows = rows_about(pool, generation.account(), id.clone()).await?;
    let Some(view) = views::generation(&rows, generation)? else { return Ok(None) };
    let Some(content) = store::job_contents(pool, std::slice::from_ref(&id)).await?.pop() else {
        return Ok(None);
    };
    let Event::GenerationRequested(asked) = content.requested else { return Ok(None) };
    // Where it was asked for is for whoever asks again to say.
    let context = ChatContext { chat: 0, message: 0, status_message: None };
    let request = GenerationRequest {
        model: Some(asked.model),
        aspect_ratio: asked.aspect_ratio,
        size: asked.size,
        references: content.file_refs.iter().map(|file| Text::lossy(file)).collect(),
        system: content.system.as_deref().map(Text::lossy),
        conversation: content.conversation.as_deref().map(Text::lossy),
        follows: content.follows.and_then(|followed| followed.parse().ok()),
        ..GenerationRequest::new(asked.kind, Text::lossy(&content.prompt), context)
    };
    let outputs = store::outputs(pool, &id).await?;
    Ok(Some(ResultView {
        request,
        lost: is_lost(&rows)?,
        state: view.state,
        file_ids: outputs.iter().filter_map(|output| output.file_id.as_deref()).map(Text::lossy).collect(),
        outputs: outputs.iter().map(place).collect(),
    }))
}

/// Whether it was given up to bring it to its person.
fn is_lost(rows: &[Row]) -> Result<bool, BadRow> {
    for row in rows.iter().filter(|row| row.event_type == "DeliveryFailed") {
        if let Event::DeliveryFailed(e) = row.event()?
            && e.r#final
        {
            return Ok(true);
        }
    }
    Ok(false)
}
