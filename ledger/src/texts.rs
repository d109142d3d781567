//! Whether a text may stand in the place of a built-in one: it is Fluent, and names what that one names.
//!
//! A text is what stands behind `key =` in a Fluent file: its lines after the first are indented there.

use std::collections::{BTreeMap, BTreeSet};

use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement, VariantKey};
use fluent_syntax::parser;

/// What is wrong with a text, for whoever wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("line {line}: {what}")]
    Syntax { line: usize, what: String },
    #[error("it is empty")]
    Empty,
    #[error("it is more than one text: a line must not begin like a new one")]
    Several,
    #[error("the built-in text knows no {0}")]
    Unknown(String),
    #[error("it lacks {0}, which the built-in text has")]
    Lacks(String),
}

/// Names used in a text: `$credits`, `NUMBER()`, `-brand`, `other-text`.
type Names = BTreeSet<String>;

/// What a text takes, without the `$`; those that choose between its forms, too.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Taken {
    pub names: BTreeSet<String>,
    /// With the keys of those forms, as they are written.
    pub choosing: BTreeMap<String, BTreeSet<String>>,
}

/// What is not Fluent takes nothing.
pub fn taken(text: &str) -> Taken {
    let Found { names, choosing } = found(text).unwrap_or_default();
    let names = names.iter().filter_map(|name| name.strip_prefix('$')).map(str::to_owned).collect();
    Taken { names, choosing }
}

/// May this stand where that is built in?
///
/// # Errors
/// What is wrong, in words.
pub fn check(builtin: &str, own: &str) -> Result<(), Unfit> {
    let own = found(own)?.names;
    // Whatever the adapter has built in, it can read.
    let builtin = found(builtin).unwrap_or_default().names;
    let all = |names: &mut dyn Iterator<Item = &String>| names.cloned().collect::<Vec<_>>().join(", ");
    let unknown = all(&mut own.difference(&builtin));
    if !unknown.is_empty() {
        return Err(Unfit::Unknown(unknown));
    }
    let lacking = all(&mut builtin.difference(&own).filter(|name| name.starts_with('$')));
    if lacking.is_empty() { Ok(()) } else { Err(Unfit::Lacks(lacking)) }
}

#[derive(Default)]
struct Found {
    names: Names,
    choosing: BTreeMap<String, BTreeSet<String>>,
}

fn found(text: &str) -> Result<Found, Unfit> {
    const KEY: &str = "key";
    let text = text.trim();
    if text.is_empty() {
        return Err(Unfit::Empty);
    }
    let source = format!("{KEY} = {}\n", text.replace('\n', "\n    "));
    let resource = parser::parse(source.as_str()).map_err(|(_, errors)| syntax(&source, &errors))?;
    let [Entry::Message(message)] = resource.body.as_slice() else { return Err(Unfit::Several) };
    let Some(value) = message.value.as_ref().filter(|_| message.attributes.is_empty()) else {
        return Err(Unfit::Several);
    };
    let mut found = Found::default();
    of_pattern(value, &mut found);
    Ok(found)
}

fn syntax(source: &str, errors: &[parser::ParserError]) -> Unfit {
    let first = errors.first();
    let at = first.map_or(0, |error| error.pos.start.min(source.len()));
    let line = source.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
    // What is not ended is noticed behind the end.
    let line = line.min(source.lines().count());
    Unfit::Syntax { line, what: first.map(|error| error.kind.to_string()).unwrap_or_default() }
}

fn of_pattern(pattern: &Pattern<&str>, found: &mut Found) {
    for element in &pattern.elements {
        if let PatternElement::Placeable { expression } = element {
            of_expression(expression, found);
        }
    }
}

fn of_expression(expression: &Expression<&str>, found: &mut Found) {
    match expression {
        Expression::Inline(inline) => of_inline(inline, found),
        Expression::Select { selector, variants } => {
            of_inline(selector, found);
            if let InlineExpression::VariableReference { id } = selector {
                let keys = variants.iter().map(|variant| match &variant.key {
                    VariantKey::Identifier { name } => (*name).to_owned(),
                    VariantKey::NumberLiteral { value } => (*value).to_owned(),
                });
                found.choosing.entry(id.name.to_owned()).or_default().extend(keys);
            }
            for variant in variants {
                of_pattern(&variant.value, found);
            }
        }
    }
}

fn of_inline(inline: &InlineExpression<&str>, found: &mut Found) {
    let names = &mut found.names;
    match inline {
        InlineExpression::StringLiteral { .. } | InlineExpression::NumberLiteral { .. } => {}
        InlineExpression::VariableReference { id } => _ = names.insert(format!("${}", id.name)),
        InlineExpression::MessageReference { id, .. } => _ = names.insert(id.name.to_owned()),
        InlineExpression::TermReference { id, .. } => _ = names.insert(format!("-{}", id.name)),
        InlineExpression::FunctionReference { id, arguments } => {
            names.insert(format!("{}()", id.name));
            arguments.positional.iter().for_each(|argument| of_inline(argument, found));
            arguments.named.iter().for_each(|argument| of_inline(&argument.value, found));
        }
        InlineExpression::Placeable { expression } => of_expression(expression, found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_text_takes_is_told() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let taken = taken("{ $n ->\n    [one] { $n } of { $left }\n   *[other] { $n }\n}");
        let choosing = BTreeMap::from([("n".to_owned(), names(&["one", "other"]))]);
        assert_eq!(taken, Taken { names: names(&["left", "n"]), choosing });
        assert_eq!(super::taken("{ $n"), Taken::default());
    }

    const COUNTED: &str = "{ $n ->\n    [one] { $n } credit\n   *[other] { $n } credits\n}";

    #[test]
    fn a_text_says_what_the_built_in_one_says_in_other_words() {
        assert_eq!(
            check("You have { $credits }.", "<b>{ $credits }</b> left\n\nSpend { $credits } well."),
            Ok(())
        );
        assert_eq!(check(COUNTED, COUNTED), Ok(()));
        assert_eq!(check(COUNTED, "{ $n } of them"), Ok(()));
        assert_eq!(check("Hello", "A line that [ends] in { \"{\" } braces * and = signs"), Ok(()));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let Err(Unfit::Syntax { line, what }) = check("Hello", "one\ntwo { $n\nthree") else {
            panic!("taken")
        };
        assert_eq!((line, what.is_empty()), (3, false), "{what}");
        assert!(matches!(check("Hello", "a } b"), Err(Unfit::Syntax { line: 1, .. })));
        assert_eq!(check("Hello", "Hello { $name }"), Err(Unfit::Unknown("$name".to_owned())));
        assert_eq!(check("Hello", "{ welcome }"), Err(Unfit::Unknown("welcome".to_owned())));
        assert_eq!(check("{ $a } { $b }", "{ $a }"), Err(Unfit::Lacks("$b".to_owned())));
        assert_eq!(check("Hello", " \n "), Err(Unfit::Empty));
        assert_eq!(check("Hello", "a\n.attribute = b"), Err(Unfit::Several));
    }
}
