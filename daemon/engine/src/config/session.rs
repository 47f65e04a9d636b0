//! What scopes a session down or marks it: policies and tags, within the limits of the STS API.

use super::{Surroundings, check, partition};
use keyfob_shared::JobFunction;
use std::collections::{BTreeMap, BTreeSet};

/// Checks session tags: at most 50, keys up to 128 and values up to 256 characters, keys that differ not only in case.
pub(super) fn tags(tags: &BTreeMap<String, String>) -> Result<(), String> {
    const LETTERS: &str = " .:/=+-@";
    if tags.len() > 50 {
        return Err(format!("50 tags are allowed, and these are {}", tags.len()));
    }
    let mut known = BTreeSet::new();
    tags.iter().try_for_each(|(key, value)| {
        let fine = |text: &str, least: usize, most: usize| {
            let allowed =
                |letter: char| letter.is_alphanumeric() || letter == '_' || LETTERS.contains(letter);
            (least..=most).contains(&text.chars().count()) && text.chars().all(allowed)
        };
        if key.to_lowercase().starts_with("aws:") {
            return Err(format!("{key:?}: tags that begin with aws: belong to AWS"));
        }
        if !known.insert(key.to_lowercase()) {
            return Err(format!("{key:?} is there twice: the case of a tag key makes no difference"));
        }
        match (fine(key, 1, 128), fine(value, 0, 256)) {
            (true, true) => Ok(()),
            (false, _) => Err(format!("{key:?} is no tag key: 1 to 128 letters, digits and _{LETTERS}")),
            (true, false) => {
                Err(format!("{value:?} is no tag value: up to 256 letters, digits and _{LETTERS}"))
            }
        }
    })
}

/// Checks the keys of the tags that further hops inherit: each is one of the session's tags, once.
pub(super) fn transitive_tags(keys: &[String], tags: &BTreeMap<String, String>) -> Result<(), String> {
    let mut known = BTreeSet::new();
    keys.iter().try_for_each(|key| match (tags.contains_key(key), known.insert(key)) {
        (false, _) => Err(format!("{key:?} is not a key of session_tags")),
        (true, false) => Err(format!("{key:?} is there twice")),
        (true, true) => Ok(()),
    })
}

/// Checks managed session policies: at most 10, of AWS or of the account of the session, where that is known.
pub(super) fn policy_arns(arns: &[String], home: &str, own_account: Option<&str>) -> Result<(), String> {
    if arns.len() > 10 {
        return Err(format!("10 policies are allowed, and these are {}", arns.len()));
    }
    arns.iter().try_for_each(|arn| {
        let wrong = |what: String| Err(format!("{arn:?} is not the ARN of a managed policy: {what}"));
        if arn.len() > 2048 || !arn.bytes().all(|byte| byte.is_ascii_graphic()) {
            return wrong("up to 2048 letters, digits and signs".into());
        }
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let &["arn", partition, "iam", "", account, resource] = parts.as_slice() else {
            return wrong("arn:aws:iam::aws:policy/NAME".into());
        };
        let name = resource.strip_prefix("policy/").unwrap_or_default();
        if name.is_empty() || name.ends_with('/') {
            return wrong("it ends in policy/NAME".into());
        }
        if account != "aws" && !check::is_account(account) {
            return wrong("its account is aws or has 12 digits".into());
        }
        partition::of_arn(arn)?;
        if partition != home {
            return Err(format!("{arn:?} is in {partition}, and the role in {home}"));
        }
        if let Some(own) = own_account.filter(|own| account != "aws" && account != *own) {
            return Err(format!("{arn:?} is in account {account}, and the role in {own}"));
        }
        Ok(())
    })
}

/// Answers the ARN of the policy of a job function.
pub(super) fn job_function(name: &str, partition: &str) -> Result<String, String> {
    name.parse::<JobFunction>()
        .map(|function| function.policy_arn(partition))
        .map_err(|wrong| wrong.to_string())
}

/// Takes an inline policy, or reads it from the file that is named; at most 2,048 characters of JSON.
pub(super) fn policy(text: &str, around: &Surroundings<'_>) -> Result<String, String> {
    let policy = if text.trim_start().starts_with('{') {
        text.to_owned()
    } else {
        let file = check::path(text, around)?;
        (around.read)(&file).map_err(|cause| format!("read {}: {cause}", file.display()))?
    };
    let value: serde_json::Value =
        serde_json::from_str(&policy).map_err(|cause| format!("not JSON: {cause}"))?;
    if !value.as_object().is_some_and(|object| object.contains_key("Statement")) {
        return Err("not a policy: it has no Statement".into());
    }
    let compact = value.to_string();
    match compact.chars().count() {
        0..=2048 => Ok(compact),
        length => Err(format!("2048 characters are allowed, and these are {length}")),
    }
}
