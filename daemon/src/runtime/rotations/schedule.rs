//! Rotations by schedule: `rotate_every`, with a notice before.

use crate::clock;
use crate::runtime::Shared;
use crate::runtime::grants::{Question, ask};
use crate::runtime::key_list::{Known, at_aws};
use keyfob_engine::config::Rotate;
use keyfob_engine::rotation::{Due, due};
use keyfob_shared::{IdentityName, Timestamp};
use std::collections::HashSet;
use std::time::Duration;

/// The first look is taken when what waited for the start of the daemon is served.
const FIRST: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_secs(60 * 60);

/// Looks at the ages of keys now and then, for as long as the daemon runs.
pub(in crate::runtime) async fn keep_schedules(shared: Shared) {
    let mut noticed = HashSet::new();
    let mut pause = FIRST;
    loop {
        tokio::time::sleep(pause).await;
        pause = STEP;
        let Ok(scheduled) = ask(&shared.events, |answer| Question::Scheduled { answer }).await else {
            return;
        };
        for (identity, rotate) in scheduled {
            if let Some(every) = rotate.every.filter(|_| !shared.rotations.is_running(&identity)) {
                look(&shared, &identity, rotate, every, &mut noticed).await;
            }
        }
    }
}

async fn look(
    shared: &Shared,
    identity: &IdentityName,
    rotate: Rotate,
    every: i64,
    noticed: &mut HashSet<(IdentityName, Timestamp)>,
) {
    let (id, created) = match at_aws(shared, identity).await {
        Ok(Some((id, Known { created: Some(created), .. }))) => (id, created),
        Ok(_) => return,
        Err(failure) => {
            return tracing::info!(%identity, error = %failure, "the age of an access key is not known");
        }
    };
    match due(created, every / 1_000, clock::now().wall) {
        Due::Later { .. } => {}
        Due::Soon { due_at } => {
            if noticed.insert((identity.clone(), due_at)) {
                tracing::info!(%identity, %due_at, "an access key will be rotated");
                let title = format!("The access key of {identity} will be rotated");
                crate::notify::tell(title, format!("At {due_at}; earlier: keyfob key rotate {identity}"));
            }
        }
        // What was given up or rolled back with this key is for a person.
        Due::Now { .. } if shared.rotations.view(identity).is_some_and(|view| view.old_key == id) => {}
        Due::Now { .. } => {
            if let Err(failure) = shared.begin_rotation(identity, rotate).await {
                tracing::warn!(%identity, error = %failure, "begin a rotation by schedule");
            }
        }
    }
}
