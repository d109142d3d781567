//! A broadcast from the chat: a message, for whom, how many that is, sure?, and how it goes. It is sent by `broadcasts`.

use proto_events::commands::{CopyOf, MessageContent, Segment};
use proto_events::envelope::TraceId;
use proto_events::queries::{BroadcastState, BroadcastView};
use proto_events::{Position, Text};

use super::callback::Step;
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
            Err(error) => return self.refused(known, error).await,
        };
        if drafted.recipients == 0 {
            let text = self.texts.say(known.lang, Say::BroadcastNobody);
            self.show(known, Some(menu), &text, &Markup::None).await;
            return Ok(());
        }
        let segment = self.texts.label(known.lang, name);
        let people = People(drafted.recipients.into());
        let text = self.texts.say(known.lang, Say::BroadcastConfirm { people, segment: &segment });
        let send = Press::Broadcast { step: Step::Start, broadcast, changed: Position::ZERO };
        let buttons = [
            self.tap_button(known, Say::ButtonSend, &send),
            self.tap_button(known, Say::ButtonKeep, &Press::Keep),
        ];
        let markup = Markup::Buttons(buttons.into_iter().flatten().collect());
        self.show(known, Some(menu), &text, &markup).await;
        Ok(())
    }

    pub(super) async fn step_broadcast(
        &self,
        known: &Known,
        step: Step,
        broadcast: Text<64>,
        changed: Position,
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
        if step != Step::Look && changed != view.changed {
            // A button of a state that is over: what was decided since then stands.
            return self.show_broadcast(known, &view, tap.message, true).await;
        }
        // One state is left once in each way: that a button of it is tapped again, later or by another, is the same act.
        let by = format!("{broadcast}:{changed}");
        let act = Act { admin: known.user, by: &by, trace };
        let done = match step {
            Step::Start => self.desk.start_broadcast(act, &view).await,
            Step::Pause => self.desk.pause_broadcast(act, broadcast.clone()).await,
            Step::Stop => self.desk.finish_broadcast(act, &view).await,
            Step::Look => Ok(()),
        };
        match done {
            // Tapped twice, or it ended meanwhile: what it is now is shown.
            Err(error) if error.code().is_some_and(|code| code.starts_with("broadcast_")) => {}
            Err(error) => return self.refused(known, error).await,
            Ok(()) => {}
        }
        let view = self.desk.broadcast(broadcast).await?;
        self.show_broadcast(known, &view, tap.message, false).await
    }

    /// As it stands; `outdated`: the button that was tapped did nothing.
    async fn show_broadcast(
        &self,
        known: &Known,
        view: &BroadcastView,
        message: i64,
        outdated: bool,
    ) -> Result<(), Halt> {
        let n = |n: u32| Number(n.into());
        let say = Say::BroadcastState {
            state: view.state,
            sent: n(view.sent),
            failed: n(view.failed),
            blocked: n(view.blocked),
            recipients: n(view.recipients),
        };
        let button = |say, step| {
            self.tap_button(
                known,
                say,
                &Press::Broadcast { step, broadcast: view.broadcast.clone(), changed: view.changed },
            )
        };
        let (refresh, stop) = (button(Say::ButtonRefresh, Step::Look), button(Say::ButtonStop, Step::Stop));
        let buttons = match view.state {
            BroadcastState::Draft => vec![button(Say::ButtonSend, Step::Start)],
            BroadcastState::Running => vec![button(Say::ButtonPause, Step::Pause), stop, refresh],
            BroadcastState::Paused => vec![button(Say::ButtonResume, Step::Start), stop],
            BroadcastState::Finished => Vec::new(),
        };
        let markup = Markup::Rows(vec![buttons.into_iter().flatten().collect()]);
        let mut text = self.texts.say(known.lang, say);
        if outdated {
            text = self.texts.say(known.lang, Say::BroadcastMoved).and(&Html::empty()).and(&text);
        }
        self.show(known, Some(message), &text, &markup).await;
        Ok(())
    }
}
