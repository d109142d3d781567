//! Why a catalog can't be sold from: each problem by itself, so that whoever shows it may say it in other words.

use proto_events::events::GenerationKind;
use proto_events::{Credits, Currency, Rail};

/// Its words are those of the ledger's answers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("a model has no name")]
    ModelNameless,
    #[error("a package has no name")]
    PackageNameless,
    #[error("model {0} is there twice")]
    ModelTwice(String),
    #[error("package {0} is there twice")]
    PackageTwice(String),
    #[error("model {0} makes nothing")]
    MakesNothing(String),
    #[error("model {0} has two prices for one kind")]
    TwoPrices(String),
    #[error("model {0} costs nothing: a price is at least 1 credit")]
    Free(String),
    #[error("model {0} costs more than {max} credits in its dearest size", max = Credits::MAX)]
    TooDear(String),
    #[error("model {0} has a size twice, or one without a name")]
    SizeTwice(String),
    #[error("model {0} has an aspect ratio twice, or one without a name")]
    RatioTwice(String),
    #[error("{found} models are the default for {kind:?}, there must be one")]
    Defaults { kind: GenerationKind, found: usize },
    #[error("package {0} holds no credits")]
    NoCredits(String),
    #[error("package {0} costs nothing")]
    NoPrice(String),
    #[error("package {0} can't be paid in any way")]
    NoRail(String),
    #[error("package {package}: {rail} takes {currency} only", rail = rail.as_str(), currency = currency.code())]
    RailCurrency { package: String, rail: Rail, currency: Currency },
    #[error("a rate is at least 1 kopeck; leave rates out if they are not known")]
    NoRate,
    #[error("limit {0} must be at least 1")]
    LimitLow(&'static str),
    #[error("limit {limit} must be at most {max}")]
    LimitHigh { limit: &'static str, max: u32 },
}
