//! What is kept of a sign-in in the vault, for the next one that needs no person.

use super::latest::{Held, Shown};
use super::{SignIns, sign_in_needed};
use crate::clock;
use crate::runtime::mints::{refused, vault_failure};
use keyfob_engine::mint::{MintError, MintErrorKind};
use keyfob_idp::Refused;
use keyfob_shared::{Failure, FailureKind, IdentityName, Secret};
use keyfob_vault::{Item, ItemKind, ItemName};

impl SignIns {
    /// Writes what is to be kept in place of what was; nothing is kept as no item at all.
    pub(super) async fn keep(&self, identity: &IdentityName, value: Secret) -> Result<(), Failure> {
        let name = ItemName { kind: ItemKind::SignIn, name: identity.to_string() };
        let written = if value.expose().is_empty() {
            self.vault.remove(name).await
        } else {
            let generation = clock::now().wall.millis().unsigned_abs();
            self.vault.put(Item { name, generation, value }).await
        };
        written.map_err(|wrong| vault_failure(&wrong))
    }

    /// Does the same; what the vault does not take now, it takes first of all the next time.
    pub(super) async fn keep_or_hold(&self, identity: &IdentityName, value: Secret, latest: &mut Shown) {
        latest.unwritten = None;
        if let Err(error) = self.keep(identity, value.clone()).await {
            tracing::warn!(%error, "write a sign-in to the vault; it is tried again before the next use");
            latest.unwritten = Some(Held::Kept(value));
        }
    }

    /// Answers what is kept.
    pub(super) async fn kept(&self, identity: &IdentityName) -> Result<Option<Secret>, MintError> {
        let name = ItemName { kind: ItemKind::SignIn, name: identity.to_string() };
        let item = self.vault.read(name).await;
        let item = item.map_err(|wrong| refused(MintErrorKind::Transient, vault_failure(&wrong)))?;
        Ok(item.map(|item| item.value).filter(|kept| !kept.expose().is_empty()))
    }

    /// Answers whose sign-ins are kept.
    pub(in crate::runtime) async fn names(&self) -> Result<Vec<IdentityName>, Failure> {
        let names = self.vault.names(ItemKind::SignIn).await.map_err(|wrong| vault_failure(&wrong))?;
        Ok(names.into_iter().filter_map(|item| item.name.parse().ok()).collect())
    }

    /// Takes note of a refusal, and sorts it: only where a person has to sign in again, everything waits for that.
    pub(super) async fn denied(
        &self,
        identity: &IdentityName,
        wrong: Refused,
        latest: &mut Shown,
    ) -> MintError {
        match wrong {
            Refused::Transient(failure) => refused(MintErrorKind::Transient, failure),
            Refused::Lasting { failure, kept } => {
                if let Some(kept) = kept {
                    self.keep_or_hold(identity, kept, latest).await;
                }
                match (failure.kind, &failure.hint) {
                    (FailureKind::Person, _) => sign_in_needed(failure, identity),
                    (_, Some(_)) => refused(MintErrorKind::Final, failure),
                    (_, None) => refused(MintErrorKind::Final, failure.hint("keyfob status")),
                }
            }
        }
    }
}
