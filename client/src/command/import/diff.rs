//! Differences between texts, as people read them, with secrets masked.
//!
//! Security: the line of a secret is masked by its name, a secret that is known wherever it stands, and what looks
//! like one as well.

use similar::TextDiff;
use std::path::Path;
use zeroize::Zeroizing;

const STARS: &str = "****";
/// Names of settings whose values are not shown, in part.
const SECRET_NAMES: &[&str] = &["secret", "session_token", "security_token", "password"];
/// A secret access key has 40 signs; session tokens have more.
const SECRET_LENGTH: usize = 40;
/// Shorter values are words that stand elsewhere as well.
const LEAST_KNOWN: usize = 8;

/// What must not be shown.
pub(super) struct Mask {
    known: Vec<Zeroizing<String>>,
}

impl Mask {
    /// Takes note of the secrets of texts.
    pub(super) fn new(texts: &[&str]) -> Self {
        let lines = texts.iter().flat_map(|text| text.lines());
        let secrets = lines.filter_map(secret_value).filter(|value| value.len() >= LEAST_KNOWN);
        let mut known: Vec<_> = secrets.map(|value| Zeroizing::new(value.to_owned())).collect();
        // One may be a part of another.
        known.sort_by_key(|value| std::cmp::Reverse(value.len()));
        known.dedup();
        Self { known }
    }

    /// Shows the difference between two texts of a file; nothing where there is none.
    pub(super) fn diff(&self, path: &Path, old: &str, new: &str) -> String {
        if old == new {
            return String::new();
        }
        let (old, new) = (self.masked(old), self.masked(new));
        let name = path.display().to_string();
        let diff = TextDiff::from_lines(old.as_str(), new.as_str());
        let text = diff.unified_diff().header(&name, &name).missing_newline_hint(false).to_string();
        format!("{}\n", text.trim_end_matches('\n'))
    }

    fn masked(&self, text: &str) -> String {
        let mut masked = String::new();
        let mut goes_on = false;
        for line in text.lines() {
            // Indented lines go on with the value before them.
            goes_on = secret_value(line).is_some() || (goes_on && line.starts_with([' ', '\t']));
            let line = match line.split_once('=') {
                Some((name, _)) if goes_on => format!("{name}= {STARS}"),
                None if goes_on => STARS.to_owned(),
                Some(_) | None => looks_like_secrets(&self.known_masked(line)),
            };
            masked.extend(line.chars().filter(|letter| !letter.is_control() || *letter == '\t'));
            masked.push('\n');
        }
        masked
    }

    fn known_masked(&self, line: &str) -> String {
        self.known.iter().fold(line.to_owned(), |line, secret| line.replace(secret.as_str(), STARS))
    }
}

/// Answers the value of a line that sets a secret, or that did before it was made a comment.
fn secret_value(line: &str) -> Option<&str> {
    let (name, value) = line.split_once('=')?;
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|secret| name.contains(secret)).then(|| value.trim())
}

/// Masks runs of the signs of keys that have letters of both cases, and digits.
fn looks_like_secrets(line: &str) -> String {
    let is_sign = |letter: char| letter.is_ascii_alphanumeric() || letter == '+' || letter == '/';
    let mut shown = String::new();
    let mut rest = line;
    while let Some(start) = rest.find(is_sign) {
        let run = &rest[start..];
        let run = &run[..run.find(|letter| !is_sign(letter)).unwrap_or(run.len())];
        let has = |wanted: fn(&u8) -> bool| run.bytes().any(|byte| wanted(&byte));
        let is_secret = run.len() >= SECRET_LENGTH
            && has(u8::is_ascii_digit)
            && has(u8::is_ascii_uppercase)
            && has(u8::is_ascii_lowercase);
        shown.push_str(&rest[..start]);
        shown.push_str(if is_secret { STARS } else { run });
        rest = &rest[start + run.len()..];
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    fn shown(old: &str, new: &str) -> String {
        Mask::new(&[old, new]).diff(Path::new("/f"), old, new)
    }

    #[test]
    fn differences_are_shown_with_what_is_around_them() {
        assert_eq!(shown("a\nb\nc\n", "a\nx\nc\n"), "--- /f\n+++ /f\n@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n");
        assert_eq!(shown("a\r\n", "a\r\nb\r\n"), "--- /f\n+++ /f\n@@ -1 +1,2 @@\n a\n+b\n");
        assert_eq!(shown("a", "a"), "");
    }

    #[test]
    fn secrets_are_masked_wherever_they_stand() {
        for line in [
            format!("aws_secret_access_key = {SECRET}"),
            format!("AWS_SECRET_ACCESS_KEY={SECRET}"),
            format!("#aws_secret_access_key\t=\t{SECRET}"),
            format!("aws_session_token =\n   {SECRET}\n\tx = {SECRET}"),
            format!("# it was {SECRET}, and is"),
            "aws_secret_access_key = hunter2hunter2\n# hunter2hunter2".to_owned(),
        ] {
            let text = shown(&format!("[default]\n{line}\nregion = eu-west-1\n"), "");
            assert!(!text.contains("wJalr") && !text.contains("hunter2"), "{text}");
            assert!(text.contains("-region = eu-west-1") && text.contains(STARS), "{text}");
        }
    }

    #[test]
    fn what_is_no_secret_is_shown_and_moves_no_cursor() {
        let line = "role_arn = arn:aws:iam::111122223333:role/team/Administrator";
        let path = "# /usr/local/share/something/very/long/for/sure/here";
        let text = shown("", &format!("{line}\n{path}\n\u{1b}[2J\n"));
        assert!(text.contains(line) && text.contains(path) && text.contains("+[2J\n"), "{text}");
    }
}
