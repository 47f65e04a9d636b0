//! Configurations of Terraform in its JSON syntax, which is documented to stay as it is ("JSON Configuration Syntax").

use super::{Role, Template};
use serde_json::{Map, Value, json};

/// Answers the configuration.
pub(super) fn document(template: &Template) -> Value {
    let [mut roles, mut attachments, mut profiles] = [Map::new(), Map::new(), Map::new()];
    for role in &template.roles {
        let id = id(role);
        roles.insert(id.clone(), resource(role));
        let name = format!("${{aws_iam_role.{id}.name}}");
        if let Some(arn) = &role.policy_arn {
            attachments.insert(id.clone(), json!({ "role": name, "policy_arn": arn }));
        }
        if role.instance_profile {
            profiles.insert(id, json!({ "name": literal(&role.name), "role": name }));
        }
    }
    let mut resources = json!({ "aws_iam_role": roles, "aws_iam_role_policy_attachment": attachments });
    if !profiles.is_empty() {
        resources["aws_iam_instance_profile"] = profiles.into();
    }
    json!({
        "//": format!("Role for the job function {}.", template.function),
        "terraform": { "required_providers": { "aws": { "source": "hashicorp/aws" } } },
        "resource": resources,
        "output": {
            "role_arn": {
                "description": "The role_arn of a profile",
                "value": format!("${{aws_iam_role.{}.arn}}", id(&template.roles[0])),
            },
        },
    })
}

fn resource(role: &Role) -> Value {
    let mut resource = json!({
        "name": literal(&role.name),
        "description": literal(&role.description),
        "assume_role_policy": literal(&role.trust.to_string()),
    });
    if let Some(seconds) = role.max_session {
        resource["max_session_duration"] = json!(seconds);
    }
    resource
}

fn id(role: &Role) -> String {
    role.words.join("_")
}

/// Terraform reads every text as a template of its own; two characters begin what it would put in.
fn literal(text: &str) -> String {
    text.replace("${", "$${").replace("%{", "%%{")
}

#[cfg(test)]
mod tests {
    use super::literal;

    #[test]
    fn what_looks_like_an_expression_stays_text() {
        assert_eq!(literal("a${b}%{c}$d%e"), "a$${b}%%{c}$d%e");
    }
}
