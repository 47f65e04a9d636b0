//! What an identity may be, by the word of its provider, as tables for the configuration.

use super::SignIns;
use crate::runtime::mints::refused;
use keyfob_engine::config::{Endpoints, IdentityCenter, IdentityKind};
use keyfob_engine::mint::{MintError, MintErrorKind};
use keyfob_idp::identity_center::{AccountRole, Denied};
use keyfob_shared::{Failure, FailureKind, IdentityName, RoleArn};
use std::collections::BTreeSet;
use std::fmt::Write;

/// Longer than a reply may be: then only the first are proposed, and that is said.
const MAX_TEXT: usize = 48 * 1024;

impl SignIns {
    /// Answers a profile for each role.
    pub(in crate::runtime) async fn discover(
        &self,
        identity: &IdentityName,
        kind: &IdentityKind,
        endpoints: &Endpoints,
    ) -> Result<String, MintError> {
        match kind {
            IdentityKind::IdentityCenter(settings) => {
                self.at_center(identity, kind, settings, endpoints).await
            }
            IdentityKind::Saml(saml) => {
                let granted = self.current(identity, saml).await?.roles;
                let granted: Vec<RoleArn> = granted.into_iter().map(|role| role.role_arn).collect();
                Ok(tables(identity, granted.iter().map(Entry::granted)))
            }
            IdentityKind::IamUser
            | IdentityKind::WebIdentity(_)
            | IdentityKind::Process(_)
            | IdentityKind::Oidc(_) => {
                let kind = kind.name();
                let message = format!("identity {identity} is of type {kind}, which has no list of roles");
                let failure = Failure::new(FailureKind::Usage, message);
                Err(refused(MintErrorKind::Final, failure.hint("keyfob profile list")))
            }
        }
    }

    async fn at_center(
        &self,
        identity: &IdentityName,
        kind: &IdentityKind,
        settings: &IdentityCenter,
        endpoints: &Endpoints,
    ) -> Result<String, MintError> {
        let portal = self.portal(identity, settings, endpoints);
        let mut not_accepted = None;
        loop {
            let (token, _) = self.token(identity, kind, endpoints, not_accepted.as_ref()).await?;
            match portal.accounts_and_roles(&token).await {
                Ok(roles) => return Ok(tables(identity, roles.iter().map(Entry::assigned))),
                Err(Denied::Token(_)) if not_accepted.is_none() => not_accepted = Some(token),
                Err(Denied::Token(failure)) => return Err(super::sign_in_needed(failure, identity)),
                Err(Denied::Transient(failure) | Denied::Lasting(failure)) => {
                    return Err(refused(MintErrorKind::Transient, failure));
                }
            }
        }
    }
}

/// A profile that is proposed.
struct Entry {
    name: String,
    account: String,
    keys: String,
}

impl Entry {
    /// Proposes one for a role that is assigned in IAM Identity Center.
    fn assigned(role: &AccountRole) -> Self {
        let account = if role.account_name.is_empty() { &role.account_id } else { &role.account_name };
        Self {
            name: format!("{}-{}", word(account), word(&role.role_name)),
            account: role.account_id.clone(),
            keys: format!("account_id = {:?}\nrole_name = {:?}\n", role.account_id, role.role_name),
        }
    }

    /// Proposes one for a role that a SAML provider grants.
    fn granted(role: &RoleArn) -> Self {
        let arn = role.as_str();
        let name = arn.rsplit('/').next().unwrap_or(arn);
        Self {
            name: word(name),
            account: arn.split(':').nth(4).unwrap_or_default().to_owned(),
            keys: format!("role_arn = {arn:?}\n"),
        }
    }
}

fn tables(identity: &IdentityName, entries: impl ExactSizeIterator<Item = Entry>) -> String {
    let mut text = String::new();
    let mut names = BTreeSet::new();
    let count = entries.len();
    for (at, Entry { name, account, keys }) in entries.enumerate() {
        if text.len() > MAX_TEXT {
            let _ = write!(text, "# and {} more", count - at);
            break;
        }
        // Two accounts may have one name, or a role of one name.
        let name = if names.insert(name.clone()) { name } else { format!("{name}-{account}") };
        let _ = writeln!(text, "[profile.{name}]\nidentity = {:?}\n{keys}", identity.as_str());
    }
    text.trim_end().to_owned()
}

/// Answers a text as a part of a bare key of TOML.
fn word(text: &str) -> String {
    let plain = text
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' });
    plain.collect::<String>().split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_is_a_table_with_a_name_of_its_own() {
        let role = |account: &str, name: &str| AccountRole {
            account_id: account.into(),
            account_name: name.into(),
            role_name: "Power_User".into(),
        };
        let roles = [role("111122223333", "Main (EU)"), role("444455556666", "Main EU"), role("7", "")];
        let text = tables(&"sso".parse().unwrap(), roles.iter().map(Entry::assigned));
        let names: Vec<&str> = text.lines().filter(|line| line.starts_with('[')).collect();
        assert_eq!(
            names,
            [
                "[profile.main-eu-power-user]",
                "[profile.main-eu-power-user-444455556666]",
                "[profile.7-power-user]"
            ]
        );
        assert!(
            text.contains("identity = \"sso\"\naccount_id = \"111122223333\"\nrole_name = \"Power_User\"\n")
        );
    }

    #[test]
    fn each_role_that_is_granted_is_a_table_too() {
        let roles = ["111122223333:role/ADFS-Admin", "444455556666:role/teams/ADFS-Admin"];
        let roles = roles.map(|role| format!("arn:aws:iam::{role}").parse::<RoleArn>().unwrap());
        let text = tables(&"corp".parse().unwrap(), roles.iter().map(Entry::granted));
        assert_eq!(
            text,
            "[profile.adfs-admin]\nidentity = \"corp\"\nrole_arn = \"arn:aws:iam::111122223333:role/ADFS-Admin\"\n\n[profile.adfs-admin-444455556666]\nidentity = \"corp\"\nrole_arn = \"arn:aws:iam::444455556666:role/teams/ADFS-Admin\""
        );
    }
}
