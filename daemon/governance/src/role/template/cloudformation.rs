//! Templates of CloudFormation: `AWS::IAM::Role` and `AWS::IAM::InstanceProfile`, in JSON.

use super::{Role, Template, capital};
use serde_json::{Map, Value, json};

/// Answers the template.
pub(super) fn document(template: &Template) -> Value {
    let mut resources = Map::new();
    for role in &template.roles {
        let id = id(role);
        resources.insert(id.clone(), resource(role));
        if role.instance_profile {
            let profile = json!({
                "Type": "AWS::IAM::InstanceProfile",
                "Properties": { "InstanceProfileName": role.name, "Roles": [{ "Ref": id }] },
            });
            resources.insert(format!("{id}InstanceProfile"), profile);
        }
    }
    json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": format!(
            "Role for the job function {}. Its roles have names: deploy with --capabilities CAPABILITY_NAMED_IAM.",
            template.function
        ),
        "Resources": resources,
        "Outputs": {
            "RoleArn": {
                "Description": "The role_arn of a profile",
                "Value": { "Fn::GetAtt": [id(&template.roles[0]), "Arn"] },
            },
        },
    })
}

fn resource(role: &Role) -> Value {
    let mut properties = json!({
        "RoleName": role.name,
        "Description": role.description,
        "AssumeRolePolicyDocument": role.trust,
    });
    if let Some(arn) = &role.policy_arn {
        properties["ManagedPolicyArns"] = json!([arn]);
    }
    if let Some(seconds) = role.max_session {
        properties["MaxSessionDuration"] = json!(seconds);
    }
    json!({ "Type": "AWS::IAM::Role", "Properties": properties })
}

/// Logical ids have letters and digits only.
fn id(role: &Role) -> String {
    role.words.iter().map(|word| capital(word)).collect()
}
