//! The thread of a vault: one job after the other.

use super::Task;
use crate::choose::{self, Chosen, Other};
use crate::vault::{State, Vault, VaultError};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(super) type Run = Box<dyn FnOnce(&mut dyn Vault) + Send>;

/// Something to do.
pub(super) struct Job {
    pub(super) serial: u64,
    pub(super) task: Task,
    pub(super) run: Run,
}

/// No job.
const IDLE: u64 = 0;
/// Choosing and opening the vault.
const OPENING: u64 = 1;

/// What both sides of the queue know.
#[derive(Debug)]
pub(super) struct Line {
    serials: AtomicU64,
    running: AtomicU64,
    // Serials are not used again, so a mark that comes too late means nothing.
    late: AtomicU64,
    about: Mutex<About>,
}

/// The vault, as it was last seen.
#[derive(Clone, Debug)]
pub(super) struct About {
    pub(super) kind: &'static str,
    pub(super) reason: String,
    silence: &'static str,
    advice: Option<&'static str>,
}

impl Line {
    pub(super) fn new() -> Self {
        let about = About {
            kind: "unknown",
            reason: "it is being opened".into(),
            silence: "the vault is being opened",
            advice: None,
        };
        Self {
            serials: AtomicU64::new(OPENING + 1),
            running: AtomicU64::new(OPENING),
            late: AtomicU64::new(IDLE),
            about: Mutex::new(about),
        }
    }

    pub(super) fn next_serial(&self) -> u64 {
        self.serials.fetch_add(1, Ordering::Relaxed)
    }

    /// Answers the job that is being done; 0 if there is none.
    pub(super) fn running(&self) -> u64 {
        self.running.load(Ordering::SeqCst)
    }

    pub(super) fn set_late(&self, serial: u64) {
        self.late.store(serial, Ordering::SeqCst);
    }

    /// Answers whether the job that is being done should have ended.
    pub(super) fn is_late(&self) -> bool {
        let running = self.running();
        running != IDLE && running == self.late.load(Ordering::SeqCst)
    }

    pub(super) fn about(&self) -> About {
        self.lock().clone()
    }

    /// Answers what to say when a call does not come back.
    pub(super) fn silence(&self) -> VaultError {
        let about = self.lock();
        let error = VaultError::new(State::Unavailable, about.silence);
        VaultError { hint: about.advice.map(str::to_owned), ..error }
    }

    /// Adds what to do.
    pub(super) fn advise(&self, error: VaultError) -> VaultError {
        match (&error.hint, error.state) {
            (None, State::Unavailable) => VaultError { hint: self.lock().advice.map(str::to_owned), ..error },
            (_, _) => error,
        }
    }

    fn lock(&self) -> MutexGuard<'_, About> {
        self.about.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Job {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:?} {}", self.task, self.serial)
    }
}

/// Chooses and opens the vault, and does jobs until nobody can send any.
pub(super) fn work(choose: impl FnOnce() -> Chosen, queue: &Receiver<Job>, line: &Arc<Line>) {
    let Chosen { mut vault, reason, other } = choose();
    tracing::info!(kind = vault.kind(), reason, "vault");
    *line.lock() = About { kind: vault.kind(), reason, silence: vault.silence(), advice: vault.advice() };
    vault.open();
    if let Some(remark) = vault.remark() {
        tracing::warn!(remark, "vault");
        add_reason(line, &remark);
    }
    if other == Other::Wanted {
        look_for_another(line.clone());
    }
    line.running.store(IDLE, Ordering::SeqCst);
    while let Ok(job) = queue.recv() {
        line.lock().silence = match job.task {
            Task::Unlock => "the vault is being unlocked",
            Task::Probe | Task::Read | Task::Write => vault.silence(),
        };
        line.running.store(job.serial, Ordering::SeqCst);
        (job.run)(vault.as_mut());
        line.running.store(IDLE, Ordering::SeqCst);
    }
}

fn add_reason(line: &Line, more: &str) {
    let reason = &mut line.lock().reason;
    reason.push_str("; ");
    reason.push_str(more);
}

/// A keychain may take seconds to answer, and nobody waits for this.
fn look_for_another(line: Arc<Line>) {
    let look = move || {
        if let Some(better) = choose::better() {
            add_reason(&line, &better);
        }
    };
    if let Err(error) = std::thread::Builder::new().name("keychain".into()).spawn(look) {
        tracing::warn!(%error, "look for a keychain");
    }
}
