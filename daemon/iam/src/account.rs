//! The credential report of an account: a table of its users, their passwords and keys, made by IAM every four hours at
//! most.

use crate::client::within;
use crate::refusal::Service;
use crate::{Access, Iam, Refusal};
use keyfob_shared::Timestamp;

/// A credential report.
#[derive(Clone, Debug)]
pub struct CredentialReport {
    /// The table, as comma-separated values with a heading.
    pub content: String,
    /// When IAM made it.
    pub generated: Option<Timestamp>,
}

impl Iam {
    /// Asks for a report to be made, and answers whether it is there.
    ///
    /// # Errors
    /// If it is not allowed, or IAM can't be reached.
    pub async fn make_report(&self, access: &Access) -> Result<bool, Refusal> {
        const ACTION: &str = "iam:GenerateCredentialReport";
        let client = self.iam(access).await?;
        within(Service::Iam, ACTION, async {
            let answer = client.generate_credential_report().send().await;
            let answer = answer.map_err(|error| Refusal::of(Service::Iam, ACTION, access, &error))?;
            Ok(answer.state == Some(aws_sdk_iam::types::ReportStateType::Complete))
        })
        .await
    }

    /// Fetches the report.
    ///
    /// # Errors
    /// If it is not allowed, not there yet ([`RefusalKind::NotReady`](crate::RefusalKind)), or IAM can't be reached.
    pub async fn report(&self, access: &Access) -> Result<CredentialReport, Refusal> {
        const ACTION: &str = "iam:GetCredentialReport";
        let client = self.iam(access).await?;
        within(Service::Iam, ACTION, async {
            let answer = client.get_credential_report().send().await;
            let answer = answer.map_err(|error| Refusal::of(Service::Iam, ACTION, access, &error))?;
            let content = answer.content.map(aws_smithy_types::Blob::into_inner);
            let content = content.and_then(|bytes| String::from_utf8(bytes).ok());
            let content = content.ok_or_else(|| Refusal::malformed(Service::Iam, ACTION))?;
            let generated = answer.generated_time.and_then(|date| date.to_millis().ok());
            Ok(CredentialReport { content, generated: generated.map(Timestamp::from_millis) })
        })
        .await
    }
}
