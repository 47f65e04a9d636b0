//! `keyfob activity`: what the sessions of a profile did, as CloudTrail tells it.

use super::{listing, name};
use crate::line::Activity;
use crate::moment::Moment;
use crate::{platform, table};
use keyfob_shared::wire::{self, ActivityEvent, Reply, Request};
use keyfob_shared::{Failure, ProfileName, Timestamp};

/// From when on is looked at if nothing is said: a day.
const DEFAULT: Moment = Moment::Ago(24 * 60 * 60 * 1_000);

pub(super) fn run(arguments: &Activity) -> Result<(), Failure> {
    let now = platform::now();
    let request = Request::Activity(wire::Activity {
        profile: name(&arguments.profile)?,
        with: arguments.with.as_deref().map(name::<ProfileName>).transpose()?,
        since: arguments.since.unwrap_or(DEFAULT).start(now),
        until: arguments.until.map_or(Timestamp::from_millis(now), |until| until.end(now)),
        regions: arguments.region.clone(),
        denied: arguments.denied,
    });
    let mut events = listing::pages(&request, |reply| match reply {
        Reply::Activity { events, more } => Some((events, more)),
        _ => None,
    })?;
    events.sort_by_key(|event| event.time);
    if arguments.json {
        return listing::print_json(&events);
    }
    if events.is_empty() {
        return super::print("no events; CloudTrail tells them some minutes late\n");
    }
    let heading =
        ["TIME", "PROGRAM", "SERVICE", "EVENT", "REGION", "ERROR", "RESOURCE"].map(str::to_owned).to_vec();
    let dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
    let row = |event: &ActivityEvent| {
        vec![
            event.time.to_string(),
            dash(&event.program),
            event.service.clone(),
            event.event.clone(),
            event.region.clone(),
            dash(&event.error),
            dash(&event.resource),
        ]
    };
    super::print(&table::columns(&std::iter::once(heading).chain(events.iter().map(row)).collect::<Vec<_>>()))
}
