//! A wish, as a request to the ledger: with the person's settings, under the id of what expressed it. What can't be paid is kept and
//! offered again after a top-up. The result comes by `delivery`.

use proto_events::catalog::{Catalog, Model};
use proto_events::commands::{ChatContext, FileId, GenerationRequest};
use proto_events::envelope::TraceId;
use proto_events::events::GenerationKind;
use proto_events::queries::Settings;
use proto_events::text::BadText;
use proto_events::{Credits, GenerationId, Text};
use service::ledger::SendError;

use super::refusals::PROMPT_CHARS_MAX;
use super::{Halt, Known, Press, Talk};
use crate::desk::{By, Committed};
use crate::inbound::Message;
use crate::outbound::{Button, Markup};
use crate::status::Making;
use crate::texts::{Html, Number, Say};

/// The name of a conversation until it is cleared for the first time.
const FIRST_CONVERSATION: &str = "first";

/// What is to be made.
#[derive(Debug, Clone)]
pub(super) struct Want<'a> {
    pub kind: GenerationKind,
    pub prompt: &'a str,
    pub references: Vec<FileId>,
    pub follows: Option<GenerationId>,
}

impl<'a> Want<'a> {
    pub(super) fn picture(prompt: &'a str, references: Vec<FileId>) -> Self {
        Self { kind: GenerationKind::Picture, prompt, references, follows: None }
    }

    pub(super) fn edit(prompt: &'a str, references: Vec<FileId>, follows: Option<GenerationId>) -> Self {
        Self { kind: GenerationKind::Edit, prompt, references, follows }
    }
}

impl Talk {
    /// Asks for it; the same message or button never pays twice. False: it was not asked for, and the person knows why.
    pub(super) async fn want(
        &self,
        known: &Known,
        by: By<'_>,
        want: Want<'_>,
        trace: &TraceId,
    ) -> Result<bool, Halt> {
        let prompt = match Text::new(want.prompt.trim()) {
            Ok(prompt) => prompt,
            Err(error) => {
                tracing::warn!(trace_id = trace.as_str(), %error, "a prompt was refused");
                let max = Number(PROMPT_CHARS_MAX.into());
                let say = match error {
                    BadText::Nul => Say::PromptUnreadable,
                    BadText::TooLong { .. } => Say::PromptTooLong { max },
                };
                self.say(known, say).await;
                return Ok(false);
            }
        };
        let message = match by {
            By::Message { message, .. } => message,
            By::Nonce(_) => 0,
        };
        let context = ChatContext { chat: known.chat, message, status_message: None };
        let mut request = GenerationRequest::new(want.kind, prompt, context);
        request.references = want.references;
        request.follows = want.follows;
        if want.kind == GenerationKind::Text {
            request.conversation =
                Some(known.conversation.clone().unwrap_or_else(|| Text::lossy(FIRST_CONVERSATION)));
            let system = self.texts.label(known.lang, Say::SystemPrompt);
            request.system =
                Some(Text::lossy(&system)).filter(|system: &Text<4096>| !system.trim().is_empty());
        } else {
            let catalog = self.desk.catalog().await?;
            as_set(&mut request, &known.settings, &catalog);
        }
        self.order(known, by, request, trace).await
    }

    /// A request as it stands: a new one, one more of the same, or one that could not be paid before.
    pub(super) async fn order(
        &self,
        known: &Known,
        by: By<'_>,
        request: GenerationRequest,
        trace: &TraceId,
    ) -> Result<bool, Halt> {
        match self.desk.request(known.user, by, request.clone(), trace).await {
            Ok(Committed { position, result }) => {
                fail::fail_point!("telegram.work_committed");
                let (generation, credits) = (result.generation, result.credits);
                tracing::info!(trace_id = trace.as_str(), %generation, kind = request.kind.as_str(), "something was asked for");
                self.board
                    .show(Making {
                        generation,
                        kind: request.kind,
                        credits,
                        photos: request.references.len(),
                        chat: known.chat,
                        private: known.is_private(),
                        lang: known.lang,
                        reply_to: Some(request.context.message).filter(|message| *message > 0),
                        position,
                    })
                    .await;
                Ok(true)
            }
            Err(SendError::Refused(refused)) if refused.code.as_str() == "insufficient_credits" => {
                self.insufficient(known, request).await?;
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What they have, what it needs, and the packages; what they asked for is offered again when it is paid.
    async fn insufficient(&self, known: &Known, request: GenerationRequest) -> Result<(), Halt> {
        let catalog = self.desk.catalog().await?;
        let have = self.desk.balance(known.user, known.since).await?.available;
        let need = price_of(&catalog, &request).unwrap_or_default();
        self.desk.keep_wish(known.user, Some(request)).await?;
        if !known.is_private() {
            // What somebody has is nobody else's business.
            return self.said(known, Say::InsufficientHere { need }).await;
        }
        let mut text = self.texts.say(known.lang, Say::InsufficientFor { have, need });
        let packages = self.packages(known.lang, &catalog);
        if packages != Markup::None {
            text = text.and(&Html::empty()).and(&self.texts.say(known.lang, Say::WishKept));
        }
        self.reply(known.chat, &text, &packages, None).await;
        Ok(())
    }

    /// The button under the offer after a top-up.
    pub(super) async fn fulfil(
        &self,
        known: &Known,
        nonce: &str,
        offer: i64,
        trace: &TraceId,
    ) -> Result<(), Halt> {
        let Some(wish) = self.desk.wish(proto_events::envelope::AccountRef::Telegram(known.user)).await?
        else {
            // Tapped twice: it is being made.
            self.remove(known.chat, offer).await;
            return Ok(());
        };
        if self.order(known, By::Nonce(nonce), wish.request, trace).await? {
            self.desk.keep_wish(known.user, None).await?;
            self.remove(known.chat, offer).await;
        }
        Ok(())
    }

    /// Talk: an answer that knows what was said before.
    pub(super) async fn chat(
        &self,
        known: &Known,
        message: &Message,
        words: &str,
        trace: &TraceId,
    ) -> Result<(), Halt> {
        if self.desk.catalog().await?.model(GenerationKind::Text, None).is_none() {
            return self.said(known, Say::ChatOff).await;
        }
        let want = Want { kind: GenerationKind::Text, prompt: words, references: Vec::new(), follows: None };
        let by = By::Message { chat: message.chat, message: message.message };
        self.want(known, by, want, trace).await.map(drop)
    }

    /// What was said before is forgotten: chat goes on under another name.
    pub(super) async fn clear(&self, known: &Known) -> Result<(), Halt> {
        let conversation = Some(Text::lossy(&Press::nonce()));
        let update = proto_events::commands::ProfileUpdate { conversation, ..Default::default() };
        self.desk.update_profile(known.user, update).await?;
        self.said(known, Say::ChatCleared).await
    }

    /// A button, unless it can't be made.
    pub(super) fn tap_button(&self, known: &Known, say: Say<'_>, press: &Press) -> Option<Button> {
        let label = self.texts.label(known.lang, say);
        let data = press.data();
        if data.is_none() {
            tracing::error!(?press, "what a button brings back is too long");
        }
        data.map(|data| Button::Tap { label, data })
    }
}

/// The person's choices, as far as the catalog still has them.
fn as_set(request: &mut GenerationRequest, settings: &Settings, catalog: &Catalog) {
    let chosen = settings.model.as_deref().filter(|name| catalog.model(request.kind, Some(name)).is_some());
    let Some((model, _)) = catalog.model(request.kind, chosen) else { return };
    request.model = chosen.map(Text::lossy);
    request.aspect_ratio = settings.aspect_ratio.clone().filter(|ratio| model.aspect_ratios.contains(ratio));
    request.size = settings.size.clone().filter(|size| model.sizes.iter().any(|known| known.size == *size));
}

/// What a request costs by this catalog. `None`: it is not sold.
pub fn price_of(catalog: &Catalog, request: &GenerationRequest) -> Option<Credits> {
    let (model, price) = catalog.model(request.kind, request.model.as_deref())?;
    price.checked_add(extra(model, request.size.as_deref())?)
}

/// `None`: there is no such size.
fn extra(model: &Model, size: Option<&str>) -> Option<Credits> {
    match size {
        None => Some(model.sizes.first().map_or(Credits::ZERO, |size| size.extra)),
        Some(size) => model.sizes.iter().find(|known| known.size.as_str() == size).map(|size| size.extra),
    }
}

/// What a picture costs with these settings.
pub(super) fn picture_price(catalog: &Catalog, settings: &Settings) -> Option<Credits> {
    let context = ChatContext { chat: 0, message: 0, status_message: None };
    let mut request = GenerationRequest::new(GenerationKind::Picture, Text::default(), context);
    as_set(&mut request, settings, catalog);
    price_of(catalog, &request)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(model: &str, ratio: &str, size: &str) -> Settings {
        fn given<const MAX: usize>(text: &str) -> Option<Text<MAX>> {
            (!text.is_empty()).then(|| Text::lossy(text))
        }
        Settings { model: given(model), aspect_ratio: given(ratio), size: given(size), as_file: false }
    }

    fn price(settings: &Settings) -> i64 {
        picture_price(&Catalog::default_catalog().unwrap(), settings).unwrap().get()
    }

    #[test]
    fn a_picture_costs_by_its_size() {
        assert_eq!([price(&Settings::default()), price(&settings("", "", "1K"))], [10, 10]);
        assert_eq!([price(&settings("", "", "2K")), price(&settings("", "", "4K"))], [15, 30]);
    }

    #[test]
    fn what_the_catalog_does_not_have_any_more_is_left_out() {
        let catalog = Catalog::default_catalog().unwrap();
        let context = ChatContext { chat: 1, message: 2, status_message: None };
        let mut request = GenerationRequest::new(GenerationKind::Picture, Text::lossy("a cat"), context);
        as_set(&mut request, &settings("gone", "7:3", "9K"), &catalog);
        assert_eq!((request.model, request.aspect_ratio, request.size), (None, None, None));
        let mut request = GenerationRequest::new(GenerationKind::Edit, Text::lossy("a cat"), context);
        as_set(&mut request, &settings("gemini-3-pro-image", "16:9", "4K"), &catalog);
        assert_eq!(request.model.as_deref(), Some("gemini-3-pro-image"));
        assert_eq!((request.aspect_ratio.as_deref(), request.size.as_deref()), (Some("16:9"), Some("4K")));
    }
}
