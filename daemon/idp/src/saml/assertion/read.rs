//! From what was received to an assertion, or to the one reason why it is none.

use super::xml::{self, children, text};
use super::{Assertion, LIFETIME, attributes, partition};
use crate::{quote, web};
use keyfob_shared::{Secret, Timestamp};
use roxmltree::Node;

pub(super) const SAML: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const STATUS: &str = "urn:oasis:names:tc:SAML:2.0:status:";
/// How far the clock of a provider may be ahead, in milliseconds.
const AHEAD: i64 = 5 * 60 * 1_000;

/// Why there is no assertion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The provider says no to this person: status and text.
    Refused(String),
    /// It was good, and is no longer.
    Stale(String),
    /// It is nothing that AWS would take.
    Unusable(String),
}

/// Reads a response. `now` is the time where it comes from, as far as that is known.
///
/// # Errors
/// If it is too long, malformed, encrypted, too old, says no, or names no role.
pub(crate) fn read(received: &Secret, now: Timestamp) -> Result<Assertion, Problem> {
    let unusable = |what: String| Problem::Unusable(format!("read the assertion: {what}"));
    let (encoded, document) = xml::decode(received).map_err(unusable)?;
    let document = xml::parse(&document).map_err(unusable)?;
    let response = document.root_element();
    if !response.has_tag_name((PROTOCOL, "Response")) {
        let name = quote::text(response.tag_name().name(), &[]);
        return Err(unusable(format!("it is no response of SAML 2.0, but an element {name:?}")));
    }
    status(response)?;
    let node = one_assertion(response).map_err(unusable)?;
    let attributes = attributes::read(node).map_err(unusable)?;
    let issued_at = moment(node, "IssueInstant").map_err(unusable)?;
    let issued_at = issued_at.ok_or_else(|| unusable("it does not say when it was issued".into()))?;
    let not_on_or_after = end(node, issued_at).map_err(unusable)?;
    if now >= not_on_or_after {
        return Err(Problem::Stale(format!(
            "the assertion was issued at {issued_at} and good until {not_on_or_after}: AWS no longer takes it"
        )));
    }
    if issued_at.millis() > now.millis().saturating_add(AHEAD) {
        return Err(Problem::Unusable(format!(
            "the assertion was issued at {issued_at}, which is yet to come: a clock is wrong"
        )));
    }
    let of_role = || partition::named(attributes.roles.first()?.role_arn.partition());
    let partition = partition_of(response, node).or_else(of_role);
    Ok(Assertion {
        encoded,
        session_name: attributes.session_name,
        session_duration: attributes.session_duration,
        session_not_on_or_after: session_end(node).map_err(unusable)?,
        not_on_or_after,
        issued_at,
        partition: partition.ok_or_else(|| unusable("it is not addressed to AWS".into()))?,
        roles: attributes.roles,
    })
}

fn status(response: Node<'_, '_>) -> Result<(), Problem> {
    let Some(status) = children(response, PROTOCOL, "Status").next() else {
        return Err(Problem::Unusable("read the assertion: it has no status".into()));
    };
    let code = |of: Node<'_, '_>| {
        let code = of.children().find(|child| child.has_tag_name((PROTOCOL, "StatusCode")));
        code.and_then(|code| code.attribute("Value").map(|value| (code.id(), value.to_owned())))
    };
    let (outer, inner) = match code(status) {
        Some((_, value)) if value == format!("{STATUS}Success") => return Ok(()),
        Some((id, value)) => (value, response.document().get_node(id).and_then(code)),
        None => (String::from("no status code"), None),
    };
    let told = inner.map_or(outer, |(_, value)| value);
    let told = quote::text(told.strip_prefix(STATUS).unwrap_or(&told), &[]);
    let message = children(status, PROTOCOL, "StatusMessage").next().map(text).unwrap_or_default();
    let message = quote::text(&message, &[]);
    let message = if message.is_empty() { told } else { format!("{told}: {message}") };
    Err(Problem::Refused(format!("the identity provider refuses: {message}")))
}

fn one_assertion<'a, 'input>(response: Node<'a, 'input>) -> Result<Node<'a, 'input>, String> {
    let mut assertions = children(response, SAML, "Assertion");
    match (assertions.next(), assertions.next()) {
        (Some(assertion), None) => Ok(assertion),
        (Some(_), Some(_)) => Err("it holds several assertions".into()),
        (None, _) if children(response, SAML, "EncryptedAssertion").next().is_some() => {
            Err("it is encrypted for AWS, so its roles can't be read here".into())
        }
        (None, _) => Err("the response holds no assertion of SAML 2.0".into()),
    }
}

/// Answers the earliest end that it names, or that AWS sets.
fn end(assertion: Node<'_, '_>, issued_at: Timestamp) -> Result<Timestamp, String> {
    let confirmations = children(assertion, SAML, "Subject")
        .flat_map(|subject| children(subject, SAML, "SubjectConfirmation"))
        .flat_map(|confirmation| children(confirmation, SAML, "SubjectConfirmationData"));
    let limits = children(assertion, SAML, "Conditions").chain(confirmations);
    let mut end = Timestamp::from_millis(issued_at.millis().saturating_add(LIFETIME));
    for limit in limits {
        end = moment(limit, "NotOnOrAfter")?.map_or(end, |limit| end.min(limit));
    }
    Ok(end)
}

fn session_end(assertion: Node<'_, '_>) -> Result<Option<Timestamp>, String> {
    let mut earliest: Option<Timestamp> = None;
    for statement in children(assertion, SAML, "AuthnStatement") {
        let end = moment(statement, "SessionNotOnOrAfter")?;
        earliest = earliest.into_iter().chain(end).min();
    }
    Ok(earliest)
}

/// Reads an attribute that is a time. SAML writes times in UTC, some providers without saying so.
fn moment(node: Node<'_, '_>, name: &str) -> Result<Option<Timestamp>, String> {
    let Some(text) = node.attribute(name).map(str::trim) else { return Ok(None) };
    let moment = Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{text}Z")));
    moment.map(Some).ok_or_else(|| format!("its {name} is no time"))
}

/// Answers the partition of those that it is addressed to; the first that is known.
fn partition_of(response: Node<'_, '_>, assertion: Node<'_, '_>) -> Option<&'static str> {
    let host = |address: &str| web::https_host(address).and_then(|host| partition::of_host(&host));
    let recipients = children(assertion, SAML, "Subject")
        .flat_map(|subject| children(subject, SAML, "SubjectConfirmation"))
        .flat_map(|confirmation| children(confirmation, SAML, "SubjectConfirmationData"))
        .filter_map(|data| data.attribute("Recipient"));
    let mut addressed = recipients.chain(response.attribute("Destination")).filter_map(host);
    let mut audiences = children(assertion, SAML, "Conditions")
        .flat_map(|conditions| children(conditions, SAML, "AudienceRestriction"))
        .flat_map(|restriction| children(restriction, SAML, "Audience"));
    addressed.next().or_else(|| audiences.find_map(|audience| partition::of_audience(&text(audience))))
}
