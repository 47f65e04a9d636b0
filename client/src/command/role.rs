//! `keyfob role`: what AWS says of job functions, and templates of roles. No daemon is asked but for a profile.

mod trust;

use super::{listing, name, print, talk};
use crate::line::{Role, RoleTemplate, TemplateFormat};
use crate::{report, table};
use keyfob_governance::role::{
    Format, MaxSession, Order, Permissions, SOURCE, ServiceRole, ServiceRoles, Template, facts,
};
use keyfob_shared::wire::{self, Request, RolePurpose};
use keyfob_shared::{Failure, JobFunction, ProfileName};
use serde_json::{Value, json};

/// The partition for which facts are shown.
const PARTITION: &str = "aws";

pub(super) fn run(arguments: Role) -> Result<(), Failure> {
    match arguments {
        Role::List { json: true } => listing::print_json(&JobFunction::ALL.map(described)),
        Role::List { json: false } => list(),
        Role::Show { function, json: true } => listing::print_json(&described(function)),
        Role::Show { function, json: false } => show(function),
        Role::Template(arguments) => template(*arguments),
        Role::MaxDuration { profile, duration, write, with } => {
            look(&profile, with.as_deref(), RolePurpose::MaxDuration { seconds: duration.seconds(), write })
        }
        Role::Check { profile, with } => look(&profile, with.as_deref(), RolePurpose::Check),
    }
}

fn look(profile: &str, with: Option<&str>, purpose: RolePurpose) -> Result<(), Failure> {
    let with = with.map(name::<ProfileName>).transpose()?;
    talk(&Request::Role(wire::Role { profile: name(profile)?, with, purpose }))
}

fn list() -> Result<(), Failure> {
    let heading = ["JOB FUNCTION", "MANAGED POLICY", "SERVICE ROLES", "USE CASE"].map(str::to_owned).to_vec();
    let row = |function: JobFunction| {
        let facts = facts(function);
        let service_roles = match facts.service_roles.len() {
            0 => "-".to_owned(),
            count => count.to_string(),
        };
        vec![function.to_string(), function.policy().to_owned(), service_roles, facts.use_case.to_owned()]
    };
    print(&table::columns(&std::iter::once(heading).chain(JobFunction::ALL.map(row)).collect::<Vec<_>>()))
}

fn show(function: JobFunction) -> Result<(), Failure> {
    let facts = facts(function);
    let mut rows = vec![
        vec!["job function".into(), function.to_string()],
        vec!["use case".into(), facts.use_case.to_owned()],
        vec!["managed policy".into(), function.policy_arn(PARTITION)],
    ];
    rows.extend(facts.note.map(|note| vec!["note".into(), note.to_owned()]));
    rows.push(vec!["source".into(), SOURCE.to_owned()]);
    let mut text = table::columns(&rows);
    for role in facts.service_roles {
        let services: Vec<String> = role
            .services
            .iter()
            .map(|service| match service.principal(PARTITION) {
                Some(principal) => format!("{} ({principal})", service.name()),
                None => service.name().to_owned(),
            })
            .collect();
        let permissions = match role.permissions {
            Permissions::Managed(_) => role.permissions.policy_arn(PARTITION).unwrap_or_default(),
            Permissions::Own { what, source } => format!("none; write one with {what}: {source}"),
        };
        text.push('\n');
        text.push_str(&table::columns(&[
            vec!["service role".into(), role.pattern.to_owned()],
            vec!["  use case".into(), role.use_case.to_owned()],
            vec!["  service".into(), services.join(", ")],
            vec!["  managed policy".into(), permissions],
        ]));
    }
    print(&text)
}

fn described(function: JobFunction) -> Value {
    let facts = facts(function);
    json!({
        "name": function.name(),
        "use_case": facts.use_case,
        "policy_arn": function.policy_arn(PARTITION),
        "note": facts.note,
        "service_roles": facts.service_roles.iter().map(described_role).collect::<Vec<_>>(),
        "source": SOURCE,
    })
}

fn described_role(role: &ServiceRole) -> Value {
    let (what, source) = match role.permissions {
        Permissions::Managed(_) => (None, None),
        Permissions::Own { what, source } => (Some(what), Some(source)),
    };
    let principals: Vec<_> =
        role.services.iter().filter_map(|service| service.principal(PARTITION)).collect();
    json!({
        "name": role.pattern,
        "use_case": role.use_case,
        "services": role.services.iter().map(|service| service.name()).collect::<Vec<_>>(),
        "principals": principals,
        "policy_arn": role.permissions.policy_arn(PARTITION),
        "own_policy": what,
        "own_policy_source": source,
        "instance_profile": role.has_instance_profile(),
    })
}

fn template(arguments: RoleTemplate) -> Result<(), Failure> {
    let found = trust::of(&arguments)?;
    let order = Order {
        function: arguments.function,
        name: arguments.name,
        trust: found.trust,
        partition: arguments.partition.or(found.partition),
        max_session: arguments.max_duration.or(found.max_session).unwrap_or(MaxSession::DEFAULT),
        service_roles: match (arguments.no_service_roles, arguments.service_roles) {
            (true, _) => ServiceRoles::None,
            (false, names) if names.is_empty() => ServiceRoles::All,
            (false, names) => ServiceRoles::Some(names),
        },
        suffix: arguments.suffix,
    };
    let template = Template::new(&order)?;
    for note in template.notes() {
        report::say(&format!("note: {note}\n"));
    }
    print(&template.write(match arguments.format {
        TemplateFormat::Cloudformation => Format::CloudFormation,
        TemplateFormat::Terraform => Format::Terraform,
        TemplateFormat::Cli => Format::Cli,
    }))
}
