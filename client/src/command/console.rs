//! `keyfob console`: signs a browser in to the AWS console.

use super::{name, print, unexpected};
use crate::line::Console;
use crate::{browser, report, start};
use keyfob_shared::wire::{self, Reply, Request};
use keyfob_shared::{Failure, FailureKind, ProfileName};

pub(super) fn run(arguments: Console) -> Result<(), Failure> {
    let seconds = arguments.duration.map(|duration| u32::try_from(duration.as_secs()).unwrap_or(u32::MAX));
    let request = Request::Console(wire::Console {
        profile: name::<ProfileName>(&arguments.profile)?,
        duration: seconds,
        destination: arguments.destination,
        logout_first: arguments.logout_first,
    });
    let address = match start::ask(&request)?.1 {
        Reply::Address(address) => address,
        Reply::Failed(failure) => return Err(failure),
        _ => return Err(unexpected()),
    };
    if arguments.print {
        return print(&format!("{}\n", address.expose()));
    }
    browser::open_secret(&address).map_err(|why| {
        let message = format!("open a browser: {why}");
        Failure::new(FailureKind::Usage, message)
            .hint(format!("keyfob console {} --print", arguments.profile))
    })?;
    report::say("the browser is signed in to the console\n");
    Ok(())
}
