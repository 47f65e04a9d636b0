//! Where STS calls go: AWS files say it for each profile, keyfob for all.

use crate::view::View;

/// Says why a profile can't be handed over when it sends its STS calls elsewhere than keyfob does.
pub(crate) fn check(view: &View, profile: &str, existing: &toml::Table) -> Result<(), String> {
    let ours = existing.get("endpoints").and_then(|endpoints| endpoints.get("sts"));
    let ours = ours.and_then(toml::Value::as_str).map(|url| url.trim_end_matches('/'));
    match view.sts_endpoint(profile) {
        Some(theirs) if ours != Some(theirs.trim_end_matches('/')) => Err(format!(
            "its endpoint_url sends STS calls to {theirs}: keyfob has one address for all profiles, [endpoints] sts"
        )),
        Some(_) | None => Ok(()),
    }
}
