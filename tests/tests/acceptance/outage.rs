//! AWS can't be reached: nobody notices before the session ends, and then they are told why.

use keyfob_tests::world::eventually;
use keyfob_tests::{Fault, World};
use std::time::{Duration, Instant};

const LIFETIME: Duration = Duration::from_secs(5);

fn outage(fault: &Fault, cause: &str) {
    let world = World::with_profile();
    world.aws.lifetime(LIFETIME);
    let document = world.get("p").json();
    let id = document["AccessKeyId"].as_str().unwrap();
    world.aws.fault(fault.clone());
    let told = keyfob_shared::Timestamp::parse(document["Expiration"].as_str().unwrap()).unwrap();
    let left = || {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        told.millis() - i64::try_from(now.as_millis()).unwrap()
    };
    // The margin is reached meanwhile; what a caller asks just before the end may be answered after it.
    while left() > 300 {
        assert_eq!(world.get("p").access_key_id(), id, "{fault:?}");
        std::thread::sleep(Duration::from_millis(30));
    }
    assert!(world.aws.mints().len() > 1 || *fault == Fault::Refuse, "{fault:?}: a renewal was tried");
    std::thread::sleep(Duration::from_millis(left().max(0).unsigned_abs() + 50));
    for _ in 0..2 {
        let start = Instant::now();
        let run = world.get("p");
        assert!(start.elapsed() < Duration::from_secs(5), "{fault:?}: {:?}", start.elapsed());
        let stderr = run.failed(1);
        assert!(stderr.contains(cause) && stderr.contains("\nhint: "), "{fault:?}: {stderr}");
    }
    assert_eq!(world.profile("p")["state"], "failed");
    assert!(world.profile("p")["last_error"].as_str().unwrap().contains(cause));
    world.aws.fault(Fault::None);
    eventually("recovery", Duration::from_secs(8), || world.get("p").status == 0);
    assert_ne!(world.get("p").access_key_id(), id);
}

macro_rules! outages {
    ($($name:ident: $fault:expr, $cause:literal;)*) => {
        $(#[test]
        fn $name() {
            outage(&$fault, $cause);
        })*
    };
}

outages! {
    sts_refuses_connections: Fault::Refuse, "Connection refused";
    sts_hangs: Fault::Hang, "no answer within 4 s";
    sts_has_failed: Fault::ServerError, "HTTP 500";
    sts_throttles: Fault::Throttle, "slow down";
    sts_answers_something_else: Fault::Malformed, "not one of STS";
    sts_breaks_off: Fault::Torn, "not one of STS";
    sts_never_ends: Fault::Oversized, "not one of STS";
}
