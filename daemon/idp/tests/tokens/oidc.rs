//! At a certified provider: code with PKCE and the device flow through its own forms, and refresh tokens that rotate.

use crate::person::{Person, Vault};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keyfob_idp::oidc::{Flow, Refused, Settings, SignedIn, renew, sign_in};
use keyfob_shared::{FailureKind, Secret, Timestamp};
use keyfob_tests::oidc::{CLIENT, CLIENT_SECRET, CONFIDENTIAL};
use keyfob_tests::world::eventually;
use keyfob_tests::{OidcProvider, parts};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

const LONGEST: Duration = Duration::from_secs(90);

pub(crate) fn settings(issuer: &str, flow: Flow) -> Settings {
    Settings {
        identity: "sso".parse().unwrap(),
        issuer: issuer.to_owned(),
        client_id: CLIENT.into(),
        client_secret: None,
        scopes: Vec::new(),
        flow,
        port: None,
        // This provider gives out no refresh token without.
        parameters: vec![("prompt".into(), "consent".into())],
    }
}

fn alice(provider: &Arc<OidcProvider>) -> Person {
    let provider = provider.clone();
    Person::with(move |url| {
        provider.sign_in(url).ok();
    })
}

/// Signs in as `alice`; answers whom it was shown too.
async fn signed_in(provider: &Arc<OidcProvider>, settings: &Settings, vault: &Vault) -> (SignedIn, Person) {
    let mut person = alice(provider);
    let signed_in = tokio::time::timeout(LONGEST, sign_in(settings, &mut person)).await;
    (vault.write(signed_in.expect("somebody signs in").unwrap()).await, person)
}

fn claims(token: &Secret) -> serde_json::Value {
    let body = token.expose().split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(body).unwrap()).unwrap()
}

#[tokio::test]
async fn a_person_signs_in_with_a_browser_and_renewals_need_nobody() {
    let Some(provider) = OidcProvider::start(3_600).map(Arc::new) else { return };
    let settings = settings(provider.issuer(), Flow::Browser);
    let vault = Vault::default();
    let (signed_in, person) = signed_in(&provider, &settings, &vault).await;
    let claims = claims(&signed_in.id_token);
    assert_eq!((&claims["sub"], &claims["aud"]), (&"alice".into(), &CLIENT.into()));
    assert_eq!(Some(signed_in.expires.millis() / 1_000), claims["exp"].as_i64());
    let (url, code) = &person.shown[0];
    assert!(url.contains("code_challenge_method=S256") && url.contains("&nonce=") && code.is_none(), "{url}");

    let first = vault.kept();
    let mut last = first.clone();
    for _ in 0..3 {
        let renewed = vault.write(renew(&settings, &last).await.unwrap()).await;
        assert!(renewed.expires >= signed_in.expires);
        assert_ne!(vault.kept(), last, "the refresh token rotates");
        last = vault.kept();
    }

    let said = format!("{signed_in:?} {:?}", renew(&settings, &last).await);
    let secrets = provider.secrets();
    assert!(secrets.iter().any(|secret| last.expose().contains(secret)), "the hunt knows them");
    assert_eq!(secrets.into_iter().find(|secret| said.contains(secret)), None, "{said}");

    // A refresh token that was replaced ends everything, and is not tried again.
    for kept in [&first, &last] {
        let Err(Refused::Lasting { failure, kept }) = renew(&settings, kept).await else { panic!("renewed") };
        assert_eq!(failure.kind, FailureKind::Person);
        assert!(failure.message.contains("invalid_grant"), "{}", failure.message);
        assert_eq!(failure.hint.as_deref(), Some("keyfob login sso"));
        assert_eq!(kept, Some(Secret::default()));
    }
}

#[tokio::test]
async fn a_client_with_a_secret_proves_itself() {
    let Some(provider) = OidcProvider::start(3_600).map(Arc::new) else { return };
    let secret = Some(Secret::new(CLIENT_SECRET));
    let settings = Settings {
        client_id: CONFIDENTIAL.into(),
        client_secret: secret,
        ..settings(provider.issuer(), Flow::Browser)
    };
    let vault = Vault::default();
    signed_in(&provider, &settings, &vault).await;
    vault.write(renew(&settings, &vault.kept()).await.unwrap()).await;

    let wrong = Settings { client_secret: Some(Secret::new("wr0ng")), ..settings.clone() };
    let Err(Refused::Lasting { failure, kept }) = renew(&wrong, &vault.kept()).await else {
        panic!("renewed")
    };
    assert!(failure.message.contains("invalid_client") && !failure.message.contains("wr0ng"), "{failure}");
    assert_eq!((failure.kind, kept), (FailureKind::Usage, None), "the refresh token is as good as before");
    vault.write(renew(&settings, &vault.kept()).await.unwrap()).await;
}

#[tokio::test]
async fn a_person_signs_in_on_another_device() {
    let Some(provider) = OidcProvider::start(3_600).map(Arc::new) else { return };
    let settings = settings(provider.issuer(), Flow::Device);
    let vault = Vault::default();
    let (signed_in, person) = signed_in(&provider, &settings, &vault).await;
    assert_eq!(claims(&signed_in.id_token)["sub"], "alice");
    let code = person.shown[0].1.as_deref().unwrap();
    assert!(code.len() >= 8, "{code}");
    vault.write(renew(&settings, &vault.kept()).await.unwrap()).await;
}

#[tokio::test]
async fn without_a_refresh_token_a_person_is_needed_when_the_id_token_ends() {
    let Some(provider) = OidcProvider::start(60).map(Arc::new) else { return };
    let settings = Settings { scopes: vec!["openid".into()], ..settings(provider.issuer(), Flow::Browser) };
    let vault = Vault::default();
    let (signed_in, _) = signed_in(&provider, &settings, &vault).await;
    assert_eq!(signed_in.until, Some(signed_in.expires));
    assert_eq!(vault.kept(), Secret::default());
    assert!(matches!(renew(&settings, &vault.kept()).await, Err(Refused::Lasting { .. })));
}

#[tokio::test]
async fn a_provider_that_is_down_is_asked_again_later() {
    let Some(provider) = OidcProvider::start(3_600).map(Arc::new) else { return };
    let settings = settings(provider.issuer(), Flow::Browser);
    let vault = Vault::default();
    signed_in(&provider, &settings, &vault).await;
    eventually("the browser is closed", LONGEST, || Arc::strong_count(&provider) == 1);
    drop(provider);
    let Err(Refused::Transient(failure)) = renew(&settings, &vault.kept()).await else { panic!("renewed") };
    assert_eq!(failure.kind, FailureKind::Upstream);
}

#[tokio::test]
async fn sts_of_others_takes_the_id_token() {
    let Some(provider) = OidcProvider::start(3_600).map(Arc::new) else { return };
    if parts::python("moto.server").is_none() {
        return;
    }
    let settings = settings(provider.issuer(), Flow::Browser);
    let vault = Vault::default();
    let (signed_in, _) = signed_in(&provider, &settings, &vault).await;
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let mut moto = Command::new(parts::find("moto_server").unwrap());
    moto.args(["-H", "127.0.0.1", "-p", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut moto = moto.spawn().unwrap();
    eventually("moto listens", Duration::from_secs(60), || {
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
    });
    let body = format!(
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn:aws:iam::123456789012:role/R&RoleSessionName=alice&WebIdentityToken={}",
        signed_in.id_token.expose()
    );
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    write!(
        stream,
        "POST / HTTP/1.1\r\nhost: sts.amazonaws.com\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    moto.kill().unwrap();
    moto.wait().unwrap();
    assert!(answer.contains("<SessionToken>"), "{answer}");
    assert!(signed_in.expires > Timestamp::from_millis(0));
}
