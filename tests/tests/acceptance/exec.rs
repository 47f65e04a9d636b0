//! `keyfob exec`: a command whose credentials renew themselves, whatever happens to the daemon.

use keyfob_tests::world::{eventually, signal};
use keyfob_tests::{Fault, Run, World, parts};
use rustix::process::Signal;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::Duration;

/// A shell that runs with a profile, says where its endpoint is, and ends with its stdin.
pub(crate) struct Program {
    child: Child,
    pub(crate) port: u16,
    pub(crate) token: String,
}

impl Program {
    pub(crate) fn start(world: &World, arguments: &[&str]) -> Self {
        let say = r#"echo "$AWS_CONTAINER_CREDENTIALS_FULL_URI"; echo "$AWS_CONTAINER_AUTHORIZATION_TOKEN"; read line"#;
        let mut command = world.command(world.program("keyfob"));
        command.arg("exec").args(arguments).args(["--", "sh", "-c", say]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
        let url = lines.next().unwrap().unwrap();
        let port = url.strip_prefix("http://127.0.0.1:").unwrap().strip_suffix("/credentials").unwrap();
        let (port, token) = (port.parse().unwrap(), lines.next().unwrap().unwrap());
        world.add_secret(&token);
        Self { child, port, token }
    }

    fn ask(&self) -> std::io::Result<(u16, Value)> {
        ask(self.port, &self.token)
    }

    /// Answers the access key id that the endpoint hands out.
    #[track_caller]
    pub(crate) fn access_key_id(&self) -> String {
        let (status, body) = self.ask().unwrap();
        assert_eq!(status, 200, "{body}");
        for name in ["SecretAccessKey", "Token", "Expiration"] {
            assert!(body[name].as_str().is_some_and(|text| !text.is_empty()), "{name}");
        }
        body["AccessKeyId"].as_str().unwrap().to_owned()
    }

    pub(crate) fn end(mut self) {
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }
}

fn ask(port: u16, token: &str) -> std::io::Result<(u16, Value)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let request =
        format!("GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: {token}\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| serde_json::from_str(body)).unwrap().unwrap();
    Ok((status, body))
}

const ALICE: &str = "[identity.alice]\ntype = \"iam-user\"\n[profile.p]\nidentity = \"alice\"\nrole_arn = \"arn:aws:iam::111122223333:role/R\"\n";

/// A world whose sessions outlive the daemon.
pub(crate) fn lasting() -> World {
    let world = World::new();
    let key_file = world.path("config/vault.key");
    world
        .config(&format!("[daemon]\nvault = \"file\"\nvault_key_file = \"{}\"\n{ALICE}", key_file.display()));
    world.add_key("alice");
    world
}

/// A world in which nothing is renewed unless a program runs.
fn on_demand() -> World {
    let world = World::new();
    world.config(&format!("[daemon]\nvault = \"memory\"\nrenew = \"on-demand\"\n{ALICE}"));
    world.add_key("alice");
    world
}

/// Answers whether somebody listens at a port.
fn is_open(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

#[test]
fn a_command_is_the_process_that_was_started_and_its_exit_code_is_its_own() {
    let world = World::with_profile();
    let run = world.keyfob(&["exec", "p", "--", "sh", "-c", "kill -TERM $$"]);
    assert_eq!(run.status, 128 + 15, "{run:?}");
    let run = world.keyfob(&["exec", "p", "--", "sh", "-c", "exit 7"]);
    assert_eq!(run.status, 7, "{run:?}");
    let mut command = world.command(world.program("keyfob"));
    let child =
        command.args(["exec", "p", "--", "sh", "-c", "echo $$"]).stdout(Stdio::piped()).spawn().unwrap();
    let number = child.id();
    assert_eq!(Run::from(child.wait_with_output().unwrap()).ok().trim(), number.to_string());
    // It has no child that it did not start.
    let run = world.keyfob(&["exec", "p", "--", "sh", "-c", "ps -o comm= --ppid $$ >children; cat children"]);
    assert_eq!(run.ok(), "ps\n", "{run:?}");
    world.keyfob(&["exec", "p", "--", "/nowhere/program"]).failed(2);
    world.keyfob(&["exec", "absent", "--", "true"]).failed(2);
}

#[test]
fn its_environment_has_one_source_of_credentials_and_no_static_key() {
    let mut world = World::with_profile();
    for name in
        ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ROLE_ARN", "AWS_SESSION_TOKEN"]
    {
        world.environment.insert(name.into(), "of-the-outside".into());
    }
    world.environment.insert("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE".into(), "/nowhere".into());
    world.environment.insert("AWS_CA_BUNDLE".into(), "/kept".into());
    let run = world.keyfob(&["exec", "p", "--", "env"]);
    let variables: Vec<&str> = run.ok().lines().filter(|line| line.starts_with("AWS_")).collect();
    let mut names: Vec<&str> = variables.iter().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    names.sort_unstable();
    let expected = [
        "AWS_CA_BUNDLE",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
    ];
    assert_eq!(names, expected);
    assert!(!run.stdout.contains("of-the-outside") && run.stdout.contains("KEYFOB_PROFILE=p\n"));
    assert!(run.stdout.contains("AWS_REGION=eu-west-1\n"));
    // A shell in a shell is told.
    world.environment.insert("KEYFOB_PROFILE".into(), "outer".into());
    let run = world.keyfob(&["exec", "p", "--", "true"]);
    assert!(run.stderr.contains("inside `keyfob exec outer`"), "{run:?}");
}

#[test]
fn without_a_command_it_is_the_shell_of_the_user() {
    let mut world = World::with_profile();
    world.environment.insert("SHELL".into(), "/bin/sh".into());
    let run = world.keyfob_with_input(&["exec", "p"], "echo in $KEYFOB_PROFILE; exit 3");
    assert_eq!((run.status, run.stdout.as_str()), (3, "in p\n"), "{run:?}");
}

#[test]
fn static_keys_are_set_where_they_are_asked_for_and_said_not_to_renew() {
    let world = World::with_profile();
    let show = "echo $AWS_ACCESS_KEY_ID ${AWS_SECRET_ACCESS_KEY:+set} ${AWS_SESSION_TOKEN:+set} $AWS_REGION $AWS_CONTAINER_CREDENTIALS_FULL_URI";
    let run = world.keyfob(&["exec", "p", "--env", "--", "sh", "-c", show]);
    let id = world.get("p").access_key_id();
    assert_eq!(run.ok(), format!("{id} set set eu-west-1\n"));
    assert!(run.stderr.contains("do not renew"), "{run:?}");
}

#[test]
fn the_endpoint_renews_and_ends_with_the_program() {
    let world = World::with_profile();
    world.aws.lifetime(Duration::from_secs(3));
    let program = Program::start(&world, &["p"]);
    let first = program.access_key_id();
    eventually("a renewal that nobody asked for", Duration::from_secs(8), || {
        world.aws.mints().len() > 2 && program.access_key_id() != first
    });
    assert_eq!(world.profile("p")["programs"], 1);
    assert!(world.profile("p")["renewals"].as_u64().unwrap() >= 2);
    let port = program.port;
    assert!(is_open(port));
    program.end();
    eventually("the endpoint is gone", Duration::from_secs(2), || !is_open(port));
    eventually("nobody holds the profile", Duration::from_secs(2), || world.profile("p")["programs"] == 0);
}

#[test]
fn the_endpoint_ends_with_a_program_that_is_killed() {
    let world = World::with_profile();
    let mut program = Program::start(&world, &["p"]);
    program.access_key_id();
    program.child.kill().unwrap();
    program.child.wait().unwrap();
    eventually("the endpoint is gone", Duration::from_secs(2), || !is_open(program.port));
    eventually("nobody holds the profile", Duration::from_secs(2), || world.profile("p")["programs"] == 0);
}

#[test]
fn a_held_profile_is_renewed_though_nobody_uses_it() {
    let world = on_demand();
    world.aws.lifetime(Duration::from_secs(3));
    let program = Program::start(&world, &["p"]);
    let before = world.aws.mints().len();
    eventually("renewals of a held profile", Duration::from_secs(10), || {
        world.aws.mints().len() >= before + 3
    });
    program.end();
    eventually("nobody holds the profile", Duration::from_secs(2), || world.profile("p")["programs"] == 0);
    let after = world.aws.mints().len();
    std::thread::sleep(Duration::from_secs(4));
    assert!(world.aws.mints().len() <= after + 1, "on demand again");
}

#[test]
fn a_lease_ends_renewal_of_a_held_profile() {
    let world = on_demand();
    world.aws.lifetime(Duration::from_secs(2));
    let program = Program::start(&world, &["p", "--for", "5s"]);
    assert!(world.profile("p")["leased_until"].as_str().is_some());
    std::thread::sleep(Duration::from_secs(6));
    let after = world.aws.mints().len();
    assert!(after >= 4, "renewed within the lease: {after}");
    std::thread::sleep(Duration::from_secs(3));
    assert!(world.aws.mints().len() <= after + 1, "and not after it");
    program.end();
}

#[test]
fn a_daemon_that_is_killed_stopped_or_restarted_is_not_noticed() {
    let world = lasting();
    let program = Program::start(&world, &["p"]);
    program.access_key_id();
    for _ in 0..3 {
        world.kill_daemons();
        // No pause: the connection waits in the listening socket for the next daemon.
        program.access_key_id();
    }
    world.keyfob(&["daemon", "restart"]).ok();
    program.access_key_id();
    // Whoever stops the daemon wants it to be stopped.
    world.keyfob(&["daemon", "stop"]).ok();
    std::thread::sleep(Duration::from_millis(500));
    assert!(world.daemons().is_empty(), "a stopped daemon is not started by a program that runs");
    world.keyfob(&["daemon", "start"]).ok();
    program.access_key_id();
    assert_eq!(world.daemons().len(), 1);
    program.end();
}

#[test]
fn a_lock_and_a_logout_are_in_force_at_the_endpoint() {
    let world = World::with_profile();
    let program = Program::start(&world, &["p"]);
    world.keyfob(&["lock"]).ok();
    let (status, body) = program.ask().unwrap();
    assert_eq!((status, &body["code"]), (403, &"Refused".into()), "{body}");
    assert!(body["message"].as_str().unwrap().contains("keyfob unlock"));
    world.keyfob(&["unlock"]).ok();
    let first = program.access_key_id();
    world.aws.fault(Fault::ServerError);
    world.keyfob(&["logout", "p"]).ok();
    let (status, body) = program.ask().unwrap();
    assert_eq!(status, 503, "{body}");
    world.aws.fault(Fault::None);
    eventually("recovery", Duration::from_secs(5), || program.ask().unwrap().0 == 200);
    assert_ne!(program.access_key_id(), first);
    program.end();
}

#[test]
fn a_command_does_not_start_without_credentials() {
    let world = World::new();
    world.config(
        "[identity.alice]\ntype = \"iam-user\"\nmfa_serial = \"arn:aws:iam::111122223333:mfa/alice\"\n[profile.p]\nidentity = \"alice\"\nrole_arn = \"arn:aws:iam::111122223333:role/R\"\n",
    );
    world.add_key("alice");
    let marker = world.path("started");
    let touch = format!("touch {}", marker.display());
    let said = world.keyfob(&["exec", "p", "--", "sh", "-c", &touch]);
    assert!(said.failed(3).contains("keyfob login alice"));
    assert!(!marker.exists());
}

#[test]
fn what_stands_against_a_lease_is_said_before_the_start() {
    let world = World::new();
    world.config(
        "[identity.alice]\ntype = \"iam-user\"\nmfa_serial = \"arn:aws:iam::111122223333:mfa/alice\"\n[profile.p]\nidentity = \"alice\"\nrole_arn = \"arn:aws:iam::111122223333:role/R\"\n[profile.q]\nidentity = \"alice\"\nmfa = false\nrole_arn = \"arn:aws:iam::111122223333:role/R\"\n",
    );
    world.add_key("alice");
    world.keyfob_with_input(&["login", "alice"], "123456").ok();
    // An emulated sign-in lasts as long as a session.
    world.aws.lifetime(Duration::from_secs(3_600));
    let run = world.keyfob(&["exec", "p", "--for", "100h", "--", "echo", "started"]);
    assert_eq!(run.ok(), "started\n");
    assert!(run.stderr.contains("the sign-in of identity alice ends at 20"), "{run:?}");
    assert!(run.stderr.contains("keyfob login alice"), "{run:?}");
    let run = world.keyfob(&["exec", "p", "--for", "100h", "--strict", "--", "echo", "started"]);
    assert!(run.failed(3).contains("the sign-in of identity alice ends at 20"));
    // Covered: within the sign-in, or where nobody has to sign in.
    for arguments in [
        ["exec", "p", "--for", "5m", "--strict", "--", "true"],
        ["exec", "q", "--for", "100h", "--strict", "--", "true"],
    ] {
        let run = world.keyfob(&arguments);
        run.ok();
        assert!(run.stderr.contains("nothing is foreseen"), "{run:?}");
    }
}

#[test]
fn another_user_gets_nothing_from_the_endpoint_even_with_the_token() {
    if !parts::is_root() {
        return;
    }
    let mut world = World::new();
    world.config(ALICE);
    world.give_to(4242);
    world.add_key("alice");
    let program = Program::start(&world, &["p"]);
    let request = format!(
        r#"exec 3<>/dev/tcp/127.0.0.1/{port}; printf 'GET /credentials HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: {token}\r\n\r\n' >&3; cat <&3"#,
        port = program.port,
        token = program.token
    );
    for (user, status) in [(Some(4242), "200"), (Some(4243), "403"), (None, "403")] {
        let mut command = world.command_as(user, "bash");
        let run = Run::from(command.args(["-c", &request]).output().unwrap());
        assert!(run.ok().starts_with(&format!("HTTP/1.1 {status} ")), "{user:?}: {run:?}");
        assert_eq!(run.stdout.contains("SecretAccessKey"), status == "200", "{user:?}: {run:?}");
    }
    let audit = world.keyfob(&["audit", "--json"]);
    let refused: Vec<&str> = audit
        .ok()
        .lines()
        .filter(|line| line.contains(r#""request":"endpoint""#) && line.contains("refused"))
        .collect();
    assert!(refused.iter().any(|line| line.contains(r#""uid":4243"#)), "{refused:?}");
    program.end();
}

#[test]
fn the_default_profile_of_aws_files_does_not_win_over_the_endpoint() {
    let Some(python) = parts::python("boto3") else { return };
    let world = World::with_profile();
    let config = "[default]\nregion = us-east-2\ncredential_process = /bin/echo wrong\n[profile other]\nregion = us-west-2\n";
    std::fs::write(world.path("home/.aws/config"), config).unwrap();
    let keys = "[default]\naws_access_key_id = AKIAWRONG\naws_secret_access_key = wrong-secret-of-a-file\n";
    std::fs::write(world.path("home/.aws/credentials"), keys).unwrap();
    let script = "import boto3; s = boto3.Session(); print(s.get_credentials().access_key, s.get_credentials().method, s.available_profiles)";
    let program = world.program("keyfob");
    let mut command = world.command(&program);
    command.args(["exec", "p", "--"]).arg(&python).args(["-c", script]);
    let run = Run::from(command.output().unwrap());
    let expected = format!("{} container-role ['default', 'other']\n", world.get("p").access_key_id());
    assert_eq!(run.ok(), expected, "{run:?}");
    // The copy is gone with the program.
    eventually("the copy is removed", Duration::from_secs(2), || {
        let files = std::fs::read_dir(world.path("state")).unwrap().flatten();
        files.filter(|file| file.file_name().to_string_lossy().starts_with("exec-")).count() == 0
    });
    assert_eq!(std::fs::read_to_string(world.path("home/.aws/config")).unwrap(), config);
}

#[test]
fn a_program_that_is_stopped_holds_up_nobody() {
    let world = World::with_profile();
    let program = Program::start(&world, &["p"]);
    signal(program.child.id(), Signal::STOP);
    program.access_key_id();
    signal(program.child.id(), Signal::CONT);
    program.end();
}

#[test]
fn in_another_network_it_does_not_start_and_says_why() {
    if !parts::is_root() {
        return;
    }
    let world = World::with_profile();
    world.get("p").ok();
    let here = std::fs::read_link("/proc/self/ns/net").unwrap();
    let script = format!(
        "ip link set lo up && test \"$(readlink /proc/self/ns/net)\" != '{}' && echo inside && exec {} exec p -- echo started",
        here.display(),
        world.program("keyfob").display()
    );
    let mut run = Run::from(world.command("unshare").args(["--net", "sh", "-c", &script]).output().unwrap());
    let Some(rest) = run.stdout.strip_prefix("inside\n") else {
        assert!(!run.stdout.contains("started"), "{run:?}");
        eprintln!("skipped: no other network is to be had here: {run:?}");
        return;
    };
    run.stdout = rest.to_owned();
    assert!(run.failed(2).contains("credential_process"), "{run:?}");
}
