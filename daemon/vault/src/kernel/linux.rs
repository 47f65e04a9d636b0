//! Linux: keyrings(7). Twenty kilobytes a user, so it holds one key and no records.

use linux_keyutils::{KeyError, KeyPermissionsBuilder, KeyRing, KeyRingIdentifier, Permission};
use std::io;
use zeroize::Zeroizing;

/// Whether this platform has such a keyring.
pub(crate) const IS_THERE: bool = true;

/// Answers the bytes of a key; `None` if it is not there.
pub(crate) fn read(name: &str, limit: usize) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let key = match ring()?.search(name) {
        Ok(key) => key,
        Err(KeyError::KeyDoesNotExist | KeyError::KeyExpired | KeyError::KeyRevoked) => return Ok(None),
        Err(error) => return Err(explain(error)),
    };
    let mut bytes = Zeroizing::new(vec![0; limit]);
    // A longer one is told by its length, and not copied.
    let length = key.read(&mut *bytes).map_err(explain)?;
    if length > limit {
        return Err(io::Error::other(format!("the key has {length} bytes instead of {limit}")));
    }
    bytes.truncate(length);
    Ok(Some(bytes))
}

/// Puts a key in the keyring.
pub(crate) fn write(name: &str, bytes: &[u8]) -> io::Result<()> {
    let key = ring()?.add_key(name, bytes).map_err(explain)?;
    // A service has a session of its own, which does not possess the keyring: the user needs the rights as such.
    let rights = Permission::VIEW | Permission::READ | Permission::SEARCH | Permission::SETATTR;
    let rights = KeyPermissionsBuilder::builder().posessor(Permission::ALL).user(rights).build();
    key.set_perms(rights).map_err(explain)
}

/// Removes a key, as the next boot would.
#[cfg(test)]
pub(crate) fn remove(name: &str) -> io::Result<()> {
    let ring = ring()?;
    ring.search(name).and_then(|key| ring.unlink_key(key)).map_err(explain)
}

fn ring() -> io::Result<KeyRing> {
    KeyRing::from_special_id(KeyRingIdentifier::User, false).map_err(explain)
}

fn explain(error: KeyError) -> io::Error {
    match error {
        KeyError::Unknown(number) => io::Error::from_raw_os_error(number),
        KeyError::AccessDenied | KeyError::PermissionDenied => {
            let why = "it is not allowed here, as in many containers";
            io::Error::new(io::ErrorKind::PermissionDenied, why)
        }
        KeyError::QuotaExceeded => io::Error::other("this user has as many keys as the kernel allows"),
        other => io::Error::other(format!("{other:?}")),
    }
}
