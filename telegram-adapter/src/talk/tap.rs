//! A tap on a button, and what it does. The spinner is stopped at once, with a word if there is one to say.

use proto_events::envelope::TraceId;

use super::{Halt, Known, Press, Talk, refusals};
use crate::inbound::Tap;
use crate::outbound::Markup;
use crate::texts::{Html, Lang, Say};

impl Talk {
    pub(super) async fn tap(&self, tap: Tap, trace: &TraceId) -> Result<(), Halt> {
        let Some(press) = Press::read(&tap.data) else {
            self.let_be(&tap.id, tap.from.language.as_deref()).await;
            tracing::info!(trace_id = trace.as_str(), "a tap that no button of ours sends");
            return Ok(());
        };
        if self.rates.take(tap.from.id).is_some() {
            let slow = self.texts.say(Lang::of(tap.from.language.as_deref()), Say::SlowDown);
            self.stop_spinner(&tap.id, Some(&slow)).await;
            return Ok(());
        }
        // The answer is wanted at once, whatever the work brings: a late one is worth nothing.
        let work = async {
            if matches!(press, Press::Erase { .. }) && self.desk.account(tap.from.id).await?.is_none() {
                // It came again, after it was done: that must not open an account.
                return self.erased(&tap).await;
            }
            let known = self.know(&tap.from, tap.chat, &tap.id, None, trace).await?;
            let leaves = matches!(press, Press::Erase { .. } | Press::Keep);
            if known.banned && !leaves {
                return self.said(&known, Say::Banned).await;
            }
            let outcome = self.press(&known, press, &tap, trace).await;
            if let Err(Halt::Refused(refused)) = &outcome {
                self.say(&known, refusals::say(refused)).await;
            }
            outcome
        };
        let (outcome, ()) = tokio::join!(work, self.stop_spinner(&tap.id, None));
        outcome
    }

    async fn press(&self, known: &Known, press: Press, tap: &Tap, trace: &TraceId) -> Result<(), Halt> {
        // A photo with its words is left as it is, and what its buttons lead to stands below it: the picture that greets is not
        // taken for another's, and menus, which are longer than a caption may be, need not be cut.
        let here = Some(tap.message).filter(|_| !tap.pictured);
        match press {
            Press::Menu => self.menu(known, here).await,
            Press::Balance => self.balance(known, here).await,
            Press::Topup => self.choose_package(known).await,
            Press::Packages => self.show_packages(known, here).await,
            Press::Email { package } => self.change_email(known, &package).await,
            Press::Buy { nonce, package } => self.buy(known, &nonce, package, tap, trace).await,
            Press::Pay { nonce, way, package } => {
                self.pay(known, &nonce, way, package, tap.message, trace).await
            }
            Press::Settings => self.settings(known, here).await,
            Press::Choose(choice) => self.choose(known, choice, tap.message).await,
            Press::Set(setting) => self.set(known, setting, tap.message).await,
            Press::Speak(lang) => self.speak(known, lang, tap.message).await,
            Press::References => self.references(known).await,
            Press::RemoveReference(photo) => self.remove_reference(known, &photo, tap.message).await,
            Press::ClearReferences => self.clear_references(known, tap.message).await,
            Press::History { before } => self.history(known, before, here).await,
            Press::Statement { before } => self.statement(known, before, here).await,
            Press::Resend(tail) => self.resend(known, &tail).await,
            Press::Invite => self.referral(known, here).await,
            Press::Help => self.help(known, here).await,
            Press::Again { nonce, of } => self.again(known, &nonce, &of, tap, trace).await,
            Press::Change(tail) => self.ask_change(known, &tail).await,
            Press::Original(tail) => self.original(known, &tail, tap.message).await,
            Press::Cancel(tail) => self.cancel(known, &tail, trace).await,
            Press::Wish { nonce } => self.fulfil(known, &nonce, tap.message, trace).await,
            Press::Erase { nonce, told } => self.erase(known, &nonce, told, tap.message, trace).await,
            Press::Keep => {
                let kept = self.texts.say(known.lang, Say::DeleteKept);
                self.show(known, here, &kept, &Markup::None).await;
                Ok(())
            }
            Press::Segment { message, segment } if self.is_admin(known.user) => {
                self.draft_broadcast(known, message, segment, tap.message).await
            }
            Press::Broadcast { step, broadcast, seen } if self.is_admin(known.user) => {
                self.step_broadcast(known, (step, broadcast, seen), tap, trace).await
            }
            Press::Segment { .. } | Press::Broadcast { .. } => Ok(()),
        }
    }

    /// Says that the button is of no use any more.
    pub(super) async fn let_be(&self, tap: &str, language: Option<&str>) {
        let outdated = self.texts.say(Lang::of(language), Say::TapOutdated);
        self.stop_spinner(tap, Some(&outdated)).await;
    }

    async fn stop_spinner(&self, tap: &str, text: Option<&Html>) {
        if let Err(error) = self.telegram.answer_tap(tap, text).await {
            tracing::debug!(%error, "a tap could not be answered");
        }
    }
}
