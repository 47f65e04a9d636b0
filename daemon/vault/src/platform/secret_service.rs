//! The Secret Service of the desktop, over D-Bus: one item each, found by its attributes.
//!
//! Nothing but an unlock that a person asked for raises a prompt: locked items are left alone. A service that was
//! restarted has forgotten our session, so a call that fails is tried once on a new connection.

use crate::vault::{Item, ItemKind, ItemName, State, Vault, VaultError};
use dbus_secret_service::{Collection, EncryptionType, Error, SecretService};
use keyfob_shared::Secret;
use std::collections::HashMap;
use std::path::Path;
use zeroize::Zeroizing;

/// Its name in configuration and status.
pub(crate) const KIND: &str = "secret-service";
const APPLICATION: &str = "keyfob";
/// A person has this long to answer the prompt of the keychain.
const PROMPT_SECONDS: u64 = 60;
const CONTENT_TYPE: &str = "text/plain";

/// The default collection of the Secret Service.
#[derive(Default)]
pub(crate) struct Keychain {
    connection: Option<SecretService>,
}

impl Keychain {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Answers whether there is a Secret Service, or why not. A service that hangs is one.
    pub(crate) fn find() -> Result<(), String> {
        if !has_bus() {
            return Err("there is no D-Bus session, so no keychain".into());
        }
        match connect(0) {
            Ok(service) => match service.get_default_collection() {
                Err(Error::NoResult) => Err("the Secret Service has no default collection".into()),
                Ok(_) | Err(_) => Ok(()),
            },
            Err(Error::Dbus(error)) if error.name() == Some("org.freedesktop.DBus.Error.NoReply") => Ok(()),
            Err(error) => Err(format!("there is no Secret Service: {error}")),
        }
    }

    /// Runs a call, once more on a new connection if it fails for a reason that a new one may mend.
    fn run<T>(
        &mut self,
        what: &str,
        call: impl Fn(&SecretService) -> Result<T, Error>,
    ) -> Result<T, VaultError> {
        if !has_bus() {
            return Err(VaultError::new(State::Unavailable, format!("{what}: there is no D-Bus session")));
        }
        if let Some(service) = &self.connection {
            match call(service) {
                Ok(value) => return Ok(value),
                Err(error @ (Error::Locked | Error::Prompt | Error::NoResult)) => {
                    return Err(explain(what, error));
                }
                Err(error) if hangs(&error) => {
                    self.connection = None;
                    return Err(explain(what, error));
                }
                Err(_) => self.connection = None,
            }
        }
        let service = connect(0).map_err(|error| explain(what, error))?;
        let result = call(&service).map_err(|error| explain(what, error));
        self.connection = Some(service);
        result
    }
}

impl Vault for Keychain {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn state(&mut self) -> Result<(), VaultError> {
        self.run("look at the keychain", |service| unlocked(service).map(|_| ()))
    }

    fn names(&mut self, kind: ItemKind) -> Result<Vec<ItemName>, VaultError> {
        self.run("list the keychain", |service| {
            unlocked(service)?;
            let found = service
                .search_items(HashMap::from([("application", APPLICATION), ("kind", kind.as_str())]))?;
            let mut names = Vec::new();
            for item in found.unlocked.iter().chain(&found.locked) {
                names.extend(item.get_attributes()?.remove("name").map(|name| ItemName { kind, name }));
            }
            Ok(names)
        })
    }

    fn read(&mut self, name: &ItemName) -> Result<Option<Item>, VaultError> {
        self.run("read the keychain", |service| {
            unlocked(service)?;
            let found = service.search_items(attributes(name))?;
            let Some(item) = found.unlocked.first() else {
                return if found.locked.is_empty() { Ok(None) } else { Err(Error::Locked) };
            };
            let bytes = Zeroizing::new(item.get_secret()?);
            let value =
                std::str::from_utf8(&bytes).map(Secret::new).map_err(|_| Error::UnsupportedSecretFormat)?;
            let generation = item
                .get_attributes()?
                .get("generation")
                .and_then(|text| text.parse().ok())
                .unwrap_or_default();
            Ok(Some(Item { name: name.clone(), generation, value }))
        })
    }

    fn put(&mut self, item: &Item) -> Result<(), VaultError> {
        self.run("write to the keychain", |service| {
            let collection = unlocked(service)?;
            let label = format!("keyfob {} {}", item.name.kind.as_str(), item.name.name);
            // Replaced by these attributes; one with a generation would be another item.
            collection.create_item(
                &label,
                attributes(&item.name),
                item.value.expose().as_bytes(),
                true,
                CONTENT_TYPE,
            )?;
            Ok(())
        })
    }

    fn remove(&mut self, name: &ItemName) -> Result<(), VaultError> {
        self.run("remove from the keychain", |service| {
            unlocked(service)?;
            let found = service.search_items(attributes(name))?;
            found.unlocked.iter().try_for_each(dbus_secret_service::Item::delete)?;
            if found.locked.is_empty() { Ok(()) } else { Err(Error::Locked) }
        })
    }

    fn unlock(&mut self, _passphrase: Option<Secret>) -> Result<(), VaultError> {
        let what = "unlock the keychain";
        let service = connect(PROMPT_SECONDS).map_err(|error| explain(what, error))?;
        let collection = service.get_default_collection().map_err(|error| explain(what, error))?;
        collection.unlock().map_err(|error| explain(what, error))?;
        self.state()
    }
}

fn attributes(name: &ItemName) -> HashMap<&str, &str> {
    HashMap::from([("application", APPLICATION), ("kind", name.kind.as_str()), ("name", name.name.as_str())])
}

/// Answers the default collection if it is not locked.
fn unlocked(service: &SecretService) -> Result<Collection<'_>, Error> {
    let collection = service.get_default_collection()?;
    if collection.is_locked()? { Err(Error::Locked) } else { Ok(collection) }
}

/// Connects; a prompt is dismissed after the given time, and with 0 never shown.
fn connect(prompt_seconds: u64) -> Result<SecretService, Error> {
    SecretService::connect_with_max_prompt_timeout(EncryptionType::Dh, prompt_seconds)
}

/// Answers whether there is a session bus; libdbus would start one of its own.
fn has_bus() -> bool {
    let socket = || std::env::var_os("XDG_RUNTIME_DIR").map(|directory| Path::new(&directory).join("bus"));
    std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some_and(|address| !address.is_empty())
        || socket().is_some_and(|socket| socket.exists())
}

fn hangs(error: &Error) -> bool {
    matches!(error, Error::Dbus(error) if error.name() == Some("org.freedesktop.DBus.Error.NoReply"))
}

/// Puts an error in words; none of these holds a secret.
fn explain(what: &str, error: Error) -> VaultError {
    match error {
        Error::Locked => VaultError::new(State::Locked, "the keychain is locked"),
        Error::Prompt => {
            VaultError::new(State::Locked, "the keychain stayed locked: its prompt was dismissed")
        }
        Error::NoResult => VaultError::new(State::Unavailable, "the keychain has no default collection"),
        Error::UnsupportedSecretFormat => {
            VaultError::new(State::Ready, "an item of the keychain is not text")
        }
        error if hangs(&error) => VaultError::new(State::Unavailable, "the keychain does not answer"),
        error => VaultError::unavailable(what, &error),
    }
}
