//! What AWS says of each job function.
//!
//! All of it is from "AWS managed policies for job functions" in the IAM User Guide, as of 2026; the names of roles
//! were compared with the policy documents in the AWS Managed Policy Reference (SystemAdministrator version 12,
//! DatabaseAdministrator version 2), where they are the resources of `iam:PassRole`.

use super::service_role::{DATABASE_ADMINISTRATOR, SYSTEM_ADMINISTRATOR, ServiceRole};
use keyfob_shared::JobFunction;

/// Where the facts are from.
pub const SOURCE: &str =
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_job-functions.html";

/// What AWS says of a job function.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// Of which.
    pub function: JobFunction,
    /// What somebody who has it does.
    pub use_case: &'static str,
    /// What its policy alone does not give.
    pub note: Option<&'static str>,
    /// Roles that its policy lets a person hand to services; each is optional.
    pub service_roles: &'static [ServiceRole],
}

/// Who may see bills is decided in the account's settings as well.
const BILLING_CONSOLE: &str =
    "the billing console stays closed to roles until the root user has activated IAM access to it";

/// Answers what AWS says of a job function.
pub const fn facts(function: JobFunction) -> Facts {
    let (use_case, note, service_roles): (_, _, &[ServiceRole]) = match function {
        JobFunction::Administrator => (
            "has full access, and may delegate it, to every service and resource",
            Some(BILLING_CONSOLE),
            &[],
        ),
        JobFunction::Billing => (
            "sees bills, sets up and authorizes payments, watches what the account costs",
            Some(BILLING_CONSOLE),
            &[],
        ),
        JobFunction::SecurityAuditor => (
            "checks accounts against security requirements, and follows breaches up in logs and events",
            None,
            &[],
        ),
        JobFunction::PowerUser => (
            "develops applications, and creates and configures all that they need",
            Some("IAM, Organizations and the settings of the account are left out"),
            &[],
        ),
        JobFunction::SystemAdministrator => {
            ("sets up and maintains the resources of development and operations", None, SYSTEM_ADMINISTRATOR)
        }
        JobFunction::DatabaseAdministrator => {
            ("sets up, configures and maintains databases", None, DATABASE_ADMINISTRATOR)
        }
    };
    Facts { function, use_case, note, service_roles }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_job_functions_hand_roles_to_services() {
        let with: Vec<&str> = JobFunction::ALL
            .into_iter()
            .filter(|function| !facts(*function).service_roles.is_empty())
            .map(JobFunction::name)
            .collect();
        assert_eq!(with, ["system-administrator", "database-administrator"]);
    }
}
