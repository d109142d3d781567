//! A broadcast from the chat: a message, for whom, how many that is, sure?, and how it goes. It is sent by `broadcasts`.
//!
//! Invariant: what is started is the draft that was shown with the button; another that stands by then is shown instead.

use proto_events::Text;
use proto_events::commands::{CopyOf, MessageContent, Segment};
use proto_events::envelope::TraceId;
use proto_events::queries::{BroadcastState, BroadcastView};

use super::callback::{Seen, Step};
use super::{Halt, Known, Press, Talk};
use crate::desk::Act;
use crate::inbound::{Message, Tap};
use crate::outbound::{Button, Markup};
use crate::texts::{Html, Number, People, Say};

const ACTIVE_DAYS: u16 = 7;
const QUIET_DAYS: u16 = 30;

/// By the letters in buttons, with their names.
fn segments() -> [(char, Say<'static>, Segment); 7] {
    let language = |tag: &str| Segment::Language(Text::lossy(tag));
    [
        ('e', Say::SegmentEverybody, Segment::Everybody),
        ('r', Say::SegmentRussian, language("ru")),
        ('n', Say::SegmentEnglish, language("en")),
        ('p', Say::SegmentPayers, Segment::Payers),
        ('u', Say::SegmentNeverPaid, Segment::NeverPaid),
        ('a', Say::SegmentActive, Segment::Active { days: ACTIVE_DAYS }),
        ('q', Say::SegmentQuiet, Segment::Quiet { days: QUIET_DAYS }),
    ]
}

impl Talk {
    /// `/broadcast` in reply to what is to be sent.
    pub(super) async fn ask_segment(&self, known: &Known, message: &Message) -> Result<(), Halt> {
        let Some(replied) = &message.replied else { return self.said(known, Say::BroadcastHow).await };
        let buttons = segments().into_iter().filter_map(|(segment, say, _)| {
            self.tap_button(known, say, &Press::Segment { message: replied.message, segment })
        });
        let rows = buttons.collect::<Vec<_>>().chunks(2).map(<[Button]>::to_vec).collect();
        let text = self.texts.say(known.lang, Say::BroadcastSegment);
        self.reply(known.chat, &text, &Markup::Rows(rows), Some(replied.message)).await;
        Ok(())
    }

    /// Written down and counted; nothing is sent before it is confirmed.
    pub(super) async fn draft_broadcast(
        &self,
        known: &Known,
        message: i64,
        segment: char,
        menu: i64,
    ) -> Result<(), Halt> {
        let Some((_, name, segment)) = segments().into_iter().find(|(letter, ..)| *letter == segment) else {
            return Ok(());
        };
        let content = MessageContent {
            copy_of: Some(CopyOf { chat: known.chat, message }),
            ..MessageContent::default()
        };
        let broadcast = Text::lossy(&Press::nonce_of(known.chat, menu));
        let drafted = match self.desk.draft_broadcast(broadcast.clone(), segment, content).await {
            Ok(drafted) => drafted,
            // It is being started at this moment, or was.
            Err(error) if matches!(error.code(), Some("broadcast_started" | "draft_changed")) => {
                let view = self.desk.broadcast(broadcast).await?;
                return self.show_broadcast(known, &view, menu, Some(Say::BroadcastMoved)).await;
            }
            Err(error) => return self.refused(known, error).await,
        };
        let seen = Seen::Draft(drafted.drafted_at);
        let (text, markup) = self.confirm(known, (broadcast, seen), name, drafted.recipients);
        self.show(known, Some(menu), &text, &markup).await;
        Ok(())
    }

    /// For whom it is; the button sends this draft, and no other.
    fn confirm(
        &self,
        known: &Known,
        (broadcast, seen): (Text<64>, Seen),
        segment: Say<'_>,
        recipients: u32,
    ) -> (Html, Markup) {
        if recipients == 0 {
            return (self.texts.say(known.lang, Say::BroadcastNobody), Markup::None);
        }
        let segment = self.texts.label(known.lang, segment);
        let people = People(recipients.into());
        let text = self.texts.say(known.lang, Say::BroadcastConfirm { people, segment: &segment });
        let send = Press::Broadcast { step: Step::Start, broadcast, seen };
        let buttons = [
            self.tap_button(known, Say::ButtonSend, &send),
            self.tap_button(known, Say::ButtonKeep, &Press::Keep),
        ];
        (text, Markup::Buttons(buttons.into_iter().flatten().collect()))
    }

    pub(super) async fn step_broadcast(
        &self,
        known: &Known,
        (step, broadcast, seen): (Step, Text<64>, Seen),
        tap: &Tap,
        trace: &TraceId,
    ) -> Result<(), Halt> {
        let view = match self.desk.broadcast(broadcast.clone()).await {
            Ok(view) => view,
            Err(error) if error.code() == Some("broadcast_not_found") => {
                return self.said(known, Say::BroadcastNone).await;
            }
            Err(error) => return Err(error.into()),
        };
        if step != Step::Look && seen != Seen::of(&view) {
            return self.show_broadcast(known, &view, tap.message, Some(outdated(seen, &view))).await;
        }
        // One state is left once in each way: that a button of it is tapped again, later or by another, is the same act.
        let by = format!("{broadcast}:{seen}");
        let act = Act { admin: known.user, by: &by, trace };
        let done = match step {
            Step::Start => self.desk.start_broadcast(act, &view).await,
            Step::Pause => self.desk.pause_broadcast(act, broadcast.clone()).await,
            Step::Stop => self.desk.finish_broadcast(act, &view).await,
            Step::Look => Ok(()),
        };
        let mut why = None;
        match done {
            // Written down anew between our look and the start.
            Err(error) if matches!(error.code(), Some("draft_changed" | "recipients_differ")) => {
                why = Some(Say::BroadcastDraftChanged);
            }
            // Tapped twice, or it ended meanwhile: what it is now is shown.
            Err(error) if error.code().is_some_and(|code| code.starts_with("broadcast_")) => {}
            Err(error) => return self.refused(known, error).await,
            Ok(()) => {}
        }
        let view = self.desk.broadcast(broadcast).await?;
        self.show_broadcast(known, &view, tap.message, why).await
    }

    /// As it stands; `why`: the button that was tapped did nothing.
    async fn show_broadcast(
        &self,
        known: &Known,
        view: &BroadcastView,
        message: i64,
        why: Option<Say<'_>>,
    ) -> Result<(), Halt> {
        if view.state == BroadcastState::Draft {
            self.show_draft(known, view, message, why.unwrap_or(Say::BroadcastMoved)).await;
            return Ok(());
        }
        let n = |n: u32| Number(n.into());
        let say = Say::BroadcastState {
            state: view.state,
            sent: n(view.sent),
            failed: n(view.failed),
            blocked: n(view.blocked),
            recipients: n(view.recipients),
        };
        let button = |say, step| {
            let (broadcast, seen) = (view.broadcast.clone(), Seen::of(view));
            self.tap_button(known, say, &Press::Broadcast { step, broadcast, seen })
        };
        let (refresh, stop) = (button(Say::ButtonRefresh, Step::Look), button(Say::ButtonStop, Step::Stop));
        let buttons = match view.state {
            BroadcastState::Running => vec![button(Say::ButtonPause, Step::Pause), stop, refresh],
            BroadcastState::Paused => vec![button(Say::ButtonResume, Step::Start), stop],
            BroadcastState::Draft | BroadcastState::Finished => Vec::new(),
        };
        let markup = Markup::Rows(vec![buttons.into_iter().flatten().collect()]);
        let mut text = self.texts.say(known.lang, say);
        if let Some(why) = why {
            text = self.texts.say(known.lang, why).and(&Html::empty()).and(&text);
        }
        self.show(known, Some(message), &text, &markup).await;
        Ok(())
    }

    /// Nothing was sent, and this button sends nothing any more. Below the message that the draft of now would send, it is asked about
    /// anew; what can't be shown here is not sent from here.
    async fn show_draft(&self, known: &Known, view: &BroadcastView, menu: i64, why: Say<'_>) {
        let why = self.texts.say(known.lang, why);
        let here = view.content.copy_of.filter(|copy| copy.chat == known.chat);
        let named = segments().into_iter().find(|(.., segment)| *segment == view.segment);
        let (Some(copy), Some((_, name, _))) = (here, named) else {
            let text = why.and(&Html::empty()).and(&self.texts.say(known.lang, Say::BroadcastElsewhere));
            self.show(known, Some(menu), &text, &Markup::None).await;
            return;
        };
        self.show(known, Some(menu), &why, &Markup::None).await;
        let draft = (view.broadcast.clone(), Seen::of(view));
        let (text, markup) = self.confirm(known, draft, name, view.recipients);
        self.reply(known.chat, &text, &markup, Some(copy.message)).await;
    }
}

/// Why a button of this does nothing.
const fn outdated(seen: Seen, now: &BroadcastView) -> Say<'static> {
    match (seen, now.state) {
        (Seen::Draft(_), BroadcastState::Draft) => Say::BroadcastDraftChanged,
        _ => Say::BroadcastMoved,
    }
}
