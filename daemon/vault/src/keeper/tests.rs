//! Deadlines, and what is told when they pass.

use super::*;
use crate::choose::{Choice, Other};
use crate::memory::Memory;
use std::sync::mpsc;

/// A keychain that hangs in each call until it is let go.
struct Hanging {
    inner: Memory,
    gate: mpsc::Receiver<()>,
}

impl Vault for Hanging {
    fn kind(&self) -> &'static str {
        "hanging"
    }
    fn state(&mut self) -> Result<(), VaultError> {
        let _ = self.gate.recv();
        Ok(())
    }
    fn names(&mut self, kind: ItemKind) -> Result<Vec<ItemName>, VaultError> {
        self.inner.names(kind)
    }
    fn read(&mut self, name: &ItemName) -> Result<Option<Item>, VaultError> {
        let _ = self.gate.recv();
        self.inner.read(name)
    }
    fn put(&mut self, item: &Item) -> Result<(), VaultError> {
        let _ = self.gate.recv();
        self.inner.put(item)
    }
    fn remove(&mut self, name: &ItemName) -> Result<(), VaultError> {
        self.inner.remove(name)
    }
}

fn hanging() -> (mpsc::Sender<()>, Keeper) {
    let (let_go, gate) = mpsc::channel();
    let vault = Hanging { inner: Memory::default(), gate };
    let chosen = || Chosen { vault: Box::new(vault), reason: String::new(), other: Other::Unwanted };
    (let_go, Keeper::with(chosen))
}

fn named(name: &str) -> ItemName {
    ItemName { kind: ItemKind::Session, name: name.into() }
}

fn item(name: &str) -> Item {
    Item { name: named(name), generation: 1, value: Secret::new("s") }
}

/// Answers whether a call fails, and whether it fails at once.
async fn fails(keeper: &Keeper) -> (bool, bool) {
    let start = tokio::time::Instant::now();
    let failed = keeper.names(ItemKind::Session).await.is_err();
    (failed, start.elapsed() < Duration::from_millis(100))
}

async fn answers_again(keeper: &Keeper) {
    let start = tokio::time::Instant::now();
    while keeper.names(ItemKind::Session).await.is_err() {
        assert!(start.elapsed() < Duration::from_secs(5));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_keychain_that_hangs_fails_callers_and_recovers() {
    let (let_go, keeper) = hanging();
    let error = keeper.read(named("a")).await.unwrap_err();
    assert_eq!((error.state, error.message.as_str()), (State::Unavailable, "the keychain does not answer"));
    assert!(error.hint.unwrap().contains("vault = \"file\""));
    assert_eq!(fails(&keeper).await, (true, true));
    assert_eq!(keeper.status().await.state, State::Unavailable);
    let_go.send(()).unwrap();
    answers_again(&keeper).await;
}

#[tokio::test]
async fn a_probe_that_was_given_up_fails_nobody_else() {
    let (let_go, keeper) = hanging();
    assert_eq!(keeper.status().await.state, State::Unavailable);
    let other = keeper.clone();
    let waiting = tokio::spawn(async move { other.names(ItemKind::Session).await });
    let_go.send(()).unwrap();
    assert!(waiting.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_write_that_was_given_up_tells_whether_it_may_have_been_carried_out() {
    let (let_go, keeper) = hanging();
    let (first, second) = tokio::join!(keeper.put(item("a")), keeper.put(item("b")));
    assert!(first.unwrap_err().message.ends_with("whether this was carried out is not known"));
    assert!(!second.unwrap_err().message.contains("not known"), "it was never begun");
    let_go.send(()).unwrap();
    answers_again(&keeper).await;
    assert_eq!(keeper.names(ItemKind::Session).await.unwrap(), [named("a")]);
}

fn settings(place: &std::path::Path) -> Settings {
    Settings {
        choice: Choice::File,
        key_file: Some(place.join("key")),
        passphrase_command: None,
        state_directory: place.to_owned(),
    }
}

#[tokio::test]
async fn an_item_that_is_damaged_does_not_keep_the_others_from_being_read() {
    let place = tempfile::tempdir().unwrap();
    let keeper = Keeper::start(settings(place.path()));
    for name in ["a", "b"] {
        keeper.put(item(name)).await.unwrap();
    }
    let records = std::fs::read_dir(place.path().join("vault")).unwrap().flatten();
    let mut paths = records.map(|entry| entry.path());
    let record = paths.find(|path| path.extension().is_some_and(|end| end == "sealed")).unwrap();
    let mut bytes = std::fs::read(&record).unwrap();
    bytes.pop();
    std::fs::write(&record, bytes).unwrap();
    assert_eq!(keeper.sessions().await.unwrap().len(), 1);
}

#[cfg(unix)]
#[tokio::test]
async fn a_passphrase_command_that_hangs_is_named_and_the_next_caller_is_told_at_once() {
    let place = tempfile::tempdir().unwrap();
    let command = ["sh", "-c", "sleep 77"].map(str::to_owned).to_vec();
    let settings = Settings { key_file: None, passphrase_command: Some(command), ..settings(place.path()) };
    let keeper = Keeper::start(settings);
    let error = keeper.read(named("a")).await.unwrap_err();
    assert_eq!(error.message, "passphrase_command has not ended");
    assert_eq!(fails(&keeper).await, (true, true));
    assert_eq!(keeper.kind(), "file");
}
