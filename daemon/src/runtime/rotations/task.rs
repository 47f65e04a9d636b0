//! One rotation, from its first step or from where a crash has left it, to its end.

use super::act::{Done, Hand};
use super::journal::Journal;
use crate::clock;
use crate::runtime::grants::{Question, ask};
use crate::runtime::{Event, Shared};
use keyfob_engine::clock::Monotonic;
use keyfob_engine::rotation::{Action, Command, End, Next, Record, Rotation, View};
use keyfob_shared::Failure;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};

/// Timers stand still while the computer is suspended: longer waits are looked at again.
const LONGEST_SLEEP: Duration = Duration::from_secs(5 * 60);

/// What a person wants.
pub(super) struct Order {
    pub(super) command: Command,
    pub(super) answer: oneshot::Sender<Result<(), Failure>>,
}

/// What people see of it.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) view: View,
    pub(super) end: Option<End>,
}

impl Shown {
    pub(super) fn of(rotation: &Rotation) -> Self {
        Self { view: rotation.view(clock::now()), end: None }
    }
}

pub(super) struct Task {
    pub(super) rotation: Rotation,
    /// What the journal has.
    pub(super) written: Option<Record>,
    pub(super) journal: Journal,
    pub(super) hand: Hand,
    pub(super) events: mpsc::UnboundedSender<Event>,
    pub(super) orders: mpsc::UnboundedReceiver<Order>,
    pub(super) locked: watch::Receiver<bool>,
    pub(super) shown: watch::Sender<Shown>,
    /// Orders that were taken, and are answered when they are written down.
    pub(super) taken: Vec<Order>,
    /// Whether a person was told that they are needed.
    pub(super) told: bool,
}

impl Task {
    pub(super) fn new(
        shared: &Shared,
        rotation: Rotation,
        written: Option<Record>,
        orders: mpsc::UnboundedReceiver<Order>,
        shown: watch::Sender<Shown>,
    ) -> Self {
        let hand = Hand::new(shared.clone(), rotation.record().identity.clone());
        let rotations = &shared.rotations;
        let (journal, locked) = (rotations.journal.clone(), rotations.locked.clone());
        Self {
            rotation,
            written,
            journal,
            hand,
            events: shared.events.clone(),
            orders,
            locked,
            shown,
            taken: Vec::new(),
            told: false,
        }
    }

    /// Runs it to its end; `None` if the daemon ends before.
    pub(super) async fn run(mut self) -> Option<End> {
        loop {
            // A locked agent does nothing and keeps no secret.
            if *self.locked.borrow() {
                self.hand.forget();
                let _ = self.write().await;
                self.locked.wait_for(|locked| !locked).await.ok()?;
            }
            while let Ok(order) = self.orders.try_recv() {
                self.obey(order);
            }
            let next = self.rotation.next(clock::now());
            if let Err(failure) = self.write().await {
                tracing::warn!(error = %failure, "a rotation waits");
                self.taken.drain(..).for_each(|order| drop(order.answer.send(Err(failure.clone()))));
                let again = self.rotation.journal_failed(failure, clock::now());
                self.show(None);
                self.wait(Some(again)).await;
                continue;
            }
            self.taken.drain(..).for_each(|order| drop(order.answer.send(Ok(()))));
            self.show(None);
            match next {
                Next::Act(action) => self.act(&action).await?,
                Next::Wait(until) => self.wait(until).await,
                Next::Ended(end) => {
                    // First, so that the next rotation does not lose its record.
                    if end == End::Done {
                        self.journal.remove(&self.rotation.record().identity).await;
                    }
                    self.show(Some(end.clone()));
                    return Some(end);
                }
            }
        }
    }

    async fn act(&mut self, action: &Action) -> Option<()> {
        let identity = self.rotation.record().identity.clone();
        let place = ask(&self.events, |answer| Question::KeyPlace { identity, answer }).await.ok()?;
        tracing::info!(identity = %self.rotation.record().identity, step = action.what(), "rotate an access key");
        let Done { outcome, sent, date } = self.hand.act(action, place).await;
        let now = clock::now();
        if let Some(date) = date {
            self.rotation.hear_date(date, sent, now);
        }
        self.rotation.hear(outcome, now);
        Some(())
    }

    async fn wait(&mut self, until: Option<Monotonic>) {
        let left = until.map(|until| until.0.saturating_sub(clock::now().monotonic.0).max(0));
        let sleep =
            left.map_or(LONGEST_SLEEP, |left| Duration::from_millis(left.unsigned_abs()).min(LONGEST_SLEEP));
        tokio::select! {
            () = tokio::time::sleep(sleep) => {}
            Some(order) = self.orders.recv() => self.obey(order),
            _ = self.locked.changed() => {}
        }
    }

    fn obey(&mut self, order: Order) {
        match self.rotation.command(order.command, clock::now()) {
            Ok(()) => self.taken.push(order),
            Err(failure) => drop(order.answer.send(Err(failure))),
        }
    }

    /// Writes the record, if the journal has another.
    async fn write(&mut self) -> Result<(), Failure> {
        if self.written.as_ref() != Some(self.rotation.record()) {
            self.journal.write(self.rotation.record()).await?;
            self.written = Some(self.rotation.record().clone());
        }
        Ok(())
    }

    fn show(&mut self, end: Option<End>) {
        let view = self.rotation.view(clock::now());
        let waits = view.needs_person.then(|| view.trouble.clone()).flatten();
        // Once: whoever has begun it may have gone long ago.
        if let Some(trouble) = &waits
            && !self.told
        {
            let identity = &self.rotation.record().identity;
            tracing::warn!(%identity, error = %trouble.failure, "a rotation needs a person");
            let title = format!("The rotation of the access key of {identity} needs you");
            crate::notify::tell(title, trouble.failure.to_string());
        }
        self.told = waits.is_some();
        self.shown.send_replace(Shown { view, end });
    }
}
