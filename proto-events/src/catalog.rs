//! What is sold: models, packages, bonuses, limits. Published whole, by version.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::events::{GenerationKind, LotSource};
use crate::{Credits, Days, MicroUsd, Money, Rail, Text};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    pub models: Vec<Model>,
    pub packages: Vec<Package>,
    pub bonuses: Bonuses,
    pub limits: Limits,
    #[serde(default, skip_serializing_if = "Lifetimes::is_endless")]
    pub lifetimes: Lifetimes,
    /// Absent: margins are not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rates: Option<Rates>,
}

/// What vendors' dollars and people's Stars are worth to us, for margins. Nobody is charged by these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    pub kopecks_per_usd: u32,
    pub kopecks_per_star: u32,
}

/// A model with what it can do and what it costs the person and us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// The vendor's name of it.
    pub name: Text<64>,
    pub kinds: Vec<KindPrice>,
    /// Empty for text models; the first is the default.
    pub aspect_ratios: Vec<Text<8>>,
    /// Credits per size; empty for text models; the first is the default.
    pub sizes: Vec<SizePrice>,
    pub references_max: u8,
    pub unit_costs: UnitCosts,
    #[serde(default, skip_serializing_if = "Api::is_generate")]
    pub api: Api,
}

/// By which call the vendor is asked for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    #[default]
    Generate,
    /// Imagen's `:predict`: a prompt and a shape, no references, no counts of tokens.
    Predict,
}

impl Api {
    fn is_generate(&self) -> bool {
        *self == Self::Generate
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KindPrice {
    pub kind: GenerationKind,
    pub credits: Credits,
    /// The model that is taken when none is asked for.
    pub default: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SizePrice {
    pub size: Text<8>,
    /// On top of the kind's price.
    pub extra: Credits,
    /// What a picture of this size is billed as; absent: not known. For calls whose bill never came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_tokens: Option<u32>,
}

/// Micro-dollars per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnitCosts {
    pub prompt: MicroUsd,
    pub output: MicroUsd,
    pub image: MicroUsd,
    /// Micro-dollars for each picture, where tokens are not counted (Imagen).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<MicroUsd>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Package {
    pub id: Text<64>,
    pub credits: Credits,
    pub price: Money,
    pub rails: Vec<Rail>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bonuses {
    pub welcome: Credits,
    pub referral_inviter: Credits,
    pub referral_invited: Credits,
    pub referral_daily_max: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// How long credits are held for a job.
    pub reservation_ms: u32,
    /// How long a worker's claim holds without renewal.
    pub lease_ms: u32,
    pub attempts_max: u16,
    /// Jobs of a person that may be open at once.
    pub running_per_person_max: u8,
    /// Of these, how many may be worked on at once.
    #[serde(default = "one")]
    pub working_per_person_max: u8,
    /// How long an unpaid top-up stays open.
    pub payment_ms: u32,
    pub payments_open_max: u8,
    pub prompt_chars_max: u32,
}

const fn one() -> u8 {
    1
}

/// For how long a new lot lasts, by its source; absent: without an end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lifetimes {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purchase_days: Option<Days>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub welcome_days: Option<Days>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referral_days: Option<Days>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promo_days: Option<Days>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin_days: Option<Days>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compensation_days: Option<Days>,
}

impl Lifetimes {
    pub const fn of(&self, source: LotSource) -> Option<Days> {
        match source {
            LotSource::Purchase => self.purchase_days,
            LotSource::Welcome => self.welcome_days,
            LotSource::Referral => self.referral_days,
            LotSource::Promo => self.promo_days,
            LotSource::Admin => self.admin_days,
            LotSource::Compensation => self.compensation_days,
        }
    }

    fn is_endless(&self) -> bool {
        *self == Self::default()
    }
}

impl Catalog {
    /// The model asked for, or the default one for this kind, with its price for the kind.
    pub fn model(&self, kind: GenerationKind, name: Option<&str>) -> Option<(&Model, Credits)> {
        self.models.iter().find_map(|model| {
            let price = model.kinds.iter().find(|k| k.kind == kind)?;
            let wanted = match name {
                Some(name) => model.name.as_str() == name,
                None => price.default,
            };
            wanted.then_some((model, price.credits))
        })
    }

    pub fn package(&self, id: &str) -> Option<&Package> {
        self.packages.iter().find(|p| p.id.as_str() == id)
    }

    /// The catalog that is published at the first migration.
    ///
    /// # Errors
    /// The file beside this module is not a catalog: a test reads it.
    pub fn default_catalog() -> Result<Self, serde_json::Error> {
        serde_json::from_str(include_str!("../catalog.default.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_catalog_sells_what_the_design_names() {
        let catalog = Catalog::default_catalog().unwrap();
        let price = |kind| catalog.model(kind, None).unwrap().1.get();
        assert_eq!(price(GenerationKind::Text), 1);
        assert_eq!(price(GenerationKind::Picture), 10);
        assert_eq!(price(GenerationKind::Edit), 10);
        let rub = |id: &str| catalog.package(id).map(|p| (p.price.minor(), p.credits.get()));
        assert_eq!(rub("rub-100"), Some((10_000, 100)));
        assert_eq!(rub("rub-300"), Some((30_000, 300)));
        assert_eq!(catalog.bonuses.welcome.get(), 5);
        assert!(catalog.model(GenerationKind::Picture, Some("nope")).is_none());
    }
}
