//! Requests with a connection each, beside an echo server; and what a slow mint costs everybody else.

use crate::echo::Echo;
use crate::{Figure, median, quantile, show, world};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

const PIECE: Duration = Duration::from_millis(700);
const PIECES: usize = 7;
const SLOW: Duration = Duration::from_secs(3);

/// Writes the frames of a `get`.
pub(crate) fn request(profile: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    keyfob_shared::frame::append(&mut bytes, b"1").unwrap();
    let body = format!("{{\"get\":{{\"profile\":\"{profile}\"}}}}");
    keyfob_shared::frame::append(&mut bytes, body.as_bytes()).unwrap();
    bytes
}

/// Asks once, on a connection of its own, and answers how long the reply is.
pub(crate) fn ask(socket: &Path, request: &[u8], reply: &mut Vec<u8>) -> usize {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.write_all(request).unwrap();
    reply.clear();
    stream.read_to_end(reply).unwrap()
}

/// Asks from some threads for some time and answers how many requests were served each second.
fn rate(socket: &Path, parallel: usize, size: usize) -> f64 {
    let (start, request) = (Instant::now(), request("p0"));
    let count: usize = std::thread::scope(|scope| {
        let worker = || {
            let (mut count, mut reply) = (0, Vec::new());
            while start.elapsed() < PIECE {
                assert_eq!(ask(socket, &request, &mut reply), size);
                count += 1;
            }
            count
        };
        let threads: Vec<_> = (0..parallel).map(|_| scope.spawn(worker)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    count as f64 / start.elapsed().as_secs_f64()
}

pub(crate) fn run() {
    let world = world(2);
    world.get("p0").ok();
    let size = ask(&world.socket(), &request("p0"), &mut Vec::new());
    let echo_socket = world.path("run/echo.sock");
    let _echo = Echo::start(&echo_socket, size);
    let mut figures = Vec::new();
    for parallel in [1, 8, 64] {
        let (mut daemon, mut echo) = (Vec::new(), Vec::new());
        for _ in 0..PIECES {
            daemon.push(rate(&world.socket(), parallel, size));
            echo.push(rate(&echo_socket, parallel, size));
        }
        let (daemon, echo) = (median(&mut daemon), median(&mut echo));
        figures.push(Figure::new(format!("{parallel} in parallel"), daemon, "requests/s"));
        figures.push(Figure::new(format!("{parallel} in parallel, a tokio echo server"), echo, "requests/s"));
        let ratio = Figure::new(format!("{parallel} in parallel, ratio"), daemon / echo, "×");
        figures.push(if parallel > 1 { ratio.at_least(0.6) } else { ratio });
    }
    show("requests with a new connection each", &figures);
    slow_mint();
}

fn slow_mint() {
    let world = world(2);
    world.get("p0").ok();
    world.aws.slow_role("arn:aws:iam::111122223333:role/R1", SLOW);
    let measure = || {
        let (start, mut times, mut reply) = (Instant::now(), Vec::new(), Vec::new());
        let request = request("p0");
        while start.elapsed() < SLOW {
            let before = Instant::now();
            ask(&world.socket(), &request, &mut reply);
            times.push(before.elapsed().as_secs_f64() * 1e6);
            std::thread::sleep(Duration::from_micros(200));
        }
        quantile(&mut times, 0.99)
    };
    let unloaded = measure();
    let loaded = std::thread::scope(|scope| {
        let slow = scope.spawn(|| world.get("p1"));
        let loaded = measure();
        slow.join().unwrap().ok();
        loaded
    });
    show(
        "while another profile's mint takes 3 s",
        &[
            Figure::new("p99 of a cached profile, unloaded", unloaded, "µs"),
            Figure::new("p99 of a cached profile, meanwhile", loaded, "µs"),
            Figure::new("ratio", loaded / unloaded, "×").at_most(2.0),
        ],
    );
}
