//! Everything that a person may use: a list of accounts, and one of roles for each.

use super::super::Settings;
use super::super::refusal::{self, Refusal};
use super::{AccountRole, unreadable};
use crate::quote;
use crate::trouble::Trouble;
use aws_sdk_sso::Client;
use keyfob_shared::Secret;
use std::time::Duration;
use tokio::task::JoinSet;

/// More than a person looks through; each account is one question.
const MAX_ACCOUNTS: usize = 2_000;
const MAX_ROLES: usize = 10_000;
/// The most pages of one list; AWS puts 20 entries or more on each.
const MAX_PAGES: usize = 200;
/// The questions that are asked at a time.
const AT_ONCE: usize = 4;
/// AWS throttles long lists.
const TRIES: u32 = 6;
const PAUSE: Duration = Duration::from_millis(500);

/// Asks for one person, as often as it takes.
#[derive(Clone)]
struct Asker {
    client: Client,
    settings: Settings,
    token: Secret,
}

/// Lists all roles of all accounts, sorted.
pub(super) async fn everything(
    client: &Client,
    settings: &Settings,
    token: &Secret,
) -> Result<Vec<AccountRole>, Refusal> {
    let asker = Asker { client: client.clone(), settings: settings.clone(), token: token.clone() };
    let mut accounts = asker.accounts().await?.into_iter();
    let mut found: Vec<AccountRole> = Vec::new();
    let mut running = JoinSet::new();
    loop {
        for (id, name) in accounts.by_ref().take(AT_ONCE - running.len()) {
            let asker = asker.clone();
            running.spawn(async move { asker.roles(&id).await.map(|roles| (id, name, roles)) });
        }
        let Some(ended) = running.join_next().await else { break };
        let (id, name, roles) = ended.map_err(|_| unreadable("a question broke off"))??;
        found.extend(roles.into_iter().map(|role_name| AccountRole {
            account_id: id.clone(),
            account_name: name.clone(),
            role_name,
        }));
        if found.len() > MAX_ROLES {
            return Err(too_many(MAX_ROLES, "roles"));
        }
    }
    found.sort_by(|one, other| (&one.account_id, &one.role_name).cmp(&(&other.account_id, &other.role_name)));
    Ok(found)
}

impl Asker {
    async fn accounts(&self) -> Result<Vec<(String, String)>, Refusal> {
        let (mut accounts, mut next) = (Vec::new(), None);
        for _ in 0..MAX_PAGES {
            let answer = patiently(|| {
                let request = self.client.list_accounts().access_token(self.token.expose());
                let sent = request.set_next_token(next.clone()).send();
                async { sent.await.map_err(|error| refusal::read(&error, &self.settings, &[&self.token])) }
            });
            let answer = answer.await?;
            let named = answer.account_list().iter().filter_map(|account| {
                let id = account.account_id().filter(|id| is_account_id(id))?;
                Some((id.to_owned(), quote::text(account.account_name().unwrap_or_default(), &[])))
            });
            accounts.extend(named);
            if accounts.len() > MAX_ACCOUNTS {
                return Err(too_many(MAX_ACCOUNTS, "accounts"));
            }
            next = answer.next_token().filter(|next| !next.is_empty()).map(str::to_owned);
            if next.is_none() {
                return Ok(accounts);
            }
        }
        Err(too_many(MAX_PAGES, "pages of accounts"))
    }

    async fn roles(&self, account_id: &str) -> Result<Vec<String>, Refusal> {
        let (mut roles, mut next) = (Vec::new(), None);
        for _ in 0..MAX_PAGES {
            let answer = patiently(|| {
                let request = self.client.list_account_roles().access_token(self.token.expose());
                let sent = request.account_id(account_id).set_next_token(next.clone()).send();
                async { sent.await.map_err(|error| refusal::read(&error, &self.settings, &[&self.token])) }
            });
            let answer = answer.await?;
            let names = answer.role_list().iter().filter_map(|role| role.role_name());
            roles.extend(names.filter(|name| is_role_name(name)).map(str::to_owned));
            if roles.len() > MAX_ROLES {
                return Err(too_many(MAX_ROLES, "roles"));
            }
            next = answer.next_token().filter(|next| !next.is_empty()).map(str::to_owned);
            if next.is_none() {
                return Ok(roles);
            }
        }
        Err(too_many(MAX_PAGES, "pages of roles"))
    }
}

/// Asks again, later and later, where AWS asks for fewer questions.
async fn patiently<T, F>(ask: impl Fn() -> F) -> Result<T, Refusal>
where
    F: Future<Output = Result<T, Refusal>>,
{
    let mut tries = 1;
    loop {
        match ask().await {
            Err(refusal) if refusal.is_about_pace() && tries < TRIES => {
                tokio::time::sleep(PAUSE * 2_u32.pow(tries - 1)).await;
                tries += 1;
            }
            result => return result,
        }
    }
}

fn too_many(most: usize, what: &str) -> Refusal {
    Refusal { code: String::new(), trouble: Trouble::useless(format!("there are more than {most} {what}")) }
}

fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `RoleName` of the IAM API reference: up to 64 characters. It becomes a part of a configuration.
fn is_role_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_into_a_configuration() {
        assert!(is_role_name("AdministratorAccess") && is_role_name("a_+=,.@-9"));
        for wrong in ["", "a b", "a\"b", "a\nb", "é", &"x".repeat(65)] {
            assert!(!is_role_name(wrong), "{wrong}");
        }
        assert!(is_account_id("111122223333") && !is_account_id("11112222333x") && !is_account_id("1"));
    }
}
