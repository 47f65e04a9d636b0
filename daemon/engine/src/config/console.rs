//! What a sign-in to the console of a profile needs, and which profiles have none.

use super::{Config, partition};
use crate::plan::{Plan, Step};
use keyfob_shared::{Failure, FailureKind, ProfileName};

/// Where the console of a profile is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsolePlace {
    /// The address of the sign-in service.
    pub signin: String,
    /// The start page of the console.
    pub start: String,
    /// Whether AWS takes a duration for its sessions.
    pub takes_duration: bool,
}

impl Config {
    /// Answers where the console of a profile is.
    ///
    /// # Errors
    /// If the profile has no role, or its partition no console that is known.
    pub fn console(&self, profile: &ProfileName) -> Result<ConsolePlace, Failure> {
        let usage = |message: String| Failure::new(FailureKind::Usage, message);
        let plan = self.profiles.get(profile).ok_or_else(|| {
            usage("there is no such profile in the configuration".into()).hint("keyfob profile list")
        })?;
        if matches!(plan.last(), Step::SessionToken(_)) {
            let message = "AWS signs nobody in to the console with a session of GetSessionToken";
            return Err(usage(message.into()).hint("use a profile with a role_arn, or with federation_token"));
        }
        let partition = self.partition_of(plan);
        let hosts = partition::console(&partition);
        let own = self.endpoints.signin.clone();
        let (signin, start) = match (own, hosts) {
            (Some(signin), hosts) => (signin, hosts.map_or("console.aws.amazon.com", |(_, start)| start)),
            (None, Some((signin, start))) => (format!("https://{signin}"), start),
            (None, None) => {
                let message = format!("the sign-in service of partition {partition} is not known");
                return Err(usage(message).hint("set signin in [endpoints]"));
            }
        };
        let start = match &plan.region {
            Some(region) => format!("https://{region}.{start}/console/home?region={region}"),
            None => format!("https://{start}/"),
        };
        let takes_duration = plan.steps.len() == 1 && plan.last().role_arn().is_some();
        Ok(ConsolePlace { signin: signin.trim_end_matches('/').to_owned(), start, takes_duration })
    }

    fn partition_of(&self, plan: &Plan) -> String {
        let of_role = plan.last().role_arn().map(|role| role.partition().to_owned());
        of_role
            .or_else(|| self.identities.get(&plan.identity).map(|identity| identity.partition.clone()))
            .unwrap_or_default()
    }
}
