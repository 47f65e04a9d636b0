//! The person at the other end, and the vault.

use keyfob_idp::{Ask, Unwritten};
use keyfob_shared::wire::Prompt;
use keyfob_shared::{Failure, FailureKind, Secret};
use std::sync::{Arc, Mutex};

type Browser = Arc<dyn Fn(&str) + Send + Sync>;

/// Opens whatever is shown, on a thread of its own.
pub(crate) struct Person {
    browser: Browser,
    /// What was shown: addresses and codes.
    pub(crate) shown: Vec<(String, Option<String>)>,
}

impl Person {
    pub(crate) fn with(browser: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { browser: Arc::new(browser), shown: Vec::new() }
    }

    /// Does nothing in the browser.
    pub(crate) fn idle() -> Self {
        Self::with(|_| {})
    }
}

impl Ask for Person {
    async fn ask(&mut self, prompt: Prompt) -> Result<Secret, Failure> {
        panic!("nothing is asked here: {prompt:?}")
    }

    async fn show(&mut self, prompt: Prompt) -> Result<(), Failure> {
        let Prompt::OpenUrl { url, code } = prompt else { panic!("{prompt:?}") };
        self.shown.push((url.clone(), code));
        let browser = self.browser.clone();
        std::thread::spawn(move || browser(&url));
        Ok(())
    }
}

/// Is gone.
pub(crate) struct Gone;

impl Ask for Gone {
    async fn ask(&mut self, _: Prompt) -> Result<Secret, Failure> {
        Err(Failure::new(FailureKind::Person, "gone"))
    }

    async fn show(&mut self, _: Prompt) -> Result<(), Failure> {
        Err(Failure::new(FailureKind::Person, "gone"))
    }
}

/// What was written last.
#[derive(Clone, Default)]
pub(crate) struct Vault(Arc<Mutex<Secret>>);

impl Vault {
    /// Writes, and answers what is given out then.
    pub(crate) async fn write<T: std::fmt::Debug>(&self, unwritten: Unwritten<T>) -> T {
        let written = unwritten.write(async |kept| {
            *self.0.lock().unwrap() = kept;
            Ok::<_, Failure>(())
        });
        written.await.unwrap()
    }

    pub(crate) fn put(&self, kept: Secret) {
        *self.0.lock().unwrap() = kept;
    }

    pub(crate) fn kept(&self) -> Secret {
        self.0.lock().unwrap().clone()
    }
}
