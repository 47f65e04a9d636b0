//! An AWS on loopback whose answers can be spoilt: STS, and an object store that refuses expired sessions. Beside it, an
//! AD FS.
//!
//! It knows which keys it gave out and until when. Signatures are not verified; moto is there for that.

mod account;
pub mod adfs;
mod answer;
mod assertions;
mod faults;
mod iam;
mod identity_center;
mod objects;
mod server;
mod sts;
mod traffic;

pub use faults::Fault;
pub use iam::{Late, ListedKey, Trouble};
pub use identity_center::IdentityCenter;
pub use objects::Finished;
pub use traffic::Traffic;

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

/// A long-term key of a user.
#[derive(Clone, Debug)]
pub struct UserKey {
    /// `AKIA…`
    pub access_key_id: String,
    /// Its secret half.
    pub secret_access_key: String,
}

/// A call that reached STS.
#[derive(Clone, Debug)]
pub struct Call {
    /// The API's name for it.
    pub action: String,
    /// Its parameters.
    pub parameters: HashMap<String, String>,
    /// The access key that signed it.
    pub access_key_id: String,
    /// When it came.
    pub at: SystemTime,
}

/// What the emulator knows and how it behaves.
#[derive(Debug)]
struct State {
    keys: HashMap<String, Known>,
    users: HashMap<String, iam::Meta>,
    late: Late,
    troubles: HashMap<String, (Trouble, usize)>,
    most_keys: usize,
    account: account::Account,
    lifetime: Duration,
    delay: Duration,
    slow_role: Option<(String, Duration)>,
    ahead: i64,
    fault: Fault,
    role_maximum: u32,
    used_codes: HashSet<(String, String)>,
    web_tokens: HashMap<String, i64>,
    accepts_web_tokens: bool,
    store: objects::Store,
    objects_delay: (Duration, Duration),
    objects_held: bool,
    under_way: Gauge,
    judged_by_signature: bool,
    clients_ahead: i64,
    unserved: Vec<String>,
    traffic: HashMap<String, Traffic>,
    calls: Vec<Call>,
    accepted: u64,
    refused: Vec<String>,
    given_out: u64,
    secrets: Vec<String>,
}

/// How many there are, how many there were at most, and how many have begun.
#[derive(Debug, Default)]
struct Gauge {
    now: usize,
    most: usize,
    begun: u32,
}

/// A key and what it may be used for.
#[derive(Clone, Debug)]
struct Known {
    token: Option<String>,
    ends_at: Option<i64>,
    arn: String,
}

/// A running emulator; it ends with the process.
#[derive(Clone, Debug)]
pub struct Emulator {
    sts: SocketAddr,
    objects: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Emulator {
    /// Starts on two free ports; sessions live for an hour.
    pub fn start() -> Self {
        Self::start_on(0, 0)
    }

    /// Starts on ports that are given, 0 for any.
    pub fn start_on(sts: u16, objects: u16) -> Self {
        let state = Arc::new(Mutex::new(State {
            keys: HashMap::new(),
            users: HashMap::new(),
            late: Late::default(),
            troubles: HashMap::new(),
            most_keys: 0,
            account: account::Account::default(),
            lifetime: Duration::from_secs(3_600),
            delay: Duration::ZERO,
            slow_role: None,
            ahead: 0,
            fault: Fault::None,
            role_maximum: 43_200,
            used_codes: HashSet::new(),
            web_tokens: HashMap::new(),
            accepts_web_tokens: false,
            store: objects::Store::default(),
            objects_delay: (Duration::ZERO, Duration::ZERO),
            objects_held: false,
            under_way: Gauge::default(),
            judged_by_signature: false,
            clients_ahead: 0,
            unserved: Vec::new(),
            traffic: HashMap::new(),
            calls: Vec::new(),
            accepted: 0,
            refused: Vec::new(),
            given_out: 0,
            secrets: Vec::new(),
        }));
        let (sts, objects) = server::start(&state, sts, objects);
        Self { sts, objects, state }
    }

    /// Has STS accept every token of an OIDC provider.
    pub fn accept_web_tokens(&self) {
        lock(&self.state).accepts_web_tokens = true;
    }

    /// Makes a token of an OIDC provider that is good for so long; it is a secret.
    pub fn web_token(&self, life: Duration) -> String {
        let mut state = lock(&self.state);
        let token = state.new_secret(300);
        let end = state.now() + i64::try_from(life.as_millis()).unwrap_or(0);
        state.web_tokens.insert(token.clone(), end);
        token
    }

    /// The address for `[endpoints] sts`.
    pub fn sts_url(&self) -> String {
        format!("http://{}", self.sts)
    }

    /// The address of the object store, for S3 clients.
    pub fn objects_url(&self) -> String {
        format!("http://{}", self.objects)
    }

    /// Makes a long-term key.
    pub fn add_user(&self, name: &str) -> UserKey {
        let mut state = self.state();
        let (id, secret) = state.new_key("AKIA");
        let arn = format!("arn:aws:iam::111122223333:user/{name}");
        state.keys.insert(id.clone(), Known { token: None, ends_at: None, arn });
        state.know_key(&id, name, Duration::ZERO);
        UserKey { access_key_id: id, secret_access_key: secret }
    }

    /// Makes a long-term key unknown.
    pub fn remove_key(&self, access_key_id: &str) {
        let mut state = self.state();
        state.keys.remove(access_key_id);
        state.users.remove(access_key_id);
    }

    /// Sets how long sessions live at most; short ones are for tests.
    pub fn lifetime(&self, lifetime: Duration) {
        self.state().lifetime = lifetime;
    }

    /// Sets how long each mint takes.
    pub fn delay(&self, delay: Duration) {
        self.state().delay = delay;
    }

    /// Sets how long each request to the object store takes.
    pub fn objects_delay(&self, delay: Duration) {
        self.objects_delay_between(delay, delay);
    }

    /// Sets how long they take at least and at most, evenly spread, so that those of a client don't come all at once.
    pub fn objects_delay_between(&self, least: Duration, most: Duration) {
        self.state().objects_delay = (least, most);
    }

    /// Keeps all answers of the object store back, until it is told to let them go.
    pub fn hold_objects(&self, held: bool) {
        self.state().objects_held = held;
    }

    /// Has the object store judge a request by the moment of its signature, if that is ten seconds ago at most.
    ///
    /// Sessions of some seconds leave one between the end that callers are told and the true one, real ones a minute. A
    /// client that can't send at once what it has signed is refused by the former only. Clients whose clocks are wrong
    /// are taken to correct them, as some do.
    pub fn judge_by_signature(&self) {
        self.state().judged_by_signature = true;
    }

    /// Sets how many seconds the clock of clients is ahead of ours.
    pub fn clients_ahead(&self, seconds: i64) {
        self.state().clients_ahead = seconds * 1_000;
    }

    /// Sets how much longer the answers for one role take.
    pub fn slow_role(&self, role_arn: &str, delay: Duration) {
        self.state().slow_role = Some((role_arn.into(), delay));
    }

    /// Sets how many seconds the clock of this AWS is ahead.
    pub fn ahead(&self, seconds: i64) {
        self.state().ahead = seconds * 1_000;
    }

    /// Steps the distance between this AWS's clock and all others, as if theirs were set; sessions end when they would.
    pub fn step(&self, seconds: i64) {
        let mut state = self.state();
        state.ahead += seconds * 1_000;
        let ends = state.keys.values_mut().filter_map(|known| known.ends_at.as_mut());
        ends.for_each(|end| *end += seconds * 1_000);
    }

    /// Spoils the answers of STS from now on.
    pub fn fault(&self, fault: Fault) {
        self.state().fault = fault;
    }

    /// Sets the longest duration that roles allow.
    pub fn role_maximum(&self, seconds: u32) {
        self.state().role_maximum = seconds;
    }

    /// Answers the calls that would give out a session, oldest first, refused ones too.
    pub fn mints(&self) -> Vec<Call> {
        let gives_out =
            |call: &&Call| call.action.starts_with("AssumeRole") || call.action.ends_with("Token");
        self.state().calls.iter().filter(gives_out).cloned().collect()
    }

    /// Answers how many requests with good credentials came to the object store and `GetCallerIdentity`.
    pub fn accepted(&self) -> u64 {
        self.state().accepted
    }

    /// Answers why requests of clients were refused.
    pub fn refused(&self) -> Vec<String> {
        self.state().refused.clone()
    }

    /// Answers what the object store could not do for a client, or found wrong: a checksum, a part, a call it lacks.
    pub fn unserved(&self) -> Vec<String> {
        self.state().unserved.clone()
    }

    /// Answers the SHA-256 of an object's content in hexadecimal digits, if it is there.
    pub fn object_sha256(&self, bucket: &str, key: &str) -> Option<String> {
        self.state().store.object(bucket, key).ok().map(|object| objects::sha256(&object.body))
    }

    /// Answers how many requests the object store has answered at a time, at most.
    pub fn most_at_once(&self) -> usize {
        self.state().under_way.most
    }

    /// Answers the uploads in parts that were completed, oldest first.
    pub fn uploads(&self) -> Vec<Finished> {
        self.state().store.finished.clone()
    }

    /// Answers everything that must not be found anywhere.
    pub fn secrets(&self) -> Vec<String> {
        self.state().secrets.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl State {
    /// Makes a key that was never seen before; its secret is one to hunt for.
    fn new_key(&mut self, prefix: &str) -> (String, String) {
        self.given_out += 1;
        let id = format!("{prefix}{:016}", self.given_out);
        let secret = self.new_secret(40);
        (id, secret)
    }

    fn new_secret(&mut self, length: usize) -> String {
        let mut secret = String::from("s3cr");
        while secret.len() < length {
            let chance = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), self.given_out);
            secret.push_str(&format!("{chance:016x}"));
        }
        secret.truncate(length);
        self.secrets.push(secret.clone());
        secret
    }

    /// This AWS's own clock, in milliseconds since the Unix epoch.
    fn now(&self) -> i64 {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX) + self.ahead
    }
}
