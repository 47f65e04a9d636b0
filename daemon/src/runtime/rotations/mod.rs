//! Rotations of access keys: each a task beside the loop, which outlives the daemon in its journal.

mod act;
mod journal;
mod schedule;
mod task;

pub(super) use act::KeyPlace;
pub(super) use schedule::keep_schedules;

use super::call::Call;
use super::keys::{self, Stored};
use super::{Runtime, Shared};
use crate::clock;
use journal::Journal;
use keyfob_engine::config::Rotate;
use keyfob_engine::rotation::{Command, End, Pace, Record, Rotation, Stage, Stop, View};
use keyfob_shared::wire::{Prompt, RotateStep};
use keyfob_shared::{Failure, FailureKind, IdentityName};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use task::{Order, Shown, Task};
use tokio::sync::{mpsc, oneshot, watch};

/// A person who asked for a rotation is told how it goes until it waits longer than this, in milliseconds.
const LONG: i64 = 3 * 60 * 1_000;
/// A rotation that is to end does so within this time.
const ENDING: Duration = Duration::from_secs(5);
/// A use by this daemon that is so near to what IAM tells may be the one that it tells, in milliseconds.
const NEAR: i64 = 30 * 60 * 1_000;

/// The rotations that are under way.
#[derive(Clone)]
pub(super) struct Rotations {
    journal: Journal,
    running: Arc<Mutex<HashMap<IdentityName, Running>>>,
    /// Whose keys are being changed in another way, and whose records can't be read.
    claimed: Arc<Mutex<HashSet<IdentityName>>>,
    locked: watch::Receiver<bool>,
}

/// The right to change the key of an identity, until it is dropped: two hands on one key would lose one.
pub(super) struct Claim {
    claimed: Arc<Mutex<HashSet<IdentityName>>>,
    identity: IdentityName,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.claimed.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.identity);
    }
}

struct Running {
    orders: mpsc::UnboundedSender<Order>,
    shown: watch::Receiver<Shown>,
}

impl Rotations {
    pub(super) fn new(state_directory: &Path, locked: watch::Receiver<bool>) -> Self {
        Self {
            journal: Journal::new(state_directory),
            running: Arc::default(),
            claimed: Arc::default(),
            locked,
        }
    }

    /// Answers what people see of a rotation that is under way, or was given up.
    pub(super) fn view(&self, identity: &IdentityName) -> Option<View> {
        self.lock().get(identity).map(|running| running.shown.borrow().view.clone())
    }

    /// Answers whether the key of an identity is being exchanged, so that nobody else may touch it.
    pub(super) fn is_running(&self, identity: &IdentityName) -> bool {
        self.lock().get(identity).is_some_and(|running| running.shown.borrow().end.is_none())
    }

    /// Takes the right to change the key of an identity.
    ///
    /// # Errors
    /// If the key is being rotated, or changed in another way.
    pub(super) fn claim(&self, identity: &IdentityName) -> Result<Claim, Failure> {
        let refused = |why: &str, hint: String| {
            let message = format!("the access key of identity {identity} is being {why}");
            Err(Failure::new(FailureKind::Refused, message).hint(hint))
        };
        if self.is_running(identity) {
            return refused("rotated", format!("keyfob key rotate {identity} --rollback"));
        }
        if !self.claimed.lock().unwrap_or_else(PoisonError::into_inner).insert(identity.clone()) {
            return refused(
                "changed already, or the record of its rotation can't be read",
                "keyfob key list".into(),
            );
        }
        Ok(Claim { claimed: self.claimed.clone(), identity: identity.clone() })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IdentityName, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// Goes on with what the journal has.
    pub(super) fn resume_rotations(&self) {
        let (records, unreadable) = self.rotations.journal.read();
        self.rotations.claimed.lock().unwrap_or_else(PoisonError::into_inner).extend(unreadable);
        for record in records {
            let rotation = Rotation::resume(record.clone(), clock::now());
            match &record.stage {
                Stage::Over(End::Done) => {
                    let journal = self.rotations.journal.clone();
                    drop(tokio::spawn(async move { journal.remove(&record.identity).await }));
                }
                // Kept to be seen, until the next one begins.
                Stage::Over(end) => {
                    let shown = Shown { end: Some(end.clone()), ..Shown::of(&rotation) };
                    let (orders, _) = mpsc::unbounded_channel();
                    let running = Running { orders, shown: watch::channel(shown).1 };
                    self.rotations.lock().insert(record.identity, running);
                }
                _ => drop(self.start_rotation(rotation, Some(record))),
            }
        }
    }

    fn start_rotation(&self, rotation: Rotation, written: Option<Record>) -> watch::Receiver<Shown> {
        let identity = rotation.record().identity.clone();
        let (orders, inbox) = mpsc::unbounded_channel();
        let (shown, watched) = watch::channel(Shown::of(&rotation));
        let task = Task::new(self, rotation, written, inbox, shown);
        {
            let mut running = self.rotations.lock();
            // Two people may begin at one moment.
            if let Some(other) = running.get(&identity).filter(|other| other.shown.borrow().end.is_none()) {
                return other.shown.clone();
            }
            running.insert(identity.clone(), Running { orders, shown: watched.clone() });
        }
        let (shared, mine) = (self.clone(), watched.clone());
        tokio::spawn(async move {
            match task.run().await {
                Some(End::GivenUp(failure)) => {
                    tracing::warn!(%identity, error = %failure, "the rotation was given up");
                    crate::notify::tell(
                        format!("The access key of {identity} was not rotated"),
                        failure.to_string(),
                    );
                }
                Some(end) => {
                    tracing::info!(%identity, ?end, "the rotation is over");
                    let mut running = shared.rotations.lock();
                    let is_mine =
                        running.get(&identity).is_some_and(|running| running.shown.same_channel(&mine));
                    if end == End::Done && is_mine {
                        running.remove(&identity);
                    }
                }
                None => {}
            }
        });
        watched
    }

    /// Begins to rotate the key of an identity.
    ///
    /// # Errors
    /// If it has none, or the vault can't be used.
    async fn begin_rotation(
        &self,
        identity: &IdentityName,
        rotate: Rotate,
    ) -> Result<watch::Receiver<Shown>, Failure> {
        let _claim = self.rotations.claim(identity)?;
        if matches!(self.vault.kind(), "memory" | "keyutils") {
            let message =
                "a vault that forgets keeps no key through a rotation: it lasts for more than a day";
            return Err(Failure::new(FailureKind::Usage, message).hint("set vault = \"file\" in [daemon]"));
        }
        let stored = keys::stored(&self.vault, identity).await;
        let Stored::Key(key) = stored.map_err(|wrong| super::mints::vault_failure(&wrong))? else {
            let failure = Failure::new(
                FailureKind::Usage,
                format!("identity {identity} has no access key in the vault"),
            );
            return Err(failure.hint(format!("keyfob key add {identity}")));
        };
        if let Some(other) = keys::other_with(self, identity, &key.access_key_id).await? {
            let message = format!(
                "identity {other} signs with the same access key as {identity}, and would be locked out"
            );
            let hint = format!(
                "keyfob key remove {other}, and give its profiles identity = {:?}",
                identity.as_str()
            );
            return Err(Failure::new(FailureKind::Usage, message).hint(hint));
        }
        let pace = Pace { watch: rotate.watch, wait: rotate.wait, settle: rotate.settle };
        let rotation = Rotation::begin(identity.clone(), key.access_key_id, pace, clock::now());
        Ok(self.start_rotation(rotation, None))
    }

    /// Ends a rotation that stands still until a person acts, because they put another key in its place.
    pub(super) async fn abandon_rotation(&self, identity: &IdentityName) {
        let stands_still = self.rotations.view(identity).is_some_and(|view| view.needs_person);
        if stands_still
            && self.rotations.is_running(identity)
            && order(self, identity, Command::Abandon).await.is_ok()
        {
            let shown = self.rotations.lock().get(identity).map(|running| running.shown.clone());
            if let Some(mut shown) = shown {
                let _ = tokio::time::timeout(ENDING, shown.wait_for(|shown| shown.end.is_some())).await;
            }
        }
    }

    /// Adds to what is in the way whether it was this daemon that used the old key.
    pub(super) fn trouble_of(&self, view: &View) -> Option<Failure> {
        let trouble = view.trouble.as_ref()?;
        let mut failure = trouble.failure.clone();
        if let Some(Stop::Used(used)) = &trouble.stop
            && let Some((at, what)) = self.minter.last_use(&view.old_key)
            && at.millis().abs_diff(used.at.millis()) <= NEAR.unsigned_abs()
        {
            failure.message = format!("{}; keyfob itself used it at {at}: {what}", failure.message);
        }
        Some(failure)
    }
}

impl Runtime {
    pub(super) fn key_place(&self, identity: &IdentityName) -> KeyPlace {
        let config = self.engine.config();
        // One that an edit took away is still rotated to the end.
        let partition = config.identities.get(identity).map_or("aws", |found| found.partition.as_str());
        KeyPlace {
            region: keyfob_shared::partition::default_region(partition).to_owned(),
            skew: self.engine.skew(),
            iam: config.endpoints.iam.clone(),
            sts: config.endpoints.sts.clone(),
        }
    }

    /// Answers how the keys of all identities are rotated.
    pub(super) fn rotations(&self) -> BTreeMap<IdentityName, Rotate> {
        let with_keys = self.engine.config().identities.iter().filter(|(_, identity)| identity.has_key());
        with_keys.map(|(name, identity)| (name.clone(), identity.rotate)).collect()
    }

    /// Answers how the key of an identity is rotated.
    pub(super) fn rotate_settings(&self, identity: &IdentityName) -> Result<Rotate, Failure> {
        let known = self.engine.config().identities.get(identity).filter(|known| known.has_key());
        known.map(|known| known.rotate).ok_or_else(|| {
            let message = format!("there is no identity {identity} of type iam-user in the configuration");
            Failure::new(FailureKind::Usage, message).hint("keyfob status")
        })
    }
}

/// Does what a person wants of a rotation, and tells how it goes until it waits.
pub(super) async fn rotate(
    shared: Shared,
    identity: IdentityName,
    step: RotateStep,
    settings: Result<Rotate, Failure>,
    mut call: Call,
) {
    let result = match command(&shared, &identity, step, settings).await {
        Ok(Some(shown)) => follow(&shared, &identity, shown, &mut call).await,
        Ok(None) => Ok(format!(
            "the rotation of the access key of identity {identity} stands still: keyfob key rotate {identity} goes on"
        )),
        Err(failure) => Err(failure),
    };
    call.conclude(result).await;
}

/// Answers what is to be followed; `None` after a pause.
async fn command(
    shared: &Shared,
    identity: &IdentityName,
    step: RotateStep,
    settings: Result<Rotate, Failure>,
) -> Result<Option<watch::Receiver<Shown>>, Failure> {
    let running = shared.rotations.is_running(identity);
    let commands = match step {
        RotateStep::GoOn { now } if !running => {
            let shown = shared.begin_rotation(identity, settings?).await?;
            if now {
                order(shared, identity, Command::Now).await?;
            }
            return Ok(Some(shown));
        }
        RotateStep::GoOn { now: true } => vec![Command::Now, Command::GoOn],
        RotateStep::GoOn { now: false } => vec![Command::GoOn],
        RotateStep::Pause => vec![Command::Pause],
        RotateStep::Rollback => vec![Command::Rollback],
    };
    if !running {
        let message = format!("the access key of identity {identity} is not being rotated");
        return Err(Failure::new(FailureKind::Usage, message).hint(format!("keyfob key rotate {identity}")));
    }
    for command in commands {
        match order(shared, identity, command).await {
            // It goes on anyway; whoever asks wants to see how.
            Err(_) if command == Command::GoOn => {}
            result => result?,
        }
    }
    let shown = shared.rotations.lock().get(identity).map(|running| running.shown.clone());
    Ok(shown.filter(|_| step != RotateStep::Pause))
}

async fn order(shared: &Shared, identity: &IdentityName, command: Command) -> Result<(), Failure> {
    let orders = shared.rotations.lock().get(identity).map(|running| running.orders.clone());
    let (answer, answered) = oneshot::channel();
    let over = || Failure::new(FailureKind::Usage, "the rotation is over").hint("keyfob key list");
    orders.ok_or_else(over)?.send(Order { command, answer }).map_err(|_| over())?;
    answered.await.map_err(|_| over())?
}

/// Tells how it goes until it is over, stands still or waits for long.
async fn follow(
    shared: &Shared,
    identity: &IdentityName,
    mut shown: watch::Receiver<Shown>,
    call: &mut Call,
) -> Result<String, Failure> {
    let mut told = String::new();
    let mut locked = shared.rotations.locked.clone();
    loop {
        if *locked.borrow_and_update() {
            return Err(Failure::new(FailureKind::Refused, "the agent was locked; the rotation waits")
                .hint("keyfob unlock"));
        }
        let Shown { view, end } = shown.borrow_and_update().clone();
        match end {
            Some(End::GivenUp(failure)) => return Err(failure),
            Some(End::Done) => {
                let new = view.new_key.unwrap_or_default();
                return Ok(format!(
                    "the access key of identity {identity} is {new} now; {} is deleted",
                    view.old_key
                ));
            }
            Some(End::RolledBack) => {
                return Ok(format!("the access key of identity {identity} is {} again", view.old_key));
            }
            None => {}
        }
        if view.needs_person
            && let Some(failure) = shared.trouble_of(&view)
        {
            return Err(failure);
        }
        let text = match &view.trouble {
            Some(trouble) => format!("{}: {}", view.text, trouble.failure),
            None => view.text.clone(),
        };
        let now = clock::now().wall.millis();
        let is_long = view.next_at.is_some_and(|next| next.millis() - now > LONG);
        if is_long {
            return Ok(format!("{text}; it goes on by itself: keyfob key list"));
        }
        if text != told {
            call.show(Prompt::Note { text: text.clone() }).await?;
            told = text;
        }
        tokio::select! {
            news = shown.changed() => news.map_err(|_| super::grants::ending())?,
            _ = locked.changed() => {}
            () = call.gone() => {
                return Err(Failure::new(FailureKind::Person, "the person has gone; the rotation goes on"));
            }
            () = tokio::time::sleep(Duration::from_secs(60)) => {}
        }
    }
}
