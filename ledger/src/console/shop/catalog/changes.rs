//! What differs between two catalogs: leaf by leaf of their JSON, each with the way to it.
//!
//! Models, packages, prices and sizes are known by their names, wherever they stand; a changed order of them is a change of its
//! own, since people see them in it.

use std::collections::{BTreeMap, BTreeSet};

use proto_events::catalog::Catalog;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(super) struct Change {
    /// `["packages", "rub-100", "price"]`
    pub(super) path: Vec<String>,
    /// Absent: it was not there.
    pub(super) from: Option<Value>,
    /// Absent: it is not there any more.
    pub(super) to: Option<Value>,
    /// How much more it is, in thousandths; of amounts that both have.
    pub(super) more_per_mille: Option<i64>,
}

/// In this order; what it does not name comes last.
const PARTS: [&str; 6] = ["packages", "models", "bonuses", "limits", "lifetimes", "rates"];
/// What tells things of a list apart.
const NAMES: [&str; 4] = ["id", "name", "kind", "size"];
/// The order of a list.
pub(super) const ORDER: &str = "order";

type Leaves = Vec<(Vec<String>, Value)>;

/// # Errors
/// Never in practice: a catalog is plain JSON.
pub(super) fn changes(from: &Catalog, to: &Catalog) -> Result<Vec<Change>, serde_json::Error> {
    let (before, after) = (leaves_of(from)?, leaves_of(to)?);
    let was: BTreeMap<&[String], &Value> = before.iter().map(|(path, v)| (path.as_slice(), v)).collect();
    let is: BTreeMap<&[String], &Value> = after.iter().map(|(path, v)| (path.as_slice(), v)).collect();
    let gone = before.iter().filter(|(path, _)| !is.contains_key(path.as_slice()));
    let mut all: Vec<&Vec<String>> = after.iter().chain(gone).map(|(path, _)| path).collect();
    // Stable: what is of one part stays together, what is gone behind the rest of it.
    all.sort_by_key(|path| PARTS.iter().position(|part| path.first().is_some_and(|first| first == part)));
    let changed = all.into_iter().filter_map(|path| {
        let (from, to) = (was.get(path.as_slice()).copied(), is.get(path.as_slice()).copied());
        let same = match (from, to) {
            (Some(from), Some(to)) if path.last().is_some_and(|last| last == ORDER) => is_in_order(from, to),
            _ => from == to || path.last().is_some_and(|last| last == ORDER),
        };
        (!same).then(|| Change {
            path: path.clone(),
            from: from.cloned(),
            to: to.cloned(),
            more_per_mille: from.zip(to).and_then(|(from, to)| more(from, to)),
        })
    });
    Ok(changed.collect())
}

fn leaves_of(catalog: &Catalog) -> Result<Leaves, serde_json::Error> {
    let mut leaves = Leaves::new();
    walk(&serde_json::to_value(catalog)?, &mut Vec::new(), &mut leaves);
    Ok(leaves)
}

fn walk(value: &Value, path: &mut Vec<String>, leaves: &mut Leaves) {
    match value {
        Value::Object(fields) if !fields.contains_key("currency") => {
            for (name, value) in fields {
                if !(path.len() > 1 && NAMES.contains(&name.as_str())) {
                    path.push(name.clone());
                    walk(value, path, leaves);
                    path.pop();
                }
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            let names = names_of(items);
            path.push(ORDER.to_owned());
            leaves.push((path.clone(), Value::from(names.clone())));
            path.pop();
            for (name, item) in names.into_iter().zip(items) {
                path.push(name);
                walk(item, path, leaves);
                path.pop();
            }
        }
        leaf => leaves.push((path.clone(), leaf.clone())),
    }
}

/// Each another: a draft may have one twice.
fn names_of(items: &[Value]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let of = |item: &Value| NAMES.iter().find_map(|name| item[name].as_str().map(str::to_owned));
    let each = items.iter().map(|item| {
        let name = of(item).unwrap_or_default();
        let mut unique = name.clone();
        for n in 2.. {
            if seen.insert(unique.clone()) {
                break;
            }
            unique = format!("{name} #{n}");
        }
        unique
    });
    each.collect()
}

/// Whether those in both stand in the same order.
fn is_in_order(from: &Value, to: &Value) -> bool {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let (from, to) = (list(from), list(to));
    let common = |of: &[Value], other: &[Value]| -> Vec<Value> {
        of.iter().filter(|name| other.contains(name)).cloned().collect()
    };
    common(&from, &to) == common(&to, &from)
}

fn more(from: &Value, to: &Value) -> Option<i64> {
    let (from, to) = match (&from["currency"], &to["currency"]) {
        (Value::Null, Value::Null) => (from.as_i64()?, to.as_i64()?),
        (was, is) if was == is => (from["amount"].as_i64()?, to["amount"].as_i64()?),
        _ => return None,
    };
    if from <= 0 {
        return None;
    }
    let (from, more) = (i128::from(from), (i128::from(to) - i128::from(from)) * 1_000);
    // To the nearest, halves away from zero.
    i64::try_from((more + more.signum() * (from / 2)) / from).ok()
}

#[cfg(test)]
mod tests {
    use proto_events::{Credits, Currency, Money, Text};
    use serde_json::json;

    use super::*;

    fn changed(change: impl FnOnce(&mut Catalog)) -> Vec<(String, Value, Value, Option<i64>)> {
        let from = Catalog::default_catalog().unwrap();
        let mut to = from.clone();
        change(&mut to);
        let told = |c: Change| {
            (c.path.join("/"), c.from.unwrap_or_default(), c.to.unwrap_or_default(), c.more_per_mille)
        };
        changes(&from, &to).unwrap().into_iter().map(told).collect()
    }

    #[test]
    fn what_changed_is_told_with_its_way_and_by_how_much() {
        assert_eq!(changed(|_| ()), []);
        let found = changed(|c| {
            c.models[1].kinds[0].credits = Credits::new(15).unwrap();
            c.packages[0].price = Money::new(11_999, Currency::Rub).unwrap();
            c.bonuses.welcome = Credits::ZERO;
        });
        let rub = |amount: i64| json!({"amount": amount, "currency": "RUB"});
        assert_eq!(
            found,
            [
                ("packages/rub-100/price".to_owned(), rub(10_000), rub(11_999), Some(200)),
                (
                    "models/gemini-nano-banana-2.1/kinds/picture/credits".to_owned(),
                    json!(10),
                    json!(15),
                    Some(500)
                ),
                ("bonuses/welcome".to_owned(), json!(5), json!(0), Some(-1_000)),
            ]
        );
    }

    #[test]
    fn an_amount_of_another_currency_is_no_more_or_less() {
        let found = changed(|c| c.packages[0].price = Money::new(75, Currency::Xtr).unwrap());
        assert_eq!((found.len(), found[0].3), (1, None));
        let free = changed(|c| c.models[1].sizes[0].extra = Credits::new(3).unwrap());
        assert_eq!((free[0].0.as_str(), free[0].3), ("models/gemini-nano-banana-2.1/sizes/1K/extra", None));
    }

    #[test]
    fn what_comes_and_goes_is_told_and_so_is_another_order() {
        let gone = changed(|c| drop(c.packages.remove(0)));
        let paths: Vec<&str> = gone.iter().map(|(path, ..)| path.as_str()).collect();
        assert_eq!(paths, ["packages/rub-100/credits", "packages/rub-100/price", "packages/rub-100/rails"]);
        assert!(gone.iter().all(|(_, _, to, _)| to.is_null()));
        let turned = changed(|c| c.packages.swap(0, 1));
        assert_eq!((turned.len(), turned[0].0.as_str()), (1, "packages/order"));
        let twice = changed(|c| c.packages.push(c.packages[0].clone()));
        assert!(twice.iter().all(|(path, ..)| path.starts_with("packages/rub-100 #2/")), "{twice:?}");
        let named = changed(|c| c.packages[0].id = Text::new("rub-99").unwrap());
        assert_eq!(named.len(), 6, "another name is another package: {named:?}");
    }
}
