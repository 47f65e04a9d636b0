//! The sign-in pages of AWS, by which a partition is told.

/// Hosts at which AWS takes responses, and what their names end in: regions have pages of their own before it.
const PAGES: [(&str, &str); 5] = [
    ("signin.aws.amazon.com", "aws"),
    ("signin.amazonaws.cn", "aws-cn"),
    ("signin.aws.amazon.cn", "aws-cn"),
    ("signin.amazonaws-us-gov.com", "aws-us-gov"),
    ("signin.amazonaws-eusc.eu", "aws-eusc"),
];
/// Names by which providers address AWS, where that is no host.
const AUDIENCES: [(&str, &str); 3] = [
    ("urn:amazon:webservices", "aws"),
    ("urn:amazon:webservices:china", "aws-cn"),
    ("urn:amazon:webservices:govcloud", "aws-us-gov"),
];
/// Partitions without a page that is known here.
const OTHERS: [&str; 4] = ["aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f"];

/// Answers the partition of a sign-in page: `signin.aws.amazon.com`, `eu-west-1.signin.aws.amazon.com`.
pub(crate) fn of_host(host: &str) -> Option<&'static str> {
    let host = host.to_ascii_lowercase();
    let is_page = |page: &str| host == page || host.strip_suffix(page).is_some_and(is_region);
    PAGES.iter().find(|(page, _)| is_page(page)).map(|(_, partition)| *partition)
}

fn is_region(rest: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    rest.strip_suffix('.').is_some_and(|region| !region.is_empty() && region.bytes().all(plain))
}

/// Answers the partition of an audience: a name, or the address of a page.
pub(super) fn of_audience(audience: &str) -> Option<&'static str> {
    let named = AUDIENCES.iter().find(|(name, _)| *name == audience).map(|(_, partition)| *partition);
    named.or_else(|| of_host(&crate::web::https_host(audience)?))
}

/// Answers a partition by its name in an ARN.
pub(super) fn named(name: &str) -> Option<&'static str> {
    let known = PAGES.iter().map(|(_, partition)| *partition).chain(OTHERS);
    known.into_iter().find(|partition| *partition == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_aws_tell_the_partition() {
        for (host, partition) in [
            ("signin.aws.amazon.com", Some("aws")),
            ("eu-west-1.signin.aws.amazon.com", Some("aws")),
            ("signin.amazonaws.cn", Some("aws-cn")),
            ("us-gov-west-1.signin.amazonaws-us-gov.com", Some("aws-us-gov")),
            ("aws.amazon.com", None),
            ("evil-signin.aws.amazon.com", None),
            ("a.b.signin.aws.amazon.com", None),
            (".signin.aws.amazon.com", None),
            ("signin.aws.amazon.com.evil.example", None),
        ] {
            assert_eq!(of_host(host), partition, "{host}");
        }
        assert_eq!(of_audience("urn:amazon:webservices:govcloud"), Some("aws-us-gov"));
        assert_eq!(of_audience("https://signin.aws.amazon.com/saml"), Some("aws"));
        assert_eq!(of_audience("http://signin.aws.amazon.com/saml"), None);
        assert_eq!((named("aws-iso-b"), named("aws-moon")), (Some("aws-iso-b"), None));
    }
}
