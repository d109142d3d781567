//! Whether a text may stand in the place of a built-in one: it is Fluent, and names what that one names.
//!
//! A text is what stands behind `key =` in a Fluent file: its lines after the first are indented there.

use std::collections::BTreeSet;

use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement};
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
    pub choosing: BTreeSet<String>,
}

/// What is not Fluent takes nothing.
pub fn taken(text: &str) -> Taken {
    let names = names(text).unwrap_or_default();
    let names: BTreeSet<String> =
        names.iter().filter_map(|name| name.strip_prefix('$')).map(str::to_owned).collect();
    // `{ $n ->`
    let chooses = |name: &&String| {
        let name = format!("${name}");
        text.split(name.as_str()).skip(1).any(|after| after.trim_start().starts_with("->"))
    };
    let choosing = names.iter().filter(chooses).cloned().collect();
    Taken { names, choosing }
}

/// May this stand where that is built in?
///
/// # Errors
/// What is wrong, in words.
pub fn check(builtin: &str, own: &str) -> Result<(), Unfit> {
    let own = names(own)?;
    // Whatever the adapter has built in, it can read.
    let builtin = names(builtin).unwrap_or_default();
    let all = |names: &mut dyn Iterator<Item = &String>| names.cloned().collect::<Vec<_>>().join(", ");
    let unknown = all(&mut own.difference(&builtin));
    if !unknown.is_empty() {
        return Err(Unfit::Unknown(unknown));
    }
    let lacking = all(&mut builtin.difference(&own).filter(|name| name.starts_with('$')));
    if lacking.is_empty() { Ok(()) } else { Err(Unfit::Lacks(lacking)) }
}

fn names(text: &str) -> Result<Names, Unfit> {
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
    let mut names = Names::new();
    of_pattern(value, &mut names);
    Ok(names)
}

fn syntax(source: &str, errors: &[parser::ParserError]) -> Unfit {
    let first = errors.first();
    let at = first.map_or(0, |error| error.pos.start.min(source.len()));
    let line = source.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
    // What is not ended is noticed behind the end.
    let line = line.min(source.lines().count());
    Unfit::Syntax { line, what: first.map(|error| error.kind.to_string()).unwrap_or_default() }
}

fn of_pattern(pattern: &Pattern<&str>, names: &mut Names) {
    for element in &pattern.elements {
        if let PatternElement::Placeable { expression } = element {
            of_expression(expression, names);
        }
    }
}

fn of_expression(expression: &Expression<&str>, names: &mut Names) {
    match expression {
        Expression::Inline(inline) => of_inline(inline, names),
        Expression::Select { selector, variants } => {
            of_inline(selector, names);
            for variant in variants {
                of_pattern(&variant.value, names);
            }
        }
    }
}

fn of_inline(inline: &InlineExpression<&str>, names: &mut Names) {
    match inline {
        InlineExpression::StringLiteral { .. } | InlineExpression::NumberLiteral { .. } => {}
        InlineExpression::VariableReference { id } => _ = names.insert(format!("${}", id.name)),
        InlineExpression::MessageReference { id, .. } => _ = names.insert(id.name.to_owned()),
        InlineExpression::TermReference { id, .. } => _ = names.insert(format!("-{}", id.name)),
        InlineExpression::FunctionReference { id, arguments } => {
            names.insert(format!("{}()", id.name));
            arguments.positional.iter().for_each(|argument| of_inline(argument, names));
            arguments.named.iter().for_each(|argument| of_inline(&argument.value, names));
        }
        InlineExpression::Placeable { expression } => of_expression(expression, names),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_text_takes_is_told() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let taken = taken("{ $n ->\n    [one] { $n } of { $left }\n   *[other] { $n }\n}");
        assert_eq!(taken, Taken { names: names(&["left", "n"]), choosing: names(&["n"]) });
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
