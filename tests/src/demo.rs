//! `cargo xtask try`: the main job on an emulated AWS, for half a minute, in a home that is gone afterwards.

#![allow(clippy::disallowed_methods, reason = "it watches time go by")]
#![allow(clippy::unwrap_used, reason = "what can't go on ends with its reason")]
#![allow(clippy::print_stdout, reason = "it shows what happens")]

use keyfob_tests::{World, parts};
use std::process::Command;
use std::time::{Duration, Instant};

const LIFETIME: Duration = Duration::from_secs(10);
const SHOWN: Duration = Duration::from_secs(32);
const EACH: Duration = Duration::from_secs(4);

const CONFIG: &str = r#"[identity.alice]
type = "iam-user"

[profile.prod]
identity = "alice"
role_arn = "arn:aws:iam::111122223333:role/Production"
region = "eu-west-1"

[profile.audit]
source = "prod"
role_arn = "arn:aws:iam::444455556666:role/Reader"
"#;

fn main() {
    let world = World::new();
    world.aws.lifetime(LIFETIME);
    say("an emulated AWS listens on loopback; its sessions live for ten seconds only");
    world.config(&format!(
        "[daemon]\nvault = \"file\"\nvault_key_file = \"{}\"\n\n[endpoints]\nsts = \"{}\"\n\n{CONFIG}",
        world.path("state/vault.key").display(),
        world.aws.sts_url(),
    ));
    println!("{CONFIG}");
    let key = world.aws.add_user("alice");
    let arguments = ["key", "add", "alice", "--access-key-id", &key.access_key_id];
    say(&format!("keyfob {}", arguments.join(" ")));
    print!("{}", world.keyfob_with_input(&arguments, &key.secret_access_key).ok());
    let client = client(&world);
    let (start, mut calls) = (Instant::now(), 0);
    while start.elapsed() < SHOWN {
        world.get("audit").ok();
        match &client {
            Some(aws) => {
                say("aws sts get-caller-identity --profile prod");
                let mut aws = world.command(aws);
                aws.args([
                    "sts",
                    "get-caller-identity",
                    "--profile",
                    "prod",
                    "--query",
                    "Arn",
                    "--output",
                    "text",
                ]);
                show(aws.env("AWS_ENDPOINT_URL_STS", world.aws.sts_url()));
            }
            None => say("keyfob get prod   (there is no `aws` here; this is what it would run)"),
        }
        calls += 1;
        println!("the session's access key is {}", world.get("prod").access_key_id());
        say("keyfob status");
        print!("{}", world.keyfob(&["status"]).ok());
        std::thread::sleep(EACH);
    }
    let mints = world.aws.mints().len();
    say(&format!(
        "{calls} rounds, {mints} sessions minted, {} requests refused; the daemon and its home are removed",
        world.aws.refused().len()
    ));
}

/// Writes what a person would write to `~/.aws/config`, and answers the AWS CLI where there is one.
fn client(world: &World) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let aws = std::env::split_paths(&path).map(|path| path.join("aws")).find(|path| path.is_file());
    let text = format!(
        "[profile prod]\ncredential_process = {} get prod\nregion = eu-west-1\n",
        parts::program("keyfob").display()
    );
    std::fs::write(world.path("home/.aws/config"), text).unwrap();
    aws
}

fn say(text: &str) {
    println!("\n$ {text}");
}

fn show(command: &mut Command) {
    let output = command.output().unwrap();
    print!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
}
