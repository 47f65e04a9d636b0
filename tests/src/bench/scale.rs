//! What ten thousand profiles cost.

use crate::daemon::{hammer, memory};
use crate::load::{ask, request};
use crate::{Figure, config, median, picture, show, world};
use keyfob_tests::World;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const SIZES: [usize; 4] = [10, 100, 1_000, 10_000];
const SAMPLES: usize = 4_000;
const ROUNDS: usize = 300;

pub(crate) fn run() {
    let worlds: Vec<World> = SIZES.into_iter().map(world).collect();
    let configured: Vec<f64> = worlds.iter().map(memory).collect();
    for (world, size) in worlds.iter().zip(SIZES) {
        hammer(world, size, size);
    }
    std::thread::sleep(Duration::from_secs(5));
    let minted: Vec<f64> = worlds.iter().map(memory).collect();
    let latencies = latencies(&worlds);
    let mut processes = processes(&worlds);
    let mut figures = Vec::new();
    for (at, size) in SIZES.into_iter().enumerate() {
        figures.push(Figure::new(format!("{size} profiles: memory, configured"), configured[at], "MiB"));
        let all = Figure::new(format!("{size} profiles: memory, each with a session"), minted[at], "MiB");
        figures.push(if size == 10_000 { all.at_most(64.0) } else { all });
        figures.push(Figure::new(format!("{size} profiles: a request, median"), latencies[at], "µs"));
    }
    let (ten, ten_thousand) = (median(&mut processes[0]), median(&mut processes[3]));
    figures.push(Figure::new("keyfob get at 10,000 / at 10 profiles", ten_thousand / ten, "×").at_most(1.2));
    show("many profiles", &figures);
    reload(&worlds[3]);
    let picture = picture::draw(&SIZES, &latencies, &minted);
    let file = picture::file("scale.svg");
    std::fs::write(&file, picture).unwrap();
    println!("  the picture is {}", file.display());
}

fn latencies(worlds: &[World]) -> Vec<f64> {
    let mut times = vec![Vec::with_capacity(SAMPLES); worlds.len()];
    let mut reply = Vec::new();
    for sample in 0..SAMPLES {
        for ((world, times), size) in worlds.iter().zip(&mut times).zip(SIZES) {
            let (socket, request) = (world.socket(), request(&format!("p{}", sample * 7 % size)));
            let start = Instant::now();
            ask(&socket, &request, &mut reply);
            times.push(start.elapsed().as_secs_f64() * 1e6);
        }
    }
    times.iter_mut().map(|times| median(times)).collect()
}

fn processes(worlds: &[World]) -> Vec<Vec<f64>> {
    let mut times = vec![Vec::with_capacity(ROUNDS); worlds.len()];
    for _ in 0..ROUNDS {
        for (world, times) in worlds.iter().zip(&mut times) {
            let mut get = world.command(world.program("keyfob"));
            get.args(["get", "p5"]).stdout(std::process::Stdio::null());
            let start = Instant::now();
            assert!(get.status().unwrap().success());
            times.push(start.elapsed().as_secs_f64() * 1e6);
        }
    }
    times
}

/// Edits the whole file while a cached profile is asked for without a pause.
fn reload(world: &World) {
    let ended = AtomicBool::new(false);
    let (took, gap) = std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let (mut longest, mut reply) = (0.0_f64, Vec::new());
            let request = request("p0");
            while !ended.load(Ordering::Relaxed) {
                let start = Instant::now();
                ask(&world.socket(), &request, &mut reply);
                assert!(reply.len() > 500, "a gap in serving: {}", String::from_utf8_lossy(&reply));
                longest = longest.max(start.elapsed().as_secs_f64() * 1e3);
            }
            longest
        });
        std::thread::sleep(Duration::from_millis(200));
        let text = config(10_000, "R");
        let start = Instant::now();
        world.config(&text.replace("role/R9999", "role/Edited"));
        let wanted = "arn:aws:iam::111122223333:role/Edited";
        while !world.keyfob(&["profile", "show", "p9999"]).ok().contains(wanted) {
            assert!(start.elapsed() < Duration::from_secs(20), "the edit is not in force");
        }
        let took = start.elapsed().as_secs_f64() * 1e3;
        ended.store(true, Ordering::Relaxed);
        (took, asking.join().unwrap())
    });
    show(
        "an edit of a configuration with 10,000 profiles",
        &[
            Figure::new("until it is in force", took, "ms").at_most(1_000.0),
            Figure::new("the longest request meanwhile", gap, "ms"),
        ],
    );
}
