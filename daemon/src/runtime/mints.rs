//! Mints beside the loop: the key or session that signs, the MFA code, the call.

use super::keys;
use super::signins::SignIns;
use super::{Event, Shared};
use crate::clock;
use keyfob_engine::clock::Now;
use keyfob_engine::config::{Config, IdentityKind};
use keyfob_engine::engine::{self, From, LoadId, Mint};
use keyfob_engine::mfa::UsedCodes;
use keyfob_engine::mint::{MintError, MintErrorKind, MintRequest, Minted, Signer};
use keyfob_engine::plan::{PortalRole, Step};
use keyfob_shared::{Failure, FailureKind, IdentityName, Secret, Timestamp};
use keyfob_source::Sts;
use keyfob_vault::{Keeper, State, VaultError};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Calls to AWS at one time.
const MAX_CALLS: usize = 128;
/// How long a mint waits for its turn: callers wait no longer for it.
const LONGEST_QUEUE: Duration = Duration::from_secs(50);
/// The longest mint from its turn on, with two runs of an MFA command and a period of its codes between them.
const LONGEST_MINT: Duration = Duration::from_secs(105);
/// A new code appears with each of these (RFC 6238).
const CODE_PERIOD: i64 = 30_000;

/// Mints sessions.
#[derive(Clone)]
pub(super) struct Minter {
    pub(super) sts: Sts,
    vault: Keeper,
    calls: Arc<Semaphore>,
    used: Arc<Mutex<UsedCodes>>,
    /// When long-term keys have signed last, and what.
    uses: Arc<Mutex<HashMap<String, (Timestamp, String)>>>,
    pub(super) sign_ins: SignIns,
}

impl Shared {
    pub(super) fn mint(&self, mint: Mint, config: Arc<Config>) {
        let (minter, events) = (self.minter.clone(), self.events.clone());
        tokio::spawn(async move {
            let (id, started) = (mint.id, clock::now());
            // The engine waits for the end of each mint, whatever becomes of it.
            let task = tokio::spawn(async move { minter.mint(mint, &config).await });
            let abort = task.abort_handle();
            let (sent, result) = match tokio::time::timeout(LONGEST_QUEUE + LONGEST_MINT, task).await {
                Ok(Ok(ended)) => ended,
                Ok(Err(_)) => (started, Err(broken_off("the mint broke off; the log has more"))),
                Err(_) => (started, Err(broken_off("the mint took too long"))),
            };
            abort.abort();
            let _ = events.send(Event::Engine(engine::Event::Minted { mint: id, sent, result }));
        });
    }

    /// Reads the sessions of the vault.
    pub(super) fn load(&self, load: LoadId) {
        let (vault, events) = (self.vault.clone(), self.events.clone());
        tokio::spawn(async move {
            let result = vault.sessions().await.map(super::items).map_err(|wrong| vault_failure(&wrong));
            let _ = events.send(Event::Engine(engine::Event::Loaded { load, result }));
        });
    }
}

impl Minter {
    pub(super) fn new(sts: Sts, vault: Keeper) -> Self {
        let sign_ins = SignIns::new(vault.clone());
        Self {
            sts,
            vault,
            calls: Arc::new(Semaphore::new(MAX_CALLS)),
            used: Arc::default(),
            uses: Arc::default(),
            sign_ins,
        }
    }

    async fn mint(&self, mint: Mint, config: &Config) -> (Now, Result<Minted, MintError>) {
        // The turn first: an MFA code that waits may be too old when it is sent, and is used up all the same.
        let Ok(Ok(_permit)) = tokio::time::timeout(LONGEST_QUEUE, self.calls.acquire()).await else {
            return (clock::now(), Err(broken_off("too many calls to AWS are under way")));
        };
        match (&mint.from, &mint.step) {
            (From::Identity, Step::Process) => return self.run(&mint.identity, config).await,
            (From::Identity, Step::PortalRole(role)) => {
                return self.portal(&mint.identity, role, config).await;
            }
            (_, _) => {}
        }
        let (request, signed_in_until) = match self.prepare(mint, config).await {
            Ok(prepared) => prepared,
            Err(wrong) => return (clock::now(), Err(wrong)),
        };
        let sent = clock::now();
        self.note_use(&request, sent.wall);
        let result = self.sts.mint(&request, config.endpoints.sts.as_deref()).await;
        let result = result.map(|minted| Minted { signed_in_until, ..minted });
        if let Err(wrong) = &result {
            tracing::warn!(step = request.step.describe(), error = %wrong.failure, kind = ?wrong.kind, "mint");
        }
        (sent, result)
    }

    /// Runs the command of an identity that has one.
    async fn run(&self, identity: &IdentityName, config: &Config) -> (Now, Result<Minted, MintError>) {
        let kind = config.identities.get(identity).map(|found| &found.kind);
        let command = match kind {
            Some(IdentityKind::Process(command)) => command.as_slice(),
            Some(_) | None => &[],
        };
        let started = clock::now();
        let result = keyfob_source::process(command, identity, started.wall).await;
        if let Err(wrong) = &result {
            tracing::warn!(error = %wrong.failure, kind = ?wrong.kind, "mint");
        }
        (started, result)
    }

    /// Asks the portal of IAM Identity Center.
    async fn portal(
        &self,
        identity: &IdentityName,
        role: &PortalRole,
        config: &Config,
    ) -> (Now, Result<Minted, MintError>) {
        let started = clock::now();
        let kind = config.identities.get(identity).map_or(&IdentityKind::IamUser, |found| &found.kind);
        let result = self.sign_ins.portal_role(identity, kind, &config.endpoints, role).await;
        if let Err(wrong) = &result {
            tracing::warn!(error = %wrong.failure, kind = ?wrong.kind, "mint");
        }
        (started, result)
    }

    async fn prepare(
        &self,
        mint: Mint,
        config: &Config,
    ) -> Result<(MintRequest, Option<Timestamp>), MintError> {
        let (from, signed_in_until) = match mint.from {
            From::Session(credentials) => (Signer::Key(credentials), None),
            From::Identity => self.signer(&mint.identity, &mint.step, config).await?,
        };
        let mfa_code = match mint.step.mfa_serial() {
            None => None,
            Some(serial) => Some(self.code(serial, mint.code, &mint.identity, config).await?),
        };
        let request = MintRequest {
            identity: mint.identity,
            step: mint.step,
            duration: mint.duration,
            from,
            mfa_code,
            skew: mint.skew,
        };
        Ok((request, signed_in_until))
    }

    /// Answers what an identity has to show, and until when its provider is known to need no person.
    async fn signer(
        &self,
        identity: &IdentityName,
        step: &Step,
        config: &Config,
    ) -> Result<(Signer, Option<Timestamp>), MintError> {
        match config.identities.get(identity).map(|found| &found.kind) {
            Some(IdentityKind::WebIdentity(source)) => {
                let token = keyfob_source::token(source, identity).await;
                let token = token.map_err(|failure| refused(MintErrorKind::Transient, failure))?;
                Ok((Signer::Token(token), None))
            }
            Some(IdentityKind::Saml(saml)) => self.sign_ins.assertion(identity, saml, step).await,
            Some(kind @ IdentityKind::Oidc(_)) => {
                let (token, until) = self.sign_ins.token(identity, kind, &config.endpoints, None).await?;
                Ok((Signer::Token(token), until))
            }
            Some(IdentityKind::IamUser | IdentityKind::Process(_) | IdentityKind::IdentityCenter(_))
            | None => keys::to_sign(&self.vault, identity).await.map(|key| (Signer::Key(key), None)),
        }
    }

    /// Answers a code that was never sent before.
    async fn code(
        &self,
        serial: &str,
        typed: Option<Secret>,
        identity: &IdentityName,
        config: &Config,
    ) -> Result<Secret, MintError> {
        if let Some(code) = typed {
            return if self.claim(serial, &code) { Ok(code) } else { Err(used_before(identity)) };
        }
        let command = config
            .identities
            .get(identity)
            .and_then(|found| found.mfa_command.as_deref())
            .unwrap_or_default();
        let person = |failure| refused(MintErrorKind::Final, failure);
        let code = keyfob_source::mfa_code(command).await.map_err(person)?;
        if self.claim(serial, &code) {
            return Ok(code);
        }
        let wait = CODE_PERIOD - clock::now().wall.millis().rem_euclid(CODE_PERIOD) + 500;
        tokio::time::sleep(Duration::from_millis(wait.unsigned_abs())).await;
        let code = keyfob_source::mfa_code(command).await.map_err(person)?;
        if self.claim(serial, &code) { Ok(code) } else { Err(used_before(identity)) }
    }

    /// Takes note of what signs a call, if it is a long-term key.
    fn note_use(&self, request: &MintRequest, at: Timestamp) {
        if let Signer::Key(key) = &request.from
            && key.session_token.is_none()
            && let Ok(mut uses) = self.uses.lock()
        {
            uses.insert(key.access_key_id.clone(), (at, request.step.describe()));
        }
    }

    /// Answers when a long-term key has signed last here, and what.
    pub(super) fn last_use(&self, access_key_id: &str) -> Option<(Timestamp, String)> {
        self.uses.lock().ok()?.get(access_key_id).cloned()
    }

    fn claim(&self, serial: &str, code: &Secret) -> bool {
        self.used.lock().is_ok_and(|mut used| used.claim(serial, code, clock::now().monotonic))
    }
}

fn used_before(identity: &IdentityName) -> MintError {
    let failure = Failure::new(FailureKind::Person, "this MFA code was used already: wait for the next one");
    refused(MintErrorKind::MfaRefused, failure.hint(format!("keyfob login {identity}")))
}

fn broken_off(why: &str) -> MintError {
    refused(MintErrorKind::Transient, Failure::new(FailureKind::Upstream, why).hint("keyfob status"))
}

pub(super) fn refused(kind: MintErrorKind, failure: Failure) -> MintError {
    MintError { kind, failure, server_date: None }
}

/// Puts the trouble of a vault in the words of callers.
pub(super) fn vault_failure(wrong: &VaultError) -> Failure {
    let kind = match wrong.state {
        State::Locked | State::Sealed => FailureKind::Person,
        State::Ready | State::Unavailable => FailureKind::Upstream,
    };
    let failure = Failure::new(kind, format!("use the vault: {wrong}"));
    failure.hint(wrong.hint.as_deref().unwrap_or("keyfob doctor"))
}
