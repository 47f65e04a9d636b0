use super::*;

fn policy(trusted: Trusted, partition: &str) -> Result<Value, Failure> {
    Trust { trusted, marks: Marks::default() }.policy(partition)
}

fn saml(partition: &str, audience: Option<&str>) -> Result<Value, Failure> {
    let provider = format!("arn:{partition}:iam::111122223333:saml-provider/corp").parse().unwrap();
    policy(Trusted::Saml { provider, audience: audience.map(|text| text.parse().unwrap()) }, partition)
}

fn oidc(issuer: &str, subject: Option<&str>) -> Result<Value, Failure> {
    let provider = format!("arn:aws:iam::111122223333:oidc-provider/{issuer}").parse().unwrap();
    let subject = subject.map(|text| text.parse().unwrap());
    policy(Trusted::Oidc { provider, audience: "keyfob".parse().unwrap(), subject }, "aws")
}

#[test]
fn a_saml_provider_is_bound_to_the_sign_in_address_of_its_partition() {
    assert_eq!(
        saml("aws", None).unwrap(),
        json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": { "Federated": "arn:aws:iam::111122223333:saml-provider/corp" },
                "Action": "sts:AssumeRoleWithSAML",
                "Condition": { "StringEquals": { "SAML:aud": "https://signin.aws.amazon.com/saml" } },
            }],
        })
    );
    let audience = |partition, audience| {
        let policy = saml(partition, audience).unwrap();
        policy["Statement"][0]["Condition"]["StringEquals"]["SAML:aud"].as_str().unwrap().to_owned()
    };
    assert_eq!(audience("aws-cn", None), "https://signin.amazonaws.cn/saml");
    assert_eq!(audience("aws-us-gov", None), "https://signin.amazonaws-us-gov.com/saml");
    assert_eq!(audience("aws-eusc", Some("https://example.eu/saml")), "https://example.eu/saml");
    let unknown = saml("aws-eusc", None).unwrap_err();
    assert!(unknown.hint.unwrap().contains("--audience"), "a guess would lock everybody out");
}

#[test]
fn a_token_is_checked_for_its_audience_and_its_subject() {
    let condition =
        |subject| oidc("login.example.com/x", subject).unwrap()["Statement"][0]["Condition"].clone();
    assert_eq!(condition(None), json!({ "StringEquals": { "login.example.com/x:aud": "keyfob" } }));
    assert_eq!(
        condition(Some("alice")),
        json!({ "StringEquals": { "login.example.com/x:aud": "keyfob", "login.example.com/x:sub": "alice" } })
    );
    assert_eq!(
        condition(Some("team-*")),
        json!({
            "StringEquals": { "login.example.com/x:aud": "keyfob" },
            "StringLike": { "login.example.com/x:sub": "team-*" },
        })
    );
}

#[test]
fn github_is_not_trusted_as_a_whole() {
    let wide = oidc("token.actions.githubusercontent.com", None).unwrap_err();
    assert!(wide.message.contains("every workflow"), "{wide}");
    oidc("token.actions.githubusercontent.com", Some("repo:o/r:*")).unwrap();
}

#[test]
fn an_account_is_trusted_with_its_conditions() {
    let aws = |external_id: Option<&str>, mfa| {
        let external_id = external_id.map(|text| text.parse().unwrap());
        let principal = "111122223333".parse().unwrap();
        policy(Trusted::Aws { principal, external_id, mfa }, "aws").unwrap()["Statement"][0].clone()
    };
    let plain = aws(None, false);
    assert_eq!(plain["Principal"], json!({ "AWS": "arn:aws:iam::111122223333:root" }));
    assert_eq!((&plain["Action"], plain.get("Condition")), (&json!("sts:AssumeRole"), None));
    assert_eq!(
        aws(Some("cafe"), true)["Condition"],
        json!({
            "StringEquals": { "sts:ExternalId": "cafe" },
            "Bool": { "aws:MultiFactorAuthPresent": "true" },
        })
    );
}

#[test]
fn marks_of_an_account_have_a_statement_without_the_conditions_of_the_call() {
    let principal = "111122223333".parse().unwrap();
    let trusted = Trusted::Aws { principal, external_id: None, mfa: true };
    let marks = Marks { session_tags: true, source_identity: true };
    let policy = Trust { trusted, marks }.policy("aws").unwrap();
    assert_eq!(
        policy["Statement"][1],
        json!({
            "Effect": "Allow",
            "Principal": { "AWS": "arn:aws:iam::111122223333:root" },
            "Action": ["sts:TagSession", "sts:SetSourceIdentity"],
        })
    );
    assert_eq!(policy["Statement"][0]["Action"], "sts:AssumeRole");
}

#[test]
fn tags_of_federated_people_are_bound_to_the_same_conditions() {
    let provider = "arn:aws:iam::111122223333:saml-provider/corp".parse().unwrap();
    let marks = Marks { session_tags: true, source_identity: false };
    let policy = Trust { trusted: Trusted::Saml { provider, audience: None }, marks }.policy("aws").unwrap();
    let [statement] = policy["Statement"].as_array().unwrap().as_slice() else { panic!("{policy}") };
    assert_eq!(statement["Action"], json!(["sts:AssumeRoleWithSAML", "sts:TagSession"]));
    assert!(statement["Condition"]["StringEquals"]["SAML:aud"].is_string());
}
