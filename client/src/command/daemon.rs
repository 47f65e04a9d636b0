//! `keyfob daemon`.

use super::{print, talk, unexpected};
use crate::connection::{Connection, socket};
use crate::line::{Daemon, LogFormat};
use crate::{platform, start};
use keyfob_shared::wire::{Reply, Request};
use keyfob_shared::{Failure, FailureKind};
use std::time::Duration;

/// A daemon that was told to stop has this long, in steps.
const STEPS: u32 = 200;
const STEP: Duration = Duration::from_millis(50);

pub(super) fn run(arguments: &Daemon) -> Result<(), Failure> {
    match arguments {
        Daemon::Start => begin(),
        Daemon::Stop => stop(),
        Daemon::Restart => stop().and_then(|()| begin()),
        Daemon::Reload => talk(&Request::Reload),
        Daemon::Run { log_format } => {
            let format = match log_format {
                LogFormat::Human => "human",
                LogFormat::Json => "json",
            };
            let error = platform::replace(&start::daemon()?, &["--log-format", format]);
            Err(Failure::new(FailureKind::Unreachable, format!("run the daemon: {error}")))
        }
    }
}

fn begin() -> Result<(), Failure> {
    let pid = pid(&mut start::connect()?)?;
    print(&format!("keyfobd runs as process {pid}\n"))
}

fn pid(connection: &mut Connection) -> Result<u32, Failure> {
    let reply = connection.ask(&Request::Status).and_then(|()| connection.next());
    match reply.map_err(|error| start::unreachable(&error))? {
        Reply::Status(page) => Ok(page.daemon.pid),
        Reply::Failed(failure) => Err(failure),
        _ => Err(unexpected()),
    }
}

fn stop() -> Result<(), Failure> {
    let Ok(mut connection) = Connection::open() else { return print("no daemon runs\n") };
    let reply = connection.ask(&Request::Stop).and_then(|()| connection.next());
    match reply.map_err(|error| start::unreachable(&error))? {
        Reply::Done { .. } => connection.wait_for_end(),
        Reply::Failed(failure) => return Err(failure),
        _ => return Err(unexpected()),
    }
    let socket = socket()?;
    for _ in 0..STEPS {
        if !platform::is_served(&socket) {
            return print("keyfobd has stopped\n");
        }
        std::thread::sleep(STEP);
    }
    Err(Failure::new(FailureKind::Unreachable, "the daemon does not end"))
}
