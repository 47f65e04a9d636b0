//! `keyfob report`: the credential report of an account, read and judged.

use super::Clerk;
use crate::clock;
use crate::runtime::call::Call;
use crate::runtime::pages::pages;
use keyfob_governance::report::{self, Finding, Findings, Kind, Limits};
use keyfob_iam::{CredentialReport, Iam, Key, RefusalKind};
use keyfob_shared::wire::{self, AccountFinding, Prompt, Reply};
use keyfob_shared::{Failure, FailureKind, Timestamp};
use std::collections::HashMap;
use std::time::Duration;

/// IAM makes a report within some seconds; that of a large account may take minutes.
const LONGEST_MAKING: Duration = Duration::from_secs(5 * 60);
const STEP: Duration = Duration::from_secs(2);
/// After so many users a person hears how far it is.
const TELL_EACH: usize = 100;

pub(in crate::runtime) async fn report(clerk: Clerk, wanted: wire::Report, mut call: Call) {
    match look(&clerk, &wanted, &mut call).await {
        Ok((users, generated, findings)) => {
            let mut pages = pages(findings).into_iter().peekable();
            let replies = std::iter::from_fn(|| {
                let findings = pages.next()?;
                Some(Reply::Account { users, generated, findings, more: pages.peek().is_some() })
            });
            call.send_all(replies).await;
        }
        Err(failure) => call.conclude(Err(failure)).await,
    }
}

async fn look(
    clerk: &Clerk,
    wanted: &wire::Report,
    call: &mut Call,
) -> Result<(usize, Option<Timestamp>, Vec<AccountFinding>), Failure> {
    let CredentialReport { content, generated } = fetch(clerk, call).await?;
    let limits = Limits { unused: wanted.unused_days, old: wanted.old_days };
    let Findings { users, findings } = report::read(&content, limits, clock::now().wall).map_err(|why| {
        Failure::new(FailureKind::Upstream, format!("read the credential report: {why}"))
            .hint("keyfob doctor")
    })?;
    drop(content);
    let keys = keys_of(clerk, &findings, call).await?;
    let told = findings.iter().map(|finding| tell(finding, &keys)).collect();
    Ok((users, generated, told))
}

async fn fetch(clerk: &Clerk, call: &mut Call) -> Result<CredentialReport, Failure> {
    let start = clock::now().monotonic;
    let longest = i64::try_from(LONGEST_MAKING.as_millis()).unwrap_or(i64::MAX);
    let mut is_told = false;
    loop {
        let is_made = clerk.call(|iam, access| async move { iam.make_report(&access).await }).await;
        if is_made.map_err(|refusal| refusal.failure)? {
            match clerk.call(|iam, access| async move { iam.report(&access).await }).await {
                Err(refusal) if refusal.kind == RefusalKind::NotReady => {}
                result => return result.map_err(|refusal| refusal.failure),
            }
        }
        if clock::now().monotonic >= start.plus(longest) {
            let message = format!("IAM has made no credential report within {} s", LONGEST_MAKING.as_secs());
            return Err(Failure::new(FailureKind::Upstream, message).hint("keyfob report"));
        }
        if !is_told {
            call.show(Prompt::Note { text: "IAM makes the credential report…".into() }).await?;
            is_told = true;
        }
        tokio::time::sleep(STEP).await;
    }
}

/// Answers the keys of the users whose findings are of a key; the report has no ids.
async fn keys_of(
    clerk: &Clerk,
    findings: &[Finding],
    call: &mut Call,
) -> Result<HashMap<String, Vec<Key>>, Failure> {
    let mut users: Vec<&str> = findings
        .iter()
        .filter(|finding| finding.kind.is_of_a_key())
        .map(|finding| finding.user.as_str())
        .collect();
    users.dedup();
    let mut keys = HashMap::new();
    for (at, user) in users.iter().enumerate() {
        if at % TELL_EACH == TELL_EACH - 1 {
            let text = format!("{} of {} users with keys to look at…", at + 1, users.len());
            call.show(Prompt::Note { text }).await?;
        }
        let list = |iam: Iam, access| {
            let user = (*user).to_owned();
            async move { iam.keys(&access, Some(&user)).await }
        };
        let listed = clerk.call(list).await;
        match listed {
            Ok(listed) => drop(keys.insert((*user).to_owned(), listed)),
            // Gone since the report was made.
            Err(refusal) if refusal.kind == RefusalKind::NotFound => {}
            Err(refusal) if refusal.kind == RefusalKind::Denied => {
                let text = "the ids of keys are left out: iam:ListAccessKeys is not allowed".into();
                call.show(Prompt::Note { text }).await?;
                break;
            }
            Err(refusal) => return Err(refusal.failure),
        }
    }
    Ok(keys)
}

fn tell(finding: &Finding, keys: &HashMap<String, Vec<Key>>) -> AccountFinding {
    let own = keys.get(&finding.user).map(Vec::as_slice).unwrap_or_default();
    let active = || own.iter().filter(|key| key.active);
    // The date of the report is that of the key, or of its last change between active and inactive.
    let dated = active().find(|key| key.created.is_some() && key.created == finding.key_dated);
    let only = || active().next().filter(|_| active().count() == 1);
    let key = dated.or_else(only).filter(|_| finding.kind.is_of_a_key() && finding.kind != Kind::RootKey);
    AccountFinding {
        user: finding.user.clone(),
        kind: finding.kind.name().to_owned(),
        detail: finding.detail.clone(),
        access_key_id: key.map(|key| key.id.clone()),
        mend: report::command(finding, key.map(|key| key.id.as_str())),
    }
}
