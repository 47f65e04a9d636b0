//! What CloudTrail has recorded of a session, one line an event.
//!
//! The fields are those of "CloudTrail record contents" of the CloudTrail user guide.

use keyfob_shared::Timestamp;
use serde_json::Value;

/// The longest text of a field that is kept, in characters.
const MAX_TEXT: usize = 300;

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number, by which one that two regions tell is known.
    pub id: String,
    /// When.
    pub time: Timestamp,
    /// `s3`, from `s3.amazonaws.com`.
    pub service: String,
    /// `GetObject`
    pub name: String,
    /// Where.
    pub region: String,
    /// What it was about, where it says so: an ARN, or a name.
    pub resource: Option<String>,
    /// Why it was refused or failed: `AccessDenied`.
    pub error: Option<String>,
}

impl Event {
    /// Reads an event as CloudTrail has recorded it; `None` if it is none.
    #[must_use]
    pub fn read(record: &str) -> Option<Self> {
        let record: Value = serde_json::from_str(record).ok()?;
        let text = |name: &str| record[name].as_str().map(short);
        let source = text("eventSource")?;
        Some(Self {
            id: text("eventID").unwrap_or_default(),
            time: Timestamp::parse(record["eventTime"].as_str()?)?,
            service: source.strip_suffix(".amazonaws.com").unwrap_or(&source).to_owned(),
            name: text("eventName")?,
            region: text("awsRegion").unwrap_or_default(),
            resource: resource(&record),
            error: text("errorCode"),
        })
    }

    /// Answers whether it was refused for want of a permission.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        // Services spell it in many ways: AccessDenied, AccessDeniedException, Client.UnauthorizedOperation, Forbidden…
        let words = ["accessdenied", "unauthorized", "notauthorized", "forbidden", "not_authorized"];
        let error = self.error.as_deref().unwrap_or_default().to_ascii_lowercase();
        words.iter().any(|word| error.contains(word))
    }
}

/// Finds what an event was about: the resources that it names, or the parameter that names one.
fn resource(record: &Value) -> Option<String> {
    let listed = record["resources"].as_array().and_then(|resources| {
        let arn =
            |resource: &Value| resource["ARN"].as_str().or(resource["ARNPrefix"].as_str()).map(str::to_owned);
        // S3 names the bucket after the object.
        resources.iter().find_map(arn)
    });
    let parameters = &record["requestParameters"];
    let named = || {
        if let Some(bucket) = parameters["bucketName"].as_str() {
            let key = parameters["key"].as_str().map_or_else(String::new, |key| format!("/{key}"));
            return Some(format!("{bucket}{key}"));
        }
        let object = parameters.as_object()?;
        let is_name = |name: &str| ["Arn", "Name", "Id"].iter().any(|end| name.ends_with(end));
        object.iter().find_map(|(name, value)| value.as_str().filter(|_| is_name(name)).map(str::to_owned))
    };
    listed.or_else(named).map(|text| short(&text))
}

/// Keeps of a text what fits on a line of a terminal.
fn short(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).take(MAX_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_of_an_event_is_read() {
        let event = Event::read(
            r#"{"eventVersion":"1.08","eventTime":"2026-01-02T03:04:05Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-west-1","errorCode":"AccessDenied","errorMessage":"Access Denied","requestParameters":{"bucketName":"b","key":"k/l"},"resources":[{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::b/k/l"},{"accountId":"1","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::b"}],"eventID":"e-1"}"#,
        )
        .unwrap();
        assert_eq!(event.service, "s3");
        assert_eq!(event.name, "GetObject");
        assert_eq!(event.resource.as_deref(), Some("arn:aws:s3:::b/k/l"));
        assert_eq!(event.error.as_deref(), Some("AccessDenied"));
        assert!(event.is_denied());
    }

    #[test]
    fn a_resource_may_be_a_parameter() {
        let about = |parameters: &str| {
            let record = format!(
                r#"{{"eventTime":"2026-01-02T03:04:05Z","eventSource":"x.amazonaws.com","eventName":"Y","requestParameters":{parameters}}}"#
            );
            Event::read(&record).unwrap().resource
        };
        assert_eq!(about(r#"{"bucketName":"b"}"#).as_deref(), Some("b"));
        assert_eq!(about(r#"{"maxResults":5,"roleName":"admin"}"#).as_deref(), Some("admin"));
        assert_eq!(about("null"), None);
        assert_eq!(about(r#"{"roleName":"\u001b[2J"}"#).as_deref(), Some("\u{fffd}[2J"));
    }

    #[test]
    fn other_errors_are_no_refusals_and_other_texts_no_events() {
        let with = |error: &str| {
            let record = format!(
                r#"{{"eventTime":"2026-01-02T03:04:05Z","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","errorCode":"{error}"}}"#
            );
            Event::read(&record).unwrap().is_denied()
        };
        assert!(with("Client.UnauthorizedOperation") && with("AccessDeniedException"));
        assert!(!with("ThrottlingException") && !with("NoSuchBucket"));
        for text in ["", "[]", "{}", r#"{"eventTime":"soon","eventSource":"a","eventName":"b"}"#] {
            assert!(Event::read(text).is_none(), "{text}");
        }
    }
}
