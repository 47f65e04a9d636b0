//! What becomes of a sign-in when something fails on the way: the vault, the provider, AWS, the person.

use crate::{saml, tokens};
use keyfob_tests::emulator::adfs::{Adfs, IdpFault};
use keyfob_tests::world::{OTHER_USER, eventually};
use keyfob_tests::{Fault, OidcProvider, World, parts, visit};
use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// A world with an identity `window` that signs in with a browser, which is answered on a port, and a profile `w`.
fn with_browser(more: &str) -> (World, u16) {
    let world = World::new();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    world.config(&format!(
        "[daemon]\nvault = \"file\"\nvault_key_file = \"{}\"\n[identity.window]\ntype = \"saml\"\nprovider = \"browser\"\nurl = \"https://idp.corp.example/start?acs={{port}}\"\nport = {port}\n[profile.w]\nidentity = \"window\"\nrole_arn = \"arn:aws:iam::111122223333:role/Admin\"\n{more}",
        world.path("config/key").display(),
    ));
    (world, port)
}

/// Starts a sign-in, and answers it when an address is to be opened.
fn begin(world: &World, identity: &str) -> Child {
    let mut command = world.command(world.program("keyfob"));
    command.args(["login", identity]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("open "), "{line}");
    child
}

fn send(port: u16, response: &str) {
    let form: String =
        form_urlencoded::Serializer::new(String::new()).append_pair("SAMLResponse", response).finish();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(
        stream,
        "POST /saml HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn what_a_browser_gave_serves_until_its_sessions_end_and_that_is_said() {
    let adfs = Adfs::start();
    adfs.roles(&["Admin"]);
    let (world, port) = with_browser("");
    let identity = || world.status()["identities"][0].clone();
    assert_eq!(identity()["state"], "sign-in-needed");
    let said = world.get("w");
    assert!(said.failed(3).contains("keyfob login window"), "{said:?}");
    let child = begin(&world, "window");
    send(port, &adfs.response("alice"));
    assert!(child.wait_with_output().unwrap().status.success());
    world.get("w").ok();
    assert!(identity()["state"] == "ready" && identity()["sign_in_needed_by"].is_string(), "{}", identity());
    let strict = world.keyfob(&["exec", "w", "--for", "4h", "--strict", "--", "true"]);
    assert!(strict.failed(3).contains("keyfob login window"), "{strict:?}");
    world.keyfob(&["exec", "w", "--for", "30m", "--strict", "--", "true"]).ok();
    // The next daemon has the session, and nothing to get another one by.
    world.keyfob(&["daemon", "restart"]).ok();
    world.get("w").ok();
    assert_eq!(identity()["state"], "sign-in-needed");
    saml::hunt(&world, &adfs);
}

#[test]
fn a_person_who_gives_up_leaves_no_port_taken() {
    let (world, port) = with_browser("");
    let mut child = begin(&world, "window");
    assert!(TcpListener::bind(("127.0.0.1", port)).is_err());
    child.kill().unwrap();
    child.wait().unwrap();
    eventually("the port is free", Duration::from_secs(3), || TcpListener::bind(("127.0.0.1", port)).is_ok());
    begin(&world, "window").kill().unwrap();
}

#[test]
fn a_command_that_fails_once_is_run_again_without_a_person() {
    let adfs = Adfs::start();
    adfs.roles(&["Admin"]);
    let world = World::new();
    let (command, trouble, response) = (world.path("assertion"), world.path("trouble"), world.path("home/r"));
    // A response is a secret that a command has by nature.
    fs::write(&response, adfs.response("alice")).unwrap();
    fs::write(
        &command,
        format!("#!/bin/sh\n[ ! -e {} ] || exit 7\ncat {}\n", trouble.display(), response.display()),
    )
    .unwrap();
    fs::set_permissions(&command, Permissions::from_mode(0o700)).unwrap();
    world.config(&format!(
        "[identity.corp]\ntype = \"saml\"\nprovider = \"command\"\ncommand = [\"{}\"]\n[profile.p]\nidentity = \"corp\"\nrole_arn = \"arn:aws:iam::111122223333:role/Admin\"\n",
        command.display()
    ));
    world.aws.lifetime(Duration::from_secs(8));
    world.get("p").ok();
    // What it printed is used for a minute; a new daemon asks again.
    fs::write(&trouble, "").unwrap();
    world.keyfob(&["daemon", "restart"]).ok();
    let failed = world.get("p");
    assert!(failed.failed(1).contains("exit status: 7"), "{failed:?}");
    assert_eq!(world.status()["identities"][0]["state"], "ready");
    fs::remove_file(&trouble).unwrap();
    eventually("it works again", Duration::from_secs(40), || world.get("p").status == 0);
    fs::remove_file(&response).unwrap();
}

#[test]
fn a_provider_that_hangs_holds_up_nobody_else_and_its_failure_is_shared() {
    const PROFILES: usize = 140;
    let adfs = Adfs::start();
    let password = adfs.password("CORP\\alice");
    let bob = "[identity.bob]\ntype = \"iam-user\"\n[profile.bob]\nidentity = \"bob\"\n";
    let world = saml::world(&adfs, PROFILES, bob);
    world.add_key("bob");
    world.keyfob_with_input(&["login", "corp"], &password).ok();
    world.keyfob(&["daemon", "restart"]).ok();
    let before = adfs.counts().requests;
    adfs.fault(IdpFault::Hang);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for number in 0..PROFILES {
            let world = &world;
            scope.spawn(move || world.get(&format!("p{number}")).failed(1).to_owned());
        }
        eventually("it is asked", Duration::from_secs(10), || adfs.counts().requests > before);
        std::thread::sleep(Duration::from_secs(2));
        let since = Instant::now();
        world.get("bob").ok();
        assert!(since.elapsed() < Duration::from_secs(3), "{:?}", since.elapsed());
    });
    assert!(start.elapsed() < Duration::from_secs(35), "one after the other: {:?}", start.elapsed());
    let asked = adfs.counts().requests - before;
    assert!(asked <= 4, "{asked} requests for one failure");
    saml::hunt(&world, &adfs);
}

/// Looks for a record of a sign-in; their labels are in clear.
fn has_sign_in(world: &World) -> bool {
    let records = fs::read_dir(world.path("state/vault")).unwrap().flatten();
    let mut records = records.map(|record| fs::read(record.path()).unwrap_or_default());
    records.any(|record| String::from_utf8_lossy(&record).contains("\"kind\":\"sign-in\""))
}

#[test]
fn a_logout_holds_whatever_the_provider_does() {
    let adfs = Adfs::start();
    let password = adfs.password("CORP\\alice");
    let world = saml::world(&adfs, 2, "");
    for arguments in [["logout", "corp"], ["logout", "--all"]] {
        world.keyfob_with_input(&["login", "corp"], &password).ok();
        world.keyfob(&["daemon", "restart"]).ok();
        assert!(has_sign_in(&world));
        let before = adfs.counts().requests;
        adfs.fault(IdpFault::Hang);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| world.get("p0"));
            eventually("it is asked", Duration::from_secs(5), || adfs.counts().requests > before);
            let logout = scope.spawn(|| world.keyfob(&arguments).ok().to_owned());
            eventually("the vault has nothing more of it", Duration::from_secs(4), || !has_sign_in(&world));
            logout.join().unwrap();
            assert!(!has_sign_in(&world));
            assert_ne!(waiting.join().unwrap().status, 0);
        });
        adfs.fault(IdpFault::None);
        assert!(world.get("p0").failed(3).contains("keyfob login corp"));
        assert_eq!(world.status()["identities"][0]["state"], "sign-in-needed");
    }
    saml::hunt(&world, &adfs);
}

#[test]
fn a_logout_of_all_forgets_also_what_is_not_configured_any_more() {
    let adfs = Adfs::start();
    let password = adfs.password("CORP\\alice");
    let world = saml::world(&adfs, 1, "");
    world.keyfob_with_input(&["login", "corp"], &password).ok();
    let text = fs::read_to_string(world.path("config/config.toml")).unwrap();
    world.config_text(&text.replace("corp\"", "other\"").replace("identity.corp", "identity.other"));
    world.keyfob(&["daemon", "reload"]).ok();
    world.keyfob(&["logout", "--all"]).ok();
    world.config_text(&text);
    world.keyfob(&["daemon", "reload"]).ok();
    assert!(world.get("p0").failed(3).contains("identity corp is not signed in"));
    saml::hunt(&world, &adfs);
}

#[test]
fn a_refresh_token_outlives_a_vault_that_takes_nothing_for_a_while() {
    let mut world = World::new();
    let center = tokens::center(&world, "device");
    if parts::is_root() {
        world.give_to(OTHER_USER);
    }
    tokens::login(&world, "center", |url| drop(visit(url))).ok();
    world.get("p0").ok();
    center.end_access_tokens();
    world.keyfob(&["logout", "p0"]).ok();
    let vault = world.path("state/vault");
    let mode = |bits| fs::set_permissions(&vault, Permissions::from_mode(bits)).unwrap();
    mode(0o500);
    let refused = world.get("p0");
    assert!(refused.failed(1).contains("vault"), "{refused:?}");
    let renewals = center.calls("CreateToken/refresh_token");
    assert_eq!(renewals, 1);
    mode(0o700);
    eventually("recovery", Duration::from_secs(5), || world.get("p0").status == 0);
    assert_eq!(center.calls("CreateToken/refresh_token"), renewals, "the token in hand is written and used");
    // And the vault has it.
    world.keyfob(&["daemon", "restart"]).ok();
    center.end_access_tokens();
    world.keyfob(&["logout", "p0"]).ok();
    world.get("p0").ok();
    assert_eq!(center.calls("CreateToken/refresh_token"), renewals + 1);
    center.secrets().into_iter().for_each(|secret| world.add_secret(secret));
}

#[test]
fn a_token_that_aws_does_not_take_is_replaced_once() {
    let Some(provider) = OidcProvider::start(3_600) else { return };
    let world = World::new();
    world.aws.accept_web_tokens();
    world.config(&format!(
        "[identity.corp]\ntype = \"oidc\"\nissuer = \"{}\"\nclient_id = \"keyfob\"\nparameters = {{ prompt = \"consent\" }}\n[profile.p]\nidentity = \"corp\"\nrole_arn = \"arn:aws:iam::111122223333:role/R\"\n",
        provider.issuer()
    ));
    tokens::login(&world, "corp", |url| drop(provider.sign_in(url))).ok();
    // Tokens are dated by the second: one of the same second is the same.
    std::thread::sleep(Duration::from_millis(1_100));
    world.aws.fault(Fault::Error("ExpiredTokenException", "Token expired"));
    world.get("p").failed(1);
    let mints = world.aws.mints();
    let tokens: BTreeSet<_> = mints.iter().map(|mint| mint.parameters["WebIdentityToken"].clone()).collect();
    assert_eq!((mints.len(), tokens.len()), (2, 2), "two calls, and a newer token for the second");
    provider.secrets().into_iter().chain(tokens).for_each(|secret| world.add_secret(secret));
}

#[test]
fn roles_without_a_profile_are_offered_and_the_provider_says_how_long_a_session_lasts() {
    let adfs = Adfs::start();
    let password = adfs.password("CORP\\alice");
    let world = saml::world(&adfs, 1, "");
    adfs.roles(&["Admin", "Reader", "Ops"]);
    adfs.session_duration(Some(7_200));
    let text = fs::read_to_string(world.path("config/config.toml")).unwrap();
    world.config_text(&text.replace("duration = \"15m\"\n", ""));
    let login = world.keyfob_with_input(&["login", "corp"], &password);
    assert!(
        login.ok().ends_with(
            "\nroles without a profile: arn:aws:iam::111122223333:role/Reader, arn:aws:iam::111122223333:role/Ops: keyfob profile discover corp\n"
        ),
        "{login:?}"
    );
    let proposed = world.keyfob(&["profile", "discover", "corp"]);
    assert!(
        proposed.ok().contains(
            "[profile.ops]\nidentity = \"corp\"\nrole_arn = \"arn:aws:iam::111122223333:role/Ops\"\n"
        ),
        "{proposed:?}"
    );
    world.get("p0").ok();
    let asked = || -> Vec<String> {
        world.aws.mints().iter().map(|call| call.parameters["DurationSeconds"].clone()).collect()
    };
    assert_eq!(asked(), ["7200"]);
    world.aws.role_maximum(3_600);
    world.keyfob(&["logout", "p0"]).ok();
    world.get("p0").ok();
    assert_eq!(asked(), ["7200", "7200", "3600"]);
    saml::hunt(&world, &adfs);
}
