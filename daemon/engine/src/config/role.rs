//! The role that a profile hands out, and who assumes it: what the trust policy of such a role has to allow.

use super::{Config, Identity, IdentityKind};
use crate::plan::{AssumeRole, Plan, Proof, Step};
use keyfob_shared::wire::{AssumedBy, RoleView};

impl Config {
    /// Answers the role of a profile; `None` if it hands out sessions of another kind.
    pub fn role(&self, plan: &Plan) -> Option<RoleView> {
        let (last, before) = plan.steps.split_last()?;
        let (Step::AssumeRole(role) | Step::Federated(_, role)) = last else { return None };
        let identity = self.identities.get(&plan.identity)?;
        Some(RoleView {
            arn: role.role_arn.clone(),
            duration: role.duration,
            external_id: role.external_id.clone(),
            session_tags: !role.session_tags.is_empty(),
            source_identity: role.source_identity.is_some(),
            assumed_by: assumed_by(last, before.last(), identity, role),
        })
    }
}

fn assumed_by(last: &Step, before: Option<&Step>, identity: &Identity, role: &AssumeRole) -> AssumedBy {
    let other = || AssumedBy::Other { identity_type: identity.kind.name().into() };
    let account = |account: Option<&str>, mfa| AssumedBy::Account {
        account_id: account.unwrap_or(role.role_arn.account_id()).to_owned(),
        mfa,
    };
    if let Step::Federated(proof, _) = last {
        return match (proof, &identity.kind) {
            (Proof::WebIdentity, IdentityKind::Oidc(oidc)) => {
                AssumedBy::Oidc { issuer: oidc.issuer.clone(), client_id: oidc.client_id.clone() }
            }
            (Proof::WebIdentity | Proof::Saml, _) => other(),
        };
    }
    match before {
        Some(Step::AssumeRole(before) | Step::Federated(_, before)) => {
            AssumedBy::Role { arn: before.role_arn.clone() }
        }
        Some(Step::PortalRole(before)) => account(Some(&before.account_id), false),
        Some(Step::Process) => other(),
        Some(Step::SessionToken(token)) => account(of_device(identity), token.mfa_serial.is_some()),
        Some(Step::FederationToken(_)) | None => account(of_device(identity), false),
    }
}

/// Answers the account of the MFA device, which is that of the user; hardware devices tell none.
fn of_device(identity: &Identity) -> Option<&str> {
    identity.mfa_serial.as_deref().filter(|serial| serial.starts_with("arn:"))?.split(':').nth(4)
}

#[cfg(test)]
mod tests {
    use super::super::{Surroundings, parse};
    use super::*;
    use std::path::Path;

    fn role(text: &str, profile: &str) -> Option<RoleView> {
        let read = |_: &Path| Err(std::io::ErrorKind::NotFound.into());
        let around = Surroundings {
            directory: Path::new("/"),
            home: None,
            user: "alice",
            host: "laptop",
            read: &read,
        };
        let config = parse(text, &around).unwrap();
        config.role(&config.profiles[profile])
    }

    const USER: &str = "[identity.a]\ntype = \"iam-user\"\nmfa_serial = \"arn:aws:iam::999922223333:mfa/alice\"\n\
        [profile.p]\nidentity = \"a\"\nrole_arn = \"arn:aws:iam::111122223333:role/R\"\n";

    fn by(text: &str, profile: &str) -> AssumedBy {
        role(text, profile).unwrap().assumed_by
    }

    #[test]
    fn a_user_is_in_the_account_of_the_device_else_in_that_of_the_role() {
        let account = |account: &str, mfa| AssumedBy::Account { account_id: account.into(), mfa };
        assert_eq!(by(USER, "p"), account("999922223333", true));
        assert_eq!(by(&format!("{USER}mfa = false\n"), "p"), account("999922223333", false));
        let hardware = USER.replace("arn:aws:iam::999922223333:mfa/alice", "GAHT12345678");
        assert_eq!(by(&hardware, "p"), account("111122223333", true));
        let without = USER.lines().filter(|line| !line.starts_with("mfa")).collect::<Vec<_>>().join("\n");
        assert_eq!(by(&without, "p"), account("111122223333", false));
    }

    #[test]
    fn a_role_behind_a_role_is_assumed_by_that() {
        let text = format!(
            "{USER}[profile.q]\nsource = \"p\"\nrole_arn = \"arn:aws:iam::444455556666:role/Q\"\n\
             external_id = \"cafe\"\nsource_identity = \"alice\"\n"
        );
        let role = role(&text, "q").unwrap();
        let arn = "arn:aws:iam::111122223333:role/R".parse().unwrap();
        assert_eq!(role.assumed_by, AssumedBy::Role { arn });
        assert_eq!(role.external_id.as_deref(), Some("cafe"));
        assert!(role.source_identity && !role.session_tags);
    }

    #[test]
    fn a_provider_is_told_as_far_as_it_is_known() {
        let with = |identity: &str| {
            format!(
                "[identity.a]\n{identity}\n[profile.p]\nidentity = \"a\"\nrole_arn = \"arn:aws:iam::111122223333:role/R\"\n"
            )
        };
        let oidc = with("type = \"oidc\"\nissuer = \"https://login.example.com\"\nclient_id = \"keyfob\"");
        let expected =
            AssumedBy::Oidc { issuer: "https://login.example.com".into(), client_id: "keyfob".into() };
        assert_eq!(by(&oidc, "p"), expected);
        let other = |kind: &str| AssumedBy::Other { identity_type: kind.into() };
        assert_eq!(by(&with("type = \"web-identity\"\ntoken_file = \"/t\""), "p"), other("web-identity"));
        assert_eq!(by(&with("type = \"process\"\ncommand = [\"x\"]"), "p"), other("process"));
        let saml = "type = \"saml\"\nprovider = \"adfs\"\nurl = \"https://adfs.example.com/\"";
        assert_eq!(by(&with(saml), "p"), other("saml"));
    }

    #[test]
    fn sessions_that_are_no_role_have_none() {
        assert_eq!(role("[identity.a]\ntype = \"iam-user\"\n[profile.p]\nidentity = \"a\"\n", "p"), None);
    }
}
