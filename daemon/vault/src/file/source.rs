//! Where the key of sealed files comes from.

use crate::command;
use crate::files::{self, Place, Trust};
use crate::kernel;
use crate::vault::{State, VaultError};
use keyfob_shared::Secret;
use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Bytes of a key.
pub(super) const KEY: usize = 32;
const MAX_PASSPHRASE: usize = 4_096;

/// Where the key comes from.
#[derive(Clone, Debug)]
pub(crate) enum KeySource {
    /// A file of 32 random bytes; made with the vault.
    File(PathBuf),
    /// 32 random bytes under this name in the kernel's keyring of the user; made when they are not there.
    Kernel(String),
    /// A command that prints a passphrase.
    Command(Vec<String>),
    /// A credential of systemd: a passphrase.
    Credential(PathBuf),
    /// A person types a passphrase at `keyfob unlock`.
    Person,
}

/// What a key is made of.
pub(super) enum Material {
    /// A key that needs no stretching.
    Random(Zeroizing<[u8; KEY]>),
    /// A text that a person could guess.
    Passphrase(Secret),
}

/// Whether there is something that was sealed with the key before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sealed {
    Nothing,
    Something,
}

impl KeySource {
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::File(path) => format!(
                "sealed with the key file {}, which whoever can read your files can read",
                path.display()
            ),
            Self::Kernel(_) => {
                "sealed with a key in the memory of the kernel: all of it, long-term keys too, is gone at the next \
                 boot"
                    .into()
            }
            Self::Command(_) => "sealed with the passphrase of passphrase_command".into(),
            Self::Credential(_) => "sealed with a credential of systemd".into(),
            Self::Person => "sealed with a passphrase".into(),
        }
    }

    /// Answers whether it can be asked at any time: it disturbs nobody and takes no time.
    pub(super) fn is_at_hand(&self) -> bool {
        match self {
            Self::File(_) | Self::Kernel(_) => true,
            Self::Command(_) | Self::Credential(_) | Self::Person => false,
        }
    }

    /// Gets what the key is made of; `None` if a person has to be asked, or the key is gone for good.
    pub(super) fn obtain(&self, sealed: Sealed) -> Result<Option<Material>, VaultError> {
        match self {
            Self::File(path) => key_file(path, sealed).map(Material::Random).map(Some),
            Self::Kernel(name) => kernel_key(name, sealed).map(|key| key.map(Material::Random)),
            Self::Command(command) => {
                let failed = |cause: &dyn Display| {
                    VaultError::new(State::Sealed, format!("run passphrase_command {cause}"))
                };
                let output = command::output(command).map_err(|cause| failed(&cause))?;
                passphrase(&output).map(Some).map_err(|cause| failed(&cause))
            }
            Self::Credential(path) => {
                let failed = |cause: &dyn Display| {
                    VaultError::new(State::Sealed, format!("read the credential {}: {cause}", path.display()))
                };
                let text = files::read(path, MAX_PASSPHRASE, Trust::Given).map_err(|cause| failed(&cause))?;
                passphrase(&text).map(Some).map_err(|cause| failed(&cause))
            }
            Self::Person => Ok(None),
        }
    }
}

fn passphrase(text: &[u8]) -> Result<Material, &'static str> {
    let text = std::str::from_utf8(text).map_err(|_| "it is no text")?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err("it is empty"),
        passphrase => Ok(Material::Passphrase(Secret::new(passphrase))),
    }
}

/// Reads the key file, after it is checked that nobody else can.
fn key_file(path: &Path, sealed: Sealed) -> Result<Zeroizing<[u8; KEY]>, VaultError> {
    let shown = path.display();
    let failed = |cause: &dyn Display| VaultError::unavailable(&format!("use key file {shown}"), cause);
    let bytes = match files::read(path, KEY, Trust::Key) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && sealed == Sealed::Nothing => {
            make_key_file(path).map_err(|cause| failed(&cause))?;
            files::read(path, KEY, Trust::Key)
        }
        read => read,
    };
    let bytes = bytes.map_err(|error| match error.kind() {
        // A new one would open nothing and hide that the old one is gone.
        io::ErrorKind::NotFound => {
            let missing = VaultError::new(State::Unavailable, format!("key file {shown} is missing"));
            missing.hint(format!("put {shown} back from a backup: nothing else opens this vault"))
        }
        io::ErrorKind::PermissionDenied => {
            failed(&error).hint(format!("chown $USER {shown}; chmod 600 {shown}"))
        }
        _ => failed(&error),
    })?;
    exact(&bytes).ok_or_else(|| failed(&format!("it has {} bytes instead of {KEY}", bytes.len())))
}

fn exact(bytes: &[u8]) -> Option<Zeroizing<[u8; KEY]>> {
    let mut key = Zeroizing::new([0; KEY]);
    (bytes.len() == KEY).then(|| key.copy_from_slice(bytes)).map(|()| key)
}

fn make_key_file(path: &Path) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(|| io::Error::other("its name is not text"))?;
    std::fs::create_dir_all(directory)?;
    let key = random().map_err(io::Error::other)?;
    files::write(directory, name, key.as_slice(), Place::Empty)
}

fn random() -> Result<Zeroizing<[u8; KEY]>, getrandom::Error> {
    let mut key = Zeroizing::new([0; KEY]);
    getrandom::fill(key.as_mut_slice())?;
    Ok(key)
}

fn kernel_key(name: &str, sealed: Sealed) -> Result<Option<Zeroizing<[u8; KEY]>>, VaultError> {
    let failed = |cause: &dyn Display| VaultError::unavailable("use the keyring of the kernel", cause);
    if let Some(bytes) = kernel::read(name, KEY).map_err(|cause| failed(&cause))? {
        let key = exact(&bytes).ok_or_else(|| failed(&"the key in it is not ours"))?;
        return Ok(Some(key));
    }
    if sealed == Sealed::Something {
        return Ok(None);
    }
    let key = random().map_err(|cause| failed(&cause))?;
    kernel::write(name, key.as_slice()).map_err(|cause| failed(&cause))?;
    Ok(Some(key))
}
