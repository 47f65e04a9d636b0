//! An account with many users, as its credential report tells of them; and CloudTrail.

use super::answer::{Answer, Refusal, refusal, text};
use super::{Emulator, State, lock};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyfob_shared::Timestamp;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Mutex;
use std::time::{Duration, Instant};

const DAY: i64 = 24 * 60 * 60 * 1_000;
/// Events of a page of CloudTrail.
const PAGE: usize = 50;
/// CloudTrail answers two requests a second.
const LEAST_PAUSE: Duration = Duration::from_millis(500);

/// What this account is like.
#[derive(Debug, Default)]
pub(super) struct Account {
    users: usize,
    /// The report is being made for so many more questions.
    unmade: usize,
    /// Every so many calls one is refused as too many.
    throttle: usize,
    calls: usize,
    events: Vec<(String, Value)>,
    looked: Option<Instant>,
    lookups: usize,
    hurried: usize,
}

impl Emulator {
    /// Gives the account so many users. Of five, one has an unused old key, one a password without MFA, one is inactive, one
    /// has two keys, and one is as it should be. Every so many calls one is throttled.
    pub fn users(&self, users: usize, throttle: usize) {
        let mut state = self.state();
        state.account.users = users;
        state.account.unmade = 2;
        state.account.throttle = throttle;
    }

    /// Has CloudTrail know of an event; `record` is what it adds to one that has worked.
    pub fn record(&self, access_key_id: &str, service: &str, event: &str, record: &Value) {
        let mut state = self.state();
        let number = state.account.events.len();
        let mut told = json!({
            "eventVersion": "1.08",
            "eventID": format!("event-{number}"),
            "eventTime": Timestamp::from_millis(state.now() / 1_000 * 1_000).to_string(),
            "eventSource": format!("{service}.amazonaws.com"),
            "eventName": event,
            "awsRegion": "eu-west-1",
            "userIdentity": { "accessKeyId": access_key_id },
        });
        if let (Some(told), Some(more)) = (told.as_object_mut(), record.as_object()) {
            told.extend(more.clone());
        }
        state.account.events.push((access_key_id.into(), told));
    }

    /// Answers how many looks CloudTrail has answered, and how many came too soon.
    pub fn lookups(&self) -> (usize, usize) {
        let state = self.state();
        (state.account.lookups, state.account.hurried)
    }
}

/// Carries out a call of IAM about the account; `None` is another call.
pub(super) fn call(
    state: &mut State,
    action: &str,
    parameters: &HashMap<String, String>,
) -> Option<Result<String, Refusal>> {
    let user = parameters.get("UserName").and_then(|name| name.strip_prefix("user-")?.parse::<usize>().ok());
    let is_own = match action {
        "GenerateCredentialReport" | "GetCredentialReport" => true,
        "ListAccessKeys" => user.is_some(),
        _ => false,
    };
    if !is_own {
        return None;
    }
    let account = &mut state.account;
    account.calls += 1;
    if account.throttle > 0 && account.calls.is_multiple_of(account.throttle) {
        return Some(Err(refusal(400, "Throttling", "Rate exceeded")));
    }
    let now = state.now();
    Some(match (action, user) {
        ("GenerateCredentialReport", _) => {
            let left = state.account.unmade;
            state.account.unmade = left.saturating_sub(1);
            let told = if left == 0 { "COMPLETE" } else { "STARTED" };
            Ok(format!(
                "<GenerateCredentialReportResult><State>{told}</State></GenerateCredentialReportResult>"
            ))
        }
        ("GetCredentialReport", _) => Ok(format!(
            "<GetCredentialReportResult><Content>{}</Content><ReportFormat>text/csv</ReportFormat><GeneratedTime>{}</GeneratedTime></GetCredentialReportResult>",
            STANDARD.encode(report(state.account.users, now)),
            Timestamp::from_millis(now)
        )),
        (_, user) => Ok(format!(
            "<ListAccessKeysResult><AccessKeyMetadata><member><UserName>user-{number}</UserName><AccessKeyId>AKIAUSER{number:012}</AccessKeyId><Status>Active</Status><CreateDate>{}</CreateDate></member></AccessKeyMetadata><IsTruncated>false</IsTruncated></ListAccessKeysResult>",
            date(now, 400),
            number = user.unwrap_or_default()
        )),
    })
}

fn date(now: i64, days: i64) -> String {
    Timestamp::from_millis((now - days * DAY) / 1_000 * 1_000).to_string()
}

fn report(users: usize, now: i64) -> String {
    let mut table = String::from(
        "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated\n",
    );
    let date = |days: i64| date(now, days).replace('Z', "+00:00");
    let (old, idle, new) = (date(400), date(200), date(1));
    let none = "false,N/A,N/A,N/A,N/A";
    let used = format!("true,{new},{new},eu-west-1,s3");
    let _ = writeln!(
        table,
        "<root_account>,arn:aws:iam::111122223333:root,{old},not_supported,{idle},not_supported,not_supported,true,{none},{none},false,N/A,false,N/A"
    );
    for number in 0..users {
        let (password, mfa, keys) = match number % 5 {
            0 => (format!("true,{new}"), true, format!("true,{old},{idle},eu-west-1,s3,{none}")),
            1 => (format!("true,{new}"), false, format!("{none},{none}")),
            2 => ("false,N/A".into(), false, format!("{none},{none}")),
            3 => ("false,N/A".into(), false, format!("{used},{used}")),
            _ => (format!("true,{new}"), true, format!("{used},{none}")),
        };
        let _ = writeln!(
            table,
            "user-{number},arn:aws:iam::111122223333:user/user-{number},{old},{password},{new},N/A,{mfa},{keys},false,N/A,false,N/A"
        );
    }
    table
}

/// Answers `LookupEvents`, which speaks JSON.
pub(super) fn look_up(state: &Mutex<State>, body: &[u8]) -> Answer {
    let mut state = lock(state);
    let wrong = |code: &str| {
        let body = json!({ "__type": code, "message": "Rate exceeded" }).to_string();
        text(400, "application/x-amz-json-1.1", body)
    };
    let Ok(asked) = serde_json::from_slice::<Value>(body) else { return wrong("SerializationException") };
    let now = Instant::now();
    let hurries = state.account.looked.is_some_and(|last| now.duration_since(last) < LEAST_PAUSE);
    state.account.looked = Some(now);
    state.account.lookups += 1;
    if hurries {
        state.account.hurried += 1;
        return wrong("ThrottlingException");
    }
    let key = asked["LookupAttributes"][0]["AttributeValue"].as_str().unwrap_or_default();
    let start: usize = asked["NextToken"].as_str().and_then(|token| token.parse().ok()).unwrap_or_default();
    let own: Vec<&Value> =
        state.account.events.iter().rev().filter(|(id, _)| id == key).map(|(_, event)| event).collect();
    let page: Vec<Value> = own
        .iter()
        .skip(start)
        .take(PAGE)
        .map(|event| json!({ "EventId": event["eventID"], "CloudTrailEvent": event.to_string() }))
        .collect();
    let next = (start + PAGE < own.len()).then(|| (start + PAGE).to_string());
    text(200, "application/x-amz-json-1.1", json!({ "Events": page, "NextToken": next }).to_string())
}
