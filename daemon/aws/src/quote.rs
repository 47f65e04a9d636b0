//! What AWS says, made fit for a terminal and a log: one short line, nothing invisible, none of our secrets.

use keyfob_shared::Secret;

/// The part of a message that is shown, in characters.
const MAX_QUOTE: usize = 300;
const MAX_CODE: usize = 64;
const LINE_ENDS: [char; 7] = ['\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'];

/// Cuts a message to its first line, of which the secrets of the request are taken out; after it, STS quotes the signed
/// request.
pub fn message<'a>(secrets: impl IntoIterator<Item = &'a Secret>, said: &str) -> String {
    let line = said.trim().split(LINE_ENDS).next().unwrap_or_default().trim_end_matches(['.', ' ']);
    // Security: an answer may repeat what was sent. Secrets are removed before the cut, which could leave a half.
    let secrets = secrets.into_iter().map(Secret::expose).filter(|secret| !secret.is_empty());
    let line = secrets.fold(line.to_owned(), |line, secret| line.replace(secret, "[secret]"));
    line.chars()
        .take(MAX_QUOTE)
        .map(|letter| if is_invisible(letter) { '\u{fffd}' } else { letter })
        .collect()
}

/// Keeps of an error code what codes consist of.
#[must_use]
pub fn code(said: &str) -> String {
    let kept = said.chars().filter(|letter| letter.is_ascii_alphanumeric() || ".:_-".contains(*letter));
    let kept: String = kept.take(MAX_CODE).collect();
    if kept.is_empty() { "an unnamed error".into() } else { kept }
}

// Security: control characters move the cursor; formatting characters reorder or hide the text around them.
fn is_invisible(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(said: &str) -> String {
        let secrets = ["hunter2".to_owned(), "t0ken".repeat(100), "739164".to_owned()].map(Secret::new);
        message(&secrets, said)
    }

    #[test]
    fn only_the_first_line_is_quoted() {
        for end in LINE_ENDS {
            assert_eq!(quoted(&format!("\n it failed.{end}x-amz-security-token:…")), "it failed");
        }
        assert_eq!(quoted(&"é".repeat(1_000)).chars().count(), MAX_QUOTE);
    }

    #[test]
    fn what_was_sent_in_secret_is_not_repeated() {
        let said = format!("Value '739164' at 'tokenCode', hunter2, {}", "t0ken".repeat(100));
        assert_eq!(quoted(&said), "Value '[secret]' at 'tokenCode', [secret], [secret]");
        let said = format!("{}{}", "x".repeat(MAX_QUOTE - 9), "t0ken".repeat(100));
        assert!(!quoted(&said).contains("t0k"));
    }

    #[test]
    fn letters_that_steer_a_terminal_are_replaced() {
        assert_eq!(quoted("a\u{1b}[2Jb\u{7}c\u{9b}d"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d");
        assert_eq!(quoted("a\u{202e}b\u{2066}c\u{200b}d\u{e0041}e"), "a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}e");
        assert_eq!(code("Bad\u{1b}[31m\u{202e}Code"), "Bad31mCode");
        assert_eq!(code("\u{202e}"), "an unnamed error");
    }
}
