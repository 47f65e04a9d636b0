//! Addresses, and which of them a page may lead to: those of its own scheme, host and port.
//!
//! One reading decides and connects: what is checked here is the very [`Uri`] that is asked.

use hyper::Uri;
use hyper::http::uri::{Authority, Scheme};
use iri_string::types::{UriAbsoluteStr, UriReferenceStr};
use std::fmt::Write as _;
use std::net::IpAddr;

/// The longest address, in bytes.
const MAX_LENGTH: usize = 8 * 1024;
/// What the name of a host consists of, at most; the rest of it is not shown.
const MAX_SHOWN_HOST: usize = 100;

/// An absolute address by HTTPS, or by HTTP to this computer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place(Uri);

impl Place {
    /// Reads an address as a person wrote it.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let uri: Uri = written(text)?.parse().map_err(|_| "it is not an address".to_owned())?;
        let place = Self(uri);
        if place.0.host().is_none_or(str::is_empty) {
            return Err("it has no host".into());
        }
        // Security: `https://idp.example@evil.example/` is an address of evil.example.
        if place.0.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err("it has a user name in it".into());
        }
        match place.0.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => Ok(place),
            Some(scheme) if *scheme == Scheme::HTTP && place.is_loopback() => Ok(place),
            Some(scheme) if *scheme == Scheme::HTTP => Err("http is spoken to this computer only".into()),
            Some(_) | None => Err("it is not https".into()),
        }
    }

    /// Answers where a link, a form or a redirect of a page here leads.
    ///
    /// # Errors
    /// Says where it would lead to, if that is another scheme, host or port.
    pub(crate) fn follow(&self, reference: &str) -> Result<Self, String> {
        let reference = written(reference)?;
        let reference =
            UriReferenceStr::new(&reference).map_err(|_| "a text that is no address".to_owned())?;
        let base = self.0.to_string();
        let base = UriAbsoluteStr::new(&base).map_err(|_| "an address that can't be followed".to_owned())?;
        let target = reference.resolve_against(base).to_string();
        let scheme = target.split(':').next().unwrap_or_default();
        let place = match target.parse::<Uri>().ok().filter(|_| matches!(scheme, "http" | "https")) {
            Some(uri) if uri.host().is_some_and(|host| !host.is_empty()) => Self(uri),
            Some(_) | None => return Err(format!("an address by {}", shown(scheme))),
        };
        if place.origin() == self.origin()
            && place.0.authority().is_none_or(|authority| !authority.as_str().contains('@'))
        {
            return Ok(place);
        }
        Err(match (self.0.scheme_str(), place.0.scheme_str(), place.host() == self.host()) {
            (Some("https"), Some("http"), _) => format!("{} by http, without TLS", shown(place.host())),
            (_, _, false) => format!("another host, {}", shown(place.host())),
            (_, _, true) => format!("another service on {}", shown(place.host())),
        })
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.0
    }

    pub(crate) fn host(&self) -> &str {
        self.0.host().unwrap_or_default()
    }

    pub(crate) fn path(&self) -> &str {
        self.0.path()
    }

    pub(crate) fn is_https(&self) -> bool {
        self.0.scheme() == Some(&Scheme::HTTPS)
    }

    /// Scheme, host and port as one text: cookies and passwords belong to it.
    pub(crate) fn origin(&self) -> String {
        let default = if self.is_https() { 443 } else { 80 };
        let port = self.0.authority().and_then(Authority::port_u16).unwrap_or(default);
        format!("{}://{}:{port}", self.0.scheme_str().unwrap_or_default(), self.host().to_ascii_lowercase())
    }

    fn is_loopback(&self) -> bool {
        let host = self.host().trim_start_matches('[').trim_end_matches(']');
        host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    }
}

/// Answers the host of an address that is not followed but looked at: a form may lead to AWS.
pub(crate) fn https_host(text: &str) -> Option<String> {
    let place = Place::parse(text).ok().filter(Place::is_https)?;
    Some(place.host().to_ascii_lowercase())
}

/// Shows a part of an address that somebody else chose.
fn shown(part: &str) -> String {
    let fine = |letter: &char| letter.is_ascii_alphanumeric() || "-.:[]+_".contains(*letter);
    part.chars().filter(fine).take(MAX_SHOWN_HOST).collect()
}

/// Writes what no address may hold as the escape that browsers send for it, and leaves the fragment out.
fn written(text: &str) -> Result<String, String> {
    let text = text.trim_matches(|letter: char| letter.is_ascii_control() || letter == ' ');
    let text = text.split('#').next().unwrap_or_default();
    if text.len() > MAX_LENGTH {
        return Err(format!("an address of more than {MAX_LENGTH} bytes"));
    }
    let mut uri = String::new();
    for byte in text.bytes().filter(|byte| !matches!(byte, b'\t' | b'\n' | b'\r')) {
        // A backslash too: browsers take it for a slash, here it never starts the name of a host.
        if byte.is_ascii_graphic() && !br#""<>\^`{|}"#.contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    Ok(uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADFS: &str =
        "https://adfs.corp.example/adfs/ls/IdpInitiatedSignOn.aspx?loginToRp=urn:amazon:webservices";

    fn follow(reference: &str) -> Result<String, String> {
        Place::parse(ADFS).unwrap().follow(reference).map(|place| place.uri().to_string())
    }

    #[test]
    fn addresses_are_https_or_on_this_computer() {
        for fine in
            [ADFS, "http://127.0.0.1:8080/x", "http://localhost/", "http://[::1]:1/", "HTTPS://Corp.example"]
        {
            assert!(Place::parse(fine).is_ok(), "{fine}");
        }
        for wrong in [
            "",
            "adfs.corp.example",
            "/adfs/ls",
            "http://adfs.corp.example/",
            "http://127.0.0.1.evil.example/",
            "file:///etc/passwd",
            "https://",
            "https:///x",
            "https://corp.example@evil.example/",
            "javascript:alert(1)",
        ] {
            assert!(Place::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_stays_on_the_host_is_followed() {
        let host = "https://adfs.corp.example";
        for (reference, target) in [
            ("/adfs/ls/?a=b", format!("{host}/adfs/ls/?a=b")),
            ("?", format!("{host}/adfs/ls/IdpInitiatedSignOn.aspx?")),
            ("", ADFS.to_owned()),
            ("#top", ADFS.to_owned()),
            ("other.aspx", format!("{host}/adfs/ls/other.aspx")),
            ("../../../x", format!("{host}/x")),
            ("https://ADFS.corp.example:443/y", "https://ADFS.corp.example:443/y".to_owned()),
            ("//adfs.corp.example/z", format!("{host}/z")),
            (" /a b|c\n", format!("{host}/a%20b%7Cc")),
            ("/\\evil.example/x", format!("{host}/%5Cevil.example/x")),
        ] {
            assert_eq!(follow(reference), Ok(target), "{reference:?}");
        }
    }

    #[test]
    fn what_leaves_the_host_is_not() {
        for (reference, why) in [
            ("https://evil.example/adfs", "another host, evil.example"),
            ("//evil.example/adfs", "another host, evil.example"),
            ("https://adfs.corp.example.evil.example/", "another host, adfs.corp.example.evil.example"),
            ("https://adfs.corp.example@evil.example/", "another host, evil.example"),
            ("https://alice@adfs.corp.example/", "another service on adfs.corp.example"),
            ("https://adfs.corp.example:8443/", "another service on adfs.corp.example"),
            ("http://adfs.corp.example/adfs/ls/", "adfs.corp.example by http, without TLS"),
            ("http://127.0.0.1/", "127.0.0.1 by http, without TLS"),
            ("file:///etc/passwd", "an address by file"),
            ("FILE:///etc/passwd", "an address by FILE"),
            ("javascript:alert(1)", "an address by javascript"),
            ("data:text/html,x", "an address by data"),
            ("https:///x", "an address by https"),
        ] {
            assert_eq!(follow(reference), Err(why.to_owned()), "{reference}");
        }
        assert!(follow(&"x".repeat(9_000)).is_err());
    }

    proptest::proptest! {
        #[test]
        fn nothing_that_a_page_says_leads_elsewhere(reference in ".{0,40}", start in "(https?:)?[/\\\\]{0,3}[a-z@:.]{0,12}") {
            let place = Place::parse(ADFS).unwrap();
            for reference in [&reference, &start, &format!("{start}{reference}")] {
                if let Ok(next) = place.follow(reference) {
                    assert_eq!((next.origin(), next.uri().host()), (place.origin(), Some(next.host())));
                    assert!(next.host().eq_ignore_ascii_case("adfs.corp.example"));
                }
            }
        }
    }

    #[test]
    fn one_service_on_loopback_does_not_lead_to_another() {
        let place = Place::parse("http://127.0.0.1:8080/x").unwrap();
        assert!(place.follow("/y").is_ok());
        assert!(place.follow("http://127.0.0.1:8081/y").is_err());
    }
}
