//! The catalog as the fields of a form, and back: what is typed is kept as it is typed, and all that does not fit is told at once.
//!
//! What has no field (shapes, references, what vendors take) stays as the draft has it: it is changed as JSON.

use std::collections::BTreeMap;

use proto_events::amounts::Minor;
use proto_events::catalog::{Catalog, Model, Package};
use proto_events::{Credits, Currency, Money, Rail, Text};

use super::plain::{self, PLAIN, Unit};
use crate::books::words::word;

/// Fields by name: `packages.0.credits`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Typed(BTreeMap<String, String>);

/// A field that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) field: String,
    pub(super) why: Why,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    Number {
        unit: Unit,
        min: i64,
        max: i64,
    },
    /// Of a package.
    Id,
    Rubles,
    Stars,
    Currency,
    /// It was taken out of the draft.
    Model,
}

/// In the log. What a button holds is less: a fault of the draft.
const ID_CHARS_MAX: usize = 64;
/// A chat shows no more.
const PACKAGES_MAX: usize = 100;
/// The field for what is added to the models.
pub(super) const TURN_ON: &str = "turn_on";

impl Typed {
    pub(super) fn of(pairs: Vec<(String, String)>) -> Self {
        Self(pairs.into_iter().collect())
    }

    pub(super) fn get(&self, field: &str) -> &str {
        self.0.get(field).map(String::as_str).unwrap_or_default().trim()
    }

    pub(super) fn is_on(&self, field: &str) -> bool {
        self.get(field) == "on"
    }

    fn put(&mut self, field: String, value: impl ToString) {
        self.0.insert(field, value.to_string());
    }

    /// As the form shows it at first.
    pub(super) fn from_catalog(catalog: &Catalog) -> Self {
        let mut typed = Self::default();
        for (n, package) in catalog.packages.iter().enumerate() {
            typed.put_package(n, package);
        }
        for (n, model) in catalog.models.iter().enumerate() {
            typed.put(format!("models.{n}.name"), &model.name);
            typed.put(format!("models.{n}.on"), "on");
            for (k, price) in model.kinds.iter().enumerate() {
                typed.put(format!("models.{n}.kinds.{k}"), price.credits);
                if price.default {
                    typed.0.entry(format!("default.{}", word(&price.kind))).or_insert(n.to_string());
                }
            }
            for (s, size) in model.sizes.iter().enumerate() {
                typed.put(format!("models.{n}.sizes.{s}"), size.extra);
            }
        }
        for plain in PLAIN {
            let value = (plain.get)(catalog).map(|n| plain.unit.written(n)).unwrap_or_default();
            typed.put(plain.name.to_owned(), value);
        }
        typed
    }

    fn put_package(&mut self, n: usize, package: &Package) {
        let price = match package.price.currency {
            Currency::Rub => Unit::Rubles.written(package.price.minor()),
            Currency::Xtr => package.price.minor().to_string(),
        };
        self.put(format!("packages.{n}.id"), &package.id);
        self.put(format!("packages.{n}.credits"), package.credits);
        self.put(format!("packages.{n}.price"), price);
        self.put(format!("packages.{n}.currency"), package.price.currency.code());
        for rail in &package.rails {
            self.put(format!("packages.{n}.{}", rail.as_str()), "on");
        }
    }

    /// The numbers of the packages that have fields.
    pub(super) fn packages(&self) -> Vec<usize> {
        (0..PACKAGES_MAX).filter(|n| self.0.contains_key(&format!("packages.{n}.id"))).collect()
    }

    /// The numbers of the models that have fields, each with what it is laid over.
    pub(super) fn models<'a>(&self, under: &'a Catalog) -> Vec<(usize, &'a Model)> {
        let named = (0..).map_while(|n| self.0.get(&format!("models.{n}.name")).map(|name| (n, name)));
        named.filter_map(|(n, name)| model_of(under, n, name).map(|model| (n, model))).collect()
    }

    pub(super) fn is_blank(&self, n: usize) -> bool {
        ["id", "credits", "price"].iter().all(|field| self.get(&format!("packages.{n}.{field}")).is_empty())
    }

    /// As it was typed, over what the draft has; `shelf` are the models that can be turned on.
    ///
    /// # Errors
    /// Every field that does not fit.
    pub(super) fn read(&self, under: &Catalog, shelf: &[Model]) -> Result<Catalog, Vec<Wrong>> {
        let (mut catalog, mut wrong) = (under.clone(), Vec::new());
        plain::clear(&mut catalog);
        for plain in PLAIN {
            let text = self.get(plain.name);
            if !(plain.is_wish && text.is_empty())
                && let Some(n) = number(text, plain.name, (plain.unit, plain.min, plain.max), &mut wrong)
            {
                (plain.put)(&mut catalog, n);
            }
        }
        let kept = self.packages().into_iter().filter(|n| !self.is_on(&format!("packages.{n}.remove")));
        let kept: Vec<usize> = kept.filter(|n| !self.is_blank(*n)).collect();
        catalog.packages = kept.into_iter().filter_map(|n| self.package(n, &mut wrong)).collect();
        catalog.models = self.models_left(under, &mut wrong);
        // Pressed twice, it stands in the draft already.
        let is_asked_for = |model: &&Model| model.name.as_str() == self.get(TURN_ON);
        let is_left = catalog.models.iter().any(|model| is_asked_for(&model));
        if let Some(model) = shelf.iter().chain(&under.models).find(is_asked_for).filter(|_| !is_left) {
            catalog.models.push(model.clone());
        }
        if wrong.is_empty() { Ok(catalog) } else { Err(wrong) }
    }

    fn package(&self, n: usize, wrong: &mut Vec<Wrong>) -> Option<Package> {
        let field = |name: &str| format!("packages.{n}.{name}");
        let id = Text::new(self.get(&field("id"))).ok().filter(|id: &Text<ID_CHARS_MAX>| !id.is_empty());
        if id.is_none() {
            wrong.push(Wrong { field: field("id"), why: Why::Id });
        }
        let bounds = (Unit::Credits, 1, Credits::MAX.get());
        let credits = number(self.get(&field("credits")), &field("credits"), bounds, wrong);
        let (unit, currency, why) = match self.get(&field("currency")) {
            "RUB" => (Unit::Rubles, Currency::Rub, Why::Rubles),
            "XTR" => (Unit::Times, Currency::Xtr, Why::Stars),
            _ => {
                wrong.push(Wrong { field: field("currency"), why: Why::Currency });
                return None;
            }
        };
        let price = unit.read(self.get(&field("price"))).filter(|n| (1..=Minor::MAX.get()).contains(n));
        if price.is_none() {
            wrong.push(Wrong { field: field("price"), why });
        }
        let price = Money::new(price?, currency).ok()?;
        let rails = Rail::ALL.into_iter().filter(|rail| self.is_on(&field(rail.as_str()))).collect();
        Some(Package { id: id?, credits: Credits::new(credits?).ok()?, price, rails })
    }

    /// Those that are left on.
    fn models_left(&self, under: &Catalog, wrong: &mut Vec<Wrong>) -> Vec<Model> {
        let mut models = Vec::new();
        for n in 0.. {
            let name_field = format!("models.{n}.name");
            let Some(name) = self.0.get(&name_field) else { break };
            if !self.is_on(&format!("models.{n}.on")) {
                continue;
            }
            let Some(model) = model_of(under, n, name) else {
                wrong.push(Wrong { field: name_field, why: Why::Model });
                continue;
            };
            let mut model = model.clone();
            for (k, price) in model.kinds.iter_mut().enumerate() {
                let field = format!("models.{n}.kinds.{k}");
                let bounds = (Unit::Credits, 1, Credits::MAX.get());
                if let Some(n) = number(self.get(&field), &field, bounds, wrong) {
                    price.credits = Credits::new(n).unwrap_or_default();
                }
                price.default = self.get(&format!("default.{}", word(&price.kind))) == n.to_string();
            }
            for (s, size) in model.sizes.iter_mut().enumerate() {
                let field = format!("models.{n}.sizes.{s}");
                let bounds = (Unit::Credits, 0, Credits::MAX.get());
                if let Some(n) = number(self.get(&field), &field, bounds, wrong) {
                    size.extra = Credits::new(n).unwrap_or_default();
                }
            }
            models.push(model);
        }
        models
    }
}

/// Where it was, or wherever it is now.
fn model_of<'a>(under: &'a Catalog, n: usize, name: &str) -> Option<&'a Model> {
    let is_it = |model: &&Model| model.name.as_str() == name;
    under.models.get(n).filter(is_it).or_else(|| under.models.iter().find(is_it))
}

fn number(
    text: &str,
    field: &str,
    (unit, min, max): (Unit, i64, i64),
    wrong: &mut Vec<Wrong>,
) -> Option<i64> {
    let read = unit.read(text).filter(|n| (min..=max).contains(n));
    if read.is_none() {
        wrong.push(Wrong { field: field.to_owned(), why: Why::Number { unit, min, max } });
    }
    read
}

/// Models of these catalogs that this one does not have, each once; taken when none is asked for: no one of them.
pub(super) fn shelf(of: &[&Catalog], draft: &Catalog) -> Vec<Model> {
    let mut shelf: Vec<Model> = Vec::new();
    for model in of.iter().flat_map(|catalog| &catalog.models) {
        let is_known = draft.models.iter().chain(&shelf).any(|known| known.name == model.name);
        if !is_known {
            let mut model = model.clone();
            model.kinds.iter_mut().for_each(|price| price.default = false);
            shelf.push(model);
        }
    }
    shelf
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalog() -> Catalog {
        Catalog::default_catalog().unwrap()
    }

    fn typed_with(fields: &[(&str, &str)]) -> Typed {
        let mut typed = Typed::from_catalog(&catalog());
        for (field, value) in fields {
            typed.put((*field).to_owned(), value);
        }
        typed
    }

    #[test]
    fn a_form_that_nobody_touched_is_the_catalog() {
        assert_eq!(typed_with(&[]).read(&catalog(), &[]), Ok(catalog()));
    }

    #[test]
    fn what_is_typed_is_what_is_read() {
        let fields = [
            ("packages.0.price", "99,90"),
            ("packages.1.remove", "on"),
            ("packages.6.id", "xtr-1000"),
            ("packages.6.credits", "1000"),
            ("packages.6.price", "650"),
            ("packages.6.currency", "XTR"),
            ("packages.6.stars", "on"),
            ("models.1.kinds.0", "12"),
            ("models.1.sizes.2", "30"),
            ("models.2.on", ""),
            ("default.picture", "3"),
            ("bonuses-welcome", "7"),
            ("lifetimes-promo", "30"),
            ("rates-usd", "81.50"),
            ("rates-star", "1.30"),
        ];
        let read = typed_with(&fields).read(&catalog(), &[]).unwrap();
        let ids: Vec<&str> = read.packages.iter().map(|p| p.id.as_str()).collect();
        assert_eq!(ids, ["rub-100", "rub-300", "xtr-100", "xtr-200", "xtr-300", "xtr-1000"]);
        assert_eq!((read.packages[0].price.minor(), read.packages[5].price.minor()), (9_990, 650));
        assert_eq!(read.packages[5].rails, [Rail::Stars]);
        assert!(read.models.iter().all(|model| model.name.as_str() != "gemini-3-pro-image"));
        let picture = &read.models[1];
        assert_eq!((picture.kinds[0].credits.get(), picture.sizes[2].extra.get()), (12, 30));
        assert!(!picture.kinds[0].default && picture.kinds[1].default, "only pictures are asked of another");
        assert!(read.models[2].kinds[0].default, "of the one that was the third");
        assert_eq!(read.bonuses.welcome.get(), 7);
        assert_eq!(read.lifetimes.promo_days.map(|days| days.get()), Some(30));
        assert_eq!(read.rates.map(|r| (r.kopecks_per_usd, r.kopecks_per_star)), Some((8_150, 130)));
        assert_eq!(read.models[0].unit_costs, catalog().models[0].unit_costs, "what has no field stays");
    }

    #[test]
    fn all_that_does_not_fit_is_told_by_its_field() {
        let fields = [
            ("packages.0.credits", "many"),
            ("packages.0.price", "-5"),
            ("packages.1.id", " "),
            ("packages.2.currency", "USD"),
            ("packages.3.price", "75.50"),
            ("models.0.kinds.0", "0"),
            ("models.1.sizes.0", "1.5"),
            ("models.4.name", "gone"),
            ("bonuses-welcome", ""),
            ("limits-prompt", "4097"),
        ];
        let wrong = typed_with(&fields).read(&catalog(), &[]).unwrap_err();
        let named: Vec<&str> = wrong.iter().map(|wrong| wrong.field.as_str()).collect();
        let mut all: Vec<&str> = fields.iter().map(|(field, _)| *field).collect();
        let mut sorted = named.clone();
        all.sort_unstable();
        sorted.sort_unstable();
        assert_eq!(sorted, all);
    }

    #[test]
    fn a_model_is_turned_on_again_as_it_was_and_as_nobodys_default() {
        let mut without = catalog();
        let gone = without.models.remove(1);
        let shelf = shelf(&[&catalog(), &catalog()], &without);
        assert_eq!(shelf.len(), 1);
        let mut typed = Typed::from_catalog(&without);
        typed.put(TURN_ON.to_owned(), &gone.name);
        let read = typed.read(&without, &shelf).unwrap();
        let back = read.models.last().unwrap();
        assert_eq!((&back.name, back.sizes.len()), (&gone.name, gone.sizes.len()));
        assert!(back.kinds.iter().all(|price| !price.default));
        assert_eq!(typed.read(&read, &[]), Ok(read.clone()), "pressed twice");
    }
}
