//! Everything the bot says, as a type: a text that is not here can't be sent.
//!
//! A line a text: its variant, what it takes, its name in the Fluent files. A value's name there is its field's.

use proto_events::events::GenerationKind;
use proto_events::queries::{BroadcastState, LineKind};
use proto_events::{Credits, Money};

use super::Lang;
use super::value::{Answers, Change, Day, Moment, Number, People, Photos, Pictures, Reason, Value};
use crate::ways::Way;

macro_rules! says {
    ($(#[$doc:meta])* pub enum Say<$a:lifetime> {
        $($variant:ident $({ $($field:ident: $ty:ty),+ $(,)? })? = $name:literal),+ $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Say<$a> { $($variant $({ $($field: $ty),+ })?),+ }

        impl Say<'_> {
            /// The message's name in the Fluent files.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant { .. } => $name),+ }
            }

            /// The same, and its arguments.
            pub(super) fn parts(&self) -> (&'static str, Vec<(&'static str, Value)>) {
                match *self {
                    $(Self::$variant $({ $($field),+ })? => {
                        ($name, vec![$($((stringify!($field), Value::from($field))),+)?])
                    })+
                }
            }
        }

        #[cfg(test)]
        impl<$a> Say<$a> {
            /// Each text with values that show its forms.
            pub(super) fn samples() -> Vec<Self> {
                let mut all = Vec::new();
                $({
                    let most = 1;
                    $($(
                        let $field = <$ty as super::value::Samples>::samples();
                        let most = most.max($field.len());
                    )+)?
                    for n in 0..most {
                        let _ = n;
                        all.push(Self::$variant $({ $($field: $field[n % $field.len()]),+ })?);
                    }
                })+
                all
            }
        }
    };
}

says! {
    /// A text with its values.
    pub enum Say<'a> {
        Welcome { credits: Credits } = "welcome",
        WelcomeBare = "welcome-bare",
        WelcomeBack { available: Credits } = "welcome-back",
        EnoughFor { price: Credits, pictures: Pictures } = "enough-for",
        ShortBy { price: Credits, missing: Credits } = "short-by",
        Help { price: Credits, answer: Credits } = "help",
        Balance { available: Credits } = "balance",
        BalanceReserved { reserved: Credits } = "balance-reserved",
        BalanceDebt { debt: Credits } = "balance-debt",
        TopupChoose { available: Credits } = "topup-choose",
        TopupClosed = "topup-closed",
        TopupWay { credits: Credits, price: Money } = "topup-way",
        ReceiptTo { email: &'a str } = "receipt-to",
        EmailAsk = "email-ask",
        EmailAskHint = "email-ask-hint",
        EmailWrong = "email-wrong",
        ChoiceMade = "choice-made",
        InvoiceTitle { credits: Credits } = "invoice-title",
        InvoiceDescription { credits: Credits } = "invoice-description",
        PaymentPreparing { credits: Credits, price: Money } = "payment-preparing",
        PaymentReady { credits: Credits, price: Money } = "payment-ready",
        PaymentPaid { credits: Credits, price: Money } = "payment-paid",
        PaymentReceipt { credits: Credits, price: Money, available: Credits } = "payment-receipt",
        PaymentCanceled { price: Money } = "payment-canceled",
        PaymentExpired { price: Money } = "payment-expired",
        BillPaid = "bill-paid",
        BillOver = "bill-over",
        PaymentPutAside { price: &'a str } = "payment-put-aside",
        RefundSettled { amount: Money, credits: Credits, available: Credits } = "refund-settled",
        RefundFailed { amount: Money, credits: Credits, available: Credits } = "refund-failed",
        Paysupport = "paysupport",
        SupportContact { contact: &'a str } = "support-contact",
        SupportHere = "support-here",
        SupportNobody = "support-nobody",
        Terms = "terms",
        TermsContact { contact: &'a str } = "terms-contact",
        TermsLink { url: &'a str } = "terms-link",
        Privacy = "privacy",
        PrivacyLink { url: &'a str } = "privacy-link",
        PictureAsk = "picture-ask",
        PictureAskHint = "picture-ask-hint",
        PictureCaption { spent: Credits, left: Credits } = "picture-caption",
        PictureCaptionFree { left: Credits } = "picture-caption-free",
        CaptionHere { spent: Credits } = "caption-here",
        PictureFailed { reason: Reason, returned: Credits } = "picture-failed",
        AnswerFailed { reason: Reason, returned: Credits } = "answer-failed",
        WordsInstead { returned: Credits } = "words-instead",
        PictureLost { returned: Credits } = "picture-lost",
        AnswerLost { returned: Credits } = "answer-lost",
        PromptEmpty = "prompt-empty",
        PromptTooLong { max: Number } = "prompt-too-long",
        PromptUnreadable = "prompt-unreadable",
        TooManyRunning = "too-many-running",
        TooManyOpen = "too-many-open",
        PackageGone = "package-gone",
        Banned = "banned",
        Refused { code: &'a str } = "refused",
        UnknownCommand = "unknown-command",
        TapOutdated = "tap-outdated",
        ButtonUsed = "used-button",
        CheckoutRefused = "checkout-refused",
        CheckoutStranger = "checkout-stranger",
        CheckoutPaid = "checkout-paid",
        CheckoutOver = "checkout-over",
        CheckoutAway = "checkout-away",
        ButtonTopup = "button-topup",
        ButtonBack = "button-back",
        ButtonOtherWay = "button-other-way",
        ButtonEmail = "button-email",
        ButtonWay { way: Way } = "button-way",
        ButtonPackage { credits: Credits, price: Money } = "button-package",
        ButtonPay { price: Money } = "button-pay",
        StartHow { answer: Credits } = "start-how",
        InsufficientFor { have: Credits, need: Credits } = "insufficient",
        InsufficientHere { need: Credits } = "insufficient-here",
        WishKept = "wish-kept",
        WishReady { prompt: &'a str } = "wish-ready",
        WishGone = "wish-gone",
        PictureAccepted { credits: Credits } = "picture-accepted",
        PictureAcceptedWith { credits: Credits, photos: Photos } = "picture-accepted-with",
        PictureQueued { credits: Credits, before: Number } = "picture-queued",
        PicturePainting { credits: Credits, step: Number } = "picture-painting",
        EditAsk = "edit-ask",
        EditAskHint = "edit-ask-hint",
        EditNothing = "edit-nothing",
        CanceledBack { returned: Credits } = "canceled-back",
        CancelNothing = "cancel-nothing",
        CancelDone = "cancel-done",
        OriginalGone = "tap-original-gone",
        ResultOnItsWay = "result-on-its-way",
        ResultLater = "result-later",
        AnswerThinking { credits: Credits } = "answer-thinking",
        AnswerCaption { spent: Credits, left: Credits } = "answer-caption",
        ChatOff = "chat-off",
        ChatCleared = "chat-cleared",
        SystemPrompt = "system-prompt",
        PhotoKept { photos: Photos, max: Number } = "photo-kept",
        PhotosFull { max: Number } = "photos-full",
        PhotoTooLarge { max: Number } = "photo-too-large",
        PhotoNotPicture = "photo-not-picture",
        RefsNone { max: Number } = "refs-none",
        Refs { photos: Photos, max: Number } = "refs",
        RefsGone = "refs-gone",
        CantRead { what: &'a str } = "cant-read",
        BalanceSpent { spent: Credits, bought: Credits, given: Credits } = "balance-spent",
        BalanceMade { pictures: Pictures, answers: Answers } = "balance-made",
        BalanceInvited { people: People, earned: Credits } = "balance-invited",
        BalanceEnds { credits: Credits, at: Day } = "balance-ends",
        Settings { model: &'a str, ratio: &'a str, size: &'a str, file: bool, language: Lang, price: Credits } = "settings",
        SettingsModel = "settings-model",
        SettingsRatio = "settings-ratio",
        SettingsSize = "settings-size",
        SettingsLanguage = "settings-language",
        RatioAuto = "ratio-auto",
        HistoryNone = "history-none",
        History = "history",
        HistoryItem { n: Number, at: Moment, kind: GenerationKind, state: &'a str, credits: Credits, prompt: &'a str } = "history-item",
        HistoryGone = "tap-history-gone",
        StatementNone = "statement-none",
        Statement { available: Credits } = "statement",
        StatementLine { at: Moment, what: LineKind, change: Change, left: Number } = "statement-line",
        Referral { link: &'a str, inviter: Credits, invited: Credits } = "referral",
        ReferralCounts { people: People, earned: Credits } = "referral-counts",
        ReferralNone = "referral-none",
        ReferralLine { at: Day, initial: &'a str, change: Change } = "referral-line",
        ReferralShare { invited: Credits } = "referral-share",
        ReferralOff { link: &'a str } = "referral-off",
        SupportAsk = "support-ask",
        SupportAskHint = "support-ask-hint",
        SupportSent = "support-sent",
        SupportTrouble = "support-trouble",
        SupportHeader { name: &'a str, user: &'a str, language: Lang } = "support-header",
        SupportDelivered = "support-delivered",
        SupportGone = "support-gone",
        DeleteAsk { available: Credits } = "delete-ask",
        DeleteAskNothing = "delete-ask-nothing",
        DeleteWaits = "delete-waits",
        DeleteDone = "delete-done",
        DeleteKept = "delete-kept",
        SlowDown = "slow-down",
        GrantedAdmin { credits: Credits, available: Credits } = "granted-admin",
        GrantedPromo { credits: Credits, available: Credits } = "granted-promo",
        GrantedCompensation { credits: Credits, available: Credits } = "granted-compensation",
        GrantedInviter { credits: Credits, available: Credits } = "granted-inviter",
        GrantedInvited { credits: Credits, available: Credits } = "granted-invited",
        GrantedUntil { at: Day } = "granted-until",
        Revoked { credits: Credits, available: Credits } = "revoked",
        Expired { credits: Credits, available: Credits } = "expired",
        DebtForgiven { credits: Credits } = "debt-forgiven",
        BannedNow = "banned-now",
        UnbannedNow = "unbanned-now",
        AdminHelp = "admin-help",
        AdminStats { people: Number, away: Number } = "admin-stats",
        AdminDay { day: Day, new: Number, active: Number, pictures: Number, answers: Number, failed: Number, payments: Number, paid: &'a str, spent: Number, cost: &'a str } = "admin-day",
        AdminUserHow = "admin-user-how",
        AdminUserNone { find: &'a str } = "admin-user-none",
        AdminUser { name: &'a str, user: &'a str, account: &'a str, since: Day, language: Lang, banned: bool, away: bool } = "admin-user",
        AdminUserBalance { available: Number, reserved: Number, debt: Number, spent: Number, bought: Number, given: Number, paid: &'a str } = "admin-user-balance",
        AdminUserMade { pictures: Number, answers: Number, invited: Number } = "admin-user-made",
        AdminGrantHow = "admin-grant-how",
        AdminGranted { credits: Credits, user: &'a str, available: Credits } = "admin-granted",
        AdminRevoked { credits: Credits, user: &'a str, available: Credits } = "admin-revoked",
        AdminBanHow = "admin-ban-how",
        AdminBanned { user: &'a str } = "admin-banned",
        AdminUnbanned { user: &'a str } = "admin-unbanned",
        AdminAlreadyBanned { user: &'a str } = "admin-already-banned",
        AdminNotBanned { user: &'a str } = "admin-not-banned",
        AdminRefused { code: &'a str, message: &'a str } = "admin-refused",
        AdminMessageHow = "admin-message-how",
        AdminMessageSent { user: &'a str } = "admin-message-sent",
        AdminFirstPayment { user: &'a str, price: Money, credits: Credits } = "admin-first-payment",
        AdminQuarantined { rail: &'a str, problems: &'a str } = "admin-quarantined",
        AdminGeneratorShut = "admin-generator-shut",
        AdminGeneratorOpen = "admin-generator-open",
        AdminTellingsGivenUp = "admin-tellings-given-up",
        AdminBroadcastRefused = "admin-broadcast-refused",
        BroadcastHow = "broadcast-how",
        BroadcastSegment = "broadcast-segment",
        BroadcastConfirm { people: People, segment: &'a str } = "broadcast-confirm",
        BroadcastNobody = "broadcast-nobody",
        BroadcastState { state: BroadcastState, sent: Number, failed: Number, blocked: Number, recipients: Number } = "broadcast-state",
        BroadcastNone = "broadcast-none",
        BroadcastMoved = "broadcast-moved",
        BroadcastDraftChanged = "broadcast-draft-changed",
        BroadcastElsewhere = "broadcast-elsewhere",
        SegmentEverybody = "segment-everybody",
        SegmentRussian = "segment-russian",
        SegmentEnglish = "segment-english",
        SegmentPayers = "segment-payers",
        SegmentNeverPaid = "segment-never-paid",
        SegmentActive = "segment-active",
        SegmentQuiet = "segment-quiet",
        ButtonMenu = "button-menu",
        ButtonBalance = "button-balance",
        ButtonSettings = "button-settings",
        ButtonRefs { photos: Number } = "button-refs",
        ButtonHistory = "button-history",
        ButtonInvite = "button-invite",
        ButtonHelp = "button-help",
        ButtonStatement = "button-statement",
        ButtonAgain = "button-again",
        ButtonEdit = "button-edit",
        ButtonOriginal = "button-original",
        ButtonCancel = "button-cancel",
        ButtonWish { price: Credits } = "button-wish",
        ButtonOlder = "button-older",
        ButtonNewer = "button-newer",
        ButtonNumber { n: Number } = "button-number",
        ButtonModel { model: &'a str } = "button-model",
        ButtonRatio { ratio: &'a str } = "button-ratio",
        ButtonSize { size: &'a str } = "button-size",
        ButtonAsFile { file: bool } = "button-as-file",
        ButtonLanguage { language: Lang } = "button-language",
        ButtonOption { name: &'a str, chosen: bool } = "button-option",
        ButtonOptionPriced { name: &'a str, price: Credits, chosen: bool } = "button-option-priced",
        ButtonRefRemove { n: Number } = "button-ref-remove",
        ButtonRefsClear = "button-refs-clear",
        ButtonShare = "button-share",
        ButtonDelete = "button-delete",
        ButtonKeep = "button-keep",
        ButtonSend = "button-send",
        ButtonPause = "button-pause",
        ButtonResume = "button-resume",
        ButtonStop = "button-stop",
        ButtonRefresh = "button-refresh",
        CommandPrompt = "command-prompt",
        CommandGenerate = "command-generate",
        CommandBalance = "command-balance",
        CommandTopup = "command-topup",
        CommandSettings = "command-settings",
        CommandRefs = "command-refs",
        CommandHistory = "command-history",
        CommandReferral = "command-referral",
        CommandClear = "command-clear",
        CommandCancel = "command-cancel",
        CommandSupport = "command-support",
        CommandPaysupport = "command-paysupport",
        CommandTerms = "command-terms",
        CommandPrivacy = "command-privacy",
        CommandDeleteMe = "command-delete-me",
        CommandHelp = "command-help",
        CommandAdmin = "command-admin",
        CommandStats = "command-stats",
        CommandUser = "command-user",
        CommandGrant = "command-grant",
        CommandBan = "command-ban",
        CommandUnban = "command-unban",
        CommandBroadcast = "command-broadcast",
        CommandMessage = "command-message",
    }
}
