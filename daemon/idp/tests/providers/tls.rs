//! By HTTPS, with a certificate that is trusted and with one that is not.
//!
//! Which ones are is read from the environment of the process, so each case runs in one of its own.

use crate::person::Person;
use crate::{USER, settings};
use keyfob_idp::saml::{self, Refused, Settings};
use keyfob_tests::adfs::IdpFault;
use keyfob_tests::{Adfs, Run, Tls};
use std::path::Path;

const URL: &str = "TEST_IDP_URL";
const PASSWORD: &str = "TEST_IDP_PASSWORD";

/// Signs in as the environment says, and prints how it went; nothing to do where it says nothing.
#[tokio::test]
async fn inside() {
    let (Ok(url), Ok(password)) = (std::env::var(URL), std::env::var(PASSWORD)) else { return };
    let settings = Settings { url, ..settings(&Adfs::start()) };
    match saml::sign_in(&settings, None, &mut Person::with(&[&password])).await {
        Ok(signed_in) => match saml::renew(&settings, &signed_in.kept).await {
            Ok(_) => println!("told: signed in and renewed"),
            Err(Refused::Person { failure, .. } | Refused::Transient(failure)) => println!("told: {failure}"),
        },
        Err(failure) => println!("told: {failure}"),
    }
}

fn told(adfs: &Adfs, front: &Tls, trusted: &Path) -> String {
    let url = adfs.url().replace("http://", "https://");
    let url = url.replace(&adfs.address().port().to_string(), &front.port().to_string());
    let mut inside = std::process::Command::new(std::env::current_exe().unwrap());
    inside
        .args(["tls::inside", "--exact", "--nocapture"])
        .env("SSL_CERT_FILE", trusted)
        .env("SSL_CERT_DIR", "");
    inside.env(URL, url).env(PASSWORD, adfs.password(USER)).env("NO_PROXY", "127.0.0.1");
    let run = Run::from(inside.output().unwrap());
    let line = run.ok().lines().find_map(|line| line.split_once("told: ")).unwrap().1;
    line.to_owned()
}

#[test]
fn a_certificate_that_is_trusted_is_enough_and_another_is_not() {
    let adfs = Adfs::start();
    let Some(front) = Tls::before(adfs.address().port()) else { return };
    assert_eq!(told(&adfs, &front, &front.certificate()), "signed in and renewed");
    let Some(other) = Tls::before(1) else { return };
    let before = adfs.counts().requests;
    let refused = told(&adfs, &front, &other.certificate());
    assert!(refused.starts_with("sign in at 127.0.0.1: connect: invalid peer certificate"), "{refused}");
    assert_eq!(adfs.counts().requests, before);
}

#[test]
fn https_does_not_fall_to_http() {
    let adfs = Adfs::start();
    let Some(front) = Tls::before(adfs.address().port()) else { return };
    for (fault, told_of) in [
        (IdpFault::Redirect(302, adfs.url()), "it redirects to"),
        (IdpFault::FormTo(adfs.url()), "its form leads to"),
    ] {
        adfs.fault(fault);
        let refused = told(&adfs, &front, &front.certificate());
        assert_eq!(
            refused,
            format!("sign in at 127.0.0.1: {told_of} 127.0.0.1 by http, without TLS, which is not followed")
        );
    }
    assert_eq!(adfs.counts().passwords, 0);
}
