//! Whom a role trusts: ARNs of providers and of principals.

use super::input::{InvalidInput, NAME_SIGNS, letters};
use keyfob_shared::partition;
use std::str::FromStr;

/// The longest name of a SAML provider, in characters (CreateSAMLProvider of the IAM API).
const MAX_SAML_PROVIDER: usize = 128;

/// The longest address of an OIDC provider, in characters (CreateOpenIDConnectProvider of the IAM API).
const MAX_OIDC_PROVIDER: usize = 255;

/// The longest path and name of a user or a role, in characters: 512 and 64.
const MAX_PRINCIPAL: usize = 576;

/// The ARN of a SAML 2.0 provider of an account: `arn:PARTITION:iam::ACCOUNT:saml-provider/NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SamlProvider {
    arn: String,
    partition: &'static str,
}

/// The ARN of an OIDC provider of an account: `arn:PARTITION:iam::ACCOUNT:oidc-provider/HOST/PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OidcProvider {
    arn: String,
    partition: &'static str,
    issuer: String,
}

/// Somebody who has credentials of AWS: an account, or a user or a role in one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AwsPrincipal {
    /// 12 digits: everybody in it whom its own policies let.
    Account(String),
    /// One user or role, or the root user who stands for the account.
    Arn {
        /// The ARN.
        arn: String,
        /// Its partition.
        partition: &'static str,
    },
}

impl SamlProvider {
    pub(super) fn arn(&self) -> &str {
        &self.arn
    }

    pub(super) const fn partition(&self) -> &'static str {
        self.partition
    }
}

impl OidcProvider {
    /// Names the provider of an issuer in an account.
    ///
    /// # Errors
    /// If there can be none: the issuer is no address, or has letters that IAM does not take.
    pub fn of_issuer(partition: &str, account: &str, issuer: &str) -> Result<Self, InvalidInput> {
        let place = issuer.strip_prefix("https://").unwrap_or(issuer);
        format!("arn:{partition}:iam::{account}:oidc-provider/{place}").parse()
    }

    pub(super) fn arn(&self) -> &str {
        &self.arn
    }

    pub(super) const fn partition(&self) -> &'static str {
        self.partition
    }

    /// Answers the issuer as condition keys begin: without `https://`.
    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }
}

impl AwsPrincipal {
    pub(super) fn arn(&self, partition: &str) -> String {
        match self {
            Self::Account(account) => format!("arn:{partition}:iam::{account}:root"),
            Self::Arn { arn, .. } => arn.clone(),
        }
    }

    /// Answers the partition that it belongs to, where it tells.
    pub(super) const fn partition(&self) -> Option<&'static str> {
        match self {
            Self::Account(_) => None,
            Self::Arn { partition, .. } => Some(partition),
        }
    }
}

impl FromStr for SamlProvider {
    type Err = InvalidInput;

    fn from_str(text: &str) -> Result<Self, InvalidInput> {
        let (partition, resource) = of_iam(text, "arn:aws:iam::111122223333:saml-provider/NAME")?;
        let name = resource.strip_prefix("saml-provider/").ok_or_else(|| {
            InvalidInput::new(format!(
                "{text:?} is not the ARN of a SAML provider: it ends in saml-provider/NAME"
            ))
        })?;
        letters("the name of a SAML provider", name, 1..=MAX_SAML_PROVIDER, ".-")?;
        Ok(Self { arn: text.to_owned(), partition })
    }
}

impl FromStr for OidcProvider {
    type Err = InvalidInput;

    fn from_str(text: &str) -> Result<Self, InvalidInput> {
        let (partition, resource) = of_iam(text, "arn:aws:iam::111122223333:oidc-provider/HOST")?;
        let issuer = resource.strip_prefix("oidc-provider/").ok_or_else(|| {
            InvalidInput::new(format!(
                "{text:?} is not the ARN of an OIDC provider: it ends in oidc-provider/HOST"
            ))
        })?;
        letters("an OIDC provider", issuer, 1..=MAX_OIDC_PROVIDER, ".-~/")?;
        Ok(Self { arn: text.to_owned(), partition, issuer: issuer.to_owned() })
    }
}

impl FromStr for AwsPrincipal {
    type Err = InvalidInput;

    fn from_str(text: &str) -> Result<Self, InvalidInput> {
        if is_account(text) {
            return Ok(Self::Account(text.to_owned()));
        }
        let (partition, resource) = of_iam(text, "12 digits, or arn:aws:iam::111122223333:user/NAME")?;
        let name = resource.strip_prefix("user/").or_else(|| resource.strip_prefix("role/"));
        match name {
            Some(name) => letters("a user or a role", name, 1..=MAX_PRINCIPAL, &format!("{NAME_SIGNS}/"))?,
            None if resource == "root" => {}
            None => {
                let message = format!("{text:?}: root, user/NAME or role/NAME can be trusted");
                return Err(InvalidInput::new(message));
            }
        }
        Ok(Self::Arn { arn: text.to_owned(), partition })
    }
}

/// Takes an ARN of IAM apart: its partition, and what it names in its account.
fn of_iam<'a>(text: &'a str, form: &str) -> Result<(&'static str, &'a str), InvalidInput> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    match parts.as_slice() {
        &["arn", _, "iam", "", account, resource] if is_account(account) => {
            Ok((partition::of_arn(text).map_err(InvalidInput::new)?, resource))
        }
        _ => Err(InvalidInput::new(format!("{text:?} is not {form}"))),
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_are_named_by_their_arn() {
        let saml: SamlProvider = "arn:aws-cn:iam::111122223333:saml-provider/AD_FS.1".parse().unwrap();
        assert_eq!(saml.partition(), "aws-cn");
        let oidc: OidcProvider =
            "arn:aws:iam::111122223333:oidc-provider/login.example.com/realms/x".parse().unwrap();
        assert_eq!(oidc.issuer(), "login.example.com/realms/x");
        assert_eq!(
            OidcProvider::of_issuer("aws", "111122223333", "https://login.example.com/realms/x"),
            Ok(oidc)
        );
    }

    #[test]
    fn what_names_no_provider_is_refused() {
        for wrong in [
            "",
            "arn:aws:iam::1111:saml-provider/x",
            "arn:aws:iam::111122223333:saml-provider/",
            "arn:aws:iam::111122223333:saml-provider/a b",
            "arn:aws:iam::111122223333:oidc-provider/x",
            "arn:aws-moon:iam::111122223333:saml-provider/x",
            "arn:aws:iam:eu-west-1:111122223333:saml-provider/x",
        ] {
            assert!(wrong.parse::<SamlProvider>().is_err(), "{wrong}");
        }
        for wrong in [
            "arn:aws:iam::111122223333:oidc-provider/",
            "arn:aws:iam::111122223333:oidc-provider/https://x",
            "arn:aws:iam::111122223333:oidc-provider/a${b}",
            "arn:aws:iam::111122223333:saml-provider/x",
        ] {
            assert!(wrong.parse::<OidcProvider>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_account_is_trusted_through_its_root_user() {
        let account: AwsPrincipal = "111122223333".parse().unwrap();
        assert_eq!(account.arn("aws-us-gov"), "arn:aws-us-gov:iam::111122223333:root");
        let user: AwsPrincipal = "arn:aws:iam::111122223333:user/team/alice".parse().unwrap();
        assert_eq!(user.partition(), Some("aws"));
        for wrong in
            ["", "*", "1111", "arn:aws:iam::111122223333:user/*", "arn:aws:iam::111122223333:group/x"]
        {
            assert!(wrong.parse::<AwsPrincipal>().is_err(), "{wrong}");
        }
    }
}
