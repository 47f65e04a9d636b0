//! Providers that lie, lead astray or never end, and answers that are not theirs.

use crate::oidc::settings;
use crate::person::{Gone, Person, Vault};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keyfob_idp::oidc::{Flow, Refused, Settings, renew, sign_in};
use keyfob_shared::{Failure, FailureKind, Secret};
use keyfob_tests::visit;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex};

type Answers = Arc<Mutex<Vec<(&'static str, String)>>>;

/// A provider whose answers are written down beforehand; it remembers what it was asked.
#[derive(Clone)]
struct Liar {
    issuer: String,
    answers: Answers,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Liar {
    fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let liar = Self { issuer: issuer.clone(), answers: Answers::default(), asked: Arc::default() };
        liar.says(
            "/.well-known/openid-configuration",
            200,
            &json!({
                "issuer": issuer,
                "authorization_endpoint": format!("{issuer}/auth"),
                "token_endpoint": format!("{issuer}/token"),
                "device_authorization_endpoint": format!("{issuer}/device"),
            }),
        );
        let own = liar.clone();
        std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| own.answer(stream)));
        liar
    }

    fn answer(&self, mut stream: std::net::TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut head, mut length) = (String::new(), 0);
        while reader.read_line(&mut head).is_ok_and(|read| read > 2) {
            let line = head.lines().last().unwrap_or_default().to_ascii_lowercase();
            length = line.strip_prefix("content-length: ").map_or(length, |text| text.parse().unwrap());
        }
        let mut body = vec![0; length];
        let _ = reader.read_exact(&mut body);
        self.asked.lock().unwrap().push(format!("{head}{}", String::from_utf8_lossy(&body)));
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        let answers = self.answers.lock().unwrap();
        let answer = answers.iter().rev().find(|(known, _)| *known == path).map(|(_, answer)| answer.clone());
        drop(answers);
        let _ = stream.write_all(answer.unwrap_or_else(|| "HTTP/1.1 404 no\r\n\r\n".into()).as_bytes());
    }

    fn says(&self, path: &'static str, status: u16, body: &Value) {
        self.writes(path, &format!("HTTP/1.1 {status} x\r\nconnection: close\r\n\r\n{body}"));
    }

    fn writes(&self, path: &'static str, answer: &str) {
        self.answers.lock().unwrap().push((path, answer.to_owned()));
    }

    fn document(&self, change: Value) {
        let issuer = &self.issuer;
        let mut document = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/auth"),
            "token_endpoint": format!("{issuer}/token"),
        });
        change.as_object().unwrap().iter().for_each(|(key, value)| document[key] = value.clone());
        self.says("/.well-known/openid-configuration", 200, &document);
    }

    fn id_token(&self, change: Value) -> String {
        let mut claims =
            json!({ "iss": self.issuer, "sub": "alice", "aud": "keyfob", "exp": 4_000_000_000_u64 });
        change.as_object().unwrap().iter().for_each(|(key, value)| claims[key] = value.clone());
        format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()))
    }

    fn kept(&self) -> Secret {
        let kept = json!({ "issuer": self.issuer, "client_id": "keyfob", "subject": "alice", "refresh_token": "s3cr-old" });
        Secret::new(kept.to_string())
    }

    fn token_requests(&self) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| asked.starts_with("POST /token")).count()
    }

    async fn renewed(&self) -> Result<Vault, Refused> {
        let vault = Vault::default();
        vault.write(renew(&settings(&self.issuer, Flow::Browser), &self.kept()).await?).await;
        Ok(vault)
    }
}

fn person(refused: Result<Vault, Refused>) -> (Failure, Option<Secret>) {
    match refused.map(|_| ()) {
        Err(Refused::Lasting { failure, kept }) => (failure, kept),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_refresh_token_is_never_lost_with_an_id_token_that_is_no_use() {
    let liar = Liar::start();
    for id_token in [
        Value::Null,
        liar.id_token(json!({ "aud": "other" })).into(),
        liar.id_token(json!({ "sub": "mallory" })).into(),
        "x".repeat(30_000).into(),
    ] {
        liar.says("/token", 200, &json!({ "id_token": id_token, "refresh_token": "s3cr-new" }));
        let (failure, kept) = person(liar.renewed().await);
        assert!(kept.unwrap().expose().contains("s3cr-new"), "{failure}");
        assert!(!failure.message.contains("s3cr"), "{failure}");
    }
    // One that is not replaced goes on.
    liar.says("/token", 200, &json!({ "id_token": liar.id_token(json!({})) }));
    let vault = liar.renewed().await.unwrap();
    assert!(vault.kept().expose().contains("s3cr-old"));
}

#[tokio::test]
async fn nothing_follows_a_provider_to_another_place() {
    let (liar, other) = (Liar::start(), Liar::start());
    let location = |path: &str| format!("HTTP/1.1 307 x\r\nlocation: {}{path}\r\n\r\n", other.issuer);
    liar.writes("/token", &location("/token"));
    let (failure, kept) = person(liar.renewed().await);
    assert_eq!((failure.kind, kept), (FailureKind::Refused, None), "{failure}");
    assert!(failure.message.contains("redirects to 127.0.0.1"), "{failure}");
    liar.writes("/.well-known/openid-configuration", &location("/.well-known/openid-configuration"));
    person(liar.renewed().await);
    assert!(other.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_document_that_is_not_its_own_gets_no_refresh_token() {
    let liar = Liar::start();
    for change in [
        json!({ "issuer": "https://evil.example" }),
        json!({ "issuer": format!("{}/", liar.issuer) }),
        json!({ "token_endpoint": "http://evil.example/token" }),
        json!({ "token_endpoint": "file:///etc/passwd" }),
        json!({ "code_challenge_methods_supported": ["plain"] }),
    ] {
        liar.document(change.clone());
        let (_, kept) = person(liar.renewed().await);
        assert_eq!(kept, None, "{change}");
    }
    liar.writes("/.well-known/openid-configuration", "HTTP/1.1 200 x\r\n\r\n<h1>welcome</h1>");
    person(liar.renewed().await);
    assert_eq!(liar.token_requests(), 0);
}

#[tokio::test]
async fn what_may_pass_is_told_as_such_and_keeps_what_was_kept() {
    let liar = Liar::start();
    for answer in [
        "HTTP/1.1 500 x\r\n\r\n",
        "HTTP/1.1 503 x\r\n\r\n<h1>down</h1>",
        "HTTP/1.1 429 x\r\n\r\n{}",
        "HTTP/1.1 400 x\r\n\r\n{\"error\":\"temporarily_unavailable\"}",
        "HTTP/1.1 200 x\r\ncontent-length: 100\r\n\r\n{",
        "HTTP/1.1 200 x\r\n\r\nwelcome to the hotel network",
        "",
    ] {
        liar.writes("/token", answer);
        let refused = liar.renewed().await.map(|_| ());
        assert!(matches!(refused, Err(Refused::Transient(_))), "{answer}: {refused:?}");
    }
    liar.writes("/.well-known/openid-configuration", "HTTP/1.1 502 x\r\n\r\n");
    assert!(matches!(liar.renewed().await.map(|_| ()), Err(Refused::Transient(_))));
}

#[tokio::test]
async fn an_answer_without_end_is_cut() {
    let liar = Liar::start();
    liar.writes("/token", &format!("HTTP/1.1 200 x\r\n\r\n{{\"a\":\"{}", "x".repeat(4 * 1024 * 1024)));
    let (failure, _) = person(liar.renewed().await);
    assert!(failure.message.ends_with("more than 512 KiB"), "{failure}");
}

#[tokio::test]
async fn what_is_kept_goes_to_its_own_provider_only() {
    let (liar, other) = (Liar::start(), Liar::start());
    let kept = liar.kept();
    for settings in [
        settings(&other.issuer, Flow::Browser),
        Settings { client_id: "other".into(), ..settings(&liar.issuer, Flow::Browser) },
    ] {
        assert!(matches!(renew(&settings, &kept).await, Err(Refused::Lasting { .. })));
    }
    assert!(other.asked.lock().unwrap().is_empty() && liar.asked.lock().unwrap().is_empty());
}

/// Sends the browser back with other parameters than those that it came with.
fn back(url: &str, change: impl Fn(&str, &str) -> String) -> String {
    let query = url.split_once('?').unwrap().1;
    let find = |name: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(known, _)| known == name).unwrap().1.into_owned()
    };
    change(&find("redirect_uri"), &find("state"))
}

#[tokio::test]
async fn only_the_own_answer_of_the_browser_is_heard() {
    let liar = Liar::start();
    let mut person = Person::with(|url| {
        for wrong in [
            back(url, |uri, _| format!("{uri}?code=evil")),
            back(url, |uri, _| format!("{uri}?code=evil&state=guessed")),
            back(url, |uri, state| format!("{uri}/x?code=evil&state={state}")),
            back(url, |uri, state| format!("{uri}?code=evil&state={state}&iss=https://evil.example")),
        ] {
            assert!(visit(&wrong).starts_with("HTTP/1.1 400"), "{wrong}");
        }
        visit(&back(url, |uri, state| format!("{uri}?code=s3cr-right&state={state}")));
    });
    // A token of another sign-in.
    liar.says("/token", 200, &json!({ "id_token": liar.id_token(json!({ "nonce": "other" })) }));
    let settings = settings(&liar.issuer, Flow::Browser);
    let failure = sign_in(&settings, &mut person).await.unwrap_err();
    assert!(failure.message.ends_with("its id token does not belong to this sign-in"), "{failure}");
    let asked = liar.asked.lock().unwrap();
    let request = asked.iter().find(|asked| asked.starts_with("POST /token")).unwrap();
    assert!(request.contains("code=s3cr-right") && !request.contains("evil"), "{request}");
}

#[tokio::test]
async fn everything_runs_on_tasks_of_their_own() {
    let liar = Liar::start();
    let own = liar.clone();
    let task = tokio::spawn(async move {
        let settings = settings(&own.issuer, Flow::Browser);
        assert!(sign_in(&settings, &mut Gone).await.is_err());
        assert!(renew(&settings, &own.kept()).await.is_err());
    });
    task.await.unwrap();
}

#[tokio::test]
async fn a_person_says_no_or_is_gone() {
    let liar = Liar::start();
    let settings = settings(&liar.issuer, Flow::Browser);
    let mut person = Person::with(|url| {
        visit(&back(url, |uri, state| format!("{uri}?error=access_denied&state={state}")));
    });
    let failure = sign_in(&settings, &mut person).await.unwrap_err();
    assert_eq!((failure.kind, failure.hint.as_deref()), (FailureKind::Person, Some("keyfob login sso")));
    assert!(sign_in(&settings, &mut Gone).await.unwrap_err().message.ends_with("gone"));
    assert_eq!(liar.token_requests(), 0);
}

#[tokio::test]
async fn parameters_of_the_flow_itself_can_t_be_set() {
    let liar = Liar::start();
    let parameters = vec![("state".into(), "mine".into())];
    let settings = Settings { parameters, ..settings(&liar.issuer, Flow::Browser) };
    let failure = sign_in(&settings, &mut Gone).await.unwrap_err();
    assert!(failure.message.ends_with("the parameter state can't be set"), "{failure}");
}

#[tokio::test]
async fn no_program_but_a_browser_is_opened() {
    let liar = Liar::start();
    liar.says(
        "/device",
        200,
        &json!({
            "device_code": "d", "user_code": "u", "verification_uri": "file:///etc/passwd", "expires_in": 60,
        }),
    );
    let mut person = Person::idle();
    let failure = sign_in(&settings(&liar.issuer, Flow::Device), &mut person).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Refused);
    assert!(person.shown.is_empty());
}
