//! A vault that ends with the process.

use crate::vault::{Item, ItemKind, ItemName, Vault, VaultError};
use std::collections::BTreeMap;

#[derive(Default)]
pub(crate) struct Memory {
    items: BTreeMap<ItemName, Item>,
}

impl Vault for Memory {
    fn kind(&self) -> &'static str {
        "memory"
    }

    fn state(&mut self) -> Result<(), VaultError> {
        Ok(())
    }

    fn names(&mut self, kind: ItemKind) -> Result<Vec<ItemName>, VaultError> {
        Ok(self.items.keys().filter(|name| name.kind == kind).cloned().collect())
    }

    fn read(&mut self, name: &ItemName) -> Result<Option<Item>, VaultError> {
        Ok(self.items.get(name).cloned())
    }

    fn put(&mut self, item: &Item) -> Result<(), VaultError> {
        self.items.insert(item.name.clone(), item.clone());
        Ok(())
    }

    fn remove(&mut self, name: &ItemName) -> Result<(), VaultError> {
        self.items.remove(name);
        Ok(())
    }

    fn silence(&self) -> &'static str {
        "the vault does not answer"
    }

    fn advice(&self) -> Option<&'static str> {
        None
    }
}
