//! The attributes that AWS knows: roles, the name of the session, its duration.

use super::xml::{children, text};
use super::{Role, read::SAML};
use crate::quote;
use keyfob_shared::RoleArn;
use roxmltree::Node;

const PREFIX: &str = "https://aws.amazon.com/SAML/Attributes/";
/// The most roles that are read; STS is asked about one.
const MAX_ROLES: usize = 2_000;

/// What the attributes say.
pub(super) struct Attributes {
    pub(super) roles: Vec<Role>,
    pub(super) session_name: String,
    pub(super) session_duration: Option<u32>,
}

/// Reads the attributes of an assertion.
pub(super) fn read(assertion: Node<'_, '_>) -> Result<Attributes, String> {
    let values = |name: &str| -> Vec<String> {
        let statements = children(assertion, SAML, "AttributeStatement");
        let attributes = statements.flat_map(|statement| children(statement, SAML, "Attribute"));
        let named = attributes.filter(|attribute| {
            attribute.attribute("Name").and_then(|full| full.strip_prefix(PREFIX)) == Some(name)
        });
        let values = named.flat_map(|attribute| children(attribute, SAML, "AttributeValue"));
        values.map(text).filter(|value| !value.is_empty()).take(MAX_ROLES).collect()
    };
    let roles = roles(&values("Role"))?;
    let session_name = only("RoleSessionName", values("RoleSessionName"))?.ok_or_else(|| {
        format!("it has no attribute {PREFIX}RoleSessionName, without which AWS does not take it")
    })?;
    let duration = only("SessionDuration", values("SessionDuration"))?;
    let session_duration = duration.map(|text| seconds(&text)).transpose()?;
    Ok(Attributes { roles, session_name, session_duration })
}

fn roles(values: &[String]) -> Result<Vec<Role>, String> {
    let mut roles = Vec::new();
    for role in values.iter().filter_map(|value| pair(value)) {
        if !roles.contains(&role) {
            roles.push(role);
        }
    }
    match (roles.is_empty(), values.first()) {
        (false, _) => Ok(roles),
        (true, None) => Err(format!("it has no attribute {PREFIX}Role: there is no role for you")),
        (true, Some(value)) => Err(format!(
            "no value of its attribute {PREFIX}Role is a role and a provider: {:?}",
            quote::text(value, &[])
        )),
    }
}

/// Reads `ROLE,PROVIDER` in either order.
fn pair(value: &str) -> Option<Role> {
    let role = |role: &str, provider: &str| {
        let role_arn: RoleArn = role.parse().ok()?;
        is_provider(provider).then(|| Role { role_arn, provider_arn: provider.to_owned() })
    };
    // The name of a role may have commas of its own.
    value.match_indices(',').find_map(|(at, _)| {
        let (first, second) = (value[..at].trim(), value[at + 1..].trim());
        role(first, second).or_else(|| role(second, first))
    })
}

/// PrincipalArn of the STS API: 20 to 2,048 characters.
fn is_provider(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let &["arn", partition, "iam", "", account, resource] = parts.as_slice() else { return false };
    (20..=2_048).contains(&arn.len())
        && (partition == "aws" || partition.starts_with("aws-"))
        && account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && resource.strip_prefix("saml-provider/").is_some_and(|name| !name.is_empty())
        && arn.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Answers the value of an attribute that may say one thing only, however often.
fn only(name: &str, mut values: Vec<String>) -> Result<Option<String>, String> {
    values.dedup();
    match values.len() {
        0 | 1 => Ok(values.pop()),
        _ => Err(format!("its attribute {PREFIX}{name} has several values")),
    }
}

/// SessionDuration of the IAM documentation, "Configuring SAML assertions": 15 minutes to 12 hours.
fn seconds(text: &str) -> Result<u32, String> {
    let seconds = text.parse().ok().filter(|seconds| (900..=43_200).contains(seconds));
    seconds.ok_or_else(|| {
        let said = quote::text(text, &[]);
        format!("its attribute {PREFIX}SessionDuration is no number of seconds from 900 to 43200: {said:?}")
    })
}
