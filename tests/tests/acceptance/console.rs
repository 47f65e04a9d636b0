//! `keyfob console`: a browser is signed in, and the address that does it is seen by nobody else.

use keyfob_tests::{Run, World};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const TOKEN: &str = "signin-token-0123456789abcdef";

/// A sign-in service that takes note of what it was asked.
fn service(status: u16) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let notes = asked.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            notes.lock().unwrap().push(lines.next().unwrap_or_default());
            lines.find(String::is_empty);
            let body = format!("{{\"SigninToken\":\"{TOKEN}\"}}");
            let head =
                format!("HTTP/1.1 {status} x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    (address, asked)
}

fn world(signin: &str) -> World {
    let world = World::new();
    world.config(&format!(
        "[endpoints]\nsts = \"{}\"\nsignin = \"{signin}\"\n[identity.alice]\ntype = \"iam-user\"\n[profile.p]\nidentity = \"alice\"\nrole_arn = \"arn:aws:iam::111122223333:role/R\"\nregion = \"eu-west-1\"\n[profile.chained]\nsource = \"p\"\nrole_arn = \"arn:aws:iam::444455556666:role/C\"\n[profile.plain]\nidentity = \"alice\"\n",
        world.aws.sts_url()
    ));
    world.add_key("alice");
    world.add_secret(TOKEN);
    world
}

/// Runs `keyfob console`; what it prints is a secret by nature.
fn console(world: &World, arguments: &[&str]) -> Run {
    let mut command = world.command(world.program("keyfob"));
    Run::from(command.arg("console").args(arguments).output().unwrap())
}

#[test]
fn the_address_is_made_of_the_session_and_printed_where_that_is_asked_for() {
    let (signin, asked) = service(200);
    let world = world(&signin);
    let run = console(&world, &["p", "--print", "--duration", "2h"]);
    let expected = format!(
        "{signin}/federation?Action=login&Issuer=keyfob&Destination=https%3A%2F%2Feu-west-1.console.aws.amazon.com%2Fconsole%2Fhome%3Fregion%3Deu-west-1&SigninToken={TOKEN}\n"
    );
    assert_eq!(run.ok(), expected);
    let first = asked.lock().unwrap().remove(0);
    assert!(
        first.starts_with("GET /federation?Action=getSigninToken&Session=%7B%22sessionId%22%3A%22ASIA"),
        "{first}"
    );
    assert!(first.contains("&SessionDuration=7200 "), "{first}");
    // A chained role: AWS takes no duration.
    console(
        &world,
        &["chained", "--print", "--destination", "https://console.aws.amazon.com/s3/", "--logout-first"],
    )
    .ok();
    assert!(!asked.lock().unwrap().remove(0).contains("SessionDuration"));
    assert!(console(&world, &["chained", "--print", "--duration", "2h"]).failed(2).contains("first role"));
    assert!(console(&world, &["plain", "--print"]).failed(2).contains("GetSessionToken"));
    assert!(
        console(&world, &["p", "--print", "--destination", "javascript:alert(1)"])
            .failed(2)
            .contains("https://")
    );
    assert!(console(&world, &["p", "--print", "--duration", "13h"]).failed(2).contains("12 hours"));
    assert!(asked.lock().unwrap().is_empty(), "what can't work is not asked");
}

#[test]
fn a_browser_is_sent_there_once_and_no_argument_holds_the_address() {
    let (signin, _) = service(200);
    let mut world = world(&signin);
    let (browser, seen) = (world.path("browser"), world.path("home/seen"));
    let fetch = r#"rest=${1#http://}; host=${rest%%/*}; exec 3<>/dev/tcp/${host%%:*}/${host##*:}; printf 'GET /%s HTTP/1.1\r\nHost: x\r\n\r\n' "${rest#*/}" >&3; cat <&3"#;
    let script = format!(
        "#!/bin/bash\necho \"$@\" >{seen}\nget() {{ {fetch}; }}\n(get \"$1\" | grep -c Location) >>{seen}\n(get \"$1\" | grep -c Location) >>{seen}\necho end >>{seen}\n",
        seen = seen.display()
    );
    fs::write(&browser, script).unwrap();
    fs::set_permissions(&browser, fs::Permissions::from_mode(0o755)).unwrap();
    world.environment.insert("BROWSER".into(), browser.into());
    console(&world, &["p"]).ok();
    keyfob_tests::world::eventually("the browser has ended", Duration::from_secs(5), || {
        fs::read_to_string(&seen).is_ok_and(|text| text.ends_with("end\n"))
    });
    let seen = fs::read_to_string(&seen).unwrap();
    let lines: Vec<&str> = seen.lines().collect();
    assert!(lines[0].starts_with("http://127.0.0.1:") && !lines[0].contains(TOKEN), "{seen}");
    assert_eq!(&lines[1..], ["1", "0", "end"], "once");
}

#[test]
fn a_service_that_refuses_is_told_without_the_session() {
    let (signin, _) = service(400);
    let world = world(&signin);
    let said = world.keyfob(&["console", "p", "--print"]);
    assert!(said.failed(1).contains("HTTP 400"), "{said:?}");
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let text = fs::read_to_string(world.path("config/config.toml")).unwrap();
    world.config_text(&text.replace(&signin, &format!("http://{closed}")));
    keyfob_tests::world::eventually("the edit", Duration::from_secs(5), || {
        world.keyfob(&["console", "p", "--print"]).stderr.contains("can't be reached")
    });
}
