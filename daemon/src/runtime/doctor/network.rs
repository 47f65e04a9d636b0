//! Whether STS can be reached from here, and what its clock shows.

use crate::clock;
use crate::runtime::Shared;
use keyfob_engine::config::Config;
use keyfob_engine::plan::Step;
use keyfob_shared::partition;
use keyfob_shared::wire::{Finding, Severity};
use std::collections::BTreeSet;
use tokio::task::JoinSet;

/// Regions that are looked at.
const MOST: usize = 8;
const MINUTE: i64 = 60_000;
/// AWS refuses signatures that are five minutes off (SigV4); who is three minutes off will get there.
const WARN: i64 = 3 * MINUTE;
const ERROR: i64 = 5 * MINUTE;

/// Answers the endpoints of STS that profiles use: the configured one, or those of their regions.
pub(super) fn endpoints(config: &Config) -> Vec<String> {
    let steps = config.profiles.values().flat_map(|plan| plan.steps.iter());
    let region = |step: &Step| match step {
        Step::AssumeRole(role) | Step::Federated(_, role) => role.region.clone(),
        Step::SessionToken(token) => token.region.clone(),
        Step::FederationToken(token) => token.region.clone(),
        Step::PortalRole(_) | Step::Process => None,
    };
    let regions: BTreeSet<String> = steps.filter_map(region).collect();
    match &config.endpoints.sts {
        Some(own) if !regions.is_empty() => vec![own.clone()],
        Some(_) => Vec::new(),
        None => regions.iter().take(MOST).filter_map(|region| of_region(region)).collect(),
    }
}

fn of_region(region: &str) -> Option<String> {
    let suffix = partition::dns_suffix(partition::of_region(region))?;
    Some(format!("https://sts.{region}.{suffix}/"))
}

/// Looks at each of them at one time.
pub(super) async fn findings(shared: &Shared, endpoints: &[String], known_skew: i64) -> Vec<Finding> {
    let mut probes = JoinSet::new();
    for endpoint in endpoints {
        let (connections, endpoint) = (shared.connections.clone(), endpoint.clone());
        probes.spawn(async move {
            let result = connections.probe(&endpoint).await;
            let skew = result.as_ref().ok().copied().flatten();
            let skew = skew.map(|date| date.millis() - clock::now().wall.millis());
            (endpoint, result.err(), skew)
        });
    }
    let mut found = Vec::new();
    let mut skews = Vec::new();
    while let Some(Ok((endpoint, why, skew))) = probes.join_next().await {
        found.extend(why.map(|why| unreachable(&endpoint, &why)));
        skews.extend(skew);
    }
    found.sort_by(|one: &Finding, other| one.subject.cmp(&other.subject));
    // What was heard just now says more than what was heard with the last mint.
    let skew = skews.into_iter().max_by_key(|skew| skew.abs()).unwrap_or(known_skew);
    found.extend(clock_is_wrong(skew));
    found
}

fn unreachable(endpoint: &str, why: &str) -> Finding {
    let hint = if why.contains("tunnel") || why.contains("proxy") {
        "check HTTPS_PROXY and NO_PROXY where the daemon was started; keyfob daemon restart"
    } else if why.contains("certificate") {
        "check the clock, [endpoints] and the root certificates of this computer; SSL_CERT_FILE replaces them"
    } else {
        "check the network, [endpoints] and whether HTTPS_PROXY is needed here; keyfob doctor"
    };
    Finding {
        severity: Severity::Error,
        subject: format!("endpoint {}", host(endpoint)),
        message: format!("STS can't be reached: {why}"),
        hint: Some(hint.into()),
    }
}

/// Answers the host of an address, without a user.
fn host(endpoint: &str) -> &str {
    let place = endpoint.split_once("://").map_or(endpoint, |(_, place)| place);
    let host = place.split(['/', '?', '#']).next().unwrap_or_default();
    host.rsplit_once('@').map_or(host, |(_, host)| host)
}

fn clock_is_wrong(skew: i64) -> Option<Finding> {
    let severity = match skew.abs() {
        ..WARN => return None,
        WARN..ERROR => Severity::Warning,
        _ => Severity::Error,
    };
    let direction = if skew > 0 { "behind" } else { "ahead of" };
    Some(Finding {
        severity,
        subject: "clock".into(),
        message: format!(
            "this computer is {} min {} s {direction} AWS; keyfob corrects that, AWS tools do not",
            skew.abs() / MINUTE,
            skew.abs() % MINUTE / 1_000
        ),
        hint: Some("timedatectl set-ntp true, or whatever sets the clock of this computer".into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_warned_of_before_aws_refuses_signatures() {
        let severity = |skew| clock_is_wrong(skew).map(|found| found.severity);
        for (skew, told) in [
            (0, None),
            (WARN - 1, None),
            (WARN, Some(Severity::Warning)),
            (-ERROR + 1, Some(Severity::Warning)),
            (-ERROR, Some(Severity::Error)),
            (i64::MAX, Some(Severity::Error)),
        ] {
            assert_eq!(severity(skew), told, "{skew}");
        }
    }

    #[test]
    fn endpoints_are_those_of_the_regions() {
        assert_eq!(of_region("eu-west-1").as_deref(), Some("https://sts.eu-west-1.amazonaws.com/"));
        assert_eq!(of_region("cn-north-1").as_deref(), Some("https://sts.cn-north-1.amazonaws.com.cn/"));
        assert_eq!(host("https://bob:hunter2@sts.example:8443/a?b"), "sts.example:8443");
    }
}
