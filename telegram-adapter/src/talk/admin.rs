//! What administrators do in the chat: look, give, take, ban, write. Each act is a command to the ledger under their name.

use proto_events::commands::MessageContent;
use proto_events::envelope::TraceId;
use proto_events::queries::{BalanceView, DayView, PersonView};
use proto_events::{Credits, Money, Text};
use service::ledger::SendError;

use super::command::Admin;
use super::{Halt, Known, Talk};
use crate::clock;
use crate::desk::Act;
use crate::inbound::Message;
use crate::outbound::Markup;
use crate::texts::{Day, Html, Number, Say, price};

/// Days that are shown.
const DAYS: u16 = 7;
/// Credits of one grant in the chat: a slip of the finger is no fortune.
const CREDITS_MAX: i64 = 100_000;

impl Talk {
    pub(super) async fn administer(
        &self,
        known: &Known,
        admin: Admin,
        rest: &str,
        message: &Message,
        trace: &TraceId,
    ) -> Result<(), Halt> {
        let by = format!("{}:{}", message.chat, message.message);
        let act = Act { admin: known.user, by: &by, trace };
        match admin {
            Admin::Help => self.said(known, Say::AdminHelp).await,
            Admin::Stats => self.stats(known).await,
            Admin::User => self.user(known, rest).await,
            Admin::Grant => self.grant(known, rest, act).await,
            Admin::Ban | Admin::Unban => self.ban(known, rest, admin == Admin::Ban, act).await,
            Admin::Message => self.write_to(known, rest, act).await,
            Admin::Broadcast => self.ask_segment(known, message).await,
        }
    }

    async fn stats(&self, known: &Known) -> Result<(), Halt> {
        let view = self.desk.statistics(DAYS).await?;
        let (people, away) = (Number(view.people.into()), Number(view.away.into()));
        let head = self.texts.say(known.lang, Say::AdminStats { people, away });
        let today = view.days.iter().take(1);
        let days = today.chain(view.days.iter().skip(1).filter(|day| is_busy(day)));
        let text = days.fold(head, |text, day| text.and(&Html::empty()).and(&self.day(known, day)));
        self.reply(known.chat, &text, &Markup::None, None).await;
        Ok(())
    }

    fn day(&self, known: &Known, day: &DayView) -> Html {
        let n = |n: u32| Number(n.into());
        let (paid, cost) = (sums(&day.paid), dollars(day.cost_micro_usd));
        self.texts.say(
            known.lang,
            Say::AdminDay {
                day: Day(clock::day_start(day.day)),
                new: n(day.new_people),
                active: n(day.active_people),
                pictures: n(day.pictures),
                answers: n(day.answers),
                failed: n(day.failed),
                payments: n(day.payments),
                paid: &paid,
                spent: Number(day.spent.get()),
                cost: &cost,
            },
        )
    }

    async fn user(&self, known: &Known, find: &str) -> Result<(), Halt> {
        if find.is_empty() {
            return self.said(known, Say::AdminUserHow).await;
        }
        let found = self.desk.people(find).await?;
        if found.is_empty() {
            return self.said(known, Say::AdminUserNone { find }).await;
        }
        for person in &found {
            let text = self.card(known, person);
            self.reply(known.chat, &text, &Markup::None, None).await;
        }
        Ok(())
    }

    fn card(&self, known: &Known, person: &PersonView) -> Html {
        let (user, account) = (person.telegram_user.to_string(), person.account.to_string());
        let BalanceView { available, reserved, debt, .. } = &person.balance;
        let (totals, paid) = (&person.totals, sums(&person.paid));
        let lines = [
            Say::AdminUser {
                name: &person.name,
                user: &user,
                account: &account,
                since: Day(totals.opened_at),
                language: crate::texts::Lang::of(Some(&person.language)),
                banned: person.banned,
                away: person.away,
            },
            Say::AdminUserBalance {
                available: Number(available.get()),
                reserved: Number(reserved.get()),
                debt: Number(debt.get()),
                spent: Number(totals.spent.get()),
                bought: Number(totals.bought.get()),
                given: Number(totals.given.get()),
                paid: &paid,
            },
            Say::AdminUserMade {
                pictures: Number(totals.pictures.into()),
                answers: Number(totals.answers.into()),
                invited: Number(totals.invited.into()),
            },
        ];
        let [first, rest @ ..] = lines.map(|say| self.texts.say(known.lang, say));
        rest.iter().fold(first, |text, line| text.and(line))
    }

    /// The one person whose Telegram id this is.
    async fn person(&self, known: &Known, id: &str) -> Result<Option<PersonView>, Halt> {
        let user = id.parse::<i64>().ok();
        let found = match user {
            Some(_) => self.desk.people(id).await?,
            None => Vec::new(),
        };
        let person = found.into_iter().find(|person| Some(person.telegram_user) == user);
        if person.is_none() {
            self.say(known, Say::AdminUserNone { find: id }).await;
        }
        Ok(person)
    }

    async fn grant(&self, known: &Known, rest: &str, act: Act<'_>) -> Result<(), Halt> {
        let mut words = rest.splitn(3, char::is_whitespace);
        let (id, credits, reason) = (words.next(), words.next(), words.next().map(str::trim));
        let credits = credits.and_then(|n| n.replace('−', "-").parse::<i64>().ok());
        let credits = credits.filter(|n| *n != 0 && n.abs() <= CREDITS_MAX);
        let reason = reason.filter(|reason| !reason.is_empty());
        let (Some(id), Some(credits), Some(reason)) = (id, credits, reason) else {
            return self.said(known, Say::AdminGrantHow).await;
        };
        let Some(person) = self.person(known, id).await? else { return Ok(()) };
        match self.desk.grant(act, person.account, credits, Text::lossy(reason)).await {
            Ok(()) => {}
            Err(error) => return self.refused(known, error).await,
        }
        let available = self.desk.people(id).await?;
        let available = available.first().map_or(person.balance.available, |person| person.balance.available);
        let amount = Credits::new(credits.abs()).unwrap_or_default();
        let say = if credits > 0 {
            Say::AdminGranted { credits: amount, user: id, available }
        } else {
            Say::AdminRevoked { credits: amount, user: id, available }
        };
        self.said(known, say).await
    }

    async fn ban(&self, known: &Known, rest: &str, ban: bool, act: Act<'_>) -> Result<(), Halt> {
        let (id, reason) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        if id.is_empty() || reason.trim().is_empty() {
            return self.said(known, Say::AdminBanHow).await;
        }
        let Some(person) = self.person(known, id).await? else { return Ok(()) };
        let (account, reason) = (person.account, Text::lossy(reason.trim()));
        let done = if ban {
            self.desk.ban(act, account, reason).await
        } else {
            self.desk.unban(act, account, reason).await
        };
        let say = match &done {
            Ok(()) if ban => Say::AdminBanned { user: id },
            Ok(()) => Say::AdminUnbanned { user: id },
            Err(error) if error.code() == Some("account_banned") => Say::AdminAlreadyBanned { user: id },
            Err(error) if error.code() == Some("account_not_banned") => Say::AdminNotBanned { user: id },
            Err(_) => return done.map_err(Halt::from),
        };
        self.said(known, say).await
    }

    async fn write_to(&self, known: &Known, rest: &str, act: Act<'_>) -> Result<(), Halt> {
        let (id, words) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let words = words.trim();
        if id.is_empty() || words.is_empty() {
            return self.said(known, Say::AdminMessageHow).await;
        }
        let Some(person) = self.person(known, id).await? else { return Ok(()) };
        // What is typed in a chat is no HTML.
        let text = Html::escaped(words);
        let content = MessageContent { text: Some(Text::lossy(text.as_str())), ..MessageContent::default() };
        match self.desk.write_to(act, person.account, content).await {
            Ok(()) => self.said(known, Say::AdminMessageSent { user: id }).await,
            Err(error) => self.refused(known, error).await,
        }
    }

    /// In the ledger's words: whoever asked knows them.
    pub(super) async fn refused(&self, known: &Known, error: SendError) -> Result<(), Halt> {
        match error {
            SendError::Refused(refused) => {
                let (code, message) = (refused.code.as_str(), refused.message.as_str());
                self.said(known, Say::AdminRefused { code, message }).await
            }
            error @ SendError::Unknown(_) => Err(error.into()),
        }
    }
}

/// Whether anything happened on it.
fn is_busy(day: &DayView) -> bool {
    day.new_people + day.active_people + day.pictures + day.answers + day.failed + day.payments > 0
}

/// "300 ₽, 75 ⭐".
fn sums(sums: &[Money]) -> String {
    if sums.is_empty() {
        "0".to_owned()
    } else {
        sums.iter().map(|sum| price(*sum)).collect::<Vec<_>>().join(", ")
    }
}

/// To the cent.
fn dollars(micro: i64) -> String {
    let cents = micro.div_euclid(10_000);
    format!("{}.{:02}", cents / 100, cents % 100)
}
