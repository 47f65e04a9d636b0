//! Mints beside the loop: the key or session that signs, the MFA code, the call.

use super::keys;
use super::signins::{Proof, SignIns};
use super::turns::{LONGEST_QUEUE, Turns};
use super::{Event, Shared};
use crate::clock;
use keyfob_engine::clock::Now;
use keyfob_engine::config::{Config, Identity, IdentityKind};
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
use tokio::sync::OwnedSemaphorePermit;

/// The longest mint from its turn on, with two runs of an MFA command and a period of its codes between them.
const LONGEST_MINT: Duration = Duration::from_secs(105);
/// What a provider gave is shown to AWS within this time, in milliseconds: assertions end within minutes.
const SOON: i64 = 10_000;
/// A new code appears with each of these (RFC 6238).
const CODE_PERIOD: i64 = 30_000;

/// Mints sessions.
#[derive(Clone)]
pub(super) struct Minter {
    pub(super) sts: Sts,
    vault: Keeper,
    turns: Turns,
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
        Self { sts, vault, turns: Turns::new(), used: Arc::default(), uses: Arc::default(), sign_ins }
    }

    async fn mint(&self, mint: Mint, config: &Config) -> (Now, Result<Minted, MintError>) {
        let step = mint.step.describe();
        let (sent, result) = self.attempt(mint, config).await;
        if let Err(wrong) = &result {
            tracing::warn!(step, error = %wrong.failure, kind = ?wrong.kind, "mint");
        }
        (sent, result)
    }

    async fn attempt(&self, mint: Mint, config: &Config) -> (Now, Result<Minted, MintError>) {
        let has_provider = config.identities.get(&mint.identity).is_some_and(Identity::has_provider);
        match (&mint.from, &mint.step) {
            (From::Identity, Step::PortalRole(role)) => {
                return self.portal(&mint.identity, role, config).await;
            }
            (From::Identity, Step::Federated(..)) if has_provider => {
                return self.federated(mint, config).await;
            }
            (_, _) => {}
        }
        // The turn first: an MFA code that waits may be too old when it is sent, and is used up all the same.
        let _turn = match self.turns.take().await {
            Ok(turn) => turn,
            Err(wrong) => return (clock::now(), Err(wrong)),
        };
        if let (From::Identity, Step::Process) = (&mint.from, &mint.step) {
            return self.run(&mint.identity, config).await;
        }
        let (request, signed_in_until) = match self.prepare(mint, config).await {
            Ok(prepared) => prepared,
            Err(wrong) => return (clock::now(), Err(wrong)),
        };
        self.call(&request, signed_in_until, config).await
    }

    async fn call(
        &self,
        request: &MintRequest,
        signed_in_until: Option<Timestamp>,
        config: &Config,
    ) -> (Now, Result<Minted, MintError>) {
        let sent = clock::now();
        self.note_use(request, sent.wall);
        let result = self.sts.mint(request, config.endpoints.sts.as_deref()).await;
        (sent, result.map(|minted| Minted { signed_in_until, ..minted }))
    }

    /// Runs the command of an identity that has one.
    async fn run(&self, identity: &IdentityName, config: &Config) -> (Now, Result<Minted, MintError>) {
        let kind = config.identities.get(identity).map(|found| &found.kind);
        let command = match kind {
            Some(IdentityKind::Process(command)) => command.as_slice(),
            Some(_) | None => &[],
        };
        let started = clock::now();
        (started, keyfob_source::process(command, identity, started.wall).await)
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
        let endpoints = &config.endpoints;
        (started, self.sign_ins.portal_role(identity, kind, endpoints, role, &self.turns).await)
    }

    /// Shows AWS what a provider gave. A token that AWS does not take is replaced once.
    async fn federated(&self, mint: Mint, config: &Config) -> (Now, Result<Minted, MintError>) {
        let Mint { identity, step, duration, skew, .. } = mint;
        let mut not_accepted = None;
        loop {
            let (proof, turn) = match self.proven(&identity, &step, config, not_accepted.as_ref()).await {
                Ok(proven) => proven,
                Err(wrong) => return (clock::now(), Err(wrong)),
            };
            let own = duration.or(step.duration());
            let request = MintRequest {
                identity: identity.clone(),
                step: step.clone(),
                duration: own.or(proof.duration),
                from: proof.signer,
                mfa_code: None,
                skew,
            };
            let (sent, result) = self.call(&request, proof.until, config).await;
            drop(turn);
            match (&result, request.from) {
                (Err(wrong), Signer::Token(token))
                    if wrong.kind == MintErrorKind::SourceExpired && not_accepted.is_none() =>
                {
                    not_accepted = Some(token);
                }
                _ => return (sent, result),
            }
        }
    }

    /// Answers what a provider gave, and then a turn: whoever waits for a provider keeps nobody from AWS.
    async fn proven(
        &self,
        identity: &IdentityName,
        step: &Step,
        config: &Config,
        not_accepted: Option<&Secret>,
    ) -> Result<(Proof, OwnedSemaphorePermit), MintError> {
        loop {
            let proof = self.proof(identity, step, config, not_accepted).await?;
            let since = clock::now().monotonic;
            let turn = self.turns.take().await?;
            if clock::now().monotonic < since.plus(SOON) {
                return Ok((proof, turn));
            }
        }
    }

    async fn prepare(
        &self,
        mint: Mint,
        config: &Config,
    ) -> Result<(MintRequest, Option<Timestamp>), MintError> {
        let proof = match mint.from {
            From::Session(credentials) => Proof::new(Signer::Key(credentials)),
            From::Identity => self.proof(&mint.identity, &mint.step, config, None).await?,
        };
        let mfa_code = match mint.step.mfa_serial() {
            None => None,
            Some(serial) => Some(self.code(serial, mint.code, &mint.identity, config).await?),
        };
        let request = MintRequest {
            identity: mint.identity,
            step: mint.step,
            duration: mint.duration,
            from: proof.signer,
            mfa_code,
            skew: mint.skew,
        };
        Ok((request, proof.until))
    }

    /// Answers what an identity has to show; `not_accepted` is a token that was refused.
    async fn proof(
        &self,
        identity: &IdentityName,
        step: &Step,
        config: &Config,
        not_accepted: Option<&Secret>,
    ) -> Result<Proof, MintError> {
        match config.identities.get(identity).map(|found| &found.kind) {
            Some(IdentityKind::WebIdentity(source)) => {
                let token = keyfob_source::token(source, identity).await;
                let token = token.map_err(|failure| refused(MintErrorKind::Transient, failure))?;
                Ok(Proof::new(Signer::Token(token)))
            }
            Some(IdentityKind::Saml(saml)) => self.sign_ins.assertion(identity, saml, step).await,
            Some(kind @ IdentityKind::Oidc(_)) => {
                let (token, until) =
                    self.sign_ins.token(identity, kind, &config.endpoints, not_accepted).await?;
                Ok(Proof { until, ..Proof::new(Signer::Token(token)) })
            }
            Some(IdentityKind::IamUser | IdentityKind::Process(_) | IdentityKind::IdentityCenter(_))
            | None => keys::to_sign(&self.vault, identity).await.map(|key| Proof::new(Signer::Key(key))),
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

pub(super) fn broken_off(why: &str) -> MintError {
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
