//! Running a program with a grant, on Linux and macOS: this process becomes the program, and a second one keeps the
//! grant until the program ends, however it ends.

use super::{Watched, inherited};
use crate::grant::Held;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Which of two processes this is.
enum Half {
    Program,
    Keeper,
}

/// Becomes the program; answers why it could not. Its files are removed when it has ended.
pub(crate) fn run(mut command: Command, held: Held, files: &[std::path::PathBuf]) -> io::Error {
    let program = match Watched::this() {
        Ok(program) => program,
        Err(error) => return error,
    };
    match split() {
        Ok(Half::Program) => command.exec(),
        Ok(Half::Keeper) => {
            held.keep(&program);
            files.iter().for_each(|file| drop(std::fs::remove_file(file)));
            // SAFETY: ends this process at once; nothing that runs at an ordinary end is ours.
            unsafe { libc::_exit(0) }
        }
        Err(error) => error,
    }
}

/// Becomes a program without a grant.
pub(crate) fn replace_with(mut command: Command) -> io::Error {
    command.exec()
}

/// Goes on twice: as this process, and as one of a session of its own that is nobody's child.
///
/// The program must not find a child that it has not started, and the keeper must not get its signals.
fn split() -> io::Result<Half> {
    // What can fail is done while an error can be told.
    let null = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    let child = fork()?;
    if child != 0 {
        return wait(child).map(|()| Half::Program);
    }
    // SAFETY: plain calls of a process with one thread; the numbers are those of this function.
    unsafe {
        libc::setsid();
        match libc::fork() {
            0 => {}
            -1 => libc::_exit(1),
            _ => libc::_exit(0),
        }
    }
    inherited::close();
    let _ = std::env::set_current_dir("/");
    // Security: this half never goes back to what the other one does now.
    let _ = rustix::stdio::dup2_stdin(&null);
    let _ = rustix::stdio::dup2_stdout(&null);
    let _ = rustix::stdio::dup2_stderr(&null);
    Ok(Half::Keeper)
}

fn fork() -> io::Result<libc::pid_t> {
    // SAFETY: this process has one thread, and no runtime: the child may do whatever this one may.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        child => Ok(child),
    }
}

fn wait(child: libc::pid_t) -> io::Result<()> {
    let mut status = 0;
    // SAFETY: the child is ours, and the status is valid for the write.
    while unsafe { libc::waitpid(child, &raw mut status, 0) } == -1 {
        let error = io::Error::last_os_error();
        match Errno::from_io_error(&error) {
            Some(Errno::INTR) => {}
            // SIGCHLD is ignored, as many supervisors hand it on: the child has ended, and nobody is told how.
            Some(Errno::CHILD) => return Ok(()),
            _ => return Err(error),
        }
    }
    if status == 0 { Ok(()) } else { Err(io::Error::other("the process that keeps the grant did not start")) }
}
