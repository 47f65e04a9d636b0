//! CloudTrail: what was done with a key, up to 90 days back. Two requests a second, fifty events a page.

use crate::client::within;
use crate::refusal::Service;
use crate::{Access, Iam, Refusal};
use aws_sdk_cloudtrail::primitives::DateTime;
use aws_sdk_cloudtrail::types::{LookupAttribute, LookupAttributeKey};
use keyfob_shared::Timestamp;

/// Which events.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// Those of this access key.
    pub access_key_id: String,
    /// From then on.
    pub since: Timestamp,
    /// Until then.
    pub until: Timestamp,
    /// The page, as the one before has named it.
    pub next: Option<String>,
}

/// A page of events, newest first.
#[derive(Clone, Debug)]
pub struct Looked {
    /// Each as CloudTrail has recorded it: JSON.
    pub events: Vec<String>,
    /// The next page, if there is one.
    pub next: Option<String>,
}

impl Iam {
    /// Looks for events.
    ///
    /// # Errors
    /// If it is not allowed, comes too soon after others, or CloudTrail can't be reached.
    pub async fn look_up(&self, access: &Access, lookup: &Lookup) -> Result<Looked, Refusal> {
        const ACTION: &str = "cloudtrail:LookupEvents";
        let client = self.cloudtrail(access).await?;
        let by_key = LookupAttribute::builder()
            .attribute_key(LookupAttributeKey::AccessKeyId)
            .attribute_value(&lookup.access_key_id)
            .build()
            .map_err(|_| Refusal::malformed(Service::CloudTrail, ACTION))?;
        within(Service::CloudTrail, ACTION, async {
            let answer = client
                .lookup_events()
                .lookup_attributes(by_key)
                .start_time(DateTime::from_millis(lookup.since.millis()))
                .end_time(DateTime::from_millis(lookup.until.millis()))
                .max_results(50)
                .set_next_token(lookup.next.clone())
                .send()
                .await;
            let answer = answer.map_err(|error| Refusal::of(Service::CloudTrail, ACTION, access, &error))?;
            let events = answer.events.unwrap_or_default();
            let events = events.into_iter().filter_map(|event| event.cloud_trail_event).collect();
            Ok(Looked { events, next: answer.next_token })
        })
        .await
    }
}
