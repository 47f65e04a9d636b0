//! A role for a job function with its service roles: worked out once, then written for a tool.

mod cli;
mod cloudformation;
mod terraform;

use super::facts::facts;
use super::input::{MaxSession, RoleName, Suffix};
use super::service_role::{Permissions, ServiceRole};
use super::trust::Trust;
use keyfob_shared::{Failure, FailureKind, JobFunction, partition};
use serde_json::{Value, json};

/// For which tool a template is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A template of CloudFormation, in JSON.
    CloudFormation,
    /// A configuration of Terraform, in its JSON syntax (`*.tf.json`).
    Terraform,
    /// A script for bash that calls the AWS CLI; it may be run again.
    Cli,
}

/// Which of the service roles are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceRoles {
    /// All of the job function.
    All,
    /// Those with these names or patterns.
    Some(Vec<String>),
    /// None.
    None,
}

/// What is wanted.
#[derive(Clone, Debug)]
pub struct Order {
    /// For whom the role is.
    pub function: JobFunction,
    /// Its name; without it `keyfob-` and the job function.
    pub name: Option<RoleName>,
    /// Who may assume it.
    pub trust: Trust,
    /// The partition, where the trusted one does not tell it; without both `aws`.
    pub partition: Option<String>,
    /// How long its sessions may last.
    pub max_session: MaxSession,
    /// Which service roles come with it.
    pub service_roles: ServiceRoles,
    /// What stands for the `*` in their names.
    pub suffix: Suffix,
}

/// Roles that are ready to be written.
#[derive(Clone, Debug)]
pub struct Template {
    function: JobFunction,
    /// The first is the one of the job function.
    roles: Vec<Role>,
    notes: Vec<String>,
}

/// A role, and what belongs to it.
#[derive(Clone, Debug)]
struct Role {
    name: String,
    /// The parts of the name by which the template itself knows it.
    words: Vec<String>,
    /// Up to 1,000 characters of ASCII.
    description: String,
    trust: Value,
    /// Seconds; `None` leaves what AWS takes.
    max_session: Option<u32>,
    policy_arn: Option<String>,
    instance_profile: bool,
}

impl Template {
    /// Works out the roles.
    ///
    /// # Errors
    /// If what is wanted contradicts itself, or something about it is not known.
    pub fn new(order: &Order) -> Result<Self, Failure> {
        let partition = home(order)?;
        let facts = facts(order.function);
        let name = order
            .name
            .as_ref()
            .map_or_else(|| format!("keyfob-{}", order.function), |name| name.as_str().to_owned());
        let role = Role {
            name,
            words: vec!["job".into(), "function".into(), "role".into()],
            description: format!("Job function {}: {}", order.function, facts.use_case),
            trust: order.trust.policy(partition)?,
            max_session: Some(order.max_session.seconds()),
            policy_arn: Some(order.function.policy_arn(partition)),
            instance_profile: false,
        };
        let mut notes: Vec<String> = [order.trust.note(), facts.note]
            .into_iter()
            .flatten()
            .map(|note| format!("{}: {note}", role.name))
            .collect();
        let mut roles = vec![role];
        for service_role in wanted(order, facts.service_roles)? {
            let role = service_role_of(order, service_role, partition)?;
            if let Permissions::Own { what, source } = service_role.permissions {
                notes.push(format!("{}: may do nothing yet: add {what} ({source})", role.name));
            }
            roles.push(role);
        }
        Ok(Self { function: order.function, roles, notes })
    }

    /// Answers what a person should know before it is used.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Writes it for a tool.
    pub fn write(&self, format: Format) -> String {
        match format {
            Format::CloudFormation => pretty(&cloudformation::document(self)),
            Format::Terraform => pretty(&terraform::document(self)),
            Format::Cli => cli::script(self),
        }
    }
}

/// Answers the partition of the role.
fn home(order: &Order) -> Result<&'static str, Failure> {
    let asked = match &order.partition {
        Some(name) => Some(partition::known(name).ok_or_else(|| {
            usage(format!("{name:?} is no partition of AWS: {}", partition::names().join(", ")))
        })?),
        None => None,
    };
    match (asked, order.trust.partition()) {
        (Some(asked), Some(told)) if asked != told => {
            Err(usage(format!("a role in {asked} can't trust somebody in {told}")))
        }
        (asked, told) => Ok(told.or(asked).unwrap_or("aws")),
    }
}

/// Answers the service roles that are wanted.
fn wanted<'a>(order: &Order, known: &'a [ServiceRole]) -> Result<Vec<&'a ServiceRole>, Failure> {
    match &order.service_roles {
        ServiceRoles::All => Ok(known.iter().collect()),
        ServiceRoles::None => Ok(Vec::new()),
        ServiceRoles::Some(names) => {
            let find = |name: &String| {
                let fits = |role: &&ServiceRole| {
                    role.pattern == name || role.pattern.strip_suffix("-*").is_some_and(|start| start == name)
                };
                known.iter().find(fits).ok_or_else(|| {
                    Failure::new(
                        FailureKind::Usage,
                        format!("{} has no service role {name:?}", order.function),
                    )
                    .hint(format!("keyfob role show {}", order.function))
                })
            };
            let mut found = Vec::new();
            for name in names {
                let role = find(name)?;
                if !found.contains(&role) {
                    found.push(role);
                }
            }
            Ok(found)
        }
    }
}

fn service_role_of(order: &Order, role: &ServiceRole, partition: &str) -> Result<Role, Failure> {
    let name = role.named(order.suffix.as_str());
    let principals: Option<Vec<&str>> =
        role.services.iter().map(|service| service.principal(partition)).collect();
    let principals = principals.ok_or_else(|| {
        let message = format!("how services are named in trust policies of {partition} is not known");
        Failure::new(FailureKind::Usage, message).hint("add --no-service-roles")
    })?;
    // The same for every job function: some of these roles belong to several.
    let description = match role.permissions {
        Permissions::Managed(_) => capital(role.use_case),
        Permissions::Own { what, .. } => format!("{}; add {what}", capital(role.use_case)),
    };
    let words = role.pattern.split(['-', '_', '*']).filter(|word| !word.is_empty());
    Ok(Role {
        name,
        words: words.map(str::to_owned).collect(),
        description,
        trust: json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": { "Service": if let [one] = principals.as_slice() { json!(one) } else { json!(principals) } },
                "Action": "sts:AssumeRole",
            }],
        }),
        max_session: None,
        policy_arn: role.permissions.policy_arn(partition),
        instance_profile: role.has_instance_profile(),
    })
}

/// Begins a text with a capital letter.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

fn usage(message: String) -> Failure {
    Failure::new(FailureKind::Usage, message).hint("keyfob role template --help")
}

fn pretty(document: &Value) -> String {
    format!("{document:#}\n")
}

#[cfg(test)]
mod tests;
