//! Limits of single values, as the STS API sets them.

use super::Renew;
use std::path::PathBuf;

/// Reads `4h`, `90m`, `1h 30m` as seconds.
pub(super) fn duration(text: &str) -> Result<u32, String> {
    let wrong = || format!("{text:?} is not a duration: write 45m, 4h or 1h 30m");
    let duration = humantime::parse_duration(text).map_err(|_| wrong())?;
    if duration.subsec_nanos() > 0 {
        return Err(format!("{text:?} is not a duration of whole seconds"));
    }
    u32::try_from(duration.as_secs()).map_err(|_| wrong())
}

/// Checks a duration against what AWS allows.
pub(super) fn duration_within(text: &str, least: u32, most: u32, what: &str) -> Result<u32, String> {
    let seconds = duration(text)?;
    if (least..=most).contains(&seconds) {
        return Ok(seconds);
    }
    Err(format!("a duration of {text}: {what} lasts {} to {} hours", hours(least), hours(most)))
}

/// Reads for how long lines of the audit are kept, in seconds: a day at least.
pub(super) fn audit_keep(text: &str) -> Result<u32, String> {
    const DAY: u32 = 24 * 3_600;
    let seconds = duration(text)?;
    if seconds >= DAY { Ok(seconds) } else { Err(format!("{text}: lines are kept for a day at least")) }
}

/// Reads how many bytes of the audit are kept: `60MiB`, `1GiB`.
pub(super) fn audit_size(text: &str) -> Result<u64, String> {
    const MIB: u64 = 1024 * 1024;
    const LEAST: u64 = 20;
    const MOST: u64 = 1024;
    let (number, factor) = match (text.strip_suffix("MiB"), text.strip_suffix("GiB")) {
        (Some(number), _) => (number, 1),
        (None, Some(number)) => (number, 1024),
        (None, None) => (text, 0),
    };
    let mebibytes = number.trim_end().parse::<u64>().ok().map_or(0, |number| number.saturating_mul(factor));
    if (LEAST..=MOST).contains(&mebibytes) {
        return Ok(mebibytes * MIB);
    }
    Err(format!("{text:?} is not a size from 20MiB to 1GiB"))
}

fn hours(seconds: u32) -> String {
    match seconds {
        900 => "¼".into(),
        _ => (seconds / 3600).to_string(),
    }
}

/// Checks the length, in characters, and the letters beside ASCII letters, digits and `_`.
pub(super) fn letters(text: &str, least: usize, most: usize, others: &str) -> Result<(), String> {
    let length = text.chars().count();
    if !(least..=most).contains(&length) {
        return Err(format!("{least} to {most} characters are allowed, and these are {length}"));
    }
    match text
        .chars()
        .find(|letter| !letter.is_ascii_alphanumeric() && *letter != '_' && !others.contains(*letter))
    {
        Some(letter) => Err(format!("{letter:?} is not allowed in it")),
        None => Ok(()),
    }
}

/// Checks a role session name or a source identity.
pub(super) fn session_name(text: &str) -> Result<(), String> {
    letters(text, 2, 64, "+=,.@-")
}

/// Refuses control characters.
pub(super) fn plain(text: &str) -> Result<(), String> {
    match text.chars().find(|letter| letter.is_control()) {
        Some(letter) => Err(format!("control character {letter:?}")),
        None => Ok(()),
    }
}

/// Checks a command line: a program and its arguments, run without a shell.
pub(super) fn command(words: &[String]) -> Result<(), String> {
    match words.first() {
        None => Err("an empty list is no command".into()),
        Some(program) if program.is_empty() => Err("the program has no name".into()),
        Some(_) => words.iter().try_for_each(|word| plain(word)),
    }
}

/// Checks an address: `https`, or `http` to loopback.
pub(super) fn endpoint(text: &str) -> Result<(), String> {
    plain(text)?;
    let (scheme, rest) = text.split_once("://").ok_or("an address begins with https://")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() || authority.contains('@') || authority.contains(char::is_whitespace) {
        return Err(format!("{text:?} is not an address"));
    }
    let host = match authority.strip_prefix('[') {
        Some(six) => six.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let loopback =
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    match scheme {
        "https" => Ok(()),
        "http" if loopback => Ok(()),
        "http" => Err(format!("http is for loopback only, and {host} is not: use https")),
        _ => Err("an address begins with https://".into()),
    }
}

/// Checks the ARN of an MFA device or the serial number of a hardware one.
pub(super) fn mfa_serial(text: &str) -> Result<(), String> {
    letters(text, 9, 256, "+=/:,.@-")?;
    if !text.starts_with("arn:") {
        return Ok(());
    }
    super::partition::of_arn(text)?;
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    match parts.as_slice() {
        [_, _, "iam", "", account, device] if is_account(account) => match device.split_once('/') {
            Some(("mfa", name)) if !name.is_empty() => Ok(()),
            Some(("u2f", _)) => {
                Err("a passkey or FIDO key has no place in STS: register a virtual or hardware \
                                     device that shows codes, beside it"
                    .into())
            }
            Some(_) | None => {
                Err(format!("{text:?} is not an MFA device: arn:aws:iam::111122223333:mfa/NAME"))
            }
        },
        _ => Err(format!("{text:?} is not an MFA device: arn:aws:iam::111122223333:mfa/NAME")),
    }
}

/// Answers whether these are the 12 digits of an account.
pub(super) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Checks the kind of a vault; which of them this platform has is known elsewhere.
pub(super) fn vault(text: &str) -> Result<(), String> {
    one_of(text, &["auto", "secret-service", "keyutils", "keychain", "credential-manager", "file", "memory"])
}

/// Reads which sessions are renewed unasked.
pub(super) fn renew(text: &str) -> Result<Renew, String> {
    match text {
        "active" => Ok(Renew::Active),
        "always" => Ok(Renew::Always),
        "on-demand" => Ok(Renew::OnDemand),
        _ => Err(one_of(text, &["active", "always", "on-demand"]).err().unwrap_or_default()),
    }
}

fn one_of(text: &str, known: &[&str]) -> Result<(), String> {
    if known.contains(&text) {
        return Ok(());
    }
    Err(format!("{text:?} is not one of {}", known.join(", ")))
}

/// Makes a path absolute.
pub(super) fn path(text: &str, around: &super::Surroundings<'_>) -> Result<PathBuf, String> {
    plain(text)?;
    if text.is_empty() {
        return Err("an empty path".into());
    }
    match (text.strip_prefix("~/"), around.home) {
        (Some(rest), Some(home)) => Ok(home.join(rest)),
        (Some(_), None) => Err("there is no home directory for ~".into()),
        (None, _) => Ok(around.directory.join(text)),
    }
}

/// Takes a path that is absolute, or in the home directory.
pub(super) fn absolute(text: &str, around: &super::Surroundings<'_>) -> Result<PathBuf, String> {
    let path = path(text, around)?;
    if text.starts_with("~/") || std::path::Path::new(text).is_absolute() {
        return Ok(path);
    }
    Err(format!("{text:?} is not absolute"))
}

/// Answers the name of federated users in CloudTrail: whose they are, in the letters that STS allows.
pub(super) fn default_user_name(user: &str) -> String {
    format!("keyfob-{}", session_letters(user, 25))
}

/// Answers the name of sessions in CloudTrail, of 64 letters at most: whose they are, on which machine.
///
/// Not of which profile: two names for one definition share a session, and a name that changes costs none.
pub(super) fn default_session_name(user: &str, host: &str) -> String {
    let host = host.split('.').next().unwrap_or_default();
    let user = session_letters(user, 35);
    let at = if host.is_empty() { String::new() } else { format!("@{}", session_letters(host, 20)) };
    format!("keyfob-{user}{at}")
}

/// Answers a text in the letters that STS allows in session names.
fn session_letters(text: &str, most: usize) -> String {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "_+=,.@-".contains(letter);
    text.chars().map(|letter| if allowed(letter) { letter } else { '-' }).take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_is_for_loopback_only() {
        for fine in [
            "https://sts.eu-west-1.amazonaws.com",
            "http://127.0.0.1:5000",
            "http://[::1]:80/x",
            "http://localhost",
        ] {
            assert_eq!(endpoint(fine), Ok(()), "{fine}");
        }
        for wrong in [
            "http://example.com",
            "http://127.0.0.1.example.com",
            "http://user@localhost",
            "ftp://x",
            "x",
            "https://",
            "http://127.0.0.1@evil",
        ] {
            assert!(endpoint(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        assert_eq!(duration("4h"), Ok(14_400));
        assert_eq!(duration("1h 30m"), Ok(5_400));
        assert_eq!(duration("900s"), Ok(900));
        for wrong in ["", "4", "h", "-1h", "1e9h", "900s 999ms"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        assert!(duration_within("13h", 900, 43_200, "a role session").is_err());
    }

    #[test]
    fn the_audit_is_bounded_in_time_and_size() {
        assert_eq!(audit_keep("90d"), Ok(90 * 86_400));
        assert!(audit_keep("23h").is_err() && audit_keep("90").is_err());
        assert_eq!(audit_size("20MiB"), Ok(20 << 20));
        assert_eq!(audit_size("1 GiB"), Ok(1 << 30));
        for wrong in
            ["", "60", "MiB", "19MiB", "1025MiB", "2GiB", "60MB", "-60MiB", "99999999999999999999GiB"]
        {
            assert!(audit_size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn session_names_hold_only_letters_that_sts_allows() {
        assert_eq!(default_session_name("alice", "laptop.corp.example"), "keyfob-alice@laptop");
        assert_eq!(default_session_name("CORP\\Ålice", ""), "keyfob-CORP--lice");
        let long = "x".repeat(100);
        assert!(default_session_name(&long, &long).len() <= 64);
        assert_eq!(default_user_name(&long).len(), 32);
    }
}
