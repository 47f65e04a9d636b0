//! From tokens of HTML to forms.
//!
//! The tokens are those of the HTML standard. Of its tree no more is built than which form is open: the standard itself
//! gives each field to the form that was opened last, however deep it lies.

use super::{Field, Form, Kind, Page};
use html5gum::{DefaultEmitter, State, Token, Tokenizer};
use keyfob_shared::Secret;
use std::collections::BTreeMap;

/// The most forms of a page and fields of a form that are looked at; the rest is not.
const MAX_FORMS: usize = 32;
const MAX_FIELDS: usize = 256;
/// The most ways to sign in.
const MAX_WAYS: usize = 16;
/// The longest text that is kept of an element, in bytes.
const MAX_TEXT: usize = 2_000;
/// The most elements whose text is kept at once.
const MAX_OPEN: usize = 16;
/// Parts of the `id` or `class` of elements in which pages of sign-in tell errors.
const ERRORS: [&str; 4] = ["error", "danger", "warning", "feedback-text"];

/// Reads a page. Any text is one, if only an empty one.
pub(crate) fn read(html: &str) -> Page {
    let mut reading = Reading::default();
    let mut tokens = Tokenizer::new_with_emitter(html, DefaultEmitter::default());
    while let Some(Ok(token)) = tokens.next() {
        match token {
            Token::StartTag(tag) => {
                let name = text(&tag.name);
                let attributes = tag.attributes.iter().map(|(name, value)| (text(name), text(&value.value)));
                reading.open(&name, &Attributes(attributes.collect()));
                match name.as_str() {
                    "script" => tokens.set_state(State::ScriptData),
                    "style" | "iframe" | "xmp" | "noembed" | "noframes" => tokens.set_state(State::RawText),
                    "title" | "textarea" => tokens.set_state(State::RcData),
                    _ => {}
                }
            }
            Token::EndTag(tag) => reading.close(&text(&tag.name)),
            Token::String(said) => reading.say(&text(&said.value)),
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    reading.finish()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

struct Attributes(BTreeMap<String, String>);

impl Attributes {
    fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Title,
    Error,
    /// Of the field with this id.
    Label(String),
    /// What a link of AD FS chooses.
    Way(String),
    /// Nobody sees it, or it is the value of a field.
    Silent,
}

/// An element whose text is kept, until its end.
struct Open {
    tag: String,
    depth: usize,
    what: What,
    text: String,
}

#[derive(Default)]
struct Reading {
    page: Page,
    form: Option<Form>,
    open: Vec<Open>,
    labels: Vec<(String, String)>,
    /// A list whose choice is not known yet.
    list: Option<(Field, bool)>,
}

impl Reading {
    fn open(&mut self, tag: &str, attributes: &Attributes) {
        if let Some(open) = self.open.iter_mut().find(|open| open.tag == tag) {
            open.depth += 1;
        }
        match tag {
            "form" if self.form.is_none() => {
                self.form = Some(Form {
                    action: attributes.text("action").to_owned(),
                    id: attributes.text("id").to_owned(),
                    post: attributes.text("method").eq_ignore_ascii_case("post"),
                    ..Form::default()
                });
            }
            "input" | "button" | "textarea" | "select" => self.field(tag, attributes),
            "option" => self.choose(attributes),
            "meta" if attributes.text("http-equiv").eq_ignore_ascii_case("refresh") => {
                self.page.refresh = refresh(attributes.text("content"));
            }
            _ => {}
        }
        let what = match tag {
            "title" => What::Title,
            "script" | "style" | "textarea" | "option" => What::Silent,
            _ if is_error(attributes) => What::Error,
            _ if !way(attributes).is_empty() => What::Way(way(attributes).to_owned()),
            "label" => What::Label(attributes.text("for").to_owned()),
            _ => return,
        };
        let is_within = self.open.iter().any(|open| open.what == what);
        let is_void = ["input", "img", "br", "meta", "link", "hr", "area", "base", "col"].contains(&tag);
        if !is_void && !is_within && self.open.len() < MAX_OPEN {
            self.open.push(Open { tag: tag.to_owned(), depth: 1, what, text: String::new() });
        }
    }

    fn close(&mut self, tag: &str) {
        match tag {
            "form" => self.end_form(),
            "select" => self.end_list(),
            _ => {}
        }
        let Some(at) = self.open.iter().rposition(|open| open.tag == tag) else { return };
        self.open[at].depth -= 1;
        if self.open[at].depth > 0 {
            return;
        }
        let open = self.open.remove(at);
        self.keep(open);
    }

    fn keep(&mut self, open: Open) {
        let said = open.text.trim();
        match open.what {
            What::Title => self.page.title = said.to_owned(),
            What::Error if !said.is_empty() => self.page.errors.push(said.to_owned()),
            What::Label(of) => self.labels.push((of, said.to_owned())),
            What::Way(sent) if self.page.ways.len() < MAX_WAYS => {
                self.page.ways.push((sent, said.to_owned()))
            }
            What::Error | What::Way(_) | What::Silent => {}
        }
    }

    fn say(&mut self, said: &str) {
        let silent = self.open.iter().any(|open| open.what == What::Silent);
        if silent {
            return;
        }
        for open in &mut self.open {
            add(&mut open.text, said);
        }
        let in_title = self.open.iter().any(|open| open.what == What::Title);
        if let Some(form) = self.form.as_mut().filter(|_| !in_title) {
            add(&mut form.text, said);
        }
    }

    fn field(&mut self, tag: &str, attributes: &Attributes) {
        let Some(form) = &mut self.form else { return };
        let of_type = attributes.text("type").to_ascii_lowercase();
        let checked = attributes.has("checked");
        let kind = match (tag, of_type.as_str()) {
            ("select", _) => Kind::Choice,
            ("textarea", _) => Kind::Text,
            ("button", "button" | "reset") | ("input", "button" | "reset" | "file") => return,
            ("button", _) | ("input", "submit" | "image") => Kind::Submit,
            (_, "hidden") => Kind::Hidden,
            (_, "password") => Kind::Password,
            (_, "checkbox" | "radio") => Kind::Box { checked },
            _ => Kind::Text,
        };
        if form.fields.len() >= MAX_FIELDS || attributes.has("disabled") {
            return;
        }
        let value = match (kind, attributes.has("value")) {
            (Kind::Box { .. }, false) => "on",
            _ => attributes.text("value"),
        };
        let labels =
            [attributes.text("aria-label"), attributes.text("placeholder"), attributes.text("title")];
        let field = Field {
            name: attributes.text("name").to_owned(),
            id: attributes.text("id").to_owned(),
            kind,
            value: Secret::new(value),
            label: labels.into_iter().find(|label| !label.is_empty()).unwrap_or_default().to_owned(),
            one_time_code: attributes.text("autocomplete").eq_ignore_ascii_case("one-time-code"),
        };
        match kind {
            Kind::Choice => self.list = Some((field, false)),
            _ => form.fields.push(field),
        }
    }

    /// The first option is chosen unless another says so.
    fn choose(&mut self, attributes: &Attributes) {
        let Some((list, chosen)) = &mut self.list else { return };
        if !*chosen || attributes.has("selected") {
            list.value = Secret::new(attributes.text("value"));
            *chosen = true;
        }
    }

    fn end_list(&mut self) {
        if let (Some((list, true)), Some(form)) = (self.list.take(), &mut self.form) {
            form.fields.push(list);
        }
    }

    fn end_form(&mut self) {
        self.end_list();
        if let Some(form) = self.form.take()
            && self.page.forms.len() < MAX_FORMS
        {
            self.page.forms.push(form);
        }
    }

    fn finish(mut self) -> Page {
        self.end_form();
        for open in std::mem::take(&mut self.open) {
            self.keep(open);
        }
        for field in self.page.forms.iter_mut().flat_map(|form| &mut form.fields) {
            let of =
                self.labels.iter().find(|(of, label)| !of.is_empty() && *of == field.id && !label.is_empty());
            if let Some((_, label)) = of {
                field.label.clone_from(label);
            }
        }
        self.page
    }
}

fn add(text: &mut String, said: &str) {
    let room = MAX_TEXT.saturating_sub(text.len());
    let end = (0..=room.min(said.len())).rev().find(|end| said.is_char_boundary(*end)).unwrap_or(0);
    text.push_str(&said[..end]);
    if end == said.len() && end < room {
        text.push(' ');
    }
}

fn is_error(attributes: &Attributes) -> bool {
    // Kept ready for scripts to show.
    let style = attributes.text("style").replace(' ', "").to_ascii_lowercase();
    if attributes.has("hidden") || style.contains("display:none") {
        return false;
    }
    let named = [attributes.text("id"), attributes.text("class")].map(str::to_ascii_lowercase);
    named.iter().any(|name| ERRORS.iter().any(|error| name.contains(error)))
}

/// Reads the name out of `SelectOption('NAME')`, which is all that such a link does.
fn way(attributes: &Attributes) -> &str {
    let call = attributes.text("onclick").split_once("SelectOption('");
    call.and_then(|(_, rest)| rest.split_once('\'')).map_or("", |(name, _)| name)
}

/// Reads `3; url=next`.
fn refresh(content: &str) -> Option<(u64, Option<String>)> {
    let (seconds, rest) = content.split_once([';', ',']).unwrap_or((content, ""));
    let seconds = seconds.trim().split('.').next()?.parse().ok()?;
    let rest = rest.trim();
    let url = match rest.get(..4) {
        Some(start) if start.eq_ignore_ascii_case("url=") => rest[4..].trim().trim_matches(['"', '\'']),
        Some(_) | None => rest,
    };
    Some((seconds, (!url.is_empty()).then(|| url.to_owned())))
}
