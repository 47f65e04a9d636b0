//! `keyfob role check` and `keyfob role max-duration`: the role of a profile as IAM has it.

use super::Clerk;
use crate::runtime::Runtime;
use crate::runtime::call::Call;
use keyfob_engine::plan::{AssumeRole, Plan, Step};
use keyfob_governance::trust;
use keyfob_iam::{Iam, RoleDetails};
use keyfob_shared::wire::{self, RolePurpose};
use keyfob_shared::{Failure, FailureKind, ProfileName};

/// The longest session of a role behind another role, in seconds.
const LONGEST_CHAINED: u32 = 3_600;

/// The role of a profile, as the profile asks for it.
pub(in crate::runtime) struct Asked {
    role: AssumeRole,
    is_chained: bool,
}

impl Runtime {
    /// Answers the role of a profile.
    pub(in crate::runtime) fn asked_role(&self, profile: &ProfileName) -> Result<Asked, Failure> {
        let plan = self.engine.config().profiles.get(profile);
        let no_role = || {
            Failure::new(FailureKind::Usage, format!("profile {profile} has no role_arn"))
                .hint(format!("keyfob profile show {profile}"))
        };
        asked(plan.ok_or_else(|| {
            Failure::new(FailureKind::Usage, format!("there is no profile {profile}"))
                .hint("keyfob profile list")
        })?)
        .ok_or_else(no_role)
    }
}

fn asked(plan: &Plan) -> Option<Asked> {
    let (last, before) = plan.steps.split_last()?;
    let role = match last {
        Step::AssumeRole(role) | Step::Federated(_, role) => role.as_ref().clone(),
        _ => return None,
    };
    let is_chained = before.iter().any(|step| step.role_arn().is_some());
    Some(Asked { role, is_chained })
}

pub(in crate::runtime) async fn role(clerk: Clerk, wanted: wire::Role, asked: Asked, call: Call) {
    let result = look(&clerk, wanted.purpose, &asked).await;
    call.conclude(result).await;
}

async fn look(clerk: &Clerk, purpose: RolePurpose, asked: &Asked) -> Result<String, Failure> {
    let arn = asked.role.role_arn.as_str();
    let name = arn.rsplit('/').next().unwrap_or(arn);
    let hinted = |failure: Failure| {
        if failure.hint.is_some() {
            failure
        } else {
            failure.hint("keyfob role --help: --with names another profile")
        }
    };
    let read = |iam: Iam, access| {
        let name = name.to_owned();
        async move { iam.role(&access, &name).await }
    };
    let found = clerk.call(read).await;
    let found = found.map_err(|refusal| hinted(refusal.failure))?;
    if found.arn != arn {
        let message = format!("profile {} is in another account than {arn}", clerk.profile);
        return Err(Failure::new(FailureKind::Usage, message).hint("name one with --with"));
    }
    match purpose {
        RolePurpose::Check => Ok(check(asked, &found)),
        RolePurpose::MaxDuration { seconds, write } => {
            let before = found.max_session_duration;
            if before == seconds {
                return Ok(format!("sessions of {arn} may last {} already", hours(seconds)));
            }
            if !write {
                return Ok(format!(
                    "sessions of {arn} may last {}; --write makes that {}",
                    hours(before),
                    hours(seconds)
                ));
            }
            let write = |iam: Iam, access| {
                let name = name.to_owned();
                async move { iam.set_max_duration(&access, &name, seconds).await }
            };
            let written = clerk.call(write).await;
            written.map_err(|refusal| hinted(refusal.failure))?;
            Ok(format!(
                "sessions of {arn} may last {} from now on (it was {})",
                hours(seconds),
                hours(before)
            ))
        }
    }
}

/// Answers line by line what the role accepts of what the profile asks for.
fn check(Asked { role, is_chained }: &Asked, found: &RoleDetails) -> String {
    let trust = trust::read(&found.trust);
    let wanted = role.duration.unwrap_or(LONGEST_CHAINED);
    let most = if *is_chained { LONGEST_CHAINED } else { found.max_session_duration };
    let mut lines = vec![format!("role {}", found.arn)];
    lines.push(match (wanted <= most, is_chained) {
        (true, _) => format!("duration: {} of {} at most", hours(wanted), hours(most)),
        (false, true) => {
            format!("duration: {} is asked for, and roles behind a role last 1h at most", hours(wanted))
        }
        (false, false) => format!(
            "duration: {} is asked for, and the role allows {}: keyfob role max-duration",
            hours(wanted),
            hours(most)
        ),
    });
    let allowed = |is_asked: bool, action: &str| match (is_asked, trust.allows(action)) {
        (_, true) => "accepted",
        (true, false) => "asked for, and the trust policy does not allow it",
        (false, false) => "not accepted, and not asked for",
    };
    lines.push(format!("session tags: {}", allowed(!role.session_tags.is_empty(), "sts:TagSession")));
    lines.push(format!(
        "source identity: {}",
        allowed(role.source_identity.is_some(), "sts:SetSourceIdentity")
    ));
    lines.push(match (trust.wants_external_id(), role.external_id.is_some()) {
        (true, false) => "external id: the trust policy asks for one, and the profile has none".into(),
        (true, true) => "external id: asked for, and sent".into(),
        (false, _) => "external id: not asked for".into(),
    });
    let names: Vec<&str> = found.policies.iter().map(String::as_str).collect();
    lines.push(format!(
        "policies: {}",
        if names.is_empty() { "none attached".into() } else { names.join(", ") }
    ));
    lines.join("\n")
}

fn hours(seconds: u32) -> String {
    match (seconds / 3_600, seconds % 3_600 / 60) {
        (hours, 0) => format!("{hours}h"),
        (0, minutes) => format!("{minutes}m"),
        (hours, minutes) => format!("{hours}h {minutes}m"),
    }
}
