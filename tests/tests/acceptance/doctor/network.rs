//! The way to STS, and its clock.

use super::{found, gone};
use keyfob_tests::world::eventually;
use keyfob_tests::{Fault, World};
use std::time::{Duration, Instant};

fn endpoint(world: &World) -> String {
    let url = world.aws.sts_url();
    format!("endpoint {}", url.trim_start_matches("http://").trim_end_matches('/'))
}

#[test]
fn an_endpoint_that_does_not_answer_is_told_with_its_cause() {
    let world = World::with_profile();
    gone(&world, &endpoint(&world), "");
    world.aws.fault(Fault::Refuse);
    let address = endpoint(&world).trim_start_matches("endpoint ").to_owned();
    let refuses = || std::net::TcpStream::connect(&address).is_err();
    eventually("nobody listens", Duration::from_secs(5), refuses);
    let told = found(&world, &endpoint(&world), "STS can't be reached: ");
    assert!(
        told.severity == "error" && told.message.to_lowercase().contains("connection refused"),
        "{told:?}"
    );
    // What the hint says to look at is mended.
    world.aws.fault(Fault::None);
    eventually("somebody listens", Duration::from_secs(5), || !refuses());
    gone(&world, &endpoint(&world), "");
}

#[test]
fn an_endpoint_that_hangs_is_not_waited_for() {
    // Connections are taken by the kernel, and nobody answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let world = World::new();
    let config = |url: &str| {
        world.config(&format!("[endpoints]\nsts = \"{url}\"\niam = \"{}\"\n[identity.alice]\ntype = \"iam-user\"\n[profile.p]\nidentity = \"alice\"\nregion = \"eu-west-1\"\n", world.aws.sts_url()));
    };
    config(&format!("http://{address}"));
    let start = Instant::now();
    found(&world, &format!("endpoint {address}"), "no answer within 4 s");
    assert!(start.elapsed() < Duration::from_secs(9), "{:?}", start.elapsed());
    config(&world.aws.sts_url());
    world.keyfob(&["daemon", "reload"]).ok();
    gone(&world, &format!("endpoint {address}"), "");
}

#[test]
fn a_proxy_that_is_not_there_is_told_as_such() {
    let mut world = World::new();
    world.config_text("[daemon]\nvault = \"memory\"\n[identity.alice]\ntype = \"iam-user\"\n[profile.p]\nidentity = \"alice\"\nregion = \"eu-west-1\"\n");
    world.add_secret("hunter2hunter2");
    world.environment.insert("HTTPS_PROXY".into(), "http://127.0.0.1:1".into());
    let told = found(&world, "endpoint sts.eu-west-1.amazonaws.com", "STS can't be reached: ");
    assert!(told.hint.starts_with("check HTTPS_PROXY and NO_PROXY"), "{told:?}");
    // Without it there is another way, or none: the proxy is not to blame.
    world.environment.remove("HTTPS_PROXY");
    world.keyfob(&["daemon", "restart"]).ok();
    let without = super::find(&world, "endpoint sts.eu-west-1.amazonaws.com", "");
    assert!(without.is_none_or(|told| !told.hint.contains("NO_PROXY")));
}

#[test]
fn a_clock_that_is_wrong_is_told_until_it_is_set() {
    let world = World::with_profile();
    gone(&world, "clock", "");
    world.aws.ahead(200);
    let told = found(&world, "clock", "3 min");
    assert!(told.severity == "warning" && told.message.contains("behind AWS"), "{told:?}");
    world.aws.ahead(-400);
    let told = found(&world, "clock", "6 min");
    assert!(told.severity == "error" && told.message.contains("ahead of AWS"), "{told:?}");
    assert!(told.hint.contains("timedatectl set-ntp true"));
    // The clock is set: ours and that of AWS agree again.
    world.aws.ahead(0);
    gone(&world, "clock", "");
}
