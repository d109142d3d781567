//! JSON schemas of the wire, as they are committed under `schemas/`.

use schemars::{Schema, schema_for};

use crate::{commands, envelope, events, media, queries};

/// File name (without `.json`) and schema of everything that travels or is stored.
pub fn all() -> Vec<(String, Schema)> {
    macro_rules! schemas {
        ($($prefix:literal: $($ty:ty),+ $(,)?;)+) => {
            vec![$($((format!("{}.{}", $prefix, snake(stringify!($ty))), schema_for!($ty))),+),+]
        };
    }
    use commands::*;
    use envelope::*;
    use events::Event;
    use media::*;
    use queries::*;
    schemas! {
        "event": Event;
        "command": AccountOpen, AccountBan, AccountUnban, AccountErase, ReferralRegister, ReferralBonus,
            CreditsGrant, CreditsRevoke, DebtForgive, LotsExpire, TopupOpen, PaymentRegister, PaymentSettle,
            PaymentFee, PaymentCancel, PaymentQuarantine, QuarantineResolve, RefundOpen, RefundSettle, RefundFail,
            GenerationRequest, GenerationClaim, GenerationAttempt, GenerationComplete, GenerationFail,
            GenerationCancel, ReservationExpire, DeliveryConfirm, DeliveryFail, MessageRequest, BroadcastStart,
            BroadcastPause, BroadcastFinish, ContentPut, PicturePut, StaffPut, FourEyesSet, CatalogPublish, OperatorAct, ProjectionSwap,
            ReconciliationRecord;
        "operation": GenerationRenew, DeliveryClaim, DeliveryRenew, DeliveryDone, ProfileUpdate, ContextUpdate,
            ConsumerDone, ConsumerStuck, NoticeKeep, ProviderRowsPut, ProviderDayDone, ReceiptDone, ReferencesPut, ReferencesRemove, AlbumPut,
            AlbumClaim, AlbumDone, WishKeep, PersonReach, SupportNote, BroadcastDraft, BroadcastClaim, BroadcastTold,
            TextsKnown, IncidentReport, IncidentClaim, IncidentTold, ServiceReport, LetterRetry;
        "envelope": CommandEnvelope, Query, CommandAnswer, QueryAnswer, PublishedEvent;
        "query": AccountQuery, GenerationQuery, PaymentQuery, Sweep, JobSweep, PaymentSweep, ProviderQuery, RefundQuery,
            KnownQuery, ReceiptSweep, ReconciledQuery, FileQuery, PageQuery, SupportQuery, ContentsQuery, PictureQuery, BroadcastQuery,
            PeopleQuery, StatisticsQuery;
        "answer": BalanceView, AccountView, CatalogView, GenerationView, PaymentView, RefundView,
            KnownView, ReconciledView, OpenJob, OpenDelivery,
            ClaimedJob, TopupOpened, GenerationAccepted, AccountWelcomed, AccountGone, RefundAccepted, Telling,
            ReferencesView, OpenAlbum, ClaimedAlbum, WishView, FileOf, ResultView, QueueView, HistoryItem, LineView, TotalsView,
            ReferralsView, SupportView, ContentsView, PicturesView, PicturePart, BroadcastView, BroadcastDrafted, ClaimedBroadcast, PersonView,
            StatisticsView, ClaimedIncident;
        "media": LivePiece, FloodNotice, FetchFile, Fetched, Conversation;
    }
}

fn snake(name: &str) -> String {
    let name = name.rsplit(':').next().unwrap_or(name).trim();
    let mut out = String::new();
    for (i, c) in name.chars().enumerate() {
        if c.is_ascii_uppercase() && i > 0 {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}
