//! Why a draft can't be published: what the log refuses, and names that no button of the bot holds.
//!
//! The log takes such names, since it has taken them before; the bot would leave the button out.

use ledger_domain::{Problem, catalog_problems};
use proto_events::catalog::Catalog;

/// Of a package: beside the intent and the way of paying in the 64 bytes of a button.
pub(super) const PACKAGE_MAX: usize = 32;
/// Of a model, which stands there alone.
const MODEL_MAX: usize = 60;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Catalog(#[from] Problem),
    #[error("package {name}: a button holds {max} characters of a-z, 0-9, '.', '-' and '_' at most")]
    PackageName { name: String, max: usize },
    #[error("model {name}: a button holds {max} characters of a-z, 0-9, '.', '-' and '_' at most")]
    ModelName { name: String, max: usize },
}

pub(super) fn faults(catalog: &Catalog) -> Vec<Fault> {
    let mut all: Vec<Fault> = catalog_problems(catalog).into_iter().map(Fault::from).collect();
    let named = catalog.packages.iter().filter(|package| !fits(&package.id, PACKAGE_MAX));
    all.extend(named.map(|p| Fault::PackageName { name: p.id.to_string(), max: PACKAGE_MAX }));
    let named = catalog.models.iter().filter(|model| !fits(&model.name, MODEL_MAX));
    all.extend(named.map(|m| Fault::ModelName { name: m.name.to_string(), max: MODEL_MAX }));
    all
}

/// That there is none is a problem of its own.
fn fits(name: &str, max: usize) -> bool {
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
    name.len() <= max && name.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use proto_events::Text;

    use super::*;

    #[test]
    fn a_name_that_no_button_holds_is_a_fault() {
        let whole = Catalog::default_catalog().unwrap();
        assert_eq!(faults(&whole), []);
        let package = |name: &str| {
            let mut catalog = whole.clone();
            catalog.packages[0].id = Text::new(name).unwrap();
            faults(&catalog)
        };
        let model = |name: &str| {
            let mut catalog = whole.clone();
            catalog.models[0].name = Text::new(name).unwrap();
            faults(&catalog)
        };
        assert_eq!(package(&"p".repeat(32)), []);
        for name in [&"p".repeat(33), "rub 100", "RUB-100", "руб-100", "a:b", "<b>"] {
            assert_eq!(package(name), [Fault::PackageName { name: name.to_owned(), max: 32 }]);
        }
        assert_eq!(model(&"m".repeat(60)), []);
        for name in [&"m".repeat(61), "модель", "a/b"] {
            assert_eq!(model(name), [Fault::ModelName { name: name.to_owned(), max: 60 }]);
        }
    }
}
