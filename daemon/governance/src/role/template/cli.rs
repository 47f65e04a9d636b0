//! Scripts for bash that call the AWS CLI.
//!
//! A script may be run again: what is there already is brought to what is wanted, but for service roles, which others
//! may have made; those keep whom they trust.

use super::{Role, Template};
use std::fmt::Write;

/// What every script begins with.
const FUNCTIONS: &str = r#"set -eu
export AWS_PAGER=

exists() { aws iam get-role --role-name "$1" >/dev/null 2>&1; }

# role NAME TRUST DESCRIPTION SECONDS: makes the role, or gives it this trust policy and duration
role() {
  if exists "$1"; then
    aws iam update-assume-role-policy --role-name "$1" --policy-document "$2"
    aws iam update-role --role-name "$1" --description "$3" --max-session-duration "$4" >/dev/null
    echo "updated role $1"
  else
    aws iam create-role --role-name "$1" --assume-role-policy-document "$2" --description "$3" \
      --max-session-duration "$4" >/dev/null
    echo "created role $1"
  fi
}

# service_role NAME TRUST DESCRIPTION: makes the role, unless it is there
service_role() {
  if exists "$1"; then
    echo "role $1 is there, and keeps its trust policy"
  else
    aws iam create-role --role-name "$1" --assume-role-policy-document "$2" --description "$3" >/dev/null
    echo "created role $1"
  fi
}

# policy NAME ARN: lets the role do what a managed policy allows
policy() {
  aws iam attach-role-policy --role-name "$1" --policy-arn "$2"
  echo "attached $2 to role $1"
}

# instance_profile NAME: carries the role of that name to EC2
instance_profile() {
  aws iam get-instance-profile --instance-profile-name "$1" >/dev/null 2>&1 ||
    aws iam create-instance-profile --instance-profile-name "$1" >/dev/null
  roles=$(aws iam get-instance-profile --instance-profile-name "$1" \
    --query 'InstanceProfile.Roles[].RoleName' --output text)
  [ -n "$roles" ] || aws iam add-role-to-instance-profile --instance-profile-name "$1" --role-name "$1"
  echo "instance profile $1 is there"
}
"#;

/// Answers the script.
pub(super) fn script(template: &Template) -> String {
    let mut script = format!(
        "#!/usr/bin/env bash\n# Makes a role for the job function {}. It may be run again; a role {} that is there\n# \
         already gets this trust policy.\n{FUNCTIONS}",
        template.function, template.roles[0].name
    );
    for role in &template.roles {
        script.push('\n');
        for line in commands(role) {
            // Writing to a text can't fail.
            let _ = writeln!(script, "{line}");
        }
    }
    script
}

fn commands(role: &Role) -> Vec<String> {
    let name = quoted(&role.name);
    let trust = quoted(&role.trust.to_string());
    let description = quoted(&role.description);
    let mut commands = vec![match role.max_session {
        Some(seconds) => format!("role {name} {trust} \\\n  {description} {seconds}"),
        None => format!("service_role {name} {trust} \\\n  {description}"),
    }];
    commands.extend(role.policy_arn.as_ref().map(|arn| format!("policy {name} {}", quoted(arn))));
    if role.instance_profile {
        commands.push(format!("instance_profile {name}"));
    }
    commands
}

/// Within single quotes a shell takes everything as it is.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_quote_does_not_end_what_is_quoted() {
        assert_eq!(quoted("a'; rm -rf /; '$(b)"), r"'a'\''; rm -rf /; '\''$(b)'");
    }
}
