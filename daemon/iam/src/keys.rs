//! Access keys of the user that signs.

use crate::client::within;
use crate::refusal::Service;
use crate::{Access, Iam, Refusal};
use aws_sdk_iam::types::StatusType;
use keyfob_shared::{Secret, Timestamp};

/// An access key as IAM lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// `AKIA…`
    pub id: String,
    /// Whether it may be used.
    pub active: bool,
    /// When it was made, in whole seconds; `None` if IAM does not say.
    pub created: Option<Timestamp>,
}

/// When, and for what, a key was used last. IAM tells it hours late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastUsed {
    /// When, to the minute or worse.
    pub at: Timestamp,
    /// The service, as `s3`.
    pub service: String,
    /// The region, or `N/A`.
    pub region: String,
}

impl Iam {
    /// Answers the ARN of who signs: `GetCallerIdentity`, which needs no permission.
    ///
    /// # Errors
    /// If the key is not accepted, or STS can't be reached.
    pub async fn who(&self, access: &Access) -> Result<String, Refusal> {
        const ACTION: &str = "sts:GetCallerIdentity";
        let client = self.sts(access).await?;
        within(Service::Sts, ACTION, async {
            let answer = client.get_caller_identity().send().await;
            let answer = answer.map_err(|error| Refusal::of(Service::Sts, ACTION, access, &error))?;
            answer.arn.ok_or_else(|| Refusal::malformed(Service::Sts, ACTION))
        })
        .await
    }

    /// Lists the keys of a user, by default the one that signs; there are two at most.
    ///
    /// # Errors
    /// If it is not allowed, or IAM can't be reached.
    pub async fn keys(&self, access: &Access, user: Option<&str>) -> Result<Vec<Key>, Refusal> {
        const ACTION: &str = "iam:ListAccessKeys";
        let client = self.iam(access).await?;
        within(Service::Iam, ACTION, async {
            let answer = client.list_access_keys().set_user_name(user.map(str::to_owned)).send().await;
            let answer = answer.map_err(|error| Refusal::of(Service::Iam, ACTION, access, &error))?;
            if answer.is_truncated {
                // There are two keys at most; a page that says otherwise can't be relied on.
                return Err(Refusal::malformed(Service::Iam, ACTION));
            }
            let keys = answer.access_key_metadata.into_iter().map(|key| {
                Some(Key {
                    id: key.access_key_id?,
                    active: key.status == Some(StatusType::Active),
                    created: key
                        .create_date
                        .and_then(|date| date.to_millis().ok())
                        .map(Timestamp::from_millis),
                })
            });
            keys.collect::<Option<_>>().ok_or_else(|| Refusal::malformed(Service::Iam, ACTION))
        })
        .await
    }

    /// Makes a key for the user that signs: its id and its secret, which IAM shows once.
    ///
    /// # Errors
    /// If it is not allowed, there are two already, or the answer was lost: then there may be one all the same.
    pub async fn create_key(&self, access: &Access) -> Result<(String, Secret), Refusal> {
        const ACTION: &str = "iam:CreateAccessKey";
        let client = self.iam(access).await?;
        within(Service::Iam, ACTION, async {
            let answer = client.create_access_key().send().await;
            let answer = answer.map_err(|error| Refusal::of(Service::Iam, ACTION, access, &error))?;
            let key = answer.access_key.ok_or_else(|| Refusal::malformed(Service::Iam, ACTION))?;
            Ok((key.access_key_id, Secret::new(key.secret_access_key)))
        })
        .await
    }

    /// Makes a key active or inactive.
    ///
    /// # Errors
    /// If it is not allowed, there is no such key, or IAM can't be reached.
    pub async fn set_active(&self, access: &Access, id: &str, active: bool) -> Result<(), Refusal> {
        const ACTION: &str = "iam:UpdateAccessKey";
        let client = self.iam(access).await?;
        let status = if active { StatusType::Active } else { StatusType::Inactive };
        within(Service::Iam, ACTION, async {
            let answer = client.update_access_key().access_key_id(id).status(status).send().await;
            answer.map(drop).map_err(|error| Refusal::of(Service::Iam, ACTION, access, &error))
        })
        .await
    }

    /// Removes a key for ever.
    ///
    /// # Errors
    /// If it is not allowed, there is no such key, or IAM can't be reached.
    pub async fn delete_key(&self, access: &Access, id: &str) -> Result<(), Refusal> {
        const ACTION: &str = "iam:DeleteAccessKey";
        let client = self.iam(access).await?;
        within(Service::Iam, ACTION, async {
            let answer = client.delete_access_key().access_key_id(id).send().await;
            answer.map(drop).map_err(|error| Refusal::of(Service::Iam, ACTION, access, &error))
        })
        .await
    }

    /// Answers when a key was used last; `None` means never, as far as IAM knows by now.
    ///
    /// # Errors
    /// If it is not allowed, there is no such key, or IAM can't be reached.
    pub async fn last_used(&self, access: &Access, id: &str) -> Result<Option<LastUsed>, Refusal> {
        const ACTION: &str = "iam:GetAccessKeyLastUsed";
        let client = self.iam(access).await?;
        within(Service::Iam, ACTION, async {
            let answer = client.get_access_key_last_used().access_key_id(id).send().await;
            let answer = answer.map_err(|error| Refusal::of(Service::Iam, ACTION, access, &error))?;
            // No answer about it is not the answer "never".
            let used = answer.access_key_last_used.ok_or_else(|| Refusal::malformed(Service::Iam, ACTION))?;
            Ok(used.last_used_date.and_then(|date| date.to_millis().ok()).map(|millis| LastUsed {
                at: Timestamp::from_millis(millis),
                service: used.service_name,
                region: used.region,
            }))
        })
        .await
    }
}
