//! `keyfob activity`: the sessions of a profile, from the audit, and what CloudTrail has recorded of them.

use super::Clerk;
use crate::clock;
use crate::runtime::call::Call;
use crate::runtime::pages::pages;
use keyfob_audit::{History, Line, Selection, Unread};
use keyfob_governance::activity::Event;
use keyfob_iam::{Iam, Lookup};
use keyfob_shared::wire::{self, ActivityEvent, Prompt, Reply};
use keyfob_shared::{Failure, FailureKind, Timestamp};
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// CloudTrail answers two requests a second, in each account and region.
const PACE: Duration = Duration::from_millis(550);
const DAY: i64 = 24 * 60 * 60 * 1_000;
/// CloudTrail tells of so many days.
const DAYS: i64 = 90;
/// No session lives longer: `GetSessionToken` grants 36 hours at most.
const LONGEST_SESSION: i64 = 36 * 60 * 60 * 1_000;
/// Events after which a look ends, so that it does.
const MAX_EVENTS: usize = 50_000;
const MAX_SESSIONS: usize = 20_000;

/// A session as the audit knows it.
struct Session {
    access_key_id: String,
    first: Timestamp,
    last: Timestamp,
    program: Option<String>,
}

pub(in crate::runtime) async fn activity(
    clerk: Clerk,
    wanted: wire::Activity,
    state_directory: PathBuf,
    mut call: Call,
) {
    match look(&clerk, &wanted, state_directory, &mut call).await {
        Ok(()) => call.send_all(std::iter::once(Reply::Activity { events: Vec::new(), more: false })).await,
        Err(failure) => call.conclude(Err(failure)).await,
    }
}

async fn look(
    clerk: &Clerk,
    wanted: &wire::Activity,
    state_directory: PathBuf,
    call: &mut Call,
) -> Result<(), Failure> {
    let oldest = Timestamp::from_millis(clock::now().wall.millis() - DAYS * DAY);
    let (since, until) = (wanted.since.max(oldest), wanted.until);
    let profile = wanted.profile.to_string();
    let sessions =
        tokio::task::spawn_blocking(move || sessions(&state_directory, &profile, since, until)).await;
    let sessions =
        sessions.unwrap_or_else(|_| Err(std::io::Error::other("it broke off"))).map_err(|error| {
            Failure::new(FailureKind::Upstream, format!("read the audit: {error}"))
                .hint("keyfob audit --verify")
        })?;
    let mut regions = wanted.regions.clone();
    if regions.is_empty() {
        regions = vec![clerk.place.region.clone(), clerk.place.home.clone()];
        regions.dedup();
    }
    let calls = sessions.len() * regions.len();
    let text = format!(
        "{} sessions in {}; CloudTrail answers two requests a second and tells events some minutes late",
        sessions.len(),
        regions.join(" and ")
    );
    call.show(Prompt::Note { text }).await?;
    let (mut done, mut told) = (0, HashSet::new());
    for session in &sessions {
        for region in &regions {
            events_of(clerk, wanted, session, region, (since, until), &mut told, call).await?;
            done += 1;
            if done % 20 == 0 && done < calls {
                call.show(Prompt::Note { text: format!("{done} of {calls} requests…") }).await?;
            }
            if told.len() >= MAX_EVENTS {
                let text = format!("the newest {MAX_EVENTS} events are shown: set --since and --until");
                return call.show(Prompt::Note { text }).await;
            }
        }
    }
    Ok(())
}

/// Sends the events of a session in a region, page by page.
async fn events_of(
    clerk: &Clerk,
    wanted: &wire::Activity,
    session: &Session,
    region: &str,
    (since, until): (Timestamp, Timestamp),
    told: &mut HashSet<String>,
    call: &mut Call,
) -> Result<(), Failure> {
    let until = until.min(Timestamp::from_millis(session.last.millis() + LONGEST_SESSION));
    let mut lookup = Lookup {
        access_key_id: session.access_key_id.clone(),
        since: since.max(Timestamp::from_millis(session.first.millis() - LONGEST_SESSION)),
        until,
        next: None,
    };
    loop {
        let look = |iam: Iam, access| {
            let lookup = lookup.clone();
            async move { iam.look_up(&access, &lookup).await }
        };
        let looked = clerk.call_in(region, look).await;
        let looked = looked.map_err(|refusal| refusal.failure)?;
        tokio::time::sleep(PACE).await;
        let events = looked.events.iter().filter_map(|record| Event::read(record));
        let events = events.filter(|event| !wanted.denied || event.is_denied());
        // Services that have one place are told in more than one region.
        let new: Vec<ActivityEvent> = events
            .filter(|event| event.id.is_empty() || told.insert(event.id.clone()))
            .map(|event| ActivityEvent {
                time: event.time,
                service: event.service,
                event: event.name,
                region: event.region,
                resource: event.resource,
                error: event.error,
                access_key_id: session.access_key_id.clone(),
                program: session.program.clone(),
            })
            .collect();
        if !new.is_empty() {
            for events in pages(new) {
                call.send(&Reply::Activity { events, more: true }).await;
            }
        }
        lookup.next = looked.next;
        if lookup.next.is_none() || told.len() >= MAX_EVENTS {
            return Ok(());
        }
    }
}

/// Reads the sessions of a profile that were handed out in a time, the newest first.
fn sessions(
    state_directory: &Path,
    profile: &str,
    since: Timestamp,
    until: Timestamp,
) -> std::io::Result<Vec<Session>> {
    let (mut sessions, mut order) = (BTreeMap::<String, Session>::new(), VecDeque::new());
    let wanted = Selection {
        profiles: vec![profile.to_owned()],
        // What was handed out before may be used in it.
        since: Some(Timestamp::from_millis(since.millis() - LONGEST_SESSION)),
        until: Some(until),
        ..Selection::default()
    };
    let history = History::open(state_directory)?;
    let take = |line: Line| {
        let Some(id) = line.access_key_id.clone() else { return Ok::<(), Infallible>(()) };
        if let Some(session) = sessions.get_mut(&id) {
            session.last = line.time;
        } else {
            if order.len() == MAX_SESSIONS
                && let Some(oldest) = order.pop_front()
            {
                sessions.remove(&oldest);
            }
            order.push_back(id.clone());
            let program = line.asker().map(str::to_owned);
            let (first, last) = (line.time, line.time);
            sessions.insert(id.clone(), Session { access_key_id: id, first, last, program });
        }
        Ok(())
    };
    let Ok(unread) = history.each(&wanted, None, take);
    for Unread { file, cause } in unread {
        tracing::warn!(file = %file.display(), error = %cause, "read the audit");
    }
    let mut sessions: Vec<Session> = sessions.into_values().collect();
    sessions.sort_by_key(|session| std::cmp::Reverse(session.last));
    Ok(sessions)
}
