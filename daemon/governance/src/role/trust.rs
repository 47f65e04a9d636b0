//! Trust policies: who may assume a role, and on what conditions.
//!
//! The forms are those of the IAM User Guide: "Create a role for SAML 2.0 federation", "Create a role for OpenID
//! Connect federation", "Create a role to delegate permissions to an IAM user", "Access to AWS accounts owned by third
//! parties" (external id), "Secure API access with MFA".

use super::arn::{AwsPrincipal, OidcProvider, SamlProvider};
use super::input::{Claim, ExternalId};
use keyfob_shared::{Failure, FailureKind};
use serde_json::{Map, Value, json};

/// A provider that gives tokens to everybody: AWS wants the subject checked ("Configuring a role for GitHub OIDC
/// identity provider").
const SHARED_PROVIDER: &str = "token.actions.githubusercontent.com";

/// Who may assume a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trusted {
    /// Whoever a SAML 2.0 provider says may.
    Saml {
        /// The provider.
        provider: SamlProvider,
        /// Where the provider sends its assertions to (`Recipient`); without it the sign-in address of the partition.
        audience: Option<Claim>,
    },
    /// Whoever has a token of an OIDC provider.
    Oidc {
        /// The provider.
        provider: OidcProvider,
        /// For whom the token is.
        audience: Claim,
        /// Whose it is; without it anybody's.
        subject: Option<Claim>,
    },
    /// Somebody with credentials of AWS.
    Aws {
        /// Who.
        principal: AwsPrincipal,
        /// What has to be given with the call.
        external_id: Option<ExternalId>,
        /// Whether they have to have given a code of an MFA device.
        mfa: bool,
    },
}

/// What the session may carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Tags.
    pub session_tags: bool,
    /// A source identity.
    pub source_identity: bool,
}

/// Who may assume a role, and what the session may carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    /// Who.
    pub trusted: Trusted,
    /// What it may carry.
    pub marks: Marks,
}

impl Trust {
    /// Answers the partition that the trusted one belongs to, where it tells.
    pub(super) fn partition(&self) -> Option<&'static str> {
        match &self.trusted {
            Trusted::Saml { provider, .. } => Some(provider.partition()),
            Trusted::Oidc { provider, .. } => Some(provider.partition()),
            Trusted::Aws { principal, .. } => principal.partition(),
        }
    }

    /// Answers the trust policy.
    ///
    /// # Errors
    /// If a condition is missing without which it would be wrong or too wide.
    pub(super) fn policy(&self, partition: &str) -> Result<Value, Failure> {
        let (principal, action, condition) = match &self.trusted {
            Trusted::Saml { provider, audience } => {
                let audience = match audience {
                    Some(audience) => audience.as_str(),
                    None => sign_in(partition)?,
                };
                let condition = json!({ "StringEquals": { "SAML:aud": audience } });
                (json!({ "Federated": provider.arn() }), "sts:AssumeRoleWithSAML", condition)
            }
            Trusted::Oidc { provider, audience, subject } => {
                let condition = claims(provider, audience, subject.as_ref())?;
                (json!({ "Federated": provider.arn() }), "sts:AssumeRoleWithWebIdentity", condition)
            }
            Trusted::Aws { principal, external_id, mfa } => {
                let mut condition = json!({});
                if let Some(external_id) = external_id {
                    condition["StringEquals"] = json!({ "sts:ExternalId": external_id.as_str() });
                }
                if *mfa {
                    condition["Bool"] = json!({ "aws:MultiFactorAuthPresent": "true" });
                }
                (json!({ "AWS": principal.arn(partition) }), "sts:AssumeRole", condition)
            }
        };
        let mut actions = vec![action];
        let mut statements = Vec::new();
        let marks = self.marks.actions();
        if let (Trusted::Aws { .. }, false) = (&self.trusted, marks.is_empty()) {
            // Apart from the call: its conditions speak of the call, and alone these actions give nothing.
            statements.push(json!({ "Effect": "Allow", "Principal": &principal, "Action": marks }));
        } else {
            actions.extend(marks);
        }
        let action = if let [action] = actions.as_slice() { json!(action) } else { json!(actions) };
        let mut statement = json!({ "Effect": "Allow", "Principal": principal, "Action": action });
        if condition != json!({}) {
            statement["Condition"] = condition;
        }
        statements.insert(0, statement);
        Ok(json!({ "Version": "2012-10-17", "Statement": statements }))
    }

    /// Answers what a person should know before it is used.
    pub(super) fn note(&self) -> Option<&'static str> {
        match &self.trusted {
            Trusted::Oidc { subject: None, .. } => Some(
                "everybody to whom the provider gives a token of this audience may assume it; --subject narrows that",
            ),
            Trusted::Oidc { .. } | Trusted::Saml { .. } | Trusted::Aws { .. } => None,
        }
    }
}

impl Marks {
    /// Answers the actions beside the call ("Pass session tags in AWS STS", "Monitor and control actions taken with
    /// assumed roles").
    fn actions(self) -> Vec<&'static str> {
        let wanted = [(self.session_tags, "sts:TagSession"), (self.source_identity, "sts:SetSourceIdentity")];
        wanted.into_iter().filter(|(wanted, _)| *wanted).map(|(_, action)| action).collect()
    }
}

/// Answers where SAML providers of a partition send their assertions to.
///
/// Of `aws`, `aws-cn` and `aws-us-gov` from the documentation of each; of the isolated ones from the AWS CDK
/// (`SamlConsolePrincipal`). `SAML:aud` is the `Recipient` of an assertion, not its `Audience`.
fn sign_in(partition: &str) -> Result<&'static str, Failure> {
    match partition {
        "aws" => Ok("https://signin.aws.amazon.com/saml"),
        "aws-cn" => Ok("https://signin.amazonaws.cn/saml"),
        "aws-us-gov" => Ok("https://signin.amazonaws-us-gov.com/saml"),
        "aws-iso" => Ok("https://signin.c2shome.ic.gov/saml"),
        "aws-iso-b" => Ok("https://signin.sc2shome.sgov.gov/saml"),
        other => {
            let message =
                format!("the address that SAML providers of {other} send assertions to is not known");
            Err(Failure::new(FailureKind::Usage, message)
                .hint("add --audience with the Recipient that the provider writes into its assertions"))
        }
    }
}

/// Answers the conditions that a token has to meet.
fn claims(provider: &OidcProvider, audience: &Claim, subject: Option<&Claim>) -> Result<Value, Failure> {
    let key = |claim: &str| format!("{}:{claim}", provider.issuer());
    let mut equals = Map::from_iter([(key("aud"), json!(audience.as_str()))]);
    let mut like = Map::new();
    match subject {
        Some(subject) if subject.is_pattern() => like.insert(key("sub"), json!(subject.as_str())),
        Some(subject) => equals.insert(key("sub"), json!(subject.as_str())),
        // Security: anybody on GitHub can have a token of any audience.
        None if provider.issuer() == SHARED_PROVIDER => {
            let message = "without a subject every workflow on GitHub could assume the role";
            return Err(Failure::new(FailureKind::Usage, message)
                .hint("add --subject repo:ORGANIZATION/REPOSITORY:ref:refs/heads/main"));
        }
        None => None,
    };
    let mut condition = json!({ "StringEquals": equals });
    if !like.is_empty() {
        condition["StringLike"] = like.into();
    }
    Ok(condition)
}

#[cfg(test)]
mod tests;
