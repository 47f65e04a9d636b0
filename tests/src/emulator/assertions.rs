//! What STS makes of an assertion: its roles and its age count; its signature is not looked at.

use super::answer::{Refusal, refusal};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keyfob_shared::Timestamp;
use std::collections::HashMap;

/// Assertions are redeemed within five minutes, in milliseconds.
const LIFETIME: i64 = 5 * 60 * 1_000;

/// Checks that an assertion grants the role that is asked for.
pub(super) fn check(parameters: &HashMap<String, String>, now: i64) -> Result<(), Refusal> {
    let parameter = |name: &str| parameters.get(name).cloned().unwrap_or_default();
    let invalid = || refusal(400, "InvalidIdentityToken", "Invalid base64 SAMLResponse");
    let bytes = STANDARD.decode(parameter("SAMLAssertion")).map_err(|_| invalid())?;
    let text = String::from_utf8(bytes).map_err(|_| invalid())?;
    let issued = text.split("IssueInstant=\"").nth(1).and_then(|rest| rest.split('"').next());
    // With fractions of a second or without.
    let whole = |text: &str| format!("{}Z", text.split(['.', 'Z']).next().unwrap_or_default());
    let issued = issued.and_then(|text| Timestamp::parse(&whole(text)));
    let issued = issued.ok_or_else(invalid)?;
    if now - issued.millis() > LIFETIME {
        return Err(refusal(
            400,
            "ExpiredTokenException",
            "Token must be redeemed within 5 minutes of issuance",
        ));
    }
    let (role, provider) = (parameter("RoleArn"), parameter("PrincipalArn"));
    let pairs = [format!("{role},{provider}"), format!("{provider},{role}")];
    if pairs.iter().any(|pair| text.contains(&format!(">{pair}<"))) {
        return Ok(());
    }
    Err(refusal(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithSAML"))
}
