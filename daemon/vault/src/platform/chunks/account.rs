//! How the pieces of an item are called in a keychain that knows accounts and nothing else.
//!
//! `item/KIND/NAME` is the head, `part/KIND/NAME/WRITE/NUMBER` a chunk. The Credential Manager does not tell cases
//! apart, so all of a name but small letters, digits, `-`, `_` and `.` is escaped.

use crate::vault::{ItemKind, ItemName};
use std::fmt::Write;

/// One account of the keychain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Account {
    /// Says where the value is, or holds it.
    Head(ItemName),
    /// A chunk of a value.
    Part(Part),
}

/// A chunk of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Whose.
    pub(super) name: ItemName,
    /// Which write of the item made it.
    pub(super) write: u64,
    /// Its place in the value, from 0.
    pub(super) number: usize,
}

impl Account {
    /// Reads what [`Account::to_text`] has made; `None` for what others have.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        let name = |kind, name| Some(ItemName { kind: ItemKind::parse(kind)?, name: unescape(name)? });
        match parts.as_slice() {
            ["item", kind, text] => Some(Self::Head(name(kind, text)?)),
            ["part", kind, text, write, number] => {
                let (write, number) = (write.parse().ok()?, number.parse().ok()?);
                Some(Self::Part(Part { name: name(kind, text)?, write, number }))
            }
            _ => None,
        }
    }

    pub(super) fn to_text(&self) -> String {
        match self {
            Self::Head(name) => format!("item/{}/{}", name.kind.as_str(), escape(&name.name)),
            Self::Part(Part { name, write, number }) => {
                format!("part/{}/{}/{write}/{number}", name.kind.as_str(), escape(&name.name))
            }
        }
    }
}

fn escape(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => text.push(char::from(byte)),
            _ => {
                let _ = write!(text, "%{byte:02x}");
            }
        }
    }
    text
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        rest = others;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, others) = rest.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
        rest = others;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(name: &str) -> Account {
        Account::Head(ItemName { kind: ItemKind::Session, name: name.into() })
    }

    #[test]
    fn any_name_comes_back_and_names_that_differ_in_case_stay_apart() {
        for name in ["prod", "Prod", "a/b", "%41", "ä ☃", "item/session/x", "a@b:c*?", ""] {
            let text = head(name).to_text();
            assert_eq!(Account::parse(&text), Some(head(name)), "{text}");
            assert_eq!(text, text.to_ascii_lowercase());
        }
        assert_ne!(head("prod").to_text(), head("PROD").to_text());
    }

    #[test]
    fn a_part_is_never_taken_for_a_head() {
        let name = ItemName { kind: ItemKind::AccessKey, name: "x/1/2".into() };
        let part = Account::Part(Part { name, write: 7, number: 2 });
        assert_eq!(part.to_text(), "part/access-key/x%2f1%2f2/7/2");
        assert_eq!(Account::parse(&part.to_text()), Some(part));
    }

    #[test]
    fn accounts_of_others_are_not_ours() {
        for text in
            ["", "item", "item/session", "item/other/x", "item/session/%4", "part/session/x/1/y", "x/y/z"]
        {
            assert_eq!(Account::parse(text), None, "{text}");
        }
    }
}
