//! The job functions for which AWS keeps a managed policy.
//!
//! Names and policies are those of "AWS managed policies for job functions" in the IAM User Guide
//! (`access_policies_job-functions`); of those on that page these six are here.

use std::fmt;
use std::str::FromStr;

/// A job function, and by it the managed policy that AWS keeps for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobFunction {
    /// May do everything.
    Administrator,
    /// Sees and pays the bills.
    Billing,
    /// Sees how everything is set up.
    SecurityAuditor,
    /// Develops: everything but users, roles and the organization.
    PowerUser,
    /// Runs what applications run on.
    SystemAdministrator,
    /// Runs databases.
    DatabaseAdministrator,
}

impl JobFunction {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Administrator,
        Self::Billing,
        Self::SecurityAuditor,
        Self::PowerUser,
        Self::SystemAdministrator,
        Self::DatabaseAdministrator,
    ];

    /// Answers its name, as it is written in the configuration and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Billing => "billing",
            Self::SecurityAuditor => "security-auditor",
            Self::PowerUser => "power-user",
            Self::SystemAdministrator => "system-administrator",
            Self::DatabaseAdministrator => "database-administrator",
        }
    }

    /// Answers the name of its policy, with the path: three of them lie below `job-function/`.
    pub const fn policy(self) -> &'static str {
        match self {
            Self::Administrator => "AdministratorAccess",
            Self::Billing => "job-function/Billing",
            Self::SecurityAuditor => "SecurityAudit",
            Self::PowerUser => "PowerUserAccess",
            Self::SystemAdministrator => "job-function/SystemAdministrator",
            Self::DatabaseAdministrator => "job-function/DatabaseAdministrator",
        }
    }

    /// Answers the ARN of its policy in a partition.
    pub fn policy_arn(self, partition: &str) -> String {
        format!("arn:{partition}:iam::aws:policy/{}", self.policy())
    }
}

impl fmt::Display for JobFunction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Says that a text is not a job function, and which there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownJobFunction(String);

impl fmt::Display for UnknownJobFunction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = JobFunction::ALL.map(JobFunction::name).join(", ");
        write!(formatter, "{:?} is not one of {names}", self.0)
    }
}

impl std::error::Error for UnknownJobFunction {}

impl FromStr for JobFunction {
    type Err = UnknownJobFunction;

    fn from_str(text: &str) -> Result<Self, UnknownJobFunction> {
        let found = Self::ALL.into_iter().find(|function| function.name() == text);
        found.ok_or_else(|| UnknownJobFunction(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_function_is_found_by_its_name() {
        for function in JobFunction::ALL {
            assert_eq!(function.name().parse(), Ok(function));
        }
        let unknown = "auditor".parse::<JobFunction>().unwrap_err().to_string();
        assert!(unknown.starts_with("\"auditor\" is not one of administrator, billing, "), "{unknown}");
    }

    #[test]
    fn policies_lie_where_aws_has_them() {
        let arn = |function: JobFunction| function.policy_arn("aws-cn");
        assert_eq!(arn(JobFunction::SecurityAuditor), "arn:aws-cn:iam::aws:policy/SecurityAudit");
        assert_eq!(arn(JobFunction::Billing), "arn:aws-cn:iam::aws:policy/job-function/Billing");
    }
}
