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

    fn key(&self) -> PathBuf {
        self.0.path().join("key")
    }

    /// Opens it as the daemon does, and tells how that went.
    fn open(&self, source: KeySource) -> Result<File, VaultError> {
        let mut vault = File::new(&self.vault(), source);
        Vault::open(&mut vault);
        vault.state().map(|()| vault)
    }

    fn with_key_file(&self) -> Result<File, VaultError> {
        self.open(KeySource::File(self.key()))
    }

    fn with_passphrase(&self, passphrase: &str) -> Result<File, VaultError> {
        let mut vault = File::new(&self.vault(), KeySource::Person);
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
    let mut vault = File::new(&place.vault(), KeySource::Person);
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

fn hint(error: &VaultError) -> &str {
    error.hint.as_deref().unwrap_or_default()
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_key_file_that_others_can_read_is_refused_until_its_mode_is_right() {
    let place = Place::new();
    drop(place.with_key_file().unwrap());
    let key = place.key();
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    set_mode(&key, 0o640);
    let mut vault = File::new(&place.vault(), KeySource::File(key.clone()));
    Vault::open(&mut vault);
    let error = vault.put(&item("a", "s")).unwrap_err();
    assert!(hint(&error).contains("chmod 600"), "{error:?}");
    set_mode(&key, 0o600);
    vault.put(&item("a", "s")).unwrap();
    std::fs::write(&key, "short").unwrap();
    assert!(place.with_key_file().is_err_and(|error| error.message.contains("5 bytes")));
    std::fs::write(&key, "far too long for a key of thirty-two bytes").unwrap();
    assert!(place.with_key_file().is_err_and(|error| error.message.contains("more than 32 bytes")));
}

#[test]
fn a_lost_key_file_is_told_and_not_replaced_and_works_when_it_is_back() {
    let place = Place::new();
    place.with_key_file().unwrap().put(&item("a", "s")).unwrap();
    let away = place.0.path().join("away");
    std::fs::rename(place.key(), &away).unwrap();
    let mut vault = File::new(&place.vault(), KeySource::File(place.key()));
    Vault::open(&mut vault);
    let error = vault.state().unwrap_err();
    assert!(error.message.ends_with("key is missing") && hint(&error).contains("backup"), "{error:?}");
    assert!(vault.unlock(None).is_err() && !place.key().exists());
    std::fs::remove_file(place.vault().join(HEADER)).unwrap();
    assert!(vault.state().unwrap_err().message.contains("header"));
    assert!(!place.key().exists(), "there are records");
    std::fs::rename(&away, place.key()).unwrap();
    assert!(vault.state().is_err());
}

#[test]
fn a_key_file_that_is_back_opens_the_vault_without_a_restart() {
    let place = Place::new();
    place.with_key_file().unwrap().put(&item("a", "s")).unwrap();
    let away = place.0.path().join("away");
    std::fs::rename(place.key(), &away).unwrap();
    let mut vault = File::new(&place.vault(), KeySource::File(place.key()));
    Vault::open(&mut vault);
    assert!(vault.read(&named("a")).is_err());
    std::fs::rename(&away, place.key()).unwrap();
    assert_eq!(vault.read(&named("a")).unwrap(), Some(item("a", "s")));
}

#[test]
fn another_key_file_opens_nothing() {
    let place = Place::new();
    place.with_key_file().unwrap().put(&item("a", "s")).unwrap();
    std::fs::write(place.key(), [7; 32]).unwrap();
    assert!(place.with_key_file().is_err_and(|error| error.message.contains("not the one of this vault")));
}

#[test]
fn a_header_that_was_weakened_or_damaged_opens_nothing() {
    let place = Place::new();
    place.with_passphrase("right").unwrap().put(&item("a", "s")).unwrap();
    let path = place.vault().join(HEADER);
    let text = std::fs::read_to_string(&path).unwrap();
    let mut weaker: Vec<String> = [("memory_kib\":64", "memory_kib\":8"), ("passes\":3", "passes\":1")]
        .map(|(old, new)| text.replace(old, new))
        .into();
    weaker.extend(
        [
            ("memory_kib\":64", "memory_kib\":99999999"),
            ("passes\":3", "passes\":17"),
            ("salt\":\"", "salt\":\"00"),
        ]
        .map(|(old, new)| text.replace(old, new)),
    );
    let check = text.find(",\"check\"").unwrap();
    weaker.push(text[..check].to_owned() + "}");
    weaker.push(text.replace(&text[check..], ",\"check\":null}"));
    for weaker in weaker {
        assert_ne!(weaker, text);
        std::fs::write(&path, &weaker).unwrap();
        let Err(error) = place.with_passphrase("right") else { panic!("{weaker}") };
        assert!(error.message.contains("header") && error.message.contains("damaged"), "{error:?}");
    }
    std::fs::write(&path, text).unwrap();
    place.with_passphrase("right").unwrap();
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
    place.open(source("echo pass")).unwrap().put(&item("a", "s")).unwrap();
    assert!(place.with_passphrase("pass").unwrap().read(&named("a")).unwrap().is_some());
    let mut sealed = File::new(&place.vault(), source("exit 3"));
    Vault::open(&mut sealed);
    assert_eq!(sealed.state().unwrap_err().state, State::Sealed);
    assert_eq!(sealed.unlock(None).unwrap_err().message, "run passphrase_command sh: exit status: 3");
}

#[test]
fn a_passphrase_command_is_not_run_again_by_those_who_only_look() {
    let place = Place::new();
    let mark = place.0.path().join("runs");
    let script = format!("echo >> {}; exit 1", mark.display());
    let mut vault =
        File::new(&place.vault(), KeySource::Command(["sh", "-c", &script].map(str::to_owned).to_vec()));
    Vault::open(&mut vault);
    for _ in 0..3 {
        assert!(vault.state().is_err());
    }
    assert!(vault.unlock(None).is_err());
    assert_eq!(std::fs::read_to_string(mark).unwrap().lines().count(), 2);
}

#[test]
fn a_credential_is_a_passphrase_without_its_line_end() {
    let place = Place::new();
    place.with_passphrase("pass").unwrap().put(&item("a", "s")).unwrap();
    let credential = place.0.path().join("credential");
    std::fs::write(&credential, "pass\r\n").unwrap();
    set_mode(&credential, 0o440);
    let source = KeySource::Credential(credential.clone());
    assert!(place.open(source.clone()).unwrap().read(&named("a")).unwrap().is_some());
    std::fs::write(&credential, vec![b'x'; 5_000]).unwrap();
    let Err(error) = place.open(source) else { panic!() };
    assert!(error.message.contains("more than 4096 bytes"), "{error:?}");
}

#[test]
fn a_record_that_is_no_file_or_has_no_end_is_not_read() {
    let place = Place::new();
    let mut vault = place.with_key_file().unwrap();
    assert!(std::process::Command::new("mkfifo").arg(place.record("a")).status().unwrap().success());
    std::os::unix::fs::symlink("/dev/zero", place.record("b")).unwrap();
    assert!(vault.read(&named("a")).is_err() && vault.read(&named("b")).is_err());
    assert_eq!(vault.names(ItemKind::Session).unwrap(), []);
    let error = vault.put(&item("c", &"x".repeat(MAX_RECORD))).unwrap_err();
    assert_eq!(error.state, State::Ready, "others can be written");
}

#[cfg(target_os = "linux")]
#[test]
fn a_key_in_the_kernel_opens_the_vault_until_it_is_gone() {
    let place = Place::new();
    let name = format!("keyfob test {}", place.0.path().display());
    let source = KeySource::Kernel(name.clone());
    let mut first = match place.open(source.clone()) {
        Ok(vault) => vault,
        // Containers may withhold the keyring.
        Err(error) => {
            return assert!(error.message.starts_with("use the keyring of the kernel: "), "{error:?}");
        }
    };
    first.put(&item("a", "s")).unwrap();
    assert_eq!(place.open(source.clone()).unwrap().read(&named("a")).unwrap(), Some(item("a", "s")));
    for _ in 0..2 {
        crate::kernel::remove(&name).unwrap();
        let mut next = place.open(source.clone()).unwrap();
        assert_eq!(next.read(&named("a")).unwrap(), None);
        assert!(next.remark().unwrap().contains("vault.lost"), "{:?}", next.remark());
        next.put(&item("a", "s")).unwrap();
    }
    assert!(place.0.path().join("vault.lost").join(file_name(&named("a"))).exists());
    crate::kernel::remove(&name).unwrap();
}
