//! The sealed files, claim by claim.

use super::*;
use std::os::unix::fs::PermissionsExt;

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn vault(&self) -> PathBuf {
        self.0.path().join("vault")
    }

    fn with_key_file(&self) -> Result<File, VaultError> {
        File::open(&self.vault(), KeySource::File(self.0.path().join("key")))
    }

    fn with_passphrase(&self, passphrase: &str) -> Result<File, VaultError> {
        let mut vault = File::open(&self.vault(), KeySource::Person)?;
        vault.unlock(Some(Secret::new(passphrase)))?;
        Ok(vault)
    }

    fn record(&self, name: &str) -> PathBuf {
        self.vault().join(file_name(&named(name)))
    }
}

fn named(name: &str) -> ItemName {
    ItemName { kind: ItemKind::Session, name: name.into() }
}

fn item(name: &str, value: &str) -> Item {
    Item { name: named(name), generation: 1, value: Secret::new(value) }
}

#[test]
fn what_is_put_is_there_after_a_restart_and_nowhere_in_clear() {
    let place = Place::new();
    place.with_key_file().unwrap().put(&item("../../a\n", "hunter2hunter2")).unwrap();
    let mut again = place.with_key_file().unwrap();
    assert_eq!(again.read(&named("../../a\n")).unwrap(), Some(item("../../a\n", "hunter2hunter2")));
    assert_eq!(again.names(ItemKind::Session).unwrap(), [named("../../a\n")]);
    assert_eq!(again.names(ItemKind::AccessKey).unwrap(), []);
    for entry in std::fs::read_dir(place.vault()).unwrap().flatten() {
        let bytes = std::fs::read(entry.path()).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("hunter2"));
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    again.remove(&named("../../a\n")).unwrap();
    again.remove(&named("../../a\n")).unwrap();
    assert_eq!(again.read(&named("../../a\n")).unwrap(), None);
}

#[test]
fn a_wrong_passphrase_opens_nothing_and_breaks_nothing() {
    let place = Place::new();
    place.with_passphrase("right").unwrap().put(&item("a", "s")).unwrap();
    let Err(error) = place.with_passphrase("wrong") else { panic!() };
    assert_eq!(error.state, State::Sealed);
    assert_eq!(place.with_passphrase("right").unwrap().read(&named("a")).unwrap(), Some(item("a", "s")));
}

#[test]
fn a_locked_vault_is_sealed_until_its_passphrase_comes() {
    let place = Place::new();
    let mut vault = File::open(&place.vault(), KeySource::Person).unwrap();
    assert_eq!(vault.passphrase(), Passphrase::New);
    vault.unlock(Some(Secret::new("right"))).unwrap();
    vault.put(&item("a", "s")).unwrap();
    vault.lock();
    assert_eq!(vault.passphrase(), Passphrase::Existing);
    assert_eq!(vault.read(&named("a")).unwrap_err().state, State::Sealed);
    assert!(vault.unlock(None).is_err());
    vault.unlock(Some(Secret::new("right"))).unwrap();
    assert!(vault.read(&named("a")).unwrap().is_some());
}

#[test]
fn records_that_are_exchanged_or_changed_are_refused_and_left_alone() {
    let place = Place::new();
    let mut vault = place.with_key_file().unwrap();
    vault.put(&item("a", "secret of a")).unwrap();
    vault.put(&item("b", "secret of b")).unwrap();
    std::fs::copy(place.record("b"), place.record("a")).unwrap();
    assert!(vault.read(&named("a")).is_err());
    let mut bytes = std::fs::read(place.record("b")).unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let at = text.find("\"generation\":1").unwrap() + "\"generation\":".len();
    bytes[at] = b'2';
    std::fs::write(place.record("b"), &bytes).unwrap();
    assert!(vault.read(&named("b")).is_err(), "the generation is bound to the record");
    bytes.truncate(bytes.len() - 1);
    std::fs::write(place.record("b"), &bytes).unwrap();
    assert!(vault.read(&named("b")).is_err());
    assert_eq!(vault.read(&named("b")).unwrap_err().state, State::Ready, "others can be read");
    assert!(place.record("a").exists() && place.record("b").exists());
}

#[test]
fn a_key_file_that_others_can_read_is_refused() {
    let place = Place::new();
    drop(place.with_key_file().unwrap());
    let key = place.0.path().join("key");
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(place.with_key_file().is_err_and(|error| error.message.contains("chmod 600")));
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(&key, "short").unwrap();
    assert!(place.with_key_file().is_err_and(|error| error.message.contains("5 bytes")));
}

#[test]
fn another_key_file_opens_nothing() {
    let place = Place::new();
    place.with_key_file().unwrap().put(&item("a", "s")).unwrap();
    let other = KeySource::File(place.0.path().join("other"));
    assert!(File::open(&place.vault(), other).is_err());
}

#[test]
fn what_a_crash_left_is_swept_and_a_failed_write_keeps_the_old_record() {
    let place = Place::new();
    let mut vault = place.with_key_file().unwrap();
    vault.put(&item("a", "old")).unwrap();
    std::fs::write(place.vault().join(".tmp-1"), "half").unwrap();
    let mut again = place.with_key_file().unwrap();
    assert!(!place.vault().join(".tmp-1").exists());
    std::fs::rename(place.vault(), place.0.path().join("moved")).unwrap();
    assert!(again.put(&item("a", "new")).is_err());
    std::fs::rename(place.0.path().join("moved"), place.vault()).unwrap();
    assert_eq!(again.read(&named("a")).unwrap(), Some(item("a", "old")));
}

#[test]
fn a_passphrase_command_is_run_and_its_failure_told() {
    let place = Place::new();
    let source = |script: &str| KeySource::Command(["sh", "-c", script].map(str::to_owned).to_vec());
    File::open(&place.vault(), source("echo pass")).unwrap().put(&item("a", "s")).unwrap();
    assert!(place.with_passphrase("pass").unwrap().read(&named("a")).unwrap().is_some());
    let mut sealed = File::open(&place.vault(), source("exit 3")).unwrap();
    assert_eq!(sealed.state().unwrap_err().state, State::Sealed);
    assert!(sealed.unlock(None).unwrap_err().message.contains("exit status: 3"));
}
