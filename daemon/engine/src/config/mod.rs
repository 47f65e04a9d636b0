//! The configuration: from TOML text to checked values, every profile flattened to a plan.
//!
//! Nothing here touches the network or the vault; a file that a policy names is read through a closure that the
//! caller passes in.

mod chain;
mod check;
mod console;
mod flatten;
mod identity;
mod profile;
mod raw;
mod role;
mod rotate;
mod session;
mod socket;
mod step;

pub use socket::{MAX_SOCKETS, Pattern, Socket};

pub use console::ConsolePlace;
pub use rotate::Rotate;

use crate::plan::{Plan, SessionToken, Step};
use crate::slot::SlotKey;
use keyfob_shared::{
    Failure, FailureKind, IdentityName, ProfileName, SocketName, partition, wire::Finding, wire::Severity,
};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The longest configuration file, in bytes: room for 20,000 profiles.
pub const MAX_CONFIG: usize = 4 * 1024 * 1024;

/// A configuration that can be in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The daemon's own settings.
    pub daemon: Daemon,
    /// Addresses to use instead of the regional ones of AWS.
    pub endpoints: Endpoints,
    /// How the user proves who they are.
    pub identities: BTreeMap<IdentityName, Identity>,
    /// The session that a person signs in for, of each identity that has one.
    pub sign_ins: BTreeMap<IdentityName, SlotKey>,
    /// Every profile, flattened.
    pub profiles: BTreeMap<ProfileName, Plan>,
    /// Further sockets that give less than the person has.
    pub sockets: BTreeMap<SocketName, Socket>,
    /// What a person should know about it; no errors.
    pub findings: Vec<Finding>,
}

/// The daemon's own settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Daemon {
    /// `auto` or the kind of a vault, as written.
    pub vault: String,
    /// The key file of a file vault.
    pub vault_key_file: Option<PathBuf>,
    /// Prints the passphrase of a file vault.
    pub passphrase_command: Option<Vec<String>>,
    /// Which sessions are renewed unasked.
    pub renew: Renew,
    /// Milliseconds after its last use for which a profile is renewed.
    pub keep_warm: i64,
    /// Milliseconds for which lines of the audit are kept; `None` is for ever, within `audit_size`.
    pub audit_keep: Option<i64>,
    /// Bytes of the audit that are kept, the newest.
    pub audit_size: u64,
    /// Whether root is served.
    pub allow_root: bool,
}

impl Config {
    /// Answers the plan by which a restricted socket serves a profile; `None` if it does not serve it.
    pub fn restricted_plan(&self, socket: &SocketName, profile: &ProfileName) -> Option<&Plan> {
        let socket = self.sockets.get(socket).filter(|socket| socket.covers(profile))?;
        match &socket.scoped {
            Some(plans) => plans.get(profile),
            None => self.profiles.get(profile),
        }
    }

    /// Answers the plans of all profiles that a restricted socket serves.
    pub fn restricted_plans(&self, socket: &SocketName) -> impl Iterator<Item = &Plan> {
        let socket = self.sockets.get(socket);
        let plans = socket.map(|socket| socket.scoped.as_ref().unwrap_or(&self.profiles));
        let covered = move |plan: &&Plan| socket.is_some_and(|socket| socket.covers(&plan.profile));
        plans.into_iter().flat_map(BTreeMap::values).filter(covered)
    }
}

impl Default for Daemon {
    fn default() -> Self {
        Self {
            vault: "auto".into(),
            vault_key_file: None,
            passphrase_command: None,
            renew: Renew::Active,
            keep_warm: 12 * 3_600_000,
            audit_keep: None,
            audit_size: 60 * 1024 * 1024,
            allow_root: false,
        }
    }
}

/// Which sessions are renewed unasked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renew {
    /// Those of profiles that were used within `keep_warm`.
    Active,
    /// All that need no person.
    Always,
    /// None; a `get` within the margin starts a renewal behind it.
    OnDemand,
}

/// Addresses to use instead of the regional ones of AWS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// `https`, or `http` to loopback.
    pub sts: Option<String>,
    /// The same, of the console's sign-in service.
    pub signin: Option<String>,
    /// The same, of the portal of IAM Identity Center.
    pub sso: Option<String>,
    /// The same, of what gives out its tokens.
    pub sso_oidc: Option<String>,
    /// The same, of IAM.
    pub iam: Option<String>,
    /// The same, of CloudTrail.
    pub cloudtrail: Option<String>,
}

/// How the user proves who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// In which way.
    pub kind: IdentityKind,
    /// The partition of AWS in which it lives.
    pub partition: String,
    /// The MFA device.
    pub mfa_serial: Option<String>,
    /// Prints the code of the MFA device.
    pub mfa_command: Option<Vec<String>>,
    /// How its access key is rotated.
    pub rotate: Rotate,
}

/// A way to prove who somebody is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdentityKind {
    /// An IAM user with a long-term key in the vault.
    IamUser,
    /// A token of an OIDC provider that something else keeps fresh.
    WebIdentity(TokenSource),
    /// A command that prints a document of `credential_process`.
    Process(Vec<String>),
    /// An identity provider that speaks SAML 2.0.
    Saml(Saml),
    /// A provider that speaks OpenID Connect.
    Oidc(Oidc),
    /// IAM Identity Center.
    IdentityCenter(IdentityCenter),
}

/// How to sign in at an OIDC provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Oidc {
    /// The provider, as its own document names it.
    pub issuer: String,
    /// The name under which it knows keyfob.
    pub client_id: String,
    /// What is asked for beside `openid`; empty means what gives a refresh token.
    pub scopes: Vec<String>,
    /// Whether the browser is on this computer.
    pub flow: Flow,
    /// The port on 127.0.0.1 that is registered at the provider.
    pub port: Option<u16>,
    /// More parameters of the sign-in: some providers give a refresh token with `prompt = "consent"` only.
    pub parameters: BTreeMap<String, String>,
}

/// How to sign in at IAM Identity Center.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IdentityCenter {
    /// The address of the access portal.
    pub start_url: String,
    /// Its region.
    pub region: String,
    /// Whether the browser is on this computer.
    pub flow: Flow,
}

/// Where a person signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flow {
    /// In a browser on this computer.
    Browser,
    /// In a browser anywhere, where a code is typed in or compared.
    Device,
}

/// How to sign in at a SAML provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Saml {
    /// In which way.
    pub provider: SamlProvider,
    /// The page that starts a sign-in; empty for a command.
    pub url: String,
    /// The name of the person; else it is asked for.
    pub username: Option<String>,
    /// Names of fields for the name, the password and a code, where those that are found are the wrong ones.
    pub fields: [Option<String>; 3],
    /// Whether the password is kept in the vault.
    pub remember_password: bool,
    /// The port on 127.0.0.1 that the provider answers to, for a browser.
    pub port: Option<u16>,
}

/// How a SAML provider is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SamlProvider {
    /// The forms of AD FS.
    Adfs,
    /// The forms of any other.
    Form,
    /// The browser of the person.
    Browser,
    /// A command that prints an assertion.
    Command(Vec<String>),
}

/// Where a token comes from; it is read at each mint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenSource {
    /// A file that holds it.
    File(PathBuf),
    /// A command that prints it.
    Command(Vec<String>),
}

impl IdentityKind {
    /// Answers the word for it in the configuration.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::IamUser => "iam-user",
            Self::WebIdentity(_) => "web-identity",
            Self::Process(_) => "process",
            Self::Saml(_) => "saml",
            Self::Oidc(_) => "oidc",
            Self::IdentityCenter(_) => "identity-center",
        }
    }

    /// Answers whether a command signs in at a provider, and nobody else does.
    pub const fn signs_in_by_command(&self) -> bool {
        matches!(self, Self::Saml(Saml { provider: SamlProvider::Command(_), .. }))
    }

    /// Answers whether a person signs in at the provider, each time that something new is wanted of it.
    pub const fn signs_in_each_time(&self) -> bool {
        matches!(self, Self::Saml(Saml { provider: SamlProvider::Browser, .. }))
    }
}

impl Identity {
    /// Answers what sessions of this identity are bound to, beside its name: its whole definition, unless that is a key
    /// in the vault, which has ways of its own.
    pub fn origin(&self) -> String {
        match &self.kind {
            IdentityKind::IamUser => self.kind.name().into(),
            other => serde_json::to_string(other).expect("definitions always serialize"),
        }
    }

    /// Answers whether it has a long-term key in the vault.
    pub fn has_key(&self) -> bool {
        self.kind == IdentityKind::IamUser
    }

    /// Answers whether a person signs in for it at a provider that is none of AWS.
    pub const fn has_provider(&self) -> bool {
        match self.kind {
            IdentityKind::IamUser | IdentityKind::WebIdentity(_) | IdentityKind::Process(_) => false,
            IdentityKind::Saml(_) | IdentityKind::Oidc(_) | IdentityKind::IdentityCenter(_) => true,
        }
    }

    /// Answers the step that stands before those of every profile which does not opt out.
    pub fn root_step(&self) -> Option<Step> {
        match &self.kind {
            IdentityKind::IamUser => self.sign_in_step(),
            IdentityKind::Process(_) => Some(Step::Process),
            IdentityKind::WebIdentity(_)
            | IdentityKind::Saml(_)
            | IdentityKind::Oidc(_)
            | IdentityKind::IdentityCenter(_) => None,
        }
    }

    /// Answers the step that a person signs in with, and that stands before every profile which does not opt out.
    pub fn sign_in_step(&self) -> Option<Step> {
        let serial = self.mfa_serial.clone()?;
        let region = Some(partition::default_region(&self.partition).to_owned());
        Some(Step::SessionToken(SessionToken { duration: None, mfa_serial: Some(serial), region }))
    }
}

/// What parsing needs to know of the world around the file.
pub struct Surroundings<'a> {
    /// Where the file lies; relative paths in it start there.
    pub directory: &'a Path,
    /// What `~/` stands for.
    pub home: Option<&'a Path>,
    /// The login name of the user, for session names.
    pub user: &'a str,
    /// The name of this computer, for session names.
    pub host: &'a str,
    /// Reads a policy file.
    pub read: &'a dyn Fn(&Path) -> std::io::Result<String>,
}

impl std::fmt::Debug for Surroundings<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Surroundings").field("directory", &self.directory).finish_non_exhaustive()
    }
}

/// Parses a configuration.
///
/// # Errors
/// Findings in the order of the file, each an error with its place (`LINE:COLUMN`).
pub fn parse(text: &str, around: &Surroundings<'_>) -> Result<Config, Vec<Finding>> {
    if text.len() > MAX_CONFIG {
        let message = format!("the file has {} bytes, and {MAX_CONFIG} are allowed", text.len());
        return Err(vec![error("1:1", message, None)]);
    }
    let raw = raw::parse(text)?;
    flatten::flatten(raw, text, around)
}

/// Makes the one failure that stands for findings of a file.
pub fn failure(file: &Path, findings: &[Finding]) -> Failure {
    let first = findings.iter().find(|finding| finding.severity == Severity::Error);
    let Some(first) = first else {
        return Failure::new(FailureKind::Usage, format!("read config {}: unknown error", file.display()));
    };
    let more = match findings.len() {
        0 | 1 => String::new(),
        count => format!(" (and {} more)", count - 1),
    };
    let message = format!("read config {}:{}: {}{more}", file.display(), first.subject, first.message);
    Failure::new(FailureKind::Usage, message).hint("keyfob profile check")
}

fn error(place: impl Into<String>, message: impl Into<String>, hint: Option<String>) -> Finding {
    let clean = Failure::new(FailureKind::Usage, message.into());
    Finding { severity: Severity::Error, subject: place.into(), message: clean.message, hint }
}

/// Finds the place of a byte offset in a text.
struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    fn new(text: &str) -> Self {
        let after_breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { starts: std::iter::once(0).chain(after_breaks).collect() }
    }

    /// Answers `LINE:COLUMN`, both from 1; columns count bytes.
    fn place(&self, offset: usize) -> String {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or_default();
        format!("{line}:{}", offset - start + 1)
    }
}

#[cfg(test)]
mod tests;
