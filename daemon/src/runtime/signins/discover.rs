//! What an identity may be at IAM Identity Center, as tables for the configuration.

use super::SignIns;
use crate::runtime::mints::refused;
use keyfob_engine::config::{Endpoints, IdentityKind};
use keyfob_engine::mint::{MintError, MintErrorKind};
use keyfob_idp::identity_center::{AccountRole, Denied, Portal};
use keyfob_shared::{Failure, FailureKind, IdentityName};
use std::collections::BTreeSet;
use std::fmt::Write;

/// Longer than a reply may be: then only the first are proposed, and that is said.
const MAX_TEXT: usize = 48 * 1024;

impl SignIns {
    /// Answers a profile for each account and role.
    pub(in crate::runtime) async fn discover(
        &self,
        identity: &IdentityName,
        kind: &IdentityKind,
        endpoints: &Endpoints,
    ) -> Result<String, MintError> {
        let IdentityKind::IdentityCenter(settings) = kind else {
            let message =
                format!("identity {identity} is not of type identity-center: it has no list of roles");
            let failure = Failure::new(FailureKind::Usage, message);
            return Err(refused(MintErrorKind::Final, failure.hint("keyfob profile list")));
        };
        let portal = Portal::new(super::tokens::of_center(identity, settings, endpoints));
        let mut not_accepted = None;
        loop {
            let (token, _) = self.token(identity, kind, endpoints, not_accepted.as_ref()).await?;
            match portal.accounts_and_roles(&token).await {
                Ok(roles) => return Ok(tables(identity, &roles)),
                Err(Denied::Token(_)) if not_accepted.is_none() => not_accepted = Some(token),
                Err(Denied::Token(failure)) => return Err(super::sign_in_needed(failure, identity)),
                Err(Denied::Transient(failure) | Denied::Lasting(failure)) => {
                    return Err(refused(MintErrorKind::Transient, failure));
                }
            }
        }
    }
}

fn tables(identity: &IdentityName, roles: &[AccountRole]) -> String {
    let mut text = String::new();
    let mut names = BTreeSet::new();
    for (at, role) in roles.iter().enumerate() {
        if text.len() > MAX_TEXT {
            let _ = write!(text, "# and {} more", roles.len() - at);
            break;
        }
        let account = if role.account_name.is_empty() { &role.account_id } else { &role.account_name };
        let plain = format!("{}-{}", word(account), word(&role.role_name));
        // Two accounts may have one name.
        let name = if names.insert(plain.clone()) { plain } else { format!("{plain}-{}", role.account_id) };
        let _ = writeln!(
            text,
            "[profile.{name}]\nidentity = {:?}\naccount_id = {:?}\nrole_name = {:?}\n",
            identity.as_str(),
            role.account_id,
            role.role_name
        );
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
        let text = tables(
            &"sso".parse().unwrap(),
            &[role("111122223333", "Main (EU)"), role("444455556666", "Main EU"), role("7", "")],
        );
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
}
