//! Partitions of AWS: which there are, and which one a region or an ARN belongs to.
//!
//! Names of partitions and prefixes of regions are those of the SDKs' `partitions.json`.

/// Name, the region whose endpoint serves it when none is configured, and how its regions begin.
const PARTITIONS: [(&str, &str, &str); 8] = [
    ("aws", "us-east-1", ""),
    ("aws-cn", "cn-north-1", "cn-"),
    ("aws-us-gov", "us-gov-west-1", "us-gov-"),
    ("aws-iso", "us-iso-east-1", "us-iso-"),
    ("aws-iso-b", "us-isob-east-1", "us-isob-"),
    ("aws-iso-e", "eu-isoe-west-1", "eu-isoe-"),
    ("aws-iso-f", "us-isof-south-1", "us-isof-"),
    ("aws-eusc", "eusc-de-east-1", "eusc-"),
];

/// Answers the partition of an ARN.
///
/// # Errors
/// If it is none that AWS has; the text names those there are.
pub fn of_arn(arn: &str) -> Result<&'static str, String> {
    let name = arn.split(':').nth(1).unwrap_or_default();
    known(name).ok_or_else(|| format!("{name:?} is no partition of AWS: those are {}", names().join(", ")))
}

/// Answers the names of all partitions.
pub fn names() -> Vec<&'static str> {
    PARTITIONS.iter().map(|(name, _, _)| *name).collect()
}

/// Answers a partition by its name.
pub fn known(name: &str) -> Option<&'static str> {
    PARTITIONS.iter().find(|(known, _, _)| *known == name).map(|(known, _, _)| *known)
}

/// Answers the partition of a region.
pub fn of_region(region: &str) -> &'static str {
    let others = PARTITIONS.iter().filter(|(_, _, begin)| !begin.is_empty());
    let found = others.into_iter().find(|(_, _, begin)| region.starts_with(begin));
    found.map_or("aws", |(name, _, _)| name)
}

/// Answers the region whose endpoint serves a partition when none is configured.
#[must_use]
pub fn default_region(partition: &str) -> &'static str {
    let found = PARTITIONS.iter().find(|(name, _, _)| *name == partition);
    found.map_or("us-east-1", |(_, region, _)| region)
}

/// Answers how names of regional endpoints end (the SDKs' `partitions.json`, `dnsSuffix`).
#[must_use]
pub fn dns_suffix(partition: &str) -> Option<&'static str> {
    Some(match partition {
        "aws" | "aws-us-gov" => "amazonaws.com",
        "aws-cn" => "amazonaws.com.cn",
        "aws-eusc" => "amazonaws.eu",
        "aws-iso" => "c2s.ic.gov",
        "aws-iso-b" => "sc2s.sgov.gov",
        "aws-iso-e" => "cloud.adc-e.uk",
        "aws-iso-f" => "csp.hci.ic.gov",
        _ => return None,
    })
}

/// Answers the hosts of the sign-in service and of the console, where a partition has public ones.
pub fn console(partition: &str) -> Option<(&'static str, &'static str)> {
    match partition {
        "aws" => Some(("signin.aws.amazon.com", "console.aws.amazon.com")),
        "aws-us-gov" => Some(("signin.amazonaws-us-gov.com", "console.amazonaws-us-gov.com")),
        "aws-cn" => Some(("signin.amazonaws.cn", "console.amazonaws.cn")),
        "aws-eusc" => Some(("signin.amazonaws-eusc.eu", "console.amazonaws-eusc.eu")),
        _ => None,
    }
}

/// Checks a region by its form; new regions appear without notice.
///
/// # Errors
/// If it has not that form.
pub fn region(text: &str) -> Result<(), String> {
    let parts: Vec<&str> = text.split('-').collect();
    let word = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let number = |part: &str| matches!(part.len(), 1 | 2) && part.bytes().all(|byte| byte.is_ascii_digit());
    let fine = match parts.as_slice() {
        [words @ .., last] if (2..=3).contains(&words.len()) => {
            text.len() <= 32 && words.iter().all(|part| word(part)) && number(last)
        }
        _ => false,
    };
    if fine { Ok(()) } else { Err(format!("{text:?} is not a region: eu-west-1, us-gov-west-1, …")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_have_a_form() {
        for fine in ["eu-west-1", "us-iso-east-1", "us-gov-west-1", "eusc-de-east-1", "ap-southeast-12"] {
            assert_eq!(region(fine), Ok(()));
        }
        for wrong in ["", "eu", "--", "eu-west", "eu--1", "eu-west-1.evil.com", "EU-WEST-1", "eu-west-1a"] {
            assert!(region(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_default_region_of_a_partition_belongs_to_it() {
        for (name, default, _) in PARTITIONS {
            assert_eq!((region(default), of_region(default)), (Ok(()), name));
            assert_eq!(default_region(name), default);
        }
        assert_eq!(of_arn("arn:aws-us-gov:iam::1:role/x"), Ok("aws-us-gov"));
        assert!(of_arn("arn:aws-moon:iam::1:role/x").is_err());
    }
}
