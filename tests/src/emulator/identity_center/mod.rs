//! An IAM Identity Center on loopback: `sso-oidc` and the portal `sso` at one address, with refresh tokens that rotate.
//!
//! Whoever opens the page of a device code, or of an authorization, signs in as `alice` and is asked nothing. A refresh
//! token that was replaced is worth nothing, without any grace. What it gives out for roles is known to an emulated AWS.

mod portal;
mod server;
mod tokens;

use super::{Emulator, Fault, lock};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime};

/// A client that has registered.
#[derive(Debug)]
struct Client {
    secret: String,
    ends: SystemTime,
    redirect_uris: Vec<String>,
    grant_types: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    Open,
    Approved,
    Denied,
}

#[derive(Debug)]
struct Device {
    client: String,
    user_code: String,
    ends: SystemTime,
    decision: Decision,
    last_asked: Option<Instant>,
}

/// An authorization that waits to be turned into tokens.
#[derive(Debug)]
struct Authorization {
    client: String,
    redirect_uri: String,
    challenge: String,
}

#[derive(Debug)]
struct Account {
    id: String,
    name: String,
    roles: Vec<String>,
}

#[derive(Debug)]
struct State {
    aws: Emulator,
    clients: HashMap<String, Client>,
    devices: HashMap<String, Device>,
    authorizations: HashMap<String, Authorization>,
    /// Access tokens and their ends.
    access: HashMap<String, SystemTime>,
    /// Refresh tokens and whose they are.
    refresh: HashMap<String, String>,
    accounts: Vec<Account>,
    denies: bool,
    interval: Duration,
    device_lifetime: Duration,
    slow_downs: u32,
    token_lifetime: Duration,
    registration_lifetime: Duration,
    page_size: usize,
    faults: HashMap<String, Fault>,
    losses: HashMap<String, u32>,
    throttles: HashMap<String, u32>,
    calls: HashMap<String, u64>,
}

/// A running Identity Center; it ends with the process.
#[derive(Clone, Debug)]
pub struct IdentityCenter {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl IdentityCenter {
    /// Starts with an AWS of its own.
    pub fn start() -> Self {
        Self::beside(&Emulator::start())
    }

    /// Starts beside an AWS: it accepts the credentials of roles, and knows all secrets for the leak hunt.
    pub fn beside(aws: &Emulator) -> Self {
        let state = Arc::new(Mutex::new(State {
            aws: aws.clone(),
            clients: HashMap::new(),
            devices: HashMap::new(),
            authorizations: HashMap::new(),
            access: HashMap::new(),
            refresh: HashMap::new(),
            accounts: Vec::new(),
            denies: false,
            interval: Duration::from_secs(1),
            device_lifetime: Duration::from_secs(600),
            slow_downs: 0,
            token_lifetime: Duration::from_secs(3_600),
            registration_lifetime: Duration::from_secs(90 * 24 * 3_600),
            page_size: 100,
            faults: HashMap::new(),
            losses: HashMap::new(),
            throttles: HashMap::new(),
            calls: HashMap::new(),
        }));
        Self { address: server::start(&state), state }
    }

    /// The address of both services, for `sso` and `sso_oidc` of the endpoints.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address of the portal that people know.
    pub fn start_url(&self) -> String {
        format!("{}/start", self.url())
    }

    /// Assigns a role in an account; 12 digits, a name.
    pub fn assign(&self, account: &str, name: &str, role: &str) {
        let mut state = self.state();
        if !state.accounts.iter().any(|known| known.id == account) {
            state.accounts.push(Account { id: account.into(), name: name.into(), roles: Vec::new() });
        }
        let found = state.accounts.iter_mut().find(|known| known.id == account);
        found.into_iter().for_each(|account| account.roles.push(role.into()));
    }

    /// Sets whether people deny what they are asked.
    pub fn denies(&self, denies: bool) {
        self.state().denies = denies;
    }

    /// Answers "slow down" to the next questions for a device code, besides those that come too early.
    pub fn slow_downs(&self, count: u32) {
        self.state().slow_downs = count;
    }

    /// Sets how long access tokens live, as from now.
    pub fn token_lifetime(&self, lifetime: Duration) {
        self.state().token_lifetime = lifetime;
    }

    /// Sets how long device codes live, as from now.
    pub fn device_lifetime(&self, lifetime: Duration) {
        self.state().device_lifetime = lifetime;
    }

    /// Sets how long registrations last, as from now.
    pub fn registration_lifetime(&self, lifetime: Duration) {
        self.state().registration_lifetime = lifetime;
    }

    /// Sets how much of a list comes at once.
    pub fn page_size(&self, size: usize) {
        self.state().page_size = size;
    }

    /// Forgets who has registered.
    pub fn forget_clients(&self) {
        self.state().clients.clear();
    }

    /// Ends all sessions, as an administrator can: neither access nor refresh tokens are good any more.
    pub fn end_sessions(&self) {
        let mut state = self.state();
        state.access.clear();
        state.refresh.clear();
    }

    /// Ends all access tokens.
    pub fn end_access_tokens(&self) {
        self.state().access.clear();
    }

    /// Refuses the next calls of one kind as too many.
    pub fn throttle(&self, call: &str, count: u32) {
        self.state().throttles.insert(call.into(), count);
    }

    /// Spoils the answers to one call from now on, by the API's name for it; `CreateToken` is one for all grants.
    pub fn fault(&self, call: &str, fault: Fault) {
        self.state().faults.insert(call.into(), fault);
    }

    /// Does what the next calls of one kind ask for, but lets nobody have the answers.
    pub fn lose_answers(&self, call: &str, count: u32) {
        self.state().losses.insert(call.into(), count);
    }

    /// Answers how often a call came, refused ones too; `CreateToken` is counted by grant as well, as
    /// `CreateToken/refresh_token`.
    pub fn calls(&self, call: &str) -> u64 {
        self.state().calls.get(call).copied().unwrap_or_default()
    }

    /// Answers everything that must not be found anywhere.
    pub fn secrets(&self) -> Vec<String> {
        self.state().aws.secrets()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl State {
    fn new_secret(&self) -> String {
        self.aws.state().new_secret(64)
    }

    fn count(&mut self, call: &str) {
        *self.calls.entry(call.to_owned()).or_default() += 1;
    }
}

/// Takes one of what is counted down for a call.
fn takes_one(counts: &mut HashMap<String, u32>, call: &str) -> bool {
    match counts.get_mut(call) {
        Some(count) if *count > 0 => {
            *count -= 1;
            true
        }
        Some(_) | None => false,
    }
}
