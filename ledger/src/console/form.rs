//! Forms and their fields, as every page has them.

use maud::{Markup, html};

pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    /// Where another form of the page has a field of this name; else it is made of the name.
    pub(super) id: &'a str,
    pub(super) label: &'a str,
    /// Below it, when there is more to say.
    pub(super) hint: Option<&'a str>,
    /// What is not right with it, above the hint.
    pub(super) wrong: Option<&'a str>,
    pub(super) kind: &'a str,
    pub(super) value: &'a str,
    /// For the browser's memory: `username`, `current-password`, `new-password`, `off`.
    pub(super) complete: &'a str,
    pub(super) required: bool,
}

impl<'a> Field<'a> {
    pub(super) const fn text(name: &'a str, label: &'a str) -> Self {
        Self {
            name,
            id: "",
            label,
            hint: None,
            wrong: None,
            kind: "text",
            value: "",
            complete: "off",
            required: true,
        }
    }

    /// Of a filter: it may stay empty.
    pub(super) const fn wish(name: &'a str, label: &'a str, value: &'a str) -> Self {
        Self { value, required: false, ..Self::text(name, label) }
    }

    pub(super) const fn password(name: &'a str, label: &'a str, complete: &'a str) -> Self {
        Self { kind: "password", complete, ..Self::text(name, label) }
    }

    pub(super) fn show(&self) -> Markup {
        let id = if self.id.is_empty() { format!("f-{}", self.name) } else { self.id.to_owned() };
        let (hint, wrong) = (format!("{id}-hint"), format!("{id}-wrong"));
        let about = match (self.wrong, self.hint) {
            (Some(_), Some(_)) => Some(format!("{wrong} {hint}")),
            (Some(_), None) => Some(wrong.clone()),
            (None, told) => told.map(|_| hint.clone()),
        };
        html! {
            div class="field" {
                label for=(id) { (self.label) }
                input id=(id) name=(self.name) type=(self.kind) value=(self.value) autocomplete=(self.complete)
                    required[self.required] aria-invalid=[self.wrong.map(|_| "true")] aria-describedby=[about];
                @if let Some(text) = self.wrong { p class="wrong" id=(wrong) { (text) } }
                @if let Some(text) = self.hint { p class="hint" id=(hint) { (text) } }
            }
        }
    }
}

/// One of several: value and label of each.
pub(super) fn choice(name: &str, label: &str, of: &[(&str, String)], chosen: &str) -> Markup {
    let id = format!("f-{name}");
    html! {
        div class="field" {
            label for=(id) { (label) }
            select id=(id) name=(name) {
                @for (value, text) in of { option value=(value) selected[*value == chosen] { (text) } }
            }
        }
    }
}

/// One that is ticked or not.
pub(super) fn tick(name: &str, label: &str, ticked: bool) -> Markup {
    html! {
        label class="check" {
            input type="checkbox" name=(name) value="true" checked[ticked];
            span { (label) }
        }
    }
}

/// Several lines.
pub(super) fn long(name: &str, label: &str, hint: Option<&str>, value: &str) -> Markup {
    lines(name, label, hint, value, true)
}

/// The same, which may stay empty.
pub(super) fn long_wish(name: &str, label: &str, hint: Option<&str>, value: &str) -> Markup {
    lines(name, label, hint, value, false)
}

fn lines(name: &str, label: &str, hint: Option<&str>, value: &str, required: bool) -> Markup {
    let id = format!("f-{name}");
    let about = format!("{id}-hint");
    html! {
        div class="field" {
            label for=(id) { (label) }
            textarea id=(id) name=(name) rows="5" required[required] aria-describedby=[hint.map(|_| about.as_str())] { (value) }
            @if let Some(text) = hint { p class="hint" id=(about) { (text) } }
        }
    }
}

pub(super) fn hidden(name: &str, value: &str) -> Markup {
    html! { input type="hidden" name=(name) value=(value); }
}

/// What a page is asked for, in its address.
pub(super) fn filters(page: &str, fields: &Markup, go: &str) -> Markup {
    html! {
        form method="get" action=(page) class="card filters" {
            (fields)
            div class="do" { button { (go) } }
        }
    }
}
