//! Sign-ins at an emulated AD FS and at a real provider: with a person, from a kept session, and where the other side is
//! hostile.

#![allow(clippy::unwrap_used, reason = "a test that can't go on ends with its reason")]

mod elsewhere;
mod hostile;
mod judge;
mod person;
mod session;
mod sign_in;
mod simplesamlphp;
mod tls;

use keyfob_idp::saml::{FieldNames, Provider, Settings};
use keyfob_tests::Adfs;

const USER: &str = "CORP\\alice";

fn settings(adfs: &Adfs) -> Settings {
    Settings {
        identity: "corp".parse().unwrap(),
        provider: Provider::Adfs,
        url: adfs.url(),
        username: Some(USER.into()),
        fields: FieldNames::default(),
        remember_password: false,
        port: None,
    }
}

/// Checks that a text tells none of the secrets that were given out.
fn no_secret(adfs: &Adfs, place: &str, told: &str) {
    for secret in adfs.secrets() {
        assert!(!told.contains(&secret), "{place} tells a secret: {told}");
    }
}
