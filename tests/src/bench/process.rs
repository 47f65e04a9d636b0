//! The whole `keyfob get` process, in rounds with `true` and `cat`, and with a client without any runtime.

use crate::{Figure, median, show, world};
use keyfob_tests::World;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 3_000;

/// The least that can be done: four system calls, no library. It parses nothing and checks nothing.
const FLOOR: &str = r#"
typedef unsigned long u;
static long call(long n, long a, long b, long c) { long r; __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory"); return r; }
void _start(void) {
  struct { unsigned short family; char path[108]; } address = { 1, SOCKET };
  static char request[] = "\0\0\0\0011\0\0\0\030{\"get\":{\"profile\":\"p0\"}}"; static char reply[4096];
  long s = call(41, 1, 1, 0);
  if (call(42, s, (long)&address, sizeof address) == 0) {
    call(1, s, (long)request, sizeof request - 1);
    long n = call(0, s, (long)reply, sizeof reply);
    if (n > 16) { call(1, 1, (long)reply + 16, n - 17); call(60, 0, 0, 0); }
  }
  call(60, 1, 0, 0);
}
"#;

pub(crate) fn run() {
    let world = world(1);
    let document = world.get("p0");
    let file = world.path("document.json");
    std::fs::write(&file, document.ok()).unwrap();
    let mut programs = vec![
        ("/bin/true", command(&world, "/bin/true".into(), &[])),
        ("keyfob get", command(&world, world.program("keyfob"), &["get", "p0"])),
        ("cat of the same JSON", command(&world, "/bin/cat".into(), &[file.to_str().unwrap()])),
    ];
    if let Some(floor) = floor(&world) {
        programs.push(("a client without a runtime", command(&world, floor, &[])));
    }
    let mut times = vec![Vec::with_capacity(ROUNDS); programs.len()];
    for round in 0..ROUNDS + 100 {
        for (program, times) in programs.iter_mut().zip(&mut times) {
            let start = Instant::now();
            assert!(program.1.status().unwrap().success(), "{}", program.0);
            if round >= 100 {
                times.push(start.elapsed().as_secs_f64() * 1e6);
            }
        }
    }
    let medians: Vec<f64> = times.iter_mut().map(|times| median(times)).collect();
    let mut figures = vec![Figure::new("/bin/true", medians[0], "µs")];
    for (at, (name, _)) in programs.iter().enumerate().skip(1) {
        let ratio = Figure::new(format!("{name} / true"), medians[at] / medians[0], "×");
        figures.push(if at == 1 { ratio.at_most(1.3) } else { ratio });
    }
    figures.push(Figure::new("keyfob get / cat", medians[1] / medians[2], "×").at_most(1.0));
    figures.push(Figure::new("keyfob get, peak memory", peak_memory(&world), "MiB").at_most(1.5));
    std::fs::remove_file(file).unwrap();
    show(&format!("a whole process, median of {ROUNDS} interleaved rounds"), &figures);
}

fn command(world: &World, program: PathBuf, arguments: &[&str]) -> Command {
    let mut command = world.command(program);
    command.args(arguments).stdout(Stdio::null());
    command
}

/// Builds the floor; `None` without a C compiler, or on another processor.
fn floor(world: &World) -> Option<PathBuf> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return None;
    }
    let (source, program) = (world.path("floor.c"), world.path("floor"));
    let text = FLOOR.replace("SOCKET", &format!("{:?}", world.socket().display().to_string()));
    std::fs::write(&source, text).ok()?;
    let mut compile = Command::new("cc");
    compile.args(["-O2", "-static", "-nostdlib", "-fno-stack-protector", "-o"]).arg(&program).arg(&source);
    let built = compile.stderr(Stdio::null()).status().is_ok_and(|status| status.success());
    (built && Command::new(&program).stdout(Stdio::null()).status().is_ok_and(|status| status.success()))
        .then_some(program)
}

/// Answers the most memory that a `get` had resident: it is looked at while it waits to print.
fn peak_memory(world: &World) -> f64 {
    let (reader, writer) = rustix::pipe::pipe().unwrap();
    rustix::io::ioctl_fionbio(writer.as_fd(), true).unwrap();
    while rustix::io::write(&writer, &[b' '; 4_096]).is_ok() {}
    rustix::io::ioctl_fionbio(writer.as_fd(), false).unwrap();
    let mut get = world.command(world.program("keyfob"));
    let mut child = get.args(["get", "p0"]).stdout(Stdio::from(writer)).spawn().unwrap();
    drop(get);
    let status = |name: &str| {
        let text = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        text.lines()
            .find_map(|line| line.strip_prefix(name).map(str::trim).map(str::to_owned))
            .unwrap_or_default()
    };
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(2)
        && !(status("Name:") == "keyfob" && status("State:").starts_with('S'))
    {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(20));
    let peak = status("VmHWM:")
        .split_whitespace()
        .next()
        .and_then(|text| text.parse::<f64>().ok())
        .unwrap_or(f64::NAN);
    let drain = std::thread::spawn(move || drain(reader));
    child.wait().unwrap();
    drain.join().unwrap();
    peak / 1_024.0
}

fn drain(reader: OwnedFd) {
    let _ = File::from(reader).read_to_end(&mut Vec::new());
}
