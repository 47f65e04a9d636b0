//! What a page of a provider is: decided by its fields, not by its looks, and without asking anybody.

use super::FieldNames;
use super::assertion::of_host;
use super::received::FIELD;
use crate::page::{Field, Form, Kind, Page};
use crate::web::{Place, https_host};

/// The form of AD FS whose one field tells the way that was chosen.
const OPTIONS: &str = "options";
/// Names of fields into which codes go, in small letters.
const CODES: [&str; 13] = [
    "otp",
    "totp",
    "code",
    "passcode",
    "verificationcode",
    "verification_code",
    "security_code",
    "securitycode",
    "challengequestionanswer",
    "j_tokennumber",
    "token",
    "mfa_code",
    "mfacode",
];

/// How far a sign-in has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// No password was sent.
    Before,
    After,
}

/// What a page is.
#[derive(Debug)]
pub(super) enum Seen<'a> {
    /// The answer for AWS.
    Response(&'a Field),
    /// It would be sent to somebody else.
    Astray(String),
    /// It asks for a user name, a password or both.
    SignIn { form: &'a Form, user: Option<&'a Field>, password: Option<&'a Field> },
    /// It asks for a code.
    Code { form: &'a Form, code: &'a Field },
    /// It asks for a new password.
    NewPassword,
    /// It says why it does not go on.
    Denied,
    /// It goes on by itself, or waits for something and asks again.
    Onward(&'a Form),
    /// It lets one choose how to go on, among the ways of the page.
    Choice(&'a Form),
    /// It goes on after some seconds.
    Later(u64, Option<&'a str>),
    /// None of these.
    Unknown,
}

/// Says what a page is.
pub(super) fn recognize<'a>(page: &'a Page, place: &Place, names: &FieldNames, stage: Stage) -> Seen<'a> {
    if let Some((form, field)) = page.forms.iter().find_map(|form| Some((form, form.named(FIELD)?))) {
        return response(form, field, place);
    }
    let passwords = |form: &Form| form.fields.iter().filter(|field| field.kind == Kind::Password).count();
    if names.password.is_none() && page.forms.iter().any(|form| passwords(form) > 1) {
        return Seen::NewPassword;
    }
    let sign_in = page.forms.iter().find_map(|form| sign_in(form, names, stage));
    if let Some(seen) = sign_in.or_else(|| page.forms.iter().find_map(|form| asks_code(form, names, stage))) {
        return seen;
    }
    if !page.errors.is_empty() {
        return Seen::Denied;
    }
    // AD FS has a second form with other ways to sign in, which waits for a choice.
    if let Some(form) = page.forms.iter().find(|form| form.is_silent() && form.id != OPTIONS) {
        return Seen::Onward(form);
    }
    if let Some(form) = page.forms.iter().find(|form| form.id == OPTIONS && !page.ways.is_empty()) {
        return Seen::Choice(form);
    }
    match &page.refresh {
        Some((seconds, url)) => Seen::Later(*seconds, url.as_deref()),
        None => Seen::Unknown,
    }
}

/// A response for AWS ends the sign-in; one for the provider itself is handed on between its parts.
fn response<'a>(form: &'a Form, field: &'a Field, place: &Place) -> Seen<'a> {
    if https_host(&form.action).is_some_and(|host| of_host(&host).is_some()) {
        return Seen::Response(field);
    }
    match place.follow(&form.action) {
        Ok(_) => Seen::Onward(form),
        Err(to) => Seen::Astray(to),
    }
}

fn sign_in<'a>(form: &'a Form, names: &FieldNames, stage: Stage) -> Option<Seen<'a>> {
    let named = |name: &Option<String>| name.as_deref().and_then(|name| form.named(name));
    let password = match &names.password {
        Some(_) => named(&names.password),
        None => form.fields.iter().find(|field| field.kind == Kind::Password && !is_code(field, names)),
    };
    let texts = || form.fields.iter().filter(|field| field.kind == Kind::Text && !is_code(field, names));
    let user = match (&names.username, password) {
        (Some(_), _) => named(&names.username),
        // The name stands before the password, and nothing between.
        (None, Some(password)) => form
            .fields
            .iter()
            .take_while(|field| field.name != password.name)
            .filter(|field| field.kind == Kind::Text && !is_code(field, names))
            .last(),
        (None, None) => {
            texts().next().filter(|_| texts().count() == 1 && stage == Stage::Before && form.post)
        }
    };
    (user.is_some() || password.is_some()).then_some(Seen::SignIn { form, user, password })
}

fn asks_code<'a>(form: &'a Form, names: &FieldNames, stage: Stage) -> Option<Seen<'a>> {
    let typed = |field: &&Field| matches!(field.kind, Kind::Text | Kind::Password);
    let code = form.fields.iter().filter(typed).find(|field| is_code(field, names));
    let only = || {
        let mut typed = form.fields.iter().filter(typed);
        typed.next().filter(|_| typed.next().is_none() && stage == Stage::After && form.post)
    };
    Some(Seen::Code { form, code: code.or_else(only)? })
}

fn is_code(field: &Field, names: &FieldNames) -> bool {
    match &names.code {
        Some(name) => field.name.eq_ignore_ascii_case(name),
        None => field.one_time_code || CODES.contains(&field.name.to_ascii_lowercase().as_str()),
    }
}

#[cfg(test)]
mod tests;
