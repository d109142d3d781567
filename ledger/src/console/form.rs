//! A field of a form, as every form has it.

use maud::{Markup, html};

pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    pub(super) label: &'a str,
    /// Below it, when there is more to say.
    pub(super) hint: Option<&'a str>,
    pub(super) kind: &'a str,
    pub(super) value: &'a str,
    /// For the browser's memory: `username`, `current-password`, `new-password`, `off`.
    pub(super) complete: &'a str,
    pub(super) required: bool,
}

impl<'a> Field<'a> {
    pub(super) const fn text(name: &'a str, label: &'a str) -> Self {
        Self { name, label, hint: None, kind: "text", value: "", complete: "off", required: true }
    }

    pub(super) const fn password(name: &'a str, label: &'a str, complete: &'a str) -> Self {
        Self { kind: "password", complete, ..Self::text(name, label) }
    }

    pub(super) fn show(&self) -> Markup {
        let (id, hint) = (format!("f-{}", self.name), format!("f-{}-hint", self.name));
        html! {
            div class="field" {
                label for=(id) { (self.label) }
                input id=(id) name=(self.name) type=(self.kind) value=(self.value) autocomplete=(self.complete)
                    required[self.required] aria-describedby=[self.hint.map(|_| hint.as_str())];
                @if let Some(text) = self.hint { p class="hint" id=(hint) { (text) } }
            }
        }
    }
}
