//! Cookies of one service: which are kept, which are sent, and how long.
//!
//! A cookie is only ever sent to the origin that it came from, so of its domain no more is asked than that it fits.

use super::place::Place;
use cookie::{Cookie, Expiration};
use keyfob_shared::{Secret, Timestamp};
use serde::{Deserialize, Serialize};

/// The most cookies that are kept, and the longest name with its value, in bytes: what browsers keep for a site.
const MAX_COOKIES: usize = 64;
const MAX_COOKIE: usize = 4_096;

/// The cookies of one service. They are the sign-in: whoever has them is signed in.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Jar(Vec<Kept>);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    name: String,
    value: Secret,
    path: String,
    #[serde(default)]
    secure: bool,
    /// Without it, the end is known to the service alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

impl Jar {
    /// Keeps, replaces or drops a cookie as an answer from a place says. What breaks a bound is not kept.
    pub(crate) fn take(&mut self, header: &str, place: &Place, now: Timestamp) {
        let Ok(cookie) = Cookie::parse(header) else { return };
        let is_plain = |text: &str, not: &[u8]| {
            text.bytes().all(|byte| byte.is_ascii_graphic() && !not.contains(&byte) || byte == b' ')
        };
        let (name, value) = cookie.name_value();
        if name.is_empty()
            || name.len() + value.len() > MAX_COOKIE
            || !is_plain(name, b"=;,")
            || !is_plain(value, b";")
            || !cookie.domain().is_none_or(|domain| covers(domain, place.host()))
            || (cookie.secure() == Some(true) && !place.is_https())
        {
            return;
        }
        let path = match cookie.path() {
            Some(path) if path.starts_with('/') && path.len() <= MAX_COOKIE => path.to_owned(),
            Some(_) | None => directory(place.path()),
        };
        self.0.retain(|kept| !(kept.name == name && kept.path == path));
        let until = end(&cookie, now);
        if until.is_some_and(|until| until <= now) {
            return;
        }
        if self.0.len() >= MAX_COOKIES {
            self.0.remove(0);
        }
        let (name, value) = (name.to_owned(), Secret::new(value));
        self.0.push(Kept { name, value, path, secure: cookie.secure() == Some(true), until });
    }

    /// Answers the header for a request to a place; `None` if nothing is to be sent.
    pub(crate) fn header(&self, place: &Place, now: Timestamp) -> Option<Secret> {
        let is_sent = |kept: &&Kept| {
            kept.until.is_none_or(|until| until > now)
                && (!kept.secure || place.is_https())
                && reaches(&kept.path, place.path())
        };
        let mut sent: Vec<&Kept> = self.0.iter().filter(is_sent).collect();
        // RFC 6265, 5.4: longer paths first.
        sent.sort_by_key(|kept| std::cmp::Reverse(kept.path.len()));
        let pairs: Vec<String> =
            sent.iter().map(|kept| format!("{}={}", kept.name, kept.value.expose())).collect();
        let header = Secret::new(pairs.join("; "));
        pairs.into_iter().for_each(|pair| drop(Secret::new(pair)));
        (!header.expose().is_empty()).then_some(header)
    }
}

/// Answers the end of a cookie, where it has one; `Max-Age` goes before `Expires`.
fn end(cookie: &Cookie<'_>, now: Timestamp) -> Option<Timestamp> {
    if let Some(age) = cookie.max_age() {
        let millis = i64::try_from(age.whole_milliseconds()).unwrap_or(i64::MAX);
        return Some(Timestamp::from_millis(now.millis().saturating_add(millis)));
    }
    match cookie.expires() {
        Some(Expiration::DateTime(moment)) => {
            Some(Timestamp::from_millis(moment.unix_timestamp().saturating_mul(1_000)))
        }
        Some(Expiration::Session) | None => None,
    }
}

fn covers(domain: &str, host: &str) -> bool {
    let (domain, host) = (domain.trim_start_matches('.').to_ascii_lowercase(), host.to_ascii_lowercase());
    host == domain || host.strip_suffix(&domain).is_some_and(|rest| rest.ends_with('.'))
}

/// RFC 6265, 5.1.4.
fn directory(path: &str) -> String {
    match path.rsplit_once('/') {
        Some(("", _)) | None => "/".into(),
        Some((directory, _)) => directory.into(),
    }
}

fn reaches(path: &str, asked: &str) -> bool {
    asked
        .strip_prefix(path)
        .is_some_and(|rest| rest.is_empty() || path.ends_with('/') || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn place(text: &str) -> Place {
        Place::parse(text).unwrap()
    }

    fn sent(jar: &Jar, to: &str, now: Timestamp) -> String {
        jar.header(&place(to), now).map_or_else(String::new, |header| header.expose().to_owned())
    }

    fn jar(headers: &[&str]) -> Jar {
        let mut jar = Jar::default();
        let from = place("https://adfs.corp.example/adfs/ls/x");
        headers.iter().for_each(|header| jar.take(header, &from, NOW));
        jar
    }

    #[test]
    fn a_cookie_is_sent_where_its_path_reaches() {
        let jar = jar(&["a=1; path=/adfs; HttpOnly; Secure", "b=2", "c=3; Path=/", "d=4; path=/other"]);
        assert_eq!(sent(&jar, "https://adfs.corp.example/adfs/ls/y", NOW), "b=2; a=1; c=3");
        assert_eq!(sent(&jar, "https://adfs.corp.example/adfsx", NOW), "c=3");
        assert_eq!(sent(&jar, "http://127.0.0.1/adfs", NOW), "c=3", "a secure one needs https");
    }

    #[test]
    fn a_cookie_is_replaced_dropped_and_outlived() {
        let mut jar =
            jar(&["a=1; path=/", "b=2; Max-Age=60; path=/", "c=3; expires=Tue, 19 Jan 2038 03:14:07 GMT"]);
        let place = place("https://adfs.corp.example/adfs/ls/x");
        jar.take("a=9; path=/", &place, NOW);
        jar.take("c=; expires=Thu, 01 Jan 1970 00:00:00 GMT", &place, NOW);
        assert_eq!(sent(&jar, "https://adfs.corp.example/adfs/ls/", NOW), "b=2; a=9");
        let later = Timestamp::from_millis(NOW.millis() + 60_000);
        assert_eq!(sent(&jar, "https://adfs.corp.example/adfs/ls/", later), "a=9");
        jar.take("a=; Max-Age=0; path=/", &place, NOW);
        assert_eq!(sent(&jar, "https://adfs.corp.example/adfs/ls/", later), "");
    }

    #[test]
    fn what_is_of_another_or_too_large_is_not_kept() {
        let long = format!("a={}", "x".repeat(MAX_COOKIE));
        let jar = jar(&[
            &long,
            "a=1; domain=evil.example",
            "a=1; domain=dfs.corp.example",
            "=1",
            "a",
            "a=b\u{7f}c",
            "",
            "ok=1; domain=.corp.example",
        ]);
        assert_eq!(sent(&jar, "https://adfs.corp.example/adfs/ls/", NOW), "ok=1");
        let mut jar = Jar::default();
        let from = place("https://adfs.corp.example/");
        (0..1_000).for_each(|number| jar.take(&format!("n{number}=1"), &from, NOW));
        assert_eq!(jar.0.len(), MAX_COOKIES);
    }

    #[test]
    fn values_are_secrets() {
        assert!(!format!("{:?}", jar(&["MSISAuth=hunter2"])).contains("hunter2"));
    }
}
