//! The response for AWS. Its signature is none.

use super::{super::answer::escape, State};
use base64::Engine as _;
use keyfob_shared::Timestamp;
use std::time::SystemTime;

const ATTRIBUTES: &str = "https://aws.amazon.com/SAML/Attributes/";

/// Answers where a partition takes responses.
pub(super) fn destination(partition: &str) -> &'static str {
    match partition {
        "aws-cn" => "https://signin.amazonaws.cn/saml",
        "aws-us-gov" => "https://signin.amazonaws-us-gov.com/saml",
        _ => "https://signin.aws.amazon.com:443/saml",
    }
}

/// Makes a response for a user, in base64.
pub(super) fn make(state: &mut State, user: &str) -> String {
    let id = state.new_secret("_");
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(since.as_millis()).unwrap_or_default();
    let (now, soon, hour) = (
        Timestamp::from_millis(now),
        Timestamp::from_millis(now + 5 * 60 * 1_000),
        Timestamp::from_millis(now + 3_600 * 1_000),
    );
    let attribute = |name: &str, values: &[String]| {
        let values: Vec<String> = values
            .iter()
            .map(|value| format!("<AttributeValue>{}</AttributeValue>", escape(value)))
            .collect();
        format!("<Attribute Name=\"{ATTRIBUTES}{name}\">{}</Attribute>", values.concat())
    };
    let name = user.rsplit('\\').next().unwrap_or(user).to_owned();
    let duration = state.session_duration.map(|seconds| attribute("SessionDuration", &[seconds.to_string()]));
    let attributes = [
        attribute("RoleSessionName", &[name]),
        attribute("Role", &state.roles),
        duration.unwrap_or_default(),
    ]
    .concat();
    let destination = destination(state.partition).replace(":443", "");
    let xml = format!(
        r#"<samlp:Response ID="{id}r" Version="2.0" IssueInstant="{now}" Destination="{destination}" xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"><Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">http://adfs.corp.example/adfs/services/trust</Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status><Assertion ID="{id}" IssueInstant="{now}" Version="2.0" xmlns="urn:oasis:names:tc:SAML:2.0:assertion"><Issuer>http://adfs.corp.example/adfs/services/trust</Issuer><Subject><NameID>{}</NameID><SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><SubjectConfirmationData NotOnOrAfter="{soon}" Recipient="{destination}"/></SubjectConfirmation></Subject><Conditions NotBefore="{now}" NotOnOrAfter="{hour}"><AudienceRestriction><Audience>urn:amazon:webservices</Audience></AudienceRestriction></Conditions><AttributeStatement>{attributes}</AttributeStatement><AuthnStatement AuthnInstant="{now}"><AuthnContext><AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</AuthnContextClassRef></AuthnContext></AuthnStatement></Assertion></samlp:Response>"#,
        escape(user)
    );
    let response = base64::engine::general_purpose::STANDARD.encode(xml);
    // The random part, wherever it is found.
    state.secrets.push(response.chars().skip(60).take(40).collect());
    state.counts.assertions += 1;
    response
}
