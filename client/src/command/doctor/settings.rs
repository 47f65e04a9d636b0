//! The files of AWS tools, read as far as `doctor` has to.

use std::io::Read;
use std::path::Path;

const MAX_FILE: u64 = 4 * 1024 * 1024;

/// A section of a file of AWS tools.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Section {
    /// As it stands between the brackets.
    pub(super) header: String,
    /// The names in lower case, and their values; what is indented belongs to the one before and is left out.
    pub(super) settings: Vec<(String, String)>,
}

impl Section {
    /// Answers the profile that it is, in a configuration file.
    pub(super) fn profile(&self) -> Option<&str> {
        match self.header.strip_prefix("profile") {
            Some(name) if name.starts_with([' ', '\t']) => Some(name.trim().trim_matches(['"', '\''])),
            Some(_) | None => (self.header == "default").then_some("default"),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.settings.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Answers which of these it has.
    pub(super) fn those_of<'a>(&self, names: &[&'a str]) -> Vec<&'a str> {
        names.iter().copied().filter(|name| self.get(name).is_some()).collect()
    }
}

/// Reads a file; one that is not there is empty.
pub(super) fn read(path: &Path) -> Vec<Section> {
    let mut bytes = Vec::new();
    if std::fs::metadata(path).is_ok_and(|found| found.is_file())
        && let Ok(file) = std::fs::File::open(path)
    {
        let _ = file.take(MAX_FILE).read_to_end(&mut bytes);
    }
    sections(&String::from_utf8_lossy(&bytes))
}

fn sections(text: &str) -> Vec<Section> {
    let mut found: Vec<Section> = Vec::new();
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(header) = line.strip_prefix('[') {
            let header = header.split(']').next().unwrap_or_default().trim().to_owned();
            found.push(Section { header, settings: Vec::new() });
        } else if !line.starts_with([' ', '\t'])
            && let Some((name, value)) = trimmed.split_once('=')
            && let Some(section) = found.last_mut()
        {
            section.settings.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    found
}

/// Splits a command line at blanks outside of quotes.
pub(super) fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut open, mut begun) = (String::new(), None, false);
    for letter in command.chars() {
        match (letter, open) {
            (quote, Some(end)) if quote == end => open = None,
            (quote @ ('"' | '\''), None) => (open, begun) = (Some(quote), true),
            (blank, None) if blank.is_whitespace() => {
                if std::mem::take(&mut begun) {
                    words.push(std::mem::take(&mut word));
                }
            }
            (letter, _) => {
                word.push(letter);
                begun = true;
            }
        }
    }
    if begun {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_read_as_aws_tools_read_them() {
        let text = "x = 1\n[default]\nA = b = c\n# z = 1\n[profile \"my own\"] ; note\nregion=eu-west-1\ns3 =\n  max = 3\n[profiles]\n";
        let found = sections(text);
        let names: Vec<_> = found.iter().map(Section::profile).collect();
        assert_eq!(names, [Some("default"), Some("my own"), None]);
        assert_eq!(found[0].get("a"), Some("b = c"));
        assert_eq!((found[1].get("region"), found[1].get("max")), (Some("eu-west-1"), None));
    }

    #[test]
    fn quotes_hold_words_together() {
        assert_eq!(
            words(" \"/opt/my tool/keyfob\" get  'a b' \"\""),
            ["/opt/my tool/keyfob", "get", "a b", ""]
        );
        assert_eq!(words("  "), Vec::<String>::new());
    }
}
