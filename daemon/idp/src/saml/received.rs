//! A response as a person or a program hands it over: base64, or the form field that a browser sends.

use keyfob_shared::Secret;

/// The name of the field.
pub(super) const FIELD: &str = "SAMLResponse";

/// Answers the response in a form that a browser sends.
pub(super) fn of_form(form: &[u8]) -> Option<Secret> {
    form_urlencoded::parse(form).find(|(name, _)| name == FIELD).map(|(_, value)| Secret::new(value))
}

/// Answers the response in a text.
pub(super) fn of_text(text: &Secret) -> Secret {
    let text = text.expose().trim().trim_matches(['"', '\'']);
    if text.starts_with("SAMLResponse=") || text.contains("&SAMLResponse=") {
        return of_form(text.as_bytes()).unwrap_or_default();
    }
    // As it stands in a form, where base64 has `%`.
    match text.contains('%') {
        true => of_form(format!("{FIELD}={text}").as_bytes()).unwrap_or_default(),
        false => Secret::new(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_found_in_what_browsers_show() {
        for text in [
            " PHNhbWw+Pw==\n",
            "\"PHNhbWw+Pw==\"",
            "SAMLResponse=PHNhbWw%2BPw%3D%3D&RelayState=",
            "RelayState=x&SAMLResponse=PHNhbWw%2BPw%3D%3D",
            "PHNhbWw%2BPw%3D%3D",
        ] {
            assert_eq!(of_text(&Secret::new(text)).expose(), "PHNhbWw+Pw==", "{text}");
        }
    }
}
