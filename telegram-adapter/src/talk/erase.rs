//! Everything about a person deleted, after they were told what is lost.

use proto_events::envelope::TraceId;

use super::{Halt, Known, Press, Talk};
use crate::inbound::Tap;
use crate::outbound::Markup;
use crate::texts::{Lang, Say};

impl Talk {
    pub(super) async fn ask_to_erase(&self, known: &Known) -> Result<(), Halt> {
        let available = self.desk.balance(known.user, known.since).await?.available;
        let say = if available.is_zero() { Say::DeleteAskNothing } else { Say::DeleteAsk { available } };
        let buttons = [
            self.tap_button(known, Say::ButtonKeep, &Press::Keep),
            self.tap_button(
                known,
                Say::ButtonDelete,
                &Press::Erase { nonce: Press::nonce(), told: available.get() },
            ),
        ];
        let markup = Markup::Buttons(buttons.into_iter().flatten().collect());
        self.reply(known.chat, &self.texts.say(known.lang, say), &markup, None).await;
        Ok(())
    }

    pub(super) async fn erase(
        &self,
        known: &Known,
        nonce: &str,
        told: i64,
        message: i64,
        trace: &TraceId,
    ) -> Result<(), Halt> {
        // An old button: more would be lost than was said.
        if self.desk.balance(known.user, known.since).await?.available.get() > told {
            return self.ask_to_erase(known).await;
        }
        let say = match self.desk.erase(known.user, nonce, trace).await {
            Ok(_) => {
                fail::fail_point!("telegram.erased");
                Say::DeleteDone
            }
            Err(error) if matches!(error.code(), Some("open_reservations" | "open_payments")) => {
                Say::DeleteWaits
            }
            Err(error) => return Err(error.into()),
        };
        self.show(known, Some(message), &self.texts.say(known.lang, say), &Markup::None).await;
        Ok(())
    }

    /// Of one who is not known any more.
    pub(super) async fn erased(&self, tap: &Tap) -> Result<(), Halt> {
        let text = self.texts.say(Lang::of(tap.from.language.as_deref()), Say::DeleteDone);
        if let Err(error) = self.telegram.edit(tap.chat, tap.message, &text, &Markup::None).await {
            tracing::debug!(%error, "a message was not edited");
        }
        Ok(())
    }
}
