//! Texts of an identity provider, made fit for a prompt, a terminal and a log: one short line, nothing invisible, none
//! of our secrets.

use keyfob_shared::Secret;

/// The part of a text that is shown, in characters.
const MAX_QUOTE: usize = 240;

/// Makes one line of a text. Spaces are collapsed; what a person typed in secret is not repeated.
pub(crate) fn text(said: &str, secrets: &[&Secret]) -> String {
    // Security: secrets are removed before the cut, which could leave a half.
    let secrets = secrets.iter().map(|secret| secret.expose()).filter(|secret| !secret.is_empty());
    let said = secrets.fold(said.to_owned(), |said, secret| said.replace(secret, "[secret]"));
    let mut line = String::new();
    for word in said.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().map(|letter| if is_invisible(letter) { '\u{fffd}' } else { letter }));
    }
    let line = line.trim_end_matches(['.', ':', ' ']);
    match line.char_indices().nth(MAX_QUOTE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
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

    #[test]
    fn a_text_becomes_one_short_line() {
        assert_eq!(text(" Wrong\r\n\tpassword. \u{2028} Try again. ", &[]), "Wrong password. Try again");
        assert_eq!(text(&"é".repeat(1_000), &[]).chars().count(), MAX_QUOTE + 1);
    }

    #[test]
    fn letters_that_steer_a_terminal_are_replaced() {
        assert_eq!(
            text("a\u{1b}[2Jb\u{7}c\u{9b}d\u{202e}e", &[]),
            "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d\u{fffd}e"
        );
    }

    #[test]
    fn what_was_typed_in_secret_is_not_repeated() {
        let password = Secret::new("hunter2");
        assert_eq!(text("hunter2 is wrong", &[&password, &Secret::default()]), "[secret] is wrong");
        assert!(!text(&format!("{}hunter2", "x".repeat(MAX_QUOTE - 3)), &[&password]).contains("hun"));
    }
}
