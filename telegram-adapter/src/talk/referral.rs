//! The link by which friends come, and who came by it.

use proto_events::envelope::TraceId;
use reqwest::Url;

use super::{Halt, Known, Press, Talk};
use crate::outbound::{Button, Markup};
use crate::texts::{Change, Day, Html, People, REFERRED_MAX, Say};

impl Talk {
    pub(super) async fn referral(&self, known: &Known, message: Option<i64>) -> Result<(), Halt> {
        let Some(username) = self.us.username() else {
            return Err(Halt::Later("Telegram has not told the bot's name yet".to_owned()));
        };
        let link = format!("https://t.me/{username}?start={}", known.account);
        let bonuses = self.desk.catalog().await?.bonuses;
        let (inviter, invited) = (bonuses.referral_inviter, bonuses.referral_invited);
        let view = self.desk.referrals(known.user).await?;
        let say = if inviter.is_zero() && invited.is_zero() {
            Say::ReferralOff { link: &link }
        } else {
            Say::Referral { link: &link, inviter, invited }
        };
        let mut text = self.texts.say(known.lang, say).and(&Html::empty());
        text = text.and(&self.texts.say(
            known.lang,
            match view.invited {
                0 => Say::ReferralNone,
                people => Say::ReferralCounts { people: People(people.into()), earned: view.earned },
            },
        ));
        for came in view.newest.iter().take(REFERRED_MAX) {
            let (at, initial) = (Day(came.at), came.initial.as_str());
            let change = Change(came.credits.get());
            text = text.and(&self.texts.say(known.lang, Say::ReferralLine { at, initial, change }));
        }
        let words = self.texts.label(known.lang, Say::ReferralShare { invited });
        let share = Url::parse_with_params("https://t.me/share/url", [("url", &link), ("text", &words)]);
        let share =
            share.ok().map(|url| Button::Link { label: self.texts.label(known.lang, Say::ButtonShare), url });
        let menu = self.tap_button(known, Say::ButtonMenu, &Press::Menu);
        let rows = [share, menu].into_iter().flatten().map(|button| vec![button]).collect();
        self.show_or_tell(known, message, say, &text, &Markup::Rows(rows)).await;
        Ok(())
    }

    /// One who was here before, but has done nothing yet, may still come by a link.
    pub(super) async fn invited(&self, known: &Known, by: &str, trace: &TraceId) -> Result<(), Halt> {
        if known.welcome.is_none()
            && let Ok(inviter) = by.parse()
        {
            self.desk.register_referral(known.account, inviter, trace).await?;
        }
        Ok(())
    }
}
