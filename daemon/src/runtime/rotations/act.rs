//! The steps of a rotation: calls of AWS, and changes of the vault that may be made again after a crash.

use crate::clock;
use crate::runtime::keys::{self, Slot, Stored};
use crate::runtime::mints::vault_failure;
use crate::runtime::{Event, Shared};
use keyfob_aws::ServerDate;
use keyfob_engine::clock::Now;
use keyfob_engine::engine::Replaced;
use keyfob_engine::rotation::{Action, Failed, FailedKind, Key, LastUse, Outcome, Signer, Which};
use keyfob_iam::{Access, Iam, Refusal, RefusalKind};
use keyfob_shared::{Credentials, Failure, FailureKind, IdentityName, Secret, Timestamp};
use tokio::sync::oneshot;

/// Where AWS is for an identity.
#[derive(Clone, Debug)]
pub(in crate::runtime) struct KeyPlace {
    pub(in crate::runtime) region: String,
    pub(in crate::runtime) skew: i64,
    pub(in crate::runtime) iam: Option<String>,
    pub(in crate::runtime) sts: Option<String>,
}

/// Carries out the steps of one rotation.
pub(super) struct Hand {
    shared: Shared,
    identity: IdentityName,
    /// The key that was created and is not in the vault yet.
    created: Option<(String, Secret)>,
}

/// How a step went, and the date of the answer of AWS, if one came.
pub(super) struct Done {
    pub(super) outcome: Outcome,
    pub(super) sent: Now,
    pub(super) date: Option<Timestamp>,
}

impl Hand {
    pub(super) fn new(shared: Shared, identity: IdentityName) -> Self {
        Self { shared, identity, created: None }
    }

    /// Forgets the secret of a key that is not in the vault yet; the rotation finds out and removes the key.
    pub(super) fn forget(&mut self) {
        self.created = None;
    }

    pub(super) async fn act(&mut self, action: &Action, place: KeyPlace) -> Done {
        let (sent, date) = (clock::now(), ServerDate::default());
        if !matches!(action, Action::StoreNext { .. }) {
            // Security: a secret that nobody will store is not kept.
            self.created = None;
        }
        let outcome = match self.try_act(action, place, &date).await {
            Ok(outcome) => outcome,
            Err(failed) => Outcome::Failed(failed),
        };
        Done { outcome, sent, date: date.get() }
    }

    async fn try_act(
        &mut self,
        action: &Action,
        place: KeyPlace,
        date: &ServerDate,
    ) -> Result<Outcome, Failed> {
        let iam = self.shared.iam.clone();
        let access = match action {
            Action::Verify { by }
            | Action::ListKeys { by }
            | Action::LastUsed { by, .. }
            | Action::Create { by }
            | Action::Deactivate { by, .. }
            | Action::Activate { by, .. }
            | Action::Delete { by, .. } => Some(self.access(by, place, date).await?),
            Action::StoreNext { .. }
            | Action::Switch { .. }
            | Action::SwitchBack { .. }
            | Action::DropNext
            | Action::DropPrevious => None,
        };
        if let Some(access) = access {
            return self.call(&iam, action, &access).await.map_err(refused);
        }
        match action {
            Action::StoreNext { key } => return self.store(key).await,
            Action::Switch { old, new } => self.switch((Slot::Next, new), (Slot::Previous, old)).await?,
            Action::SwitchBack { old, new } => self.switch((Slot::Previous, old), (Slot::Next, new)).await?,
            Action::DropNext => self.remove(Slot::Next).await?,
            _ => self.remove(Slot::Previous).await?,
        }
        Ok(Outcome::Done)
    }

    async fn call(&mut self, iam: &Iam, action: &Action, access: &Access) -> Result<Outcome, Refusal> {
        Ok(match action {
            Action::Verify { .. } => {
                let arn = iam.who(access).await?;
                let account = arn.split(':').nth(4).unwrap_or_default().to_owned();
                Outcome::Good { arn, account }
            }
            Action::ListKeys { .. } => {
                let keys = iam.keys(access, None).await?;
                let dated = keys.into_iter().map(|key| {
                    // A key whose age is not told can't be proven to be ours.
                    Key {
                        id: key.id,
                        active: key.active,
                        created: key.created.unwrap_or(Timestamp::from_millis(0)),
                    }
                });
                Outcome::Listed(dated.collect())
            }
            Action::LastUsed { key, .. } => {
                let used = iam.last_used(access, key).await?;
                Outcome::LastUsed(used.map(|used| LastUse {
                    at: used.at,
                    service: used.service,
                    region: used.region,
                }))
            }
            Action::Create { .. } => {
                let (key, secret) = iam.create_key(access).await?;
                self.created = Some((key.clone(), secret));
                Outcome::Created { key }
            }
            Action::Deactivate { key, .. } => {
                iam.set_active(access, key, false).await?;
                Outcome::Done
            }
            Action::Activate { key, .. } => {
                iam.set_active(access, key, true).await?;
                Outcome::Done
            }
            Action::Delete { key, .. } => {
                iam.delete_key(access, key).await?;
                Outcome::Done
            }
            _ => Outcome::Done,
        })
    }

    async fn access(&self, by: &Signer, place: KeyPlace, date: &ServerDate) -> Result<Access, Failed> {
        let slot = match by.item {
            Which::Current => Slot::Current,
            Which::Next => Slot::Next,
            Which::Previous => Slot::Previous,
        };
        let KeyPlace { region, skew, iam, sts } = place;
        let key = self.held(slot, &by.key).await?;
        Ok(Access { key, region, skew, iam, sts, cloudtrail: None, date: date.clone() })
    }

    /// Answers the key of a place of the vault, if it is the one that is meant.
    async fn held(&self, slot: Slot, id: &str) -> Result<Credentials, Failed> {
        match self.stored(slot).await? {
            Some(key) if key.access_key_id == id => Ok(key),
            // Trying again changes nothing: a person has put another key there, or the vault is another one.
            _ => Err(Failed { kind: FailedKind::Final, failure: self.absent(slot, id) }),
        }
    }

    fn absent(&self, slot: Slot, id: &str) -> Failure {
        let (identity, place) = (&self.identity, slot.describe());
        let message = format!("access key {id} of identity {identity} is not in the vault as {place}");
        Failure::new(FailureKind::Person, message).hint(format!("keyfob key add {identity}"))
    }

    async fn stored(&self, slot: Slot) -> Result<Option<Credentials>, Failed> {
        match keys::stored_in(&self.shared.vault, slot, &self.identity).await {
            Ok(Stored::Key(key)) => Ok(Some(key)),
            Ok(Stored::Nothing | Stored::Damaged) => Ok(None),
            Err(wrong) => Err(in_vault(vault_failure(&wrong))),
        }
    }

    async fn store(&mut self, id: &str) -> Result<Outcome, Failed> {
        let created = self.created.as_ref().filter(|(key, _)| key == id);
        let Some((key, secret)) = created else {
            let is_there = self.stored(Slot::Next).await?.is_some_and(|key| key.access_key_id == id);
            return Ok(if is_there { Outcome::Done } else { Outcome::SecretLost });
        };
        let credentials = Credentials {
            access_key_id: key.clone(),
            secret_access_key: secret.clone(),
            session_token: None,
            account_id: None,
        };
        self.put(Slot::Next, &credentials).await?;
        // What was written is what is used from here on.
        if self.stored(Slot::Next).await?.is_none_or(|key| key.access_key_id != id) {
            return Err(in_vault(self.absent(Slot::Next, id)));
        }
        self.created = None;
        Ok(Outcome::Done)
    }

    /// Makes the key of a place the current one, and keeps the current one in another; what is so already stays.
    async fn switch(&self, (from, new): (Slot, &str), (to, old): (Slot, &str)) -> Result<(), Failed> {
        let current = self.stored(Slot::Current).await?;
        if current.as_ref().is_none_or(|key| key.access_key_id != new) {
            let key = self.held(from, new).await?;
            let current = self.held(Slot::Current, old).await?;
            self.put(to, &current).await?;
            self.held(to, old).await?;
            self.put(Slot::Current, &key).await?;
            if self.stored(Slot::Current).await?.is_none_or(|key| key.access_key_id != new) {
                return Err(in_vault(self.absent(Slot::Current, new)));
            }
        }
        self.tell_engine().await;
        self.held(to, old).await?;
        self.remove(from).await
    }

    /// Mints that are under way with the other key are begun again; sessions stay.
    async fn tell_engine(&self) {
        let (known, knows) = oneshot::channel();
        let event = Event::KeyChanged(self.identity.clone(), Replaced::SameKey, known);
        let _ = self.shared.events.send(event);
        let _ = knows.await;
    }

    async fn put(&self, slot: Slot, key: &Credentials) -> Result<(), Failed> {
        let item = keys::item(slot, &self.identity, key);
        self.shared.vault.put(item).await.map_err(|wrong| in_vault(vault_failure(&wrong)))
    }

    async fn remove(&self, slot: Slot) -> Result<(), Failed> {
        let name = keys::item_name(slot, &self.identity);
        self.shared.vault.remove(name).await.map_err(|wrong| in_vault(vault_failure(&wrong)))
    }
}

fn in_vault(failure: Failure) -> Failed {
    Failed { kind: FailedKind::Vault, failure }
}

fn refused(Refusal { kind, failure }: Refusal) -> Failed {
    let kind = match kind {
        RefusalKind::Transient => FailedKind::Transient,
        RefusalKind::KeyRefused => FailedKind::Refused,
        RefusalKind::Denied => FailedKind::Denied,
        RefusalKind::NotFound => FailedKind::NotFound,
        RefusalKind::LimitExceeded => FailedKind::LimitExceeded,
        RefusalKind::NotReady | RefusalKind::Other => FailedKind::Final,
    };
    Failed { kind, failure }
}
