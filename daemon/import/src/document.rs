//! The lines of an AWS file: which belong to which setting, and how they are taken out.
//!
//! What a setting means is the SDK's affair; this sees the same lines as its parser does, and keeps all others byte by
//! byte.

use keyfob_shared::Secret;

const WHITESPACE: &[char] = &[' ', '\t'];
const COMMENT: &[char] = &['#', ';'];

/// Which of the two files it is: they name profiles differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Config,
    Credentials,
}

/// A file, line by line.
pub(crate) struct Document<'a> {
    pub(crate) kind: Kind,
    /// With their ends.
    pub(crate) lines: Vec<&'a str>,
    pub(crate) sections: Vec<Section>,
}

/// A header and the settings below it.
pub(crate) struct Section {
    /// What stands between the brackets.
    pub(crate) name: String,
    /// The same with all its spaces.
    spelling: String,
    pub(crate) header: usize,
    /// The line after its last one.
    pub(crate) end: usize,
    pub(crate) settings: Vec<Setting>,
}

/// A setting of a section.
pub(crate) struct Setting {
    /// In lower case.
    pub(crate) key: String,
    pub(crate) value: Secret,
    /// Its own line, and the indented ones that go on with it.
    pub(crate) lines: Vec<usize>,
}

impl<'a> Document<'a> {
    pub(crate) fn new(kind: Kind, text: &'a str) -> Self {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let mut sections: Vec<Section> = Vec::new();
        for (at, line) in lines.iter().enumerate() {
            let line = content(line);
            if is_blank(line) || is_comment(line) {
                continue;
            }
            if line.starts_with('[') {
                if let Some(last) = sections.last_mut() {
                    last.end = at;
                }
                let name = without_comment(line, false).trim_start_matches('[').trim_end_matches(']');
                let (spelling, name) = (name.to_owned(), name.trim_matches(WHITESPACE).to_owned());
                sections.push(Section { name, spelling, header: at, end: lines.len(), settings: Vec::new() });
                continue;
            }
            let Some(section) = sections.last_mut() else { continue };
            if !line.starts_with(WHITESPACE) {
                section.settings.push(setting(line, at));
            } else if let Some(setting) = section.settings.last_mut() {
                setting.lines.push(at);
            }
        }
        Self { kind, lines, sections }
    }

    /// Answers the profile that a section is of, by the rules of the file; others are none.
    pub(crate) fn profile<'b>(&self, section: &'b Section) -> Option<&'b str> {
        let words = section.name.split_once(WHITESPACE);
        match (self.kind, words) {
            (Kind::Config, Some(("profile", name))) => Some(name.trim()),
            (Kind::Config, None) if section.name == "default" => Some("default"),
            (Kind::Credentials, None) => Some(&section.name),
            (Kind::Config | Kind::Credentials, _) => None,
        }
    }

    /// Answers the sections of a profile.
    pub(crate) fn sections_of<'b>(&'b self, profile: &'b str) -> impl Iterator<Item = &'b Section> {
        self.sections.iter().filter(move |section| self.profile(section) == Some(profile))
    }

    /// Answers whether the sections of a profile are spelt in several ways: the SDK takes them in any order then.
    pub(crate) fn spells_differently(&self, profile: &str) -> bool {
        let mut spellings = self.sections_of(profile).map(|section| &section.spelling);
        let first = spellings.next();
        spellings.any(|other| Some(other) != first)
    }

    /// Answers how lines end.
    pub(crate) fn line_end(&self) -> &'static str {
        if self.lines.first().is_some_and(|line| line.ends_with("\r\n")) { "\r\n" } else { "\n" }
    }
}

impl Section {
    /// Answers whether a comment stands behind its header.
    pub(crate) fn header_has_comment(&self, lines: &[&str]) -> bool {
        content(lines[self.header]).contains(COMMENT)
    }
}

fn setting(line: &str, at: usize) -> Setting {
    let line = without_comment(line, true);
    let (key, value) = line.split_once('=').unwrap_or((line, ""));
    let key = key.trim_matches(WHITESPACE).to_ascii_lowercase();
    Setting { key, value: Secret::new(value.trim_matches(WHITESPACE)), lines: vec![at] }
}

/// Answers a line without its end.
pub(crate) fn content(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}

pub(crate) fn is_blank(line: &str) -> bool {
    content(line).trim_matches(WHITESPACE).is_empty()
}

pub(crate) fn is_comment(line: &str) -> bool {
    line.starts_with(COMMENT)
}

/// Takes a comment off the end. After a value it must stand apart from it; after a header it need not.
fn without_comment(line: &str, apart: bool) -> &str {
    let line = line.trim_matches(WHITESPACE);
    let mut after_space = false;
    for (at, letter) in line.char_indices() {
        if COMMENT.contains(&letter) && (after_space || !apart) {
            return line[..at].trim_matches(WHITESPACE);
        }
        after_space = letter.is_whitespace();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_belong_to_settings_as_the_sdk_sees_them() {
        let text =
            "; top\n[default] # mine\r\nRegion=x # y\n s3 no\n\n# c\ns3 =\n\ta = b\n[profile  b] ;x\nk=v;w\n";
        let document = Document::new(Kind::Config, text);
        let [default, b] = document.sections.as_slice() else { panic!("two sections") };
        assert_eq!((default.name.as_str(), default.header, default.end), ("default", 1, 8));
        let told = |section: &Section| {
            let settings = section.settings.iter();
            settings
                .map(|one| format!("{}={}@{:?}", one.key, one.value.expose(), one.lines))
                .collect::<Vec<_>>()
        };
        assert_eq!(told(default), ["region=x@[2, 3]", "s3=@[6, 7]"]);
        assert_eq!(told(b), ["k=v;w@[9]"]);
        assert_eq!(document.profile(b), Some("b"));
        assert_eq!(document.lines.concat(), text);
    }
}
