//! The daemon's memory, and how often it wakes.

use crate::load::{ask, request};
use crate::{Figure, show, world};
use keyfob_tests::World;
use std::time::Duration;

const MILLION: usize = 1_000_000;
const IDLE: Duration = Duration::from_secs(60);

/// Answers the resident memory of the daemon in MiB.
pub(crate) fn memory(world: &World) -> f64 {
    let pid = world.daemons()[0];
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1_024.0
}

/// Asks so many times, for all profiles in turn, from a few threads.
pub(crate) fn hammer(world: &World, requests: usize, profiles: usize) {
    const THREADS: usize = 4;
    let socket = world.socket();
    let socket = &socket;
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || {
                let mut reply = Vec::new();
                for number in (thread..requests).step_by(THREADS) {
                    let profile = format!("p{}", number % profiles);
                    ask(socket, &request(&profile), &mut reply);
                    assert!(reply.len() > 500, "{}", String::from_utf8_lossy(&reply));
                }
            });
        }
    });
}

fn switches(world: &World) -> u64 {
    let pid = world.daemons()[0];
    let count = |path: std::path::PathBuf| -> Option<u64> {
        let text = std::fs::read_to_string(path.join("status")).ok()?;
        let line = text.lines().find(|line| line.starts_with("voluntary_ctxt_switches"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
    tasks.filter_map(|task| count(task.path())).sum()
}

pub(crate) fn run() {
    let world = world(50);
    hammer(&world, 10_000, 50);
    std::thread::sleep(Duration::from_secs(3));
    let after_ten_thousand = memory(&world);
    let before = switches(&world);
    std::thread::sleep(IDLE);
    let woken = switches(&world) - before;
    hammer(&world, MILLION / 10, 50);
    std::thread::sleep(Duration::from_secs(2));
    let warm = memory(&world);
    hammer(&world, MILLION, 50);
    std::thread::sleep(Duration::from_secs(2));
    let after_a_million = memory(&world);
    show(
        "the daemon with 50 profiles",
        &[
            Figure::new("memory after 10,000 requests", after_ten_thousand, "MiB").at_most(12.0),
            Figure::new("wake-ups in a minute with nothing due", woken as f64, "").at_most(1.0),
            Figure::new("memory after 110,000 requests", warm, "MiB"),
            Figure::new("memory after a million more", after_a_million, "MiB"),
            Figure::new("growth over a million requests", after_a_million - warm, "MiB").at_most(0.5),
        ],
    );
}
