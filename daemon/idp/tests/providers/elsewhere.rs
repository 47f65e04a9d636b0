//! The ways around forms: the browser of the person, and a command.

use crate::person::Person;
use crate::{USER, settings};
use keyfob_idp::saml::{self, Provider, Refused, Settings};
use keyfob_shared::FailureKind;
use keyfob_tests::Adfs;
use std::io::{Read, Write};
use std::net::TcpStream;

/// A response as a browser would have it in the end.
async fn response(adfs: &Adfs) -> String {
    let password = adfs.password(USER);
    let signed_in = saml::sign_in(&settings(adfs), None, &mut Person::with(&[&password])).await.unwrap();
    signed_in.assertion.encoded.expose().to_owned()
}

fn send(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

fn post(port: u16, body: &str) -> String {
    let length = body.len();
    send(
        port,
        &format!(
            "POST /saml HTTP/1.1\r\nHost: localhost:{port}\r\nOrigin: https://idp.example\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{body}"
        ),
    )
}

#[tokio::test]
async fn a_browser_sends_the_response_to_loopback() {
    let adfs = Adfs::start();
    let response = response(&adfs).await;
    let settings = Settings {
        provider: Provider::Browser,
        url: "https://idp.example/start?acs={port}".into(),
        port: Some(0),
        ..settings(&adfs)
    };
    let (tell, told) = std::sync::mpsc::channel();
    let sent = response.clone();
    let browser = move |url: &str| {
        let port: u16 = url.strip_prefix("https://idp.example/start?acs=").unwrap().parse().unwrap();
        let (sent, tell) = (sent.clone(), tell.clone());
        std::thread::spawn(move || {
            // What is no response changes nothing.
            let mut answers =
                vec![send(port, "GET /saml HTTP/1.1\r\nHost: localhost\r\n\r\n"), post(port, "a=b")];
            answers.push(post(port, "SAMLResponse=bm9uZQ%3D%3D"));
            answers.push(post(port, &format!("SAMLResponse={}", "A".repeat(500_000))));
            answers.push(post(port, &format!("RelayState=&SAMLResponse={}", sent.replace('+', "%2B"))));
            tell.send(answers).unwrap();
        });
    };
    let mut person = Person { browser: Some(Box::new(browser)), ..Person::default() };
    let signed_in = saml::sign_in(&settings, None, &mut person).await.unwrap();
    assert_eq!(signed_in.assertion.encoded.expose(), response);
    let statuses: Vec<String> =
        told.recv().unwrap().iter().map(|answer| answer.chars().skip(9).take(3).collect()).collect();
    assert_eq!(statuses, ["405", "400", "400", "400", "200"]);
    let refused = saml::renew(&settings, &signed_in.kept).await.unwrap_err();
    assert!(matches!(refused, Refused::Lasting { .. }), "{refused:?}");
}

#[tokio::test]
async fn a_response_is_pasted_where_nothing_can_listen() {
    let adfs = Adfs::start();
    let response = response(&adfs).await;
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let settings = Settings { provider: Provider::Browser, port: Some(port), ..settings(&adfs) };
    let mut person = Person::with(&[&format!("SAMLResponse={}&RelayState=", response.replace('+', "%2B"))]);
    let signed_in = saml::sign_in(&settings, None, &mut person).await.unwrap();
    assert_eq!(signed_in.assertion.encoded.expose(), response);
    assert!(person.shown[0].contains("the response has to be pasted"), "{:?}", person.shown);
    let settings = Settings { port: None, ..settings };
    let failure = saml::sign_in(&settings, None, &mut Person::with(&["nonsense!"])).await.unwrap_err();
    assert_eq!(failure.message, "read the assertion: it is not base64");
    assert!(failure.hint.unwrap().ends_with("keyfob login corp < FILE"));
    let settings = Settings { url: "http://idp.example/".into(), ..settings };
    assert_eq!(
        saml::sign_in(&settings, None, &mut Person::default()).await.unwrap_err().kind,
        FailureKind::Usage
    );
}

#[tokio::test]
async fn a_command_prints_an_assertion() {
    let adfs = Adfs::start();
    let response = response(&adfs).await;
    let by = |script: &str| {
        let command = ["sh", "-c", script].map(str::to_owned).to_vec();
        Settings { provider: Provider::Command(command), url: String::new(), ..settings(&adfs) }
    };
    let good = by(&format!("echo {response}"));
    let signed_in = saml::sign_in(&good, None, &mut Person::default()).await.unwrap();
    assert_eq!(signed_in.assertion.session_name, "alice");
    assert!(saml::renew(&good, &signed_in.kept).await.is_ok(), "a command needs no person");
    for (script, told) in [
        (format!("echo {response}; exit 1"), "run command sh: it ended with exit status: 1"),
        ("echo s3cret".into(), "run command sh: read the assertion: it is not base64"),
        ("yes s3cret".into(), "run command sh: it printed more than 300000 bytes"),
    ] {
        let failure = saml::sign_in(&by(&script), None, &mut Person::default()).await.unwrap_err();
        assert!(failure.message.starts_with(told), "{failure}");
        assert_eq!(failure.kind, FailureKind::Upstream, "once is no reason to call a person: {failure}");
        assert!(!format!("{failure:?}").contains("s3cret"));
    }
}
