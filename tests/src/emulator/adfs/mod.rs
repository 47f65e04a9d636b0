//! An AD FS on loopback: its pages, fields, cookies and redirects, and the ways in which an identity provider can be
//! hostile.
//!
//! What it gives out is not signed; nobody but AWS would look.

mod pages;
mod response;
mod server;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// The second factor that is asked for behind the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mfa {
    /// None.
    None,
    /// This code.
    Code(String),
    /// This code, once it was chosen among other ways.
    Choice(String),
    /// An approval on a telephone, which comes after the page was asked for so often.
    Push(u32),
    /// One that never comes.
    Denied,
}

/// How an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    /// It can sign in.
    Good,
    /// Locked after too many wrong passwords.
    Locked,
    /// Disabled by an administrator.
    Disabled,
    /// Its password has to be changed.
    Expired,
}

/// How pages are spoilt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdpFault {
    /// Not at all.
    None,
    /// Every page redirects to an address, with this status.
    Redirect(u16, String),
    /// Every page redirects to the next, without an end.
    Endless,
    /// A page of 64 MiB.
    Huge,
    /// A page whose letters come one each second.
    Slow,
    /// No answer at all.
    Hang,
    /// No answer to a password.
    Deaf,
    /// This status with this page.
    Page(u16, String),
    /// The sign-in form leads to this address.
    FormTo(String),
    /// The response leads to this address.
    ResponseTo(String),
    /// The sign-in page tells this error, as it stands.
    Says(String),
    /// The ticket of a domain is asked for, and nothing else.
    Ticket,
    /// So many more cookies on every page.
    Cookies(u32),
    /// This stands in place of a response.
    Response(String),
}

/// What has happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests.
    pub requests: u32,
    /// Passwords that were sent, wrong ones too.
    pub passwords: u32,
    /// Wrong ones among them.
    pub wrong_passwords: u32,
    /// Codes that were sent.
    pub codes: u32,
    /// How often an approval was asked about.
    pub polls: u32,
    /// Assertions that were given out.
    pub assertions: u32,
}

#[derive(Debug)]
struct State {
    users: HashMap<String, String>,
    roles: Vec<String>,
    session_duration: Option<u32>,
    mfa: Mfa,
    account: Account,
    lifetime: Duration,
    fault: IdpFault,
    partition: &'static str,
    /// By the cookie.
    sessions: HashMap<String, Session>,
    counts: Counts,
    given_out: u64,
    secrets: Vec<String>,
    agents: Vec<String>,
}

#[derive(Clone, Debug)]
struct Session {
    user: String,
    since: Instant,
    /// Still missing: the second factor, under this context.
    context: Option<String>,
    polls: u32,
}

/// A running AD FS; it ends with the process.
#[derive(Clone, Debug)]
pub struct Adfs {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Adfs {
    /// Starts with one user, `CORP\alice`, who may have one role; sessions live for eight hours.
    pub fn start() -> Self {
        let state = Arc::new(Mutex::new(State {
            users: HashMap::new(),
            roles: Vec::new(),
            session_duration: None,
            mfa: Mfa::None,
            account: Account::Good,
            lifetime: Duration::from_secs(8 * 3_600),
            fault: IdpFault::None,
            partition: "aws",
            sessions: HashMap::new(),
            counts: Counts::default(),
            given_out: 0,
            secrets: Vec::new(),
            agents: Vec::new(),
        }));
        let adfs = Self { address: server::start(&state), state };
        adfs.roles(&["ADFS-Production"]);
        adfs.password("CORP\\alice");
        adfs
    }

    /// The address of the page for `url`.
    pub fn url(&self) -> String {
        format!("http://{}{}?loginToRp=urn:amazon:webservices", self.address, pages::PATH)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Gives a user a new password, and answers it. Makes the user, where there is none.
    pub fn password(&self, user: &str) -> String {
        let mut state = self.state();
        let password = state.new_secret("p4ss+&=% ");
        state.users.insert(user.to_lowercase(), password.clone());
        password
    }

    /// Sets the partition, by its page at AWS; roles that are set later are in it.
    pub fn partition(&self, partition: &'static str) {
        self.state().partition = partition;
    }

    /// Sets the names of the roles in account 111122223333.
    pub fn roles(&self, names: &[&str]) {
        let mut state = self.state();
        let partition = state.partition;
        let iam = format!("arn:{partition}:iam::111122223333");
        state.roles =
            names.iter().map(|name| format!("{iam}:role/{name},{iam}:saml-provider/ADFS")).collect();
    }

    /// Sets the values of the role attribute as they stand.
    pub fn role_values(&self, values: &[&str]) {
        self.state().roles = values.iter().map(|value| (*value).to_owned()).collect();
    }

    /// Sets the attribute for the duration, in seconds.
    pub fn session_duration(&self, seconds: Option<u32>) {
        self.state().session_duration = seconds;
    }

    /// Sets the second factor.
    pub fn mfa(&self, mfa: Mfa) {
        let mut state = self.state();
        if let Mfa::Code(code) | Mfa::Choice(code) = &mfa {
            state.secrets.push(code.clone());
        }
        state.mfa = mfa;
    }

    /// Sets how all accounts are.
    pub fn account(&self, account: Account) {
        self.state().account = account;
    }

    /// Sets how long a session lives from its sign-in.
    pub fn lifetime(&self, lifetime: Duration) {
        self.state().lifetime = lifetime;
    }

    /// Ends all sessions.
    pub fn end_sessions(&self) {
        self.state().sessions.clear();
    }

    /// Spoils its pages from now on.
    pub fn fault(&self, fault: IdpFault) {
        self.state().fault = fault;
    }

    /// Makes a response for a user, as a browser has it in the end.
    pub fn response(&self, user: &str) -> String {
        response::make(&mut self.state(), user)
    }

    /// What has happened so far.
    pub fn counts(&self) -> Counts {
        self.state().counts
    }

    /// The programs that have asked, by their own word.
    pub fn agents(&self) -> Vec<String> {
        self.state().agents.clone()
    }

    /// Answers everything that must not be found anywhere: passwords, codes, cookies, assertions.
    pub fn secrets(&self) -> Vec<String> {
        self.state().secrets.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        super::lock(&self.state)
    }
}

impl State {
    fn new_secret(&mut self, prefix: &str) -> String {
        self.given_out += 1;
        let chance = || std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), self.given_out);
        let secret = format!("{prefix}{:016x}{:016x}", chance(), chance());
        self.secrets.push(secret.clone());
        secret
    }

    fn begin(&mut self, user: &str, context: Option<String>) -> String {
        let cookie = self.new_secret("MsisAuth");
        let session = Session { user: user.to_owned(), since: Instant::now(), context, polls: 0 };
        self.sessions.insert(cookie.clone(), session);
        cookie
    }
}
