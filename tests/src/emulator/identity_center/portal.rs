//! The portal: accounts, roles, and their credentials, for whoever has an access token.

use super::super::Known;
use super::server::{Asked, Refusal, refusal};
use super::{Account, State};
use serde_json::{Value, json};
use std::time::SystemTime;

pub(super) fn credentials(state: &mut State, asked: &Asked) -> Result<Value, Refusal> {
    check(state, asked)?;
    let (account, role) = (asked.parameter("account_id"), asked.parameter("role_name"));
    let assigned = |known: &Account| known.id == account && known.roles.iter().any(|one| one == role);
    if !state.accounts.iter().any(assigned) {
        return Err(refusal(403, "ForbiddenException"));
    }
    let mut aws = state.aws.state();
    let (id, secret) = aws.new_key("ASIA");
    let token = aws.new_secret(400);
    let ends_at = aws.now() + i64::try_from(aws.lifetime.as_millis()).unwrap_or(0);
    let arn = format!("arn:aws:sts::{account}:assumed-role/AWSReservedSSO_{role}_0123456789abcdef/alice");
    aws.keys.insert(id.clone(), Known { token: Some(token.clone()), ends_at: Some(ends_at), arn });
    Ok(json!({ "roleCredentials": {
        "accessKeyId": id,
        "secretAccessKey": secret,
        "sessionToken": token,
        "expiration": ends_at,
    } }))
}

pub(super) fn accounts(state: &State, asked: &Asked) -> Result<Value, Refusal> {
    check(state, asked)?;
    let list = state.accounts.iter().map(|account| {
        json!({ "accountId": account.id, "accountName": account.name, "emailAddress": "aws@corp.example" })
    });
    Ok(page(state, asked, "accountList", list.collect()))
}

pub(super) fn roles(state: &State, asked: &Asked) -> Result<Value, Refusal> {
    check(state, asked)?;
    let account = asked.parameter("account_id");
    let Some(found) = state.accounts.iter().find(|known| known.id == account) else {
        return Err(refusal(403, "ForbiddenException"));
    };
    let list = found.roles.iter().map(|role| json!({ "roleName": role, "accountId": account }));
    Ok(page(state, asked, "roleList", list.collect()))
}

fn check(state: &State, asked: &Asked) -> Result<(), Refusal> {
    let ends = asked.token.as_ref().and_then(|token| state.access.get(token));
    match ends {
        Some(ends) if *ends > SystemTime::now() => Ok(()),
        Some(_) | None => Err(refusal(401, "UnauthorizedException")),
    }
}

fn page(state: &State, asked: &Asked, name: &str, list: Vec<Value>) -> Value {
    let start: usize = asked.parameter("next_token").parse().unwrap_or(0);
    let end = list.len().min(start + state.page_size);
    let next = (end < list.len()).then(|| end.to_string());
    json!({ name: list[start.min(end)..end], "nextToken": next })
}
