//! Ways in that need no person: tokens that something else keeps fresh, commands, a federation broker; and sessions that
//! are scoped down to a job.

use keyfob_tests::World;
use keyfob_tests::world::eventually;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

/// Writes a script of this world and answers its path.
fn script(world: &World, name: &str, text: &str) -> String {
    let path = world.path(name);
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    path.display().to_string()
}

#[test]
fn a_web_identity_is_renewed_from_a_token_that_is_read_anew() {
    let world = World::new();
    let file = world.path("home/token");
    fs::write(&file, world.aws.web_token(Duration::from_secs(5))).unwrap();
    world.config(&format!(
        "[identity.pod]\ntype = \"web-identity\"\ntoken_file = \"{}\"\n[profile.p]\nidentity = \"pod\"\nrole_arn = \"arn:aws:iam::111122223333:role/Pod\"\nsession_name = \"pod-7\"\nduration = \"2h\"\n[profile.chained]\nsource = \"p\"\nrole_arn = \"arn:aws:iam::444455556666:role/C\"\n",
        file.display()
    ));
    world.aws.lifetime(Duration::from_secs(3));
    let first = world.get("p").access_key_id();
    world.get("chained").ok();
    let mint = world.aws.mints().remove(0);
    assert_eq!(mint.action, "AssumeRoleWithWebIdentity");
    assert_eq!(mint.access_key_id, "", "nothing signs it");
    assert_eq!(mint.parameters["RoleSessionName"], "pod-7");
    assert_eq!(mint.parameters["DurationSeconds"], "7200");
    // The kubelet of a cluster replaces the file; nobody is asked.
    fs::write(&file, world.aws.web_token(Duration::from_secs(3_600))).unwrap();
    eventually("renewals by themselves", Duration::from_secs(12), || world.aws.mints().len() >= 6);
    assert_ne!(world.get("p").access_key_id(), first);
    fs::write(&file, "expired.or.foreign").unwrap();
    eventually("the failure is shown", Duration::from_secs(12), || {
        world.profile("p")["last_error"].as_str().is_some_and(|error| error.contains("token is not accepted"))
    });
    // The next good token is enough.
    fs::write(&file, world.aws.web_token(Duration::from_secs(3_600))).unwrap();
    eventually("recovery", Duration::from_secs(40), || world.get("p").status == 0);
    fs::remove_file(&file).unwrap();
    fs::write(world.path("home/token"), "").unwrap();
}

#[test]
fn a_command_that_prints_credentials_is_run_once_for_all_and_again_before_they_end() {
    let world = World::new();
    let key = world.aws.add_user("machine");
    let count = world.path("count");
    let command = script(
        &world,
        "helper",
        &format!(
            "echo run >>{}\nend=$(date -u -d '+4 seconds' +%Y-%m-%dT%H:%M:%SZ)\necho '{{\"Version\":1,\"AccessKeyId\":\"{}\",\"SecretAccessKey\":\"{}\",\"Expiration\":\"'$end'\"}}'",
            count.display(),
            key.access_key_id,
            key.secret_access_key
        ),
    );
    world.config(&format!(
        "[identity.helper]\ntype = \"process\"\ncommand = [\"{command}\"]\n[profile.p]\nidentity = \"helper\"\n[profile.role]\nidentity = \"helper\"\nrole_arn = \"arn:aws:iam::111122223333:role/R\"\n"
    ));
    let runs = || fs::read_to_string(&count).unwrap_or_default().lines().count();
    std::thread::scope(|scope| {
        for profile in ["p", "role", "p", "role", "p", "role"] {
            let world = &world;
            scope.spawn(move || world.get(profile).ok().to_owned());
        }
    });
    assert_eq!(runs(), 1, "once for all who ask");
    assert_eq!(world.get("p").access_key_id(), key.access_key_id);
    eventually("it runs again by itself", Duration::from_secs(10), || runs() >= 3);
    world.get("p").ok();
    // The script is no secret of ours, and holds one by nature.
    fs::remove_file(command).unwrap();
}

#[test]
fn a_command_that_misbehaves_is_bounded_told_and_not_quoted() {
    let world = World::new();
    world.add_secret("canary-of-a-command");
    for (text, why) in [
        ("echo canary-of-a-command", "no document of credential_process"),
        ("echo canary-of-a-command >&2; exit 1", "exit status: 1"),
        ("head -c 10000000 /dev/zero | tr '\\0' c", "more than 64000 bytes"),
        ("kill -9 $$", "signal: 9"),
    ] {
        let command = script(&world, "helper", text);
        world.config(&format!(
            "[identity.helper]\ntype = \"process\"\ncommand = [\"{command}\"]\n[profile.p]\nidentity = \"helper\"\n"
        ));
        // What failed with the old command is remembered for a while.
        eventually(why, Duration::from_secs(40), || {
            let run = world.get("p");
            run.status == 1 && run.stderr.contains(why) && !run.stderr.contains("canary")
        });
        fs::remove_file(command).unwrap();
    }
}

#[test]
fn a_command_that_asks_for_its_own_credentials_is_refused_at_once() {
    let world = World::new();
    let keyfob = world.program("keyfob");
    let said = world.path("said");
    let command = script(&world, "helper", &format!("{} get p 2>{}", keyfob.display(), said.display()));
    world.config(&format!(
        "[identity.helper]\ntype = \"process\"\ncommand = [\"{command}\"]\n[profile.p]\nidentity = \"helper\"\n"
    ));
    // The command of a daemon knows neither its socket nor its configuration.
    fs::write(
        &command,
        fs::read_to_string(&command).unwrap().replace(
            "#!/bin/sh\n",
            &format!(
                "#!/bin/sh\nexport KEYFOB_SOCKET={} KEYFOB_CONFIG={} KEYFOB_STATE_DIR={}\n",
                world.socket().display(),
                world.path("config/config.toml").display(),
                world.path("state").display()
            ),
        ),
    )
    .unwrap();
    let start = Instant::now();
    let run = world.get("p");
    assert!(start.elapsed() < Duration::from_secs(20), "not after the time of the command");
    assert_eq!(run.status, 1, "{run:?}");
    let said = fs::read_to_string(said).unwrap();
    assert!(said.contains("asks for credentials that it is to make itself"), "{said}");
}

#[test]
fn a_broker_gives_federated_sessions_and_a_job_function_scopes_them_down() {
    let world = World::new();
    world.config(
        "[identity.broker]\ntype = \"iam-user\"\n[profile.guest]\nidentity = \"broker\"\nfederation_token = true\nsession_name = \"guest\"\njob_function = \"security-auditor\"\n[profile.role]\nidentity = \"broker\"\nrole_arn = \"arn:aws:iam::111122223333:role/R\"\njob_function = \"billing\"\n",
    );
    world.add_key("broker");
    world.get("guest").ok();
    world.get("role").ok();
    let mints = world.aws.mints();
    assert_eq!(mints[0].action, "GetFederationToken");
    assert_eq!(mints[0].parameters["Name"], "guest");
    assert_eq!(mints[0].parameters["PolicyArns.member.1.arn"], "arn:aws:iam::aws:policy/SecurityAudit");
    assert_eq!(
        mints[1].parameters["PolicyArns.member.1.arn"],
        "arn:aws:iam::aws:policy/job-function/Billing"
    );
    let shown = world.keyfob(&["profile", "show", "role"]);
    assert!(shown.ok().contains("scoped down to Billing"), "{shown:?}");
}
