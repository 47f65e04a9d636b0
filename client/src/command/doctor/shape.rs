//! The configuration as it can be given away: tables, keys, and those values that tell nothing of anybody.

use super::redact::Redactor;

/// Keys whose values are told; account numbers, users in addresses and the like have marks all the same.
const TOLD: &[&str] = &[
    "account_id",
    "allow_root",
    "allow_uids",
    "ca_bundle",
    "cloudtrail",
    "dual_stack",
    "duration",
    "federation_token",
    "fips",
    "flow",
    "iam",
    "identity",
    "issuer",
    "job_function",
    "keep_warm",
    "lease",
    "mfa",
    "mfa_serial",
    "policy_arns",
    "port",
    "profiles",
    "prompt",
    "provider",
    "proxy",
    "region",
    "remember_password",
    "renew",
    "role_arn",
    "role_name",
    "rotate_every",
    "rotate_settle",
    "rotate_wait",
    "rotate_watch",
    "signin",
    "source",
    "sso",
    "sso_oidc",
    "start_url",
    "sts",
    "transitive_tags",
    "type",
    "url",
    "vault",
    "vault_key_file",
];
/// Commands: the program is told, its arguments are not.
const COMMANDS: &[&str] = &["command", "mfa_command", "passphrase_command"];
/// What is hidden wherever else it stands, too.
const HIDDEN: &[(&str, &str)] = &[
    ("username", "username"),
    ("external_id", "external id"),
    ("client_id", "client"),
    ("session_name", "session"),
    ("source_identity", "source identity"),
];

/// Has the redactor hide what the configuration names.
pub(super) fn learn(text: &str, redactor: &mut Redactor) {
    for line in text.lines() {
        let Some((key, value)) = line.split_once('=') else { continue };
        let hidden = HIDDEN.iter().find(|(name, _)| *name == key.trim());
        if let Some((_, name)) = hidden
            && let Some(value) = quoted(value.trim())
        {
            redactor.hide(&value.replace("\\\\", "\\"), name);
            redactor.hide(value, name);
        }
    }
}

/// Answers the shape of a configuration, one line each; comments are left out.
pub(super) fn of(text: &str, redactor: &Redactor) -> Vec<String> {
    let mut shape = Vec::new();
    let mut until: Option<&str> = None;
    for line in text.lines() {
        let line = line.trim();
        if let Some(end) = until {
            // The rest of a value of several lines.
            if line.contains(end) {
                until = None;
            }
            continue;
        }
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.starts_with('[') {
            let header = line.rsplit_once(']').map_or(line, |(header, _)| header);
            shape.push(format!("{}]", redactor.text(header)));
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            shape.push("<a line that is not understood>".into());
            continue;
        };
        let (key, value) = (key.trim(), value.trim());
        until = goes_on_until(value);
        shape.push(format!(
            "{} = {}",
            redactor.text(key),
            self::value(key, value, until.is_some(), redactor)
        ));
    }
    shape
}

/// Answers what ends a value that goes on behind this line.
fn goes_on_until(value: &str) -> Option<&'static str> {
    for quotes in ["\"\"\"", "'''"] {
        if let Some(rest) = value.strip_prefix(quotes) {
            return (!rest.contains(quotes)).then_some(quotes);
        }
    }
    (value.starts_with('[') && !value.contains(']')).then_some("]")
}

fn value(key: &str, value: &str, goes_on: bool, redactor: &Redactor) -> String {
    if goes_on {
        return "<several lines>".into();
    }
    if TOLD.contains(&key) {
        return redactor.text(value);
    }
    if COMMANDS.contains(&key) {
        let program = value.trim_start_matches('[').split(',').next().unwrap_or_default();
        let program = quoted(program.trim().trim_end_matches(']')).unwrap_or("?");
        return format!("[{program:?}, <arguments>]", program = redactor.text(program));
    }
    let name = HIDDEN.iter().find(|(name, _)| *name == key).map_or("hidden", |(_, name)| name);
    redactor.mark(quoted(value).unwrap_or(value), name)
}

/// Answers what stands between the quotes of a value.
fn quoted(value: &str) -> Option<&str> {
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let rest = &value[1..];
    rest.find(quote).map(|end| &rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_keeps_its_shape_and_tells_of_nobody() {
        let text = "# Bob's\n[daemon]\nvault = \"file\"\npassphrase_command = [\"/bin/pass\", \"show\", \"hunter2\"]\nproxy = \"http://bob:hunter2@proxy.example:3128\"\n[identity.corp]\ntype = \"saml\"\nusername = \"CORP\\\\bob\"\n[profile.p]\nrole_arn = \"arn:aws:iam::111122223333:role/R\"\nexternal_id = \"hunter2\"\npolicy = '''\nvault = \"hunter2\"\n'''\nsession_tags = { a = \"hunter2\" }\nregion = \"eu-west-1\"\n";
        let mut redactor = Redactor::new().unwrap();
        learn(text, &mut redactor);
        let shape = of(text, &redactor).join("\n");
        for secret in ["hunter2", "bob", "Bob", "111122223333", "show"] {
            assert!(!shape.contains(secret), "{secret}: {shape}");
        }
        for kept in [
            "[daemon]",
            "vault = \"file\"",
            "[\"/bin/pass\", <arguments>]",
            "…@proxy.example:3128",
            "policy = <several lines>",
            "region = \"eu-west-1\"",
            "external_id = <external id ",
        ] {
            assert!(shape.contains(kept), "{kept}: {shape}");
        }
    }
}
