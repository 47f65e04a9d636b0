use super::*;
use crate::role::{Marks, Trusted};

fn order(function: JobFunction) -> Order {
    let principal = "111122223333".parse().unwrap();
    let trusted = Trusted::Aws { principal, external_id: None, mfa: false };
    Order {
        function,
        name: None,
        trust: Trust { trusted, marks: Marks::default() },
        partition: None,
        max_session: MaxSession::DEFAULT,
        service_roles: ServiceRoles::All,
        suffix: "x".parse().unwrap(),
    }
}

fn names(order: &Order) -> Vec<String> {
    Template::new(order).unwrap().roles.into_iter().map(|role| role.name).collect()
}

fn some(names: &[&str]) -> ServiceRoles {
    ServiceRoles::Some(names.iter().map(|name| (*name).to_owned()).collect())
}

#[test]
fn all_service_roles_come_with_the_role_unless_some_are_chosen() {
    let mut order = order(JobFunction::SystemAdministrator);
    let all = [
        "keyfob-system-administrator",
        "ecr-sysadmin-x",
        "rds-monitoring-role",
        "ec2-sysadmin-x",
        "lambda-sysadmin-x",
    ];
    assert_eq!(names(&order), all);
    order.service_roles = some(&["lambda-sysadmin", "lambda-sysadmin-*", "rds-monitoring-role"]);
    assert_eq!(names(&order), ["keyfob-system-administrator", "lambda-sysadmin-x", "rds-monitoring-role"]);
    order.service_roles = ServiceRoles::None;
    assert_eq!(names(&order), ["keyfob-system-administrator"]);
    order.service_roles = some(&["lambda_exec_role"]);
    let unknown = Template::new(&order).unwrap_err();
    assert_eq!(unknown.hint.as_deref(), Some("keyfob role show system-administrator"));
}

#[test]
fn who_is_trusted_and_the_role_are_in_one_partition() {
    let mut order = order(JobFunction::Billing);
    let arn =
        |order: &Order| Template::new(order).map(|template| template.roles[0].policy_arn.clone().unwrap());
    order.partition = Some("aws-us-gov".into());
    assert_eq!(arn(&order).unwrap(), "arn:aws-us-gov:iam::aws:policy/job-function/Billing");
    order.partition = Some("aws-moon".into());
    assert!(arn(&order).is_err());
    let provider = "arn:aws-cn:iam::111122223333:saml-provider/corp".parse().unwrap();
    order.trust.trusted = Trusted::Saml { provider, audience: None };
    order.partition = Some("aws".into());
    assert!(arn(&order).unwrap_err().message.contains("can't trust"));
    order.partition = None;
    assert_eq!(arn(&order).unwrap(), "arn:aws-cn:iam::aws:policy/job-function/Billing");
}

#[test]
fn where_services_have_unknown_names_their_roles_are_refused() {
    let mut order = order(JobFunction::DatabaseAdministrator);
    order.partition = Some("aws-iso".into());
    let unknown = Template::new(&order).unwrap_err();
    assert_eq!(unknown.hint.as_deref(), Some("add --no-service-roles"));
    order.service_roles = ServiceRoles::None;
    Template::new(&order).unwrap();
}

#[test]
fn a_name_that_would_be_too_long_is_refused() {
    let mut order = order(JobFunction::DatabaseAdministrator);
    order.suffix = "x".repeat(40).parse().unwrap();
    assert!(names(&order).iter().all(|name| name.len() <= RoleName::MAX));
    order.name = Some("y".repeat(64).parse().unwrap());
    assert_eq!(names(&order)[0].len(), 64);
}

#[test]
fn what_is_left_to_do_is_told() {
    let notes = |function| Template::new(&order(function)).unwrap().notes;
    assert!(notes(JobFunction::SecurityAuditor).is_empty());
    assert!(notes(JobFunction::Billing)[0].starts_with("keyfob-billing: the billing console"));
    let [note] = notes(JobFunction::SystemAdministrator).try_into().unwrap();
    let note: String = note;
    assert!(note.starts_with("ec2-sysadmin-x: may do nothing yet: "), "{note}");
}

/// A description of a role has up to 1,000 characters (CreateRole of the IAM API), and stays on a line.
#[test]
fn descriptions_are_what_iam_takes() {
    for function in JobFunction::ALL {
        for role in Template::new(&order(function)).unwrap().roles {
            let description = &role.description;
            assert!(
                description.len() <= 1_000 && description.bytes().all(|byte| (0x20..0x7f).contains(&byte))
            );
        }
    }
}
