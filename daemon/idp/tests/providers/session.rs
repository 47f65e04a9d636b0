//! Without a person: from the session at AD FS, or from a password that is remembered.

use crate::person::Person;
use crate::{USER, no_secret, settings};
use keyfob_idp::saml::{self, Refused, Settings};
use keyfob_shared::{Failure, FailureKind, Secret};
use keyfob_tests::Adfs;
use keyfob_tests::adfs::{Account, IdpFault, Mfa};

async fn lasting(settings: &Settings, kept: &Secret) -> (Failure, Option<Secret>) {
    match saml::renew(settings, kept).await.unwrap_err() {
        Refused::Lasting { failure, kept } => (failure, kept),
        Refused::Transient(failure) => panic!("{failure}"),
    }
}

#[tokio::test]
async fn a_session_gives_assertions_silently_until_it_ends() {
    let adfs = Adfs::start();
    let password = adfs.password(USER);
    let settings = settings(&adfs);
    let mut kept = saml::sign_in(&settings, None, &mut Person::with(&[&password])).await.unwrap().kept;
    for _ in 0..10 {
        let renewed = saml::renew(&settings, &kept).await.unwrap();
        kept = renewed.kept;
    }
    assert_eq!((adfs.counts().passwords, adfs.counts().assertions), (1, 11));
    // A person may use it too, and is asked nothing.
    let mut person = Person::default();
    assert!(saml::sign_in(&settings, Some(&kept), &mut person).await.is_ok() && person.asked.is_empty());
    adfs.end_sessions();
    let (failure, instead) = lasting(&settings, &kept).await;
    assert_eq!(failure.kind, FailureKind::Person);
    assert_eq!(failure.message, "sign in at 127.0.0.1: the identity provider asks a person to sign in again");
    assert_eq!(failure.hint.as_deref(), Some("keyfob login corp"));
    assert!(instead.is_none());
    let mut person = Person::with(&[&password]);
    let kept = saml::sign_in(&settings, Some(&kept), &mut person).await.unwrap().kept;
    assert!(saml::renew(&settings, &kept).await.is_ok());
}

#[tokio::test]
async fn a_remembered_password_begins_a_new_session() {
    let adfs = Adfs::start();
    let password = adfs.password(USER);
    let settings = Settings { remember_password: true, ..settings(&adfs) };
    let kept = saml::sign_in(&settings, None, &mut Person::with(&[&password])).await.unwrap().kept;
    adfs.end_sessions();
    let kept = saml::renew(&settings, &kept).await.unwrap().kept;
    assert_eq!(adfs.counts().passwords, 2);
    // The setting is taken back: what is in the vault is no longer used.
    let forgetful = Settings { remember_password: false, ..settings.clone() };
    adfs.end_sessions();
    lasting(&forgetful, &kept).await;
    assert_eq!(adfs.counts().passwords, 2);
}

#[tokio::test]
async fn a_remembered_password_that_is_wrong_is_sent_once_and_then_forgotten() {
    let adfs = Adfs::start();
    let password = adfs.password(USER);
    let settings = Settings { remember_password: true, ..settings(&adfs) };
    let kept = saml::sign_in(&settings, None, &mut Person::with(&[&password])).await.unwrap().kept;
    adfs.end_sessions();
    let changed = adfs.password(USER);
    let (failure, instead) = lasting(&settings, &kept).await;
    assert!(failure.message.contains("wrong user name or password"), "{failure}");
    let instead = instead.unwrap();
    assert!(!instead.expose().contains(&password));
    lasting(&settings, &instead).await;
    assert_eq!(adfs.counts().wrong_passwords, 1);
    // With a person the new one is asked for at once.
    let mut person = Person::with(&[&changed]);
    let kept = saml::sign_in(&settings, Some(&kept), &mut person).await.unwrap().kept;
    assert_eq!(person.shown, ["the password that was kept for 127.0.0.1 is wrong"]);
    adfs.end_sessions();
    assert!(saml::renew(&settings, &kept).await.is_ok());
}

#[tokio::test]
async fn an_account_that_is_in_trouble_is_not_tried_again() {
    let adfs = Adfs::start();
    let password = adfs.password(USER);
    let settings = Settings { remember_password: true, ..settings(&adfs) };
    let kept = saml::sign_in(&settings, None, &mut Person::with(&[&password])).await.unwrap().kept;
    for account in [Account::Locked, Account::Disabled, Account::Expired] {
        adfs.end_sessions();
        adfs.account(account);
        let (_, instead) = lasting(&settings, &kept).await;
        assert!(!instead.expect("something else is kept").expose().contains(&password), "{account:?}");
    }
}

#[tokio::test]
async fn nobody_is_waited_for_where_nobody_is() {
    let adfs = Adfs::start();
    let password = adfs.password(USER);
    let settings = Settings { remember_password: true, ..settings(&adfs) };
    let kept = saml::sign_in(&settings, None, &mut Person::with(&[&password])).await.unwrap().kept;
    for mfa in [Mfa::Code("739164".into()), Mfa::Push(1_000)] {
        adfs.end_sessions();
        adfs.mfa(mfa);
        let (_, instead) = lasting(&settings, &kept).await;
        assert!(instead.is_none(), "the password was right");
    }
    assert!(adfs.counts().polls <= 1 && adfs.counts().codes == 0);
}

#[tokio::test]
async fn what_is_kept_goes_to_no_other_service_and_for_no_other_person() {
    let adfs = Adfs::start();
    let password = adfs.password(USER);
    let settings = Settings { remember_password: true, ..settings(&adfs) };
    let kept = saml::sign_in(&settings, None, &mut Person::with(&[&password])).await.unwrap().kept;
    let other = Adfs::start();
    lasting(&Settings { url: other.url(), ..settings.clone() }, &kept).await;
    assert_eq!((other.counts().requests, other.counts().passwords), (1, 0));
    lasting(&Settings { username: Some("CORP\\bob".into()), ..settings }, &kept).await;
    assert_eq!((adfs.counts().passwords, adfs.counts().assertions), (1, 1));
    no_secret(&adfs, "Debug", &format!("{kept:?}"));
}

#[tokio::test]
async fn a_server_that_is_down_is_no_reason_to_call_a_person() {
    let adfs = Adfs::start();
    let password = adfs.password(USER);
    let settings = Settings { remember_password: true, ..settings(&adfs) };
    let kept = saml::sign_in(&settings, None, &mut Person::with(&[&password])).await.unwrap().kept;
    for fault in
        [IdpFault::Page(503, "<h1>down</h1>".into()), IdpFault::Page(429, String::new()), IdpFault::Hang]
    {
        adfs.fault(fault.clone());
        let refused = saml::renew(&settings, &kept).await.unwrap_err();
        assert!(matches!(refused, Refused::Transient(_)), "{fault:?}: {refused:?}");
    }
    let gone = Settings { url: "http://127.0.0.1:1/".into(), ..settings.clone() };
    assert!(matches!(saml::renew(&gone, &kept).await.unwrap_err(), Refused::Transient(_)));
    adfs.fault(IdpFault::None);
    assert!(saml::renew(&settings, &kept).await.is_ok());
}

#[tokio::test]
async fn a_remembered_password_is_not_sent_again_after_an_answer_that_did_not_come() {
    let adfs = Adfs::start();
    let password = adfs.password(USER);
    let settings = Settings { remember_password: true, ..settings(&adfs) };
    let kept = saml::sign_in(&settings, None, &mut Person::with(&[&password])).await.unwrap().kept;
    for fault in [
        IdpFault::Deaf,
        IdpFault::ResponseTo("https://evil.example/saml".into()),
        IdpFault::Response("&lt;html&gt;".into()),
    ] {
        adfs.end_sessions();
        adfs.fault(fault.clone());
        let (failure, instead) = lasting(&settings, &kept).await;
        assert_eq!((failure.kind, instead), (FailureKind::Person, None), "{fault:?}: {failure}");
        assert!(failure.message.ends_with("is not sent once more unasked"), "{fault:?}: {failure}");
        assert_eq!(failure.hint.as_deref(), Some("keyfob login corp"));
    }
    assert_eq!(adfs.counts().passwords, 4);
    // What went wrong before a password was sent is no matter for a person.
    adfs.fault(IdpFault::Page(404, "<title>Maintenance</title>".into()));
    let (failure, _) = lasting(&settings, &kept).await;
    assert_ne!(failure.kind, FailureKind::Person, "{failure}");
    adfs.end_sessions();
    adfs.fault(IdpFault::None);
    assert!(saml::renew(&settings, &kept).await.is_ok(), "it was right, and is good for a person's next try");
}
