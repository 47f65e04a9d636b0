//! The configuration, read beside the loop: one read at a time, and once more if something has changed meanwhile.

use super::{Event, Runtime};
use crate::configuration::{self, Absent, Broken, Reading};
use crate::watch::Coverage;
use keyfob_engine::config::Config;
use keyfob_engine::engine;
use keyfob_shared::Failure;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// An editor writes a file in several steps; it is read this long after the first.
pub(super) const SETTLE: Duration = Duration::from_millis(100);

/// Who is told how a read went.
pub(super) type Asker = oneshot::Sender<Result<(), Failure>>;

/// The reads that are under way and wanted.
#[derive(Default)]
pub(super) struct Reload {
    under_way: Option<Vec<Asker>>,
    wanted: Option<Vec<Asker>>,
}

impl Reload {
    /// Wants a read; answers whether it can begin, or waits for the end of another.
    fn want(&mut self, asker: Option<Asker>) -> bool {
        let begins = self.under_way.is_none();
        let list = if begins { &mut self.under_way } else { &mut self.wanted };
        list.get_or_insert_default().extend(asker);
        begins
    }

    /// Ends a read; answers who is told, and whether another begins.
    fn end(&mut self) -> (Vec<Asker>, bool) {
        let told = std::mem::replace(&mut self.under_way, self.wanted.take()).unwrap_or_default();
        (told, self.under_way.is_some())
    }
}

impl Runtime {
    pub(super) fn read_config(&mut self, after: Duration, asker: Option<Asker>) {
        if self.reload.want(asker) {
            self.start_read(after);
        }
    }

    fn start_read(&self, after: Duration) {
        let (events, file) = (self.shared.events.clone(), self.config_file.clone());
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            let path = file.clone();
            let read = tokio::task::spawn_blocking(move || configuration::read(&path, Absent::IsBroken));
            // Each read that began ends, whatever becomes of it: others wait for that.
            let reading = read.await.unwrap_or_else(|error| configuration::unread(&file, &error));
            let _ = events.send(Event::ConfigRead(Box::new(reading)));
        });
    }

    pub(super) fn config_read(&mut self, reading: Reading) {
        // What was read before it was watched may have changed since.
        if self.watch.renew(&configuration::watched(&self.config_file, &reading.policies)) == Coverage::More {
            self.read_config(SETTLE, None);
        }
        let outcome = match reading.result {
            Ok(config) => {
                self.put_in_force(config);
                Ok(())
            }
            Err(broken) => Err(self.keep_last_good(broken)),
        };
        let (told, again) = self.reload.end();
        for asker in told {
            let _ = asker.send(outcome.clone());
        }
        if again {
            self.start_read(SETTLE);
        }
    }

    fn put_in_force(&mut self, config: Config) {
        self.broken = None;
        self.listener.allow_root(config.daemon.allow_root);
        self.ledger.keep(&config.daemon);
        if **self.engine.config() != config {
            tracing::info!(profiles = config.profiles.len(), "a new configuration is in force");
            self.tell(engine::Event::Configured(Arc::new(config)));
            self.apply_sockets();
        }
    }

    fn keep_last_good(&mut self, broken: Broken) -> Failure {
        let failure = broken.failure.clone();
        // A file that is looked at again is told of once.
        if self.broken.as_ref().is_none_or(|known| known.failure != failure) {
            tracing::warn!(error = %failure, "the last good configuration stays in force");
        }
        self.broken = Some(broken);
        failure
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_during_a_read_is_read_after_it() {
        let mut reload = Reload::default();
        assert!(reload.want(None));
        let (asker, _told) = oneshot::channel();
        assert!(!reload.want(Some(asker)));
        assert!(!reload.want(None));
        let (told, again) = reload.end();
        assert!(told.is_empty() && again);
        let (told, again) = reload.end();
        assert!(told.len() == 1 && !again);
        assert!(reload.want(None));
    }
}
