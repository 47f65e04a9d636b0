//! SAML 2.0: from a person or a kept session to an assertion for `AssumeRoleWithSAML`.
//!
//! Not spoken is Kerberos (SPNEGO), by which AD FS signs in members of a domain without asking: the crates that are kept
//! well (`libgssapi`, `cross-krb5`) bind the C library of the system, which every build and every machine would need.
//! Where AD FS insists on it, that is told; `browser` and `command` are the ways around.

pub mod assertion;
mod browser;
mod command;
mod complaint;
mod flow;
mod kept;
mod received;
mod recognize;

pub use crate::refused::Refused;
pub use assertion::{Assertion, Role};

use crate::ask::NoOne;
use crate::trouble::Trouble;
use crate::{Ask, clock};
use assertion::Problem;
use kept::Kept;
use keyfob_shared::{Failure, IdentityName, Secret, Timestamp};
use std::time::Duration;

/// Without a person an assertion is there within this time, or the provider is taken to be down.
const RENEW_TIME: Duration = Duration::from_secs(40);

/// How the identity provider is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provider {
    /// The forms of AD FS.
    Adfs,
    /// The forms of any other: Keycloak, SimpleSAMLphp, Shibboleth, …
    Form,
    /// The browser of the person; what comes out is caught on loopback, or pasted.
    Browser,
    /// A program and its arguments, which prints an assertion; there is no shell.
    Command(Vec<String>),
}

/// Names of fields, where those that are found on the page are the wrong ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldNames {
    /// For the name of the person.
    pub username: Option<String>,
    /// For the password.
    pub password: Option<String>,
    /// For a code of the second factor.
    pub code: Option<String>,
}

/// How an identity signs in.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whose sign-in it is; named in hints.
    pub identity: IdentityName,
    /// The way.
    pub provider: Provider,
    /// The page that starts a sign-in at AWS: https, or http to this computer. Not used by [`Provider::Command`]. For
    /// [`Provider::Browser`], `{port}` in it stands for the port that is listened on.
    pub url: String,
    /// The name of the person, with its domain where the provider wants one; else it is asked for.
    pub username: Option<String>,
    /// Names of fields.
    pub fields: FieldNames,
    /// Whether the password is kept, so that a session that has ended is begun again without a person.
    pub remember_password: bool,
    /// [`Provider::Browser`]: the port on 127.0.0.1 that the provider sends its response to, 0 for any; without one,
    /// the response is pasted.
    pub port: Option<u16>,
}

/// What comes out of a sign-in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// For AWS, at once: it ages within minutes.
    pub assertion: Assertion,
    /// For the vault: cookies of the provider, and the password only if it is to be remembered. Empty where nothing is
    /// worth keeping.
    pub kept: Secret,
}

/// Signs in with a person. A kept session that still lives is used, and nothing is asked; without `kept` a new session is
/// begun.
///
/// # Errors
/// If the person gives up, the provider refuses, its pages are not understood or lead elsewhere, or what comes out is
/// nothing for AWS.
pub async fn sign_in(
    settings: &Settings,
    kept: Option<&Secret>,
    ask: &mut impl Ask,
) -> Result<SignedIn, Failure> {
    let result = match &settings.provider {
        Provider::Adfs | Provider::Form => {
            let kept = kept.and_then(Kept::read);
            flow::run(settings, kept, ask, None).await.map_err(|(trouble, _)| trouble)
        }
        Provider::Browser => browser::sign_in(settings, ask).await,
        Provider::Command(command) => command::sign_in(settings, command).await,
    };
    result.map_err(Trouble::into_failure)
}

/// Signs in without a person: from the cookies that were kept, from the password if it was, or by the command.
///
/// # Errors
/// Says whether the same may work later; a person is needed where the failure is of that kind.
pub async fn renew(settings: &Settings, kept: &Secret) -> Result<SignedIn, Refused> {
    let renewed = match &settings.provider {
        Provider::Adfs | Provider::Form => {
            flow::run(settings, Kept::read(kept), &mut NoOne, Some(RENEW_TIME)).await
        }
        Provider::Browser => Err((again(settings), None)),
        Provider::Command(command) => {
            command::sign_in(settings, command).await.map_err(|trouble| (trouble, None))
        }
    };
    renewed.map_err(|(trouble, kept)| match trouble {
        Trouble::Passing(failure) => Refused::Transient(failure),
        Trouble::Lasting(failure) => Refused::Lasting { failure, kept },
    })
}

fn again(settings: &Settings) -> Trouble {
    Trouble::person("sign in: the browser of a person is needed").hint(login(settings))
}

fn login(settings: &Settings) -> String {
    format!("keyfob login {}", settings.identity)
}

/// Reads what came, by the clock of the provider where it is known.
fn assertion_of(
    settings: &Settings,
    received: &Secret,
    date: Option<Timestamp>,
) -> Result<Assertion, Trouble> {
    assertion::read(received, date.unwrap_or_else(clock::now)).map_err(|problem| match problem {
        Problem::Refused(what) => Trouble::person(what).hint(login(settings)),
        Problem::Stale(what) => Trouble::useless(what).hint(login(settings)),
        Problem::Unusable(what) => Trouble::useless(what),
    })
}
