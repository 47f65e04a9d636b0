//! SimpleSAMLphp end to end: its form, its session, its assertion at an independent STS.

use crate::person::Person;
use keyfob_idp::saml::{self, Assertion, FieldNames, Provider, Refused, Settings};
use keyfob_tests::world::eventually;
use keyfob_tests::{SimpleSamlPhp, parts};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

fn settings(idp: &SimpleSamlPhp) -> Settings {
    Settings {
        identity: "corp".parse().unwrap(),
        provider: Provider::Form,
        url: idp.url(),
        username: Some("alice".into()),
        fields: FieldNames::default(),
        remember_password: false,
        port: None,
    }
}

#[tokio::test]
async fn its_form_signs_in_and_its_session_renews() {
    let Some(idp) = SimpleSamlPhp::start(&["Plain", "Other"]) else { return };
    let settings = settings(&idp);
    let failure = saml::sign_in(&settings, None, &mut Person::with(&["wr0ng"])).await.unwrap_err();
    assert!(failure.message.ends_with("alice: wrong user name or password"), "{failure}");
    let mut person = Person::with(&[idp.password()]);
    let mut signed_in = saml::sign_in(&settings, None, &mut person).await.unwrap();
    for _ in 0..5 {
        signed_in = saml::renew(&settings, &signed_in.kept).await.unwrap();
    }
    let roles: Vec<&str> = signed_in.assertion.roles.iter().map(|role| role.role_arn.as_str()).collect();
    assert_eq!(roles, ["arn:aws:iam::123456789012:role/Plain", "arn:aws:iam::123456789012:role/Other"]);
    assert_eq!(signed_in.assertion.session_name, "alice");
    assert_eq!(signed_in.assertion.session_duration, Some(3_600));
    assert!(signed_in.assertion.session_not_on_or_after.is_some());
    idp.end_sessions();
    let refused = saml::renew(&settings, &signed_in.kept).await.unwrap_err();
    assert!(matches!(refused, Refused::Lasting { .. }), "{refused:?}");
}

/// Asks for a session as AWS's own library does, and prints its role.
const ASSUME: &str = r#"
import boto3, botocore, sys
sts = boto3.client("sts", endpoint_url=sys.argv[1], region_name="us-east-1", config=botocore.config.Config(signature_version=botocore.UNSIGNED))
answer = sts.assume_role_with_saml(RoleArn=sys.argv[2], PrincipalArn=sys.argv[3], SAMLAssertion=sys.stdin.read())
print(answer["AssumedRoleUser"]["Arn"])
"#;

fn assume(url: &str, assertion: &Assertion) -> Option<String> {
    let role = &assertion.roles[0];
    let mut python = Command::new(parts::python("boto3")?);
    python.args(["-c", ASSUME, url, role.role_arn.as_str(), &role.provider_arn]);
    let mut python = python.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = python.stdin.take().unwrap();
    std::io::Write::write_all(&mut input, assertion.encoded.expose().as_bytes()).unwrap();
    drop(input);
    Some(String::from_utf8_lossy(&python.wait_with_output().unwrap().stdout).trim().to_owned())
}

#[tokio::test]
async fn its_assertion_is_taken_by_an_independent_sts() {
    let Some(idp) = SimpleSamlPhp::start(&["Plain"]) else { return };
    if parts::python("moto.server").is_none() {
        return;
    }
    let Some(moto) = parts::find("moto_server") else { return };
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let mut moto = Command::new(moto);
    moto.args(["-H", "127.0.0.1", "-p", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut moto = moto.spawn().unwrap();
    eventually("moto listens", Duration::from_secs(30), || {
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
    });
    let mut person = Person::with(&[idp.password()]);
    let signed_in = saml::sign_in(&settings(&idp), None, &mut person).await;
    let assumed =
        signed_in.map(|signed_in| assume(&format!("http://127.0.0.1:{port}"), &signed_in.assertion));
    let _ = moto.kill();
    let _ = moto.wait();
    let Some(assumed) = assumed.unwrap() else { return };
    assert_eq!(assumed, "arn:aws:sts::123456789012:assumed-role/Plain/alice");
}
