//! Makes texts fit to be given away: what names a person, an account or a key becomes a mark.
//!
//! One thing has the same mark in the whole of a file, so that the text can still be followed, and another in the next
//! file: the marks are keyed with a number that is thrown away. A program that must not hold a secret does not rely on
//! this; it is the second line of defence.

use sha2::{Digest, Sha256};

/// Runs of letters that are this long and mixed may be a secret; the shortest of AWS has 40.
const SUSPICIOUS: usize = 32;
/// The same between two slashes of a path.
const SUSPICIOUS_PART: usize = 24;
const ACCOUNT: usize = 12;
/// Prefixes of unique ids (IAM user guide, "IAM identifiers").
const IDS: &[&str] =
    &["AKIA", "ASIA", "AROA", "AIDA", "ABIA", "ACCA", "AGPA", "AIPA", "ANPA", "ANVA", "ASCA", "APKA"];

/// Replaces what must not be told.
pub(super) struct Redactor {
    key: [u8; 32],
    /// What else is hidden, with its name; the longest first.
    known: Vec<(String, &'static str)>,
}

impl Redactor {
    /// Makes one with a key of its own.
    ///
    /// # Errors
    /// If there are no random numbers.
    pub(super) fn new() -> Result<Self, getrandom::Error> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        Ok(Self { key, known: Vec::new() })
    }

    /// Hides a text wherever it stands; what is shorter than three letters would hide half of the rest.
    pub(super) fn hide(&mut self, text: &str, name: &'static str) {
        if text.chars().count() < 3 || self.known.iter().any(|(known, _)| known == text) {
            return;
        }
        self.known.push((text.to_owned(), name));
        self.known.sort_by_key(|(known, _)| std::cmp::Reverse(known.len()));
    }

    /// Answers what stands for a text.
    pub(super) fn mark(&self, text: &str, name: &str) -> String {
        let digest = Sha256::new().chain_update(self.key).chain_update(text.as_bytes()).finalize();
        let digits: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        format!("<{name} {digits}>")
    }

    /// Answers a text without what must not be told.
    pub(super) fn text(&self, text: &str) -> String {
        // Addresses first: a mark within one would hide where its parts end.
        self.runs(&self.known(&addresses(text)))
    }

    /// Hides what is known, in words of its own: a name within a longer word is another one.
    fn known(&self, text: &str) -> String {
        let mut made = String::with_capacity(text.len());
        let mut rest = text;
        let mut before = None;
        while let Some(letter) = rest.chars().next() {
            let is_start = !before.is_some_and(char::is_alphanumeric);
            let found = self.known.iter().filter(|_| is_start).find(|(known, _)| {
                rest.strip_prefix(known.as_str())
                    .is_some_and(|after| !after.chars().next().is_some_and(char::is_alphanumeric))
            });
            if let Some((known, name)) = found {
                made.push_str(&self.mark(known, name));
                rest = &rest[known.len()..];
                before = Some('>');
            } else {
                made.push(letter);
                rest = &rest[letter.len_utf8()..];
                before = Some(letter);
            }
        }
        made
    }

    fn runs(&self, text: &str) -> String {
        let mut made = String::with_capacity(text.len());
        let mut run = String::new();
        for letter in text.chars() {
            if letter.is_ascii_alphanumeric() || "+/=_-".contains(letter) {
                run.push(letter);
                continue;
            }
            made.push_str(&self.run(&run));
            run.clear();
            made.push(letter);
        }
        made.push_str(&self.run(&run));
        made
    }

    fn run(&self, run: &str) -> String {
        if run.starts_with('/') && !is_mixed(run, usize::MAX) {
            let part = |part: &str| {
                if is_mixed(part, SUSPICIOUS_PART) { self.mark(part, "hidden") } else { self.words(part) }
            };
            return run.split('/').map(part).collect::<Vec<_>>().join("/");
        }
        if is_mixed(run, SUSPICIOUS) { self.mark(run, "hidden") } else { self.words(run) }
    }

    /// Hides account numbers and ids of keys.
    fn words(&self, run: &str) -> String {
        let mut made = String::with_capacity(run.len());
        let mut word = String::new();
        for letter in run.chars().chain(['\0']) {
            if letter.is_ascii_alphanumeric() {
                word.push(letter);
                continue;
            }
            if word.len() == ACCOUNT && word.bytes().all(|byte| byte.is_ascii_digit()) {
                made.push_str(&self.mark(&word, "account"));
            } else if word.len() >= 16 && IDS.iter().any(|prefix| word.starts_with(prefix)) {
                made.push_str(&self.mark(&word, "id"));
            } else {
                made.push_str(&word);
            }
            word.clear();
            if letter != '\0' {
                made.push(letter);
            }
        }
        made
    }
}

/// Answers whether a run may be a secret: long, and with digits and letters of both kinds, or longer than any word.
fn is_mixed(run: &str, length: usize) -> bool {
    let has = |is: fn(&u8) -> bool| run.as_bytes().iter().any(is);
    let kinds = [has(u8::is_ascii_digit), has(u8::is_ascii_lowercase), has(u8::is_ascii_uppercase)];
    let is_mixed = kinds.iter().filter(|kind| **kind).count() >= 2 && kinds[0];
    run.len() >= length && (is_mixed || run.len() >= 64 && !run.contains('-') && !run.contains('/'))
}

/// Takes users, passwords, queries and fragments out of addresses, and hides mail addresses.
fn addresses(text: &str) -> String {
    let is_end = |letter: char| letter.is_whitespace() || "\"'<>`|\\^{}),;".contains(letter);
    let mut made = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(is_end).unwrap_or(rest.len());
        made.push_str(&address(&rest[..end]));
        let after = &rest[end..];
        let length = after.chars().next().map_or(0, char::len_utf8);
        made.push_str(&after[..length]);
        rest = &after[length..];
    }
    made
}

fn address(word: &str) -> String {
    let Some((scheme, place)) = word.split_once("://") else {
        return if is_mail(word) { "<mail>".into() } else { word.into() };
    };
    let cut = place.find(['?', '#']).map_or(place, |at| &place[..at]);
    let more = if cut.len() < place.len() { "?…" } else { "" };
    let (host, path) = cut.find('/').map_or((cut, ""), |at| cut.split_at(at));
    let host = host.rsplit_once('@').map_or_else(|| host.to_owned(), |(_, host)| format!("…@{host}"));
    format!("{scheme}://{host}{path}{more}")
}

fn is_mail(word: &str) -> bool {
    word.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor() -> Redactor {
        Redactor::new().unwrap()
    }

    #[test]
    fn what_names_somebody_has_a_mark_and_the_same_one_everywhere() {
        let mut redactor = redactor();
        redactor.hide("alice", "user");
        let account = redactor.mark("111122223333", "account");
        let text =
            redactor.text("assume arn:aws:iam::111122223333:role/R of 111122223333 for alice, not alicelike");
        let alice = redactor.mark("alice", "user");
        assert_eq!(
            text,
            format!("assume arn:aws:iam::{account}:role/R of {account} for {alice}, not alicelike")
        );
        assert_ne!(account, self::redactor().mark("111122223333", "account"), "marks are of one file");
        let key = redactor.mark("AKIAIOSFODNN7EXAMPLE", "id");
        assert_eq!(redactor.text("key=AKIAIOSFODNN7EXAMPLE"), format!("key={key}"));
    }

    #[test]
    fn what_may_be_a_secret_is_hidden() {
        let redactor = redactor();
        for secret in [
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "/JalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY12",
            "eyJhbGciOiJSUzI1NiJ9eyJzdWIiOiJhbGljZSJ9",
            "IQoJb3JpZ2luX2VjEAAaCWV1LXdlc3QtMSJHMEUCIQ==",
        ] {
            let told = redactor.text(&format!("token={secret} end"));
            assert!(!told.contains(&secret[1..20]) && told.ends_with(" end"), "{told}");
        }
        let plain = "mint profile=prod step=\"assume role\" took 1500 ms /run/user/1000/keyfob/agent.sock";
        assert_eq!(redactor.text(plain), plain);
    }

    #[test]
    fn addresses_keep_their_host_and_path() {
        let redactor = redactor();
        for (told, kept) in [
            ("http://bob:hunter2@proxy.example:3128", "http://…@proxy.example:3128"),
            ("(https://idp.example/a/b?SAMLRequest=abc#x)", "(https://idp.example/a/b?…)"),
            ("mail bob.smith@corp.example now", "mail <mail> now"),
        ] {
            let text = redactor.text(told);
            assert_eq!(text, kept);
        }
    }
}
