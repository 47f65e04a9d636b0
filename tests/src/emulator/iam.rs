//! IAM: access keys of users, with its delays: a new key is refused for a while, now and then; a deleted one works on; the
//! last use is told late.

use super::answer::{Refusal, refusal};
use super::sts::{Judge, check};
use super::{Emulator, Known, State};
use hyper::HeaderMap;
use keyfob_shared::Timestamp;
use std::collections::HashMap;
use std::time::{Duration, Instant};

const XMLNS: &str = "https://iam.amazonaws.com/doc/2010-05-08/";

/// What IAM knows of a long-term key.
#[derive(Clone, Debug)]
pub(super) struct Meta {
    user: String,
    created: i64,
    active: bool,
    /// Before this moment every other use of it is refused; steps of the clock move neither moment.
    flaps_until: Instant,
    /// After it a deleted key is refused.
    works_until: Option<Instant>,
    used: Option<(i64, String)>,
}

/// How late IAM is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Late {
    /// A new key is refused now and then for so long.
    pub new_key: Duration,
    /// A deleted key works for so long.
    pub deleted_key: Duration,
}

/// A key as IAM lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedKey {
    /// `AKIA…`
    pub id: String,
    /// Whether it may be used.
    pub active: bool,
}

/// What happens to a call of one action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The connection breaks before the call is carried out.
    CutBefore,
    /// The call is carried out, and the connection breaks before the answer.
    CutAfter,
    /// `Throttling`.
    Throttled,
    /// Status 500.
    ServerError,
    /// `AccessDenied`.
    Denied,
}

impl Emulator {
    /// Answers the keys of a user.
    pub fn keys_of(&self, user: &str) -> Vec<ListedKey> {
        let state = self.state();
        let mut keys: Vec<ListedKey> = state
            .users
            .iter()
            .filter(|(_, meta)| meta.user == user && meta.works_until.is_none())
            .map(|(id, meta)| ListedKey { id: id.clone(), active: meta.active })
            .collect();
        keys.sort_by(|one, other| one.id.cmp(&other.id));
        keys
    }

    /// Sets how late IAM is from now on.
    pub fn late(&self, late: Late) {
        self.state().late = late;
    }

    /// Takes note that a key was used by somebody, now.
    pub fn use_key(&self, id: &str, service: &str) {
        let mut state = self.state();
        let now = state.now();
        if let Some(meta) = state.users.get_mut(id) {
            meta.used = Some((now, service.into()));
        }
    }

    /// Makes a key inactive or active, as somebody in the console would.
    pub fn set_active(&self, id: &str, active: bool) {
        if let Some(meta) = self.state().users.get_mut(id) {
            meta.active = active;
        }
    }

    /// Has so many of the next calls of an action go wrong.
    pub fn trouble(&self, action: &str, trouble: Trouble, times: usize) {
        self.state().troubles.insert(action.into(), (trouble, times));
    }

    /// Answers whether all troubles have happened.
    pub fn is_troubled(&self) -> bool {
        self.state().troubles.values().any(|(_, times)| *times > 0)
    }

    /// Answers how many keys a user has had at one time, at most.
    pub fn most_keys(&self) -> usize {
        self.state().most_keys
    }
}

impl State {
    /// Takes note of a new long-term key.
    pub(super) fn know_key(&mut self, id: &str, user: &str, flaps_for: Duration) {
        let created = self.now() / 1_000 * 1_000;
        let flaps_until = Instant::now() + flaps_for;
        let meta =
            Meta { user: user.into(), created, active: true, flaps_until, works_until: None, used: None };
        self.users.insert(id.into(), meta);
        let count =
            self.users.values().filter(|meta| meta.user == user && meta.works_until.is_none()).count();
        self.most_keys = self.most_keys.max(count);
    }

    /// Takes the trouble of a call, if it is to have one.
    pub(super) fn take_trouble(&mut self, action: &str) -> Option<Trouble> {
        let (trouble, times) = self.troubles.get_mut(action)?;
        *times = times.checked_sub(1)?;
        Some(*trouble)
    }

    /// Answers whether a long-term key may be used at this moment; sessions are none.
    pub(super) fn may_use(&self, id: &str) -> bool {
        let Some(meta) = self.users.get(id) else { return true };
        let now = Instant::now();
        // Every other fifth of a second, so that some answers are good.
        let left = meta.flaps_until.saturating_duration_since(now).as_millis();
        let flaps = left > 0 && left / 200 % 2 == 0;
        meta.active && !flaps && meta.works_until.is_none_or(|until| now < until)
    }
}

/// Carries out a call; `None` is not one of IAM.
pub(super) fn call(
    state: &mut State,
    action: &str,
    headers: &HeaderMap,
    parameters: &HashMap<String, String>,
) -> Option<Result<String, Refusal>> {
    let known =
        ["ListAccessKeys", "CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey", "GetAccessKeyLastUsed"];
    if !known.contains(&action) {
        return None;
    }
    Some(check(state, headers, Judge::Arrival).and_then(|caller| {
        let user = caller.arn.rsplit('/').next().unwrap_or_default().to_owned();
        let result = match action {
            "ListAccessKeys" => Ok(list(state, &user)),
            "CreateAccessKey" => create(state, &caller, &user),
            "GetAccessKeyLastUsed" => last_used(state, parameters),
            _ => change(state, action, parameters),
        };
        result.map(|body| {
            format!("<{action}Response xmlns=\"{XMLNS}\">{body}<ResponseMetadata><RequestId>0</RequestId></ResponseMetadata></{action}Response>")
        })
    }))
}

fn list(state: &State, user: &str) -> String {
    let mut members: Vec<(&String, &Meta)> =
        state.users.iter().filter(|(_, meta)| meta.user == user && meta.works_until.is_none()).collect();
    members.sort_by_key(|(id, _)| id.to_owned());
    let members: String = members
        .iter()
        .map(|(id, meta)| {
            format!(
                "<member><UserName>{user}</UserName><AccessKeyId>{id}</AccessKeyId><Status>{}</Status><CreateDate>{}</CreateDate></member>",
                status(meta),
                Timestamp::from_millis(meta.created)
            )
        })
        .collect();
    format!(
        "<ListAccessKeysResult><AccessKeyMetadata>{members}</AccessKeyMetadata><IsTruncated>false</IsTruncated></ListAccessKeysResult>"
    )
}

fn status(meta: &Meta) -> &'static str {
    if meta.active { "Active" } else { "Inactive" }
}

fn create(state: &mut State, caller: &Known, user: &str) -> Result<String, Refusal> {
    let count = state.users.values().filter(|meta| meta.user == user && meta.works_until.is_none()).count();
    if count >= 2 {
        return Err(refusal(409, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2"));
    }
    let (id, secret) = state.new_key("AKIA");
    state.keys.insert(id.clone(), Known { token: None, ends_at: None, arn: caller.arn.clone() });
    let flaps = state.late.new_key;
    state.know_key(&id, user, flaps);
    Ok(format!(
        "<CreateAccessKeyResult><AccessKey><UserName>{user}</UserName><AccessKeyId>{id}</AccessKeyId><Status>Active</Status><SecretAccessKey>{secret}</SecretAccessKey><CreateDate>{}</CreateDate></AccessKey></CreateAccessKeyResult>",
        Timestamp::from_millis(state.now())
    ))
}

fn last_used(state: &State, parameters: &HashMap<String, String>) -> Result<String, Refusal> {
    let meta = found(state, parameters)?;
    let used = match &meta.used {
        Some((at, service)) => format!(
            "<LastUsedDate>{}</LastUsedDate><ServiceName>{service}</ServiceName><Region>eu-west-1</Region>",
            Timestamp::from_millis(*at)
        ),
        None => "<ServiceName>N/A</ServiceName><Region>N/A</Region>".into(),
    };
    Ok(format!(
        "<GetAccessKeyLastUsedResult><UserName>{}</UserName><AccessKeyLastUsed>{used}</AccessKeyLastUsed></GetAccessKeyLastUsedResult>",
        meta.user
    ))
}

fn change(state: &mut State, action: &str, parameters: &HashMap<String, String>) -> Result<String, Refusal> {
    found(state, parameters)?;
    let id = parameters.get("AccessKeyId").cloned().unwrap_or_default();
    let works_until = Instant::now() + state.late.deleted_key;
    if let Some(meta) = state.users.get_mut(&id) {
        match action {
            "DeleteAccessKey" => meta.works_until = Some(works_until),
            _ => meta.active = parameters.get("Status").is_some_and(|status| status == "Active"),
        }
    }
    Ok(String::new())
}

fn found<'a>(state: &'a State, parameters: &HashMap<String, String>) -> Result<&'a Meta, Refusal> {
    let id = parameters.get("AccessKeyId").map(String::as_str).unwrap_or_default();
    let meta = state.users.get(id).filter(|meta| meta.works_until.is_none());
    meta.ok_or_else(|| refusal(404, "NoSuchEntity", format!("The Access Key with id {id} cannot be found.")))
}
