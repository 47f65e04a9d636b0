//! Items in a keychain whose accounts are small and are written one at a time.
//!
//! A value that fits lies in its head. A longer one is whole or not there: first come chunks under a write number that
//! nothing uses, then the head that names them; older chunks are removed after. Whatever is read must have the head's
//! digest, so a torn value is never taken for a good one.

mod account;
mod head;
#[cfg(test)]
mod tests;

use crate::vault::{Item, ItemKind, ItemName, State, Vault, VaultError};
use account::{Account, Part};
use head::{Head, MAX_LINE, MAX_VALUE};
use keyfob_shared::Secret;
use std::collections::BTreeSet;
use zeroize::Zeroizing;

/// A keychain as the platform has it: accounts with some bytes each.
pub(crate) trait Store: Send {
    /// Its name in configuration and status.
    const KIND: &'static str;
    /// The most bytes that an account holds.
    const LIMIT: usize;

    /// Fails if the keychain is locked or away.
    fn state(&mut self) -> Result<(), VaultError>;
    /// Answers all accounts of this program, in any order; others may be among them.
    fn accounts(&mut self) -> Result<Vec<String>, VaultError>;
    fn read(&mut self, account: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError>;
    /// Writes an account, new or not; it must be whole or not there.
    fn write(&mut self, account: &str, bytes: &[u8]) -> Result<(), VaultError>;
    /// Removes an account, which may be absent.
    fn remove(&mut self, account: &str) -> Result<(), VaultError>;
    /// Unlocks the keychain; may ask a person.
    fn unlock(&mut self) -> Result<(), VaultError> {
        self.state()
    }
}

/// A keychain that holds items of any length.
pub(crate) struct Chunked<S> {
    store: S,
    swept: Swept,
}

/// Whether chunks that an earlier process has left behind are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Swept {
    NotYet,
    Done,
}

impl<S: Store> Chunked<S> {
    pub(super) fn over(store: S) -> Self {
        Self { store, swept: Swept::NotYet }
    }

    fn parts(&mut self) -> Result<Vec<Part>, VaultError> {
        let part = |text: &String| match Account::parse(text)? {
            Account::Part(part) => Some(part),
            Account::Head(_) => None,
        };
        Ok(self.store.accounts()?.iter().filter_map(part).collect())
    }

    fn parts_of(&mut self, name: &ItemName) -> Result<Vec<Part>, VaultError> {
        Ok(self.parts()?.into_iter().filter(|part| part.name == *name).collect())
    }

    fn head(&mut self, name: &ItemName) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        self.store.read(&Account::Head(name.clone()).to_text())
    }

    fn remove_parts(&mut self, parts: impl IntoIterator<Item = Part>) -> Result<(), VaultError> {
        let remove = |part| self.store.remove(&Account::Part(part).to_text());
        parts.into_iter().map(remove).fold(Ok(()), Result::and)
    }

    /// Writes chunks under a number that nothing uses; what was written goes away if one fails.
    fn write_parts(&mut self, name: &ItemName, write: u64, value: &[u8]) -> Result<usize, VaultError> {
        let mut count = 0;
        for (number, chunk) in value.chunks(S::LIMIT).enumerate() {
            let part = |number| Part { name: name.clone(), write, number };
            if let Err(error) = self.store.write(&Account::Part(part(number)).to_text(), chunk) {
                let _ = self.remove_parts((0..=number).map(part));
                return Err(error);
            }
            count += 1;
        }
        Ok(count)
    }

    fn join(&mut self, name: &ItemName, head: &Head) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let mut value = Zeroizing::new(Vec::with_capacity(head.length));
        for number in 0..head.chunks {
            let part = Part { name: name.clone(), write: head.write, number };
            let chunk = self.store.read(&Account::Part(part).to_text())?.ok_or_else(|| damaged(name))?;
            // Growing would leave a copy of the secret behind.
            if value.len() + chunk.len() > head.length {
                return Err(damaged(name));
            }
            value.extend_from_slice(&chunk);
        }
        Ok(value)
    }

    /// Removes chunks that no head names: a process has ended between two writes.
    fn sweep(&mut self) -> Result<(), VaultError> {
        let mut stray = Vec::new();
        for part in self.parts()? {
            let named = match self.head(&part.name)?.as_deref().map(|bytes| Head::parse(bytes)) {
                Some(Some((head, _))) => head.chunks > 0 && head.write == part.write,
                // A damaged head may name it; a person may want to look.
                Some(None) => true,
                None => false,
            };
            stray.extend((!named).then_some(part));
        }
        self.remove_parts(stray)
    }
}

impl<S: Store> Vault for Chunked<S> {
    fn kind(&self) -> &'static str {
        S::KIND
    }

    fn state(&mut self) -> Result<(), VaultError> {
        self.store.state()
    }

    fn names(&mut self, kind: ItemKind) -> Result<Vec<ItemName>, VaultError> {
        if self.swept == Swept::NotYet {
            match self.sweep() {
                Ok(()) => self.swept = Swept::Done,
                Err(error) => tracing::debug!(%error, "remove what was left behind in the keychain"),
            }
        }
        let head = |text: &String| match Account::parse(text)? {
            Account::Head(name) => (name.kind == kind).then_some(name),
            Account::Part(_) => None,
        };
        Ok(self.store.accounts()?.iter().filter_map(head).collect())
    }

    fn read(&mut self, name: &ItemName) -> Result<Option<Item>, VaultError> {
        let Some(bytes) = self.head(name)? else { return Ok(None) };
        let (head, rest) = Head::parse(&bytes).ok_or_else(|| damaged(name))?;
        let joined = if head.chunks > 0 { Some(self.join(name, &head)?) } else { None };
        let value = joined.as_deref().map_or(rest, Vec::as_slice);
        if !head.fits(value) {
            return Err(damaged(name));
        }
        let value = std::str::from_utf8(value).map(Secret::new).map_err(|_| damaged(name))?;
        Ok(Some(Item { name: name.clone(), generation: head.generation, value }))
    }

    fn put(&mut self, item: &Item) -> Result<(), VaultError> {
        let (name, value) = (&item.name, item.value.expose().as_bytes());
        if value.len() > MAX_VALUE {
            let message = format!("{} is too long for the keychain: {} bytes", name.name, value.len());
            return Err(VaultError::new(State::Ready, message));
        }
        let old = self.parts_of(name)?;
        let write = unused(&old);
        let fits = value.len() + MAX_LINE <= S::LIMIT;
        let chunks = if fits { 0 } else { self.write_parts(name, write, value)? };
        let head = Head::of(value, item.generation, write, chunks);
        let bytes = head.to_bytes(if fits { value } else { &[] });
        // After a failure nobody knows which head is there, so the chunks of both stay until the next write.
        self.store.write(&Account::Head(name.clone()).to_text(), &bytes)?;
        if let Err(error) = self.remove_parts(old) {
            // The value is whole; the next write tries again.
            tracing::debug!(%error, "remove old chunks from the keychain");
        }
        Ok(())
    }

    fn remove(&mut self, name: &ItemName) -> Result<(), VaultError> {
        self.store.remove(&Account::Head(name.clone()).to_text())?;
        let parts = self.parts_of(name)?;
        self.remove_parts(parts)
    }

    fn unlock(&mut self, _passphrase: Option<Secret>) -> Result<(), VaultError> {
        self.store.unlock()
    }
}

/// Answers a write number that no chunk has.
fn unused(parts: &[Part]) -> u64 {
    let used: BTreeSet<u64> = parts.iter().map(|part| part.write).collect();
    (1..).find(|write| !used.contains(write)).unwrap_or(0)
}

fn damaged(name: &ItemName) -> VaultError {
    let message = format!("{} {} in the keychain is damaged", name.kind.as_str(), name.name);
    VaultError::new(State::Ready, message)
}
