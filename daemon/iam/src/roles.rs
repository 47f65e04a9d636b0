//! Roles: how long their sessions may last, and what they have.

use crate::client::within;
use crate::refusal::Service;
use crate::{Access, Iam, Refusal};

/// What is known of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleDetails {
    /// Its ARN.
    pub arn: String,
    /// The longest session, in seconds: 3,600 to 43,200.
    pub max_session_duration: u32,
    /// Who may take it: JSON.
    pub trust: String,
    /// ARNs of the managed policies that are attached to it.
    pub policies: Vec<String>,
}

impl Iam {
    /// Reads a role and the managed policies that are attached to it.
    ///
    /// # Errors
    /// If it is not allowed, there is no such role, or IAM can't be reached.
    pub async fn role(&self, access: &Access, name: &str) -> Result<RoleDetails, Refusal> {
        const ACTION: &str = "iam:GetRole";
        let client = self.iam(access).await?;
        let role = within(Service::Iam, ACTION, async {
            let answer = client.get_role().role_name(name).send().await;
            let answer = answer.map_err(|error| Refusal::of(Service::Iam, ACTION, access, &error))?;
            answer.role.ok_or_else(|| Refusal::malformed(Service::Iam, ACTION))
        })
        .await?;
        let trust = role.assume_role_policy_document.unwrap_or_default();
        Ok(RoleDetails {
            arn: role.arn,
            // IAM leaves it out where it is the default.
            max_session_duration: role
                .max_session_duration
                .and_then(|seconds| u32::try_from(seconds).ok())
                .unwrap_or(3_600),
            // IAM writes policy documents as in a URL (RFC 3986).
            trust: percent_encoding::percent_decode_str(&trust).decode_utf8_lossy().into_owned(),
            policies: self.attached(access, name).await?,
        })
    }

    async fn attached(&self, access: &Access, name: &str) -> Result<Vec<String>, Refusal> {
        const ACTION: &str = "iam:ListAttachedRolePolicies";
        let client = self.iam(access).await?;
        within(Service::Iam, ACTION, async {
            // A role has twenty at most, and a page a hundred.
            let answer = client.list_attached_role_policies().role_name(name).send().await;
            let answer = answer.map_err(|error| Refusal::of(Service::Iam, ACTION, access, &error))?;
            let policies = answer.attached_policies.unwrap_or_default();
            Ok(policies.into_iter().filter_map(|policy| policy.policy_arn).collect())
        })
        .await
    }

    /// Sets how long sessions of a role may last, in seconds: 3,600 to 43,200.
    ///
    /// # Errors
    /// If it is not allowed, there is no such role, or IAM can't be reached.
    pub async fn set_max_duration(&self, access: &Access, name: &str, seconds: u32) -> Result<(), Refusal> {
        const ACTION: &str = "iam:UpdateRole";
        let client = self.iam(access).await?;
        let seconds = i32::try_from(seconds).unwrap_or(i32::MAX);
        within(Service::Iam, ACTION, async {
            // What is not named stays as it is.
            let answer = client.update_role().role_name(name).max_session_duration(seconds).send().await;
            answer.map(drop).map_err(|error| Refusal::of(Service::Iam, ACTION, access, &error))
        })
        .await
    }
}
