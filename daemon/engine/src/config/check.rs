//! Limits of single values, as the STS API sets them.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Reads `4h`, `90m`, `1h 30m` as seconds.
pub(super) fn duration(text: &str) -> Result<u32, String> {
    let wrong = || format!("{text:?} is not a duration: write 45m, 4h or 1h 30m");
    let duration = humantime::parse_duration(text).map_err(|_| wrong())?;
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
    letters(text, 9, 256, "=/:,.@-")
}

/// Checks a region by its form; new regions appear without notice.
pub(super) fn region(text: &str) -> Result<(), String> {
    let fine = text.len() <= 32
        && text.split('-').count() >= 3
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if fine { Ok(()) } else { Err(format!("{text:?} is not a region: eu-west-1, us-gov-west-1, …")) }
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

/// Checks session tags: at most 50, keys up to 128 and values up to 256 characters.
pub(super) fn tags(tags: &BTreeMap<String, String>) -> Result<(), String> {
    const LETTERS: &str = " .:/=+-@";
    if tags.len() > 50 {
        return Err(format!("50 tags are allowed, and these are {}", tags.len()));
    }
    tags.iter().try_for_each(|(key, value)| {
        let fine = |text: &str, least: usize, most: usize| {
            let allowed =
                |letter: char| letter.is_alphanumeric() || letter == '_' || LETTERS.contains(letter);
            (least..=most).contains(&text.chars().count()) && text.chars().all(allowed)
        };
        match (fine(key, 1, 128), fine(value, 0, 256)) {
            (true, true) => Ok(()),
            (false, _) => Err(format!("{key:?} is no tag key: 1 to 128 letters, digits and _{LETTERS}")),
            (true, false) => {
                Err(format!("{value:?} is no tag value: up to 256 letters, digits and _{LETTERS}"))
            }
        }
    })
}

/// Checks managed session policies: at most 10.
pub(super) fn policy_arns(arns: &[String]) -> Result<Vec<String>, String> {
    if arns.len() > 10 {
        return Err(format!("10 policies are allowed, and these are {}", arns.len()));
    }
    let wrong = arns.iter().find(|arn| {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        !matches!(parts.as_slice(), ["arn", partition, "iam", "", _, name] if partition.starts_with("aws") && name.starts_with("policy/"))
            || arn.len() > 2048
            || !arn.bytes().all(|byte| byte.is_ascii_graphic())
    });
    match wrong {
        Some(arn) => Err(format!("{arn:?} is not the ARN of a managed policy")),
        None => Ok(arns.to_vec()),
    }
}

/// Takes an inline policy, or reads it from the file that is named; at most 2,048 characters of JSON.
pub(super) fn policy(text: &str, around: &super::Surroundings<'_>) -> Result<String, String> {
    let policy = if text.trim_start().starts_with('{') {
        text.to_owned()
    } else {
        let file = path(text, around)?;
        (around.read)(&file).map_err(|cause| format!("read {}: {cause}", file.display()))?
    };
    let value: serde_json::Value =
        serde_json::from_str(&policy).map_err(|cause| format!("not JSON: {cause}"))?;
    let compact = value.to_string();
    match compact.chars().count() {
        0..=2048 => Ok(compact),
        length => Err(format!("2048 characters are allowed, and these are {length}")),
    }
}

/// Answers the region whose endpoint serves a partition when none is configured.
pub(super) fn default_region(partition: &str) -> &'static str {
    match partition {
        "aws-cn" => "cn-north-1",
        "aws-us-gov" => "us-gov-west-1",
        "aws-iso" => "us-iso-east-1",
        "aws-iso-b" => "us-isob-east-1",
        "aws-iso-e" => "eu-isoe-west-1",
        "aws-iso-f" => "us-isof-south-1",
        "aws-eusc" => "eusc-de-east-1",
        _ => "us-east-1",
    }
}

/// Answers the name of sessions in CloudTrail: whose they are, in the letters that STS allows.
pub(super) fn default_session_name(user: &str) -> String {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "_+=,.@-".contains(letter);
    let clean: String =
        user.chars().map(|letter| if allowed(letter) { letter } else { '-' }).take(57).collect();
    format!("keyfob-{clean}")
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
        for wrong in ["", "4", "h", "-1h", "1e9h"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        assert!(duration_within("13h", 900, 43_200, "a role session").is_err());
    }

    #[test]
    fn session_names_hold_only_letters_that_sts_allows() {
        assert_eq!(default_session_name("alice"), "keyfob-alice");
        assert_eq!(default_session_name("CORP\\Ålice"), "keyfob-CORP--lice");
        assert!(default_session_name(&"x".repeat(100)).len() <= 64);
    }

    #[test]
    fn regions_have_a_form() {
        assert!(region("eu-west-1").is_ok() && region("us-iso-east-1").is_ok());
        assert!(region("eu").is_err() && region("eu-west-1.evil.com").is_err());
    }
}
