//! Sign-in to the AWS console with the session of a profile. The address goes to the person, and never to a log.

use super::call::Call;
use super::{Runtime, Shared, account};
use keyfob_engine::config::ConsolePlace;
use keyfob_shared::wire::{Console, Reply};
use keyfob_shared::{Failure, FailureKind, Secret};

/// `SessionDuration` of the federation endpoint.
const SECONDS: std::ops::RangeInclusive<u32> = 900..=43_200;

impl Runtime {
    /// Answers what a sign-in to the console of a profile needs.
    pub(super) fn console_place(&self, console: &Console) -> Result<ConsolePlace, Failure> {
        let place = self.engine.config().console(&console.profile)?;
        let usage = |message: &str| Err(Failure::new(FailureKind::Usage, message));
        match (console.duration, &console.destination) {
            (Some(_), _) if !place.takes_duration => {
                usage("AWS takes a duration for the first role behind an identity only").map_err(|failure| {
                    failure.hint("leave --duration out: the console ends with the session")
                })
            }
            (Some(seconds), _) if !SECONDS.contains(&seconds) => {
                usage("the console is open for 15 minutes to 12 hours")
            }
            (_, Some(destination)) if !destination.starts_with("https://") => {
                usage("a destination is an address of the console, and begins with https://")
            }
            (_, _) => Ok(place),
        }
    }
}

/// Signs in, and sends the address.
pub(super) async fn sign_in(shared: Shared, console: Console, place: ConsolePlace, mut call: Call) {
    match address(&shared, &console, place).await {
        Ok(address) => {
            call.send(&Reply::Address(address)).await;
            drop(call.into_dialogue());
        }
        Err(failure) => call.conclude(Err(failure)).await,
    }
}

async fn address(shared: &Shared, console: &Console, place: ConsolePlace) -> Result<Secret, Failure> {
    let credentials = account::session(&shared.events, &console.profile).await?;
    let wanted = keyfob_source::Console {
        signin: place.signin,
        duration: console.duration,
        destination: console.destination.clone().unwrap_or(place.start),
        logout_first: console.logout_first,
    };
    shared.minter.sts.console_url(&wanted, &credentials).await
}
