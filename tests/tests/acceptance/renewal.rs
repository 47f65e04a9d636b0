//! The main job: real clients work on, over many lifetimes, and nobody waits for a renewal.

use crate::clients;
use keyfob_tests::{Run, World};
use std::process::Stdio;
use std::time::{Duration, Instant};

const LIFETIME: u64 = 6;
const LIFETIMES: u64 = 6;
/// How long each mint takes: whoever waits for one is seen.
const MINT: Duration = Duration::from_millis(1_500);

#[test]
fn clients_outlive_many_sessions_and_never_wait_for_a_mint() {
    let world = World::with_profile();
    world.aws.lifetime(Duration::from_secs(LIFETIME));
    clients::configure(&world, &["p"]);
    world.get("p").ok();
    world.aws.delay(MINT);
    let end = Instant::now() + Duration::from_secs(LIFETIME * LIFETIMES);
    let Some(mut boto3) = clients::boto3_loop(&world, "p", LIFETIME * LIFETIMES) else { return };
    let boto3 = boto3.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut calls, mut ids, mut slowest) = (0, std::collections::BTreeSet::new(), Duration::ZERO);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while Instant::now() < end {
                for arguments in [&["sts", "get-caller-identity"] as &[_], &["s3api", "list-buckets"]] {
                    let Some(mut cli) = clients::cli(&world, "p", arguments) else { return };
                    Run::from(cli.output().unwrap()).ok();
                }
            }
        });
        while Instant::now() < end {
            let start = Instant::now();
            ids.insert(world.get("p").access_key_id());
            slowest = slowest.max(start.elapsed());
            calls += 1;
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    let run = Run::from(boto3.wait_with_output().unwrap());
    let puts: u64 = run.ok().trim().trim_start_matches("requests ").parse().unwrap();
    assert_eq!(world.aws.refused(), Vec::<String>::new());
    assert!(world.aws.accepted() > puts && puts > 20, "{puts} requests of boto3");
    assert!(ids.len() as u64 >= LIFETIMES, "{} sessions", ids.len());
    assert!(slowest < MINT * 2 / 3, "one of {calls} calls took {slowest:?}, and a mint takes {MINT:?}");
    // Renewed a margin before the end: at least half a lifetime lies between two mints.
    let most = LIFETIMES * 2 + 4;
    assert!((world.aws.mints().len() as u64) <= most, "{} mints", world.aws.mints().len());
}

#[test]
fn static_credentials_fail_where_renewed_ones_do_not() {
    let world = World::with_profile();
    world.aws.lifetime(Duration::from_secs(3));
    let document = world.get("p").json();
    let text = |name: &str| document[name].as_str().unwrap().to_owned();
    std::thread::sleep(Duration::from_secs(4));
    let Some(aws) = keyfob_tests::parts::find("aws") else { return };
    let mut cli = clients::client(&world, &aws);
    cli.args(["s3api", "list-buckets", "--region", "eu-west-1"])
        .env("AWS_ACCESS_KEY_ID", text("AccessKeyId"))
        .env("AWS_SECRET_ACCESS_KEY", text("SecretAccessKey"))
        .env("AWS_SESSION_TOKEN", text("SessionToken"));
    let run = Run::from(cli.output().unwrap());
    assert!(run.status != 0 && run.stderr.contains("ExpiredToken"), "{run:?}");
    assert_eq!(world.aws.refused().len(), 1);
}
