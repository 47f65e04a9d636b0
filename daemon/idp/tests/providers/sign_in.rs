//! With a person: passwords, second factors, and why it does not work.

use crate::person::Person;
use crate::{USER, no_secret, settings};
use keyfob_idp::saml::{self, Settings};
use keyfob_shared::{Failure, FailureKind};
use keyfob_tests::Adfs;
use keyfob_tests::adfs::{Account, IdpFault, Mfa};
use std::io::Write;
use std::sync::{Arc, Mutex};

async fn failed(settings: &Settings, adfs: &Adfs, person: &mut Person) -> Failure {
    let failure = saml::sign_in(settings, None, person).await.unwrap_err();
    no_secret(adfs, "the failure", &format!("{failure:?}"));
    no_secret(adfs, "a prompt", &person.told());
    failure
}

#[tokio::test]
async fn a_password_becomes_an_assertion() {
    let adfs = Adfs::start();
    let password = adfs.password(USER);
    adfs.roles(&["ADFS-Production", "ADFS-Audit"]);
    adfs.session_duration(Some(28_800));
    let mut person = Person::with(&[&password]);
    let signed_in = saml::sign_in(&settings(&adfs), None, &mut person).await.unwrap();
    let host = "127.0.0.1";
    assert_eq!(person.asked, [format!("secret password of CORP\\alice at {host}")]);
    let assertion = &signed_in.assertion;
    let roles: Vec<&str> = assertion.roles.iter().map(|role| role.role_arn.as_str()).collect();
    assert_eq!(
        roles,
        ["arn:aws:iam::111122223333:role/ADFS-Production", "arn:aws:iam::111122223333:role/ADFS-Audit"]
    );
    assert_eq!(assertion.roles[0].provider_arn, "arn:aws:iam::111122223333:saml-provider/ADFS");
    assert_eq!((assertion.session_name.as_str(), assertion.session_duration), ("alice", Some(28_800)));
    assert_eq!(assertion.partition, "aws");
    no_secret(&adfs, "Debug", &format!("{signed_in:?}"));
    assert!(!signed_in.kept.expose().contains(&password), "the password is not kept");
    assert_eq!((adfs.counts().passwords, adfs.counts().assertions), (1, 1));
}

#[tokio::test]
async fn the_partition_is_that_of_the_page_at_aws() {
    let adfs = Adfs::start();
    let password = adfs.password(USER);
    for partition in ["aws-us-gov", "aws-cn"] {
        adfs.partition(partition);
        adfs.roles(&["ADFS-Production"]);
        let signed_in = saml::sign_in(&settings(&adfs), None, &mut Person::with(&[&password])).await.unwrap();
        assert_eq!(signed_in.assertion.partition, partition);
        assert_eq!(signed_in.assertion.roles[0].role_arn.partition(), partition);
    }
}

#[tokio::test]
async fn the_user_name_is_asked_for_where_it_is_not_configured() {
    let adfs = Adfs::start();
    let password = adfs.password(USER);
    let settings = Settings { username: None, ..settings(&adfs) };
    let mut person = Person::with(&[USER, &password]);
    let signed_in = saml::sign_in(&settings, None, &mut person).await.unwrap();
    assert_eq!(person.asked[0], "text user name at 127.0.0.1");
    assert!(saml::renew(&settings, &signed_in.kept).await.is_ok(), "it is known from then on");
}

#[tokio::test]
async fn a_wrong_password_is_told_and_sent_once() {
    let adfs = Adfs::start();
    let failure = failed(&settings(&adfs), &adfs, &mut Person::with(&["wr0ng", "wr0ng"])).await;
    assert_eq!(failure.kind, FailureKind::Person);
    assert_eq!(
        failure.message,
        "sign in at 127.0.0.1: CORP\\alice: wrong user name or password: Incorrect user ID or password. Type the correct user ID and password, and try again"
    );
    assert_eq!(failure.hint.as_deref(), Some("keyfob login corp"));
    assert_eq!(adfs.counts().passwords, 1);
}

#[tokio::test]
async fn a_name_that_nobody_has_is_sent_once() {
    let adfs = Adfs::start();
    let page = "<form method=post><input name=login><span class=error>Unknown user.</span></form>";
    adfs.fault(IdpFault::Page(200, page.into()));
    let failure = failed(&settings(&adfs), &adfs, &mut Person::default()).await;
    assert!(failure.message.ends_with("CORP\\alice: wrong user name or password: Unknown user"), "{failure}");
    assert_eq!(adfs.counts().requests, 2);
}

#[tokio::test]
async fn a_user_name_without_a_domain_is_pointed_out() {
    let adfs = Adfs::start();
    let password = adfs.password(USER);
    let settings = Settings { username: Some("alice".into()), ..settings(&adfs) };
    let failure = failed(&settings, &adfs, &mut Person::with(&[&password])).await;
    assert!(failure.hint.unwrap().contains("DOMAIN\\name or name@domain"));
}

#[tokio::test]
async fn a_locked_a_disabled_and_an_expired_account_are_told_apart() {
    let adfs = Adfs::start();
    let password = adfs.password(USER);
    for (account, words, first) in [
        (Account::Locked, "the account is locked", "have the account unlocked, then keyfob login corp"),
        (Account::Disabled, "the account is disabled", "have the account enabled, then keyfob login corp"),
        (
            Account::Expired,
            "the password has expired",
            "change the password in a browser, then keyfob login corp",
        ),
    ] {
        adfs.account(account);
        let failure = failed(&settings(&adfs), &adfs, &mut Person::with(&[&password])).await;
        assert!(failure.message.contains(words) && failure.kind == FailureKind::Person, "{failure:?}");
        assert_eq!(failure.hint.as_deref(), Some(first));
    }
}

#[tokio::test]
async fn a_code_is_asked_for_and_may_be_mistyped() {
    let adfs = Adfs::start();
    let password = adfs.password(USER);
    adfs.mfa(Mfa::Code("739164".into()));
    let mut person = Person::with(&[&password, "000000", " 739164 "]);
    saml::sign_in(&settings(&adfs), None, &mut person).await.unwrap();
    assert_eq!(
        person.asked[1..],
        [
            "text MFA code at 127.0.0.1 (Enter the verification code from your app)",
            "text MFA code at 127.0.0.1 (The verification code is incorrect)"
        ]
    );
    assert_eq!((adfs.counts().passwords, adfs.counts().codes), (1, 2));
    adfs.end_sessions();
    let failure = failed(&settings(&adfs), &adfs, &mut Person::with(&[&password, "1", "2", "3", "4"])).await;
    assert!(failure.message.contains("3 codes were not accepted"), "{failure}");
}

#[tokio::test]
async fn the_second_factor_is_chosen_where_there_are_several() {
    let adfs = Adfs::start();
    let password = adfs.password(USER);
    adfs.mfa(Mfa::Choice("739164".into()));
    let mut person = Person::with(&[&password, "1", "739164"]);
    saml::sign_in(&settings(&adfs), None, &mut person).await.unwrap();
    assert_eq!(person.asked[1], "choice second factor at 127.0.0.1: Use a certificate, Use an app");
    adfs.end_sessions();
    let failure = failed(&settings(&adfs), &adfs, &mut Person::with(&[&password, "7"])).await;
    assert!(failure.message.ends_with("none of the choices was chosen"), "{failure}");
}

#[tokio::test]
async fn an_approval_on_a_telephone_is_waited_for() {
    let adfs = Adfs::start();
    let password = adfs.password(USER);
    adfs.mfa(Mfa::Push(2));
    let mut person = Person::with(&[&password]);
    saml::sign_in(&settings(&adfs), None, &mut person).await.unwrap();
    assert_eq!(
        person.shown,
        [
            "127.0.0.1 waits for you to approve the sign-in: We've sent a notification to your mobile device. Enter the number 42 there"
        ]
    );
    assert_eq!(adfs.counts().polls, 3);
    adfs.end_sessions();
    adfs.mfa(Mfa::Denied);
    let failure = failed(&settings(&adfs), &adfs, &mut Person::with(&[&password])).await;
    assert!(failure.message.ends_with("The authentication request was denied"), "{failure}");
}

#[tokio::test]
async fn giving_up_ends_it() {
    let adfs = Adfs::start();
    let failure = failed(&settings(&adfs), &adfs, &mut Person::default()).await;
    assert_eq!(
        (failure.message.as_str(), failure.kind),
        ("sign in at 127.0.0.1: cancelled", FailureKind::Person)
    );
}

#[tokio::test]
async fn a_page_that_is_not_there_is_told() {
    let adfs = Adfs::start();
    let mut settings = settings(&adfs);
    settings.url = settings.url.replace("amazon", "river");
    let failure = failed(&settings, &adfs, &mut Person::default()).await;
    assert!(failure.message.contains("The resource you are trying to access is not available"), "{failure}");
    settings.url = "http://adfs.corp.example/".into();
    let failure = failed(&settings, &adfs, &mut Person::default()).await;
    assert_eq!((failure.kind, adfs.counts().passwords), (FailureKind::Usage, 0));
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_most_talkative_log_tells_no_secret() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // Of this thread, which runs all of the sign-in.
    let guard = tracing::subscriber::set_default(subscriber);
    let adfs = Adfs::start();
    let password = adfs.password(USER);
    adfs.mfa(Mfa::Code("739164".into()));
    let signed_in = saml::sign_in(&settings(&adfs), None, &mut Person::with(&[&password, "739164"])).await;
    drop(guard);
    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(signed_in.is_ok() && log.contains("127.0.0.1"), "nothing was logged: {log}");
    no_secret(&adfs, "the log", &log);
}
