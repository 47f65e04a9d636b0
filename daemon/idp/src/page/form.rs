//! A form, and what is sent when it is submitted.

use crate::web::Fields;
use keyfob_shared::Secret;

/// What a field is for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Hidden,
    /// Text, e-mail, telephone number, number: whatever is typed and seen.
    Text,
    Password,
    /// A box or a radio button.
    Box {
        checked: bool,
    },
    Submit,
    /// A list; its value is the chosen one.
    Choice,
}

/// A field of a form.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) kind: Kind,
    /// It may be a secret: a token of the session, or the assertion.
    pub(crate) value: Secret,
    /// What a browser would show beside it; raw text of a stranger.
    pub(crate) label: String,
    /// Whether it says itself that a code goes here.
    pub(crate) one_time_code: bool,
}

/// A form.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form {
    pub(crate) action: String,
    pub(crate) id: String,
    /// Whether it is sent by POST.
    pub(crate) post: bool,
    pub(crate) fields: Vec<Field>,
    /// What a browser shows within it; raw text of a stranger.
    pub(crate) text: String,
}

impl Form {
    /// Answers a field by its name, whatever the case of its letters.
    pub(crate) fn named(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))
    }

    /// Answers whether a person has nothing to fill in.
    pub(crate) fn is_silent(&self) -> bool {
        !self.fields.is_empty()
            && self.fields.iter().all(|field| matches!(field.kind, Kind::Hidden | Kind::Submit))
    }

    /// Answers what a browser would send: what is hidden, checked or chosen, the first button, and what was filled in.
    pub(crate) fn filled(&self, filled: &[(&str, &Secret)]) -> Fields {
        let mut fields = Fields::new();
        let mut pressed = false;
        for field in self.fields.iter().filter(|field| !field.name.is_empty()) {
            if let Some((_, value)) = filled.iter().find(|(name, _)| *name == field.name) {
                fields.push((field.name.clone(), (*value).clone()));
                continue;
            }
            let sent = match field.kind {
                Kind::Hidden | Kind::Text | Kind::Choice => true,
                Kind::Password => false,
                Kind::Box { checked } => checked || keeps_signed_in(&field.name),
                Kind::Submit => !std::mem::replace(&mut pressed, true),
            };
            if sent {
                fields.push((field.name.clone(), field.value.clone()));
            }
        }
        fields
    }

    /// Answers what makes it the same form when it comes again.
    pub(crate) fn shape(&self) -> String {
        let names: Vec<&str> = self.fields.iter().map(|field| field.name.as_str()).collect();
        let path = self.action.split('?').next().unwrap_or_default();
        format!("{path} {}", names.join(" "))
    }
}

/// A session that lasts is what silent renewal lives on.
fn keeps_signed_in(name: &str) -> bool {
    ["kmsi", "rememberme"].contains(&name.to_ascii_lowercase().as_str())
}
