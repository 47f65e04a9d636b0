//! Names that are checked once, at the edge: profiles, identities, restricted sockets, role ARNs.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The longest name of a profile or identity, in characters.
pub const MAX_NAME: usize = 128;

/// The longest name of a restricted socket, in characters.
pub const MAX_SOCKET_NAME: usize = 32;

/// Says why a text is not a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidName(String);

impl fmt::Display for InvalidName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for InvalidName {}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(std::sync::Arc<str>);

        impl $type {
            /// Answers the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $type {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }

        impl std::str::FromStr for $type {
            type Err = InvalidName;
            fn from_str(text: &str) -> Result<Self, InvalidName> {
                $check(text)?;
                Ok(Self(text.into()))
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0.as_ref().to_owned()
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name! {
    /// The name by which AWS tools ask for credentials.
    ProfileName, check_name
}
name! {
    /// The name of a way to sign in.
    IdentityName, check_name
}
name! {
    /// The name of a restricted socket, which can be part of a file name.
    SocketName, check_socket_name
}
name! {
    /// The ARN of an IAM role: `arn:PARTITION:iam::ACCOUNT:role/PATH/NAME`.
    RoleArn, check_role_arn
}

impl RoleArn {
    /// Answers the partition: `aws`, `aws-cn`, `aws-us-gov`, …
    pub fn partition(&self) -> &str {
        self.0.split(':').nth(1).unwrap_or_default()
    }

    /// Answers the 12 digits of the account.
    pub fn account_id(&self) -> &str {
        self.0.split(':').nth(4).unwrap_or_default()
    }
}

fn check_name(text: &str) -> Result<(), InvalidName> {
    if text.is_empty() || text.chars().count() > MAX_NAME {
        return Err(InvalidName(format!("a name has 1 to {MAX_NAME} characters")));
    }
    if text.starts_with('-') {
        return Err(InvalidName(format!("{text:?}: a name does not begin with a dash")));
    }
    match text.chars().find(|letter| letter.is_control()) {
        Some(_) => Err(InvalidName(format!("{text:?}: a name has no control characters"))),
        None => Ok(()),
    }
}

fn check_socket_name(text: &str) -> Result<(), InvalidName> {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    let fine = (1..=MAX_SOCKET_NAME).contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.chars().all(allowed);
    if fine {
        return Ok(());
    }
    let message =
        format!("{text:?}: the name of a socket has 1 to {MAX_SOCKET_NAME} letters, digits, dots and dashes");
    Err(InvalidName(message))
}

// RoleArn of the STS API: 20 to 2,048 characters.
fn check_role_arn(text: &str) -> Result<(), InvalidName> {
    let wrong = |what: &str| Err(InvalidName(format!("{text:?} is not a role ARN: {what}")));
    if !(20..=2048).contains(&text.len()) {
        return wrong("20 to 2048 characters");
    }
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let &[arn, partition, service, region, account, resource] = parts.as_slice() else {
        return wrong("arn:aws:iam::111122223333:role/NAME");
    };
    if arn != "arn" || service != "iam" || !region.is_empty() {
        return wrong("arn:aws:iam::111122223333:role/NAME");
    }
    if !(partition == "aws" || partition.starts_with("aws-")) {
        return wrong("the partition is aws, aws-cn, aws-us-gov, …");
    }
    if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
        return wrong("the account has 12 digits");
    }
    match resource.strip_prefix("role/") {
        Some(name)
            if !name.is_empty()
                && !name.ends_with('/')
                && name.bytes().all(|byte| byte.is_ascii_graphic()) =>
        {
            Ok(())
        }
        Some(_) | None => wrong("it ends in role/NAME"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_arn_tells_partition_and_account() {
        let arn: RoleArn = "arn:aws-cn:iam::111122223333:role/team/Reader".parse().unwrap();
        assert_eq!((arn.partition(), arn.account_id()), ("aws-cn", "111122223333"));
    }

    #[test]
    fn malformed_role_arns_are_refused() {
        for text in [
            "",
            "arn:aws:iam::1111:role/R-with-long-name",
            "arn:aws:iam::111122223333:user/alice",
            "arn:aws:iam:eu-west-1:111122223333:role/R",
            "arn:gcp:iam::111122223333:role/Reader",
            "arn:aws:iam::111122223333:role/",
            "arn:aws:iam::111122223333:role/a b",
        ] {
            assert!(text.parse::<RoleArn>().is_err(), "{text}");
        }
    }

    #[test]
    fn names_have_no_control_characters_and_do_not_look_like_flags() {
        for text in ["", "a\nb", "\u{1b}[31m", "-rf", &"x".repeat(129)] {
            assert!(text.parse::<ProfileName>().is_err(), "{text}");
        }
        assert!("prod eu/Zürich".parse::<ProfileName>().is_ok());
    }

    #[test]
    fn the_name_of_a_socket_can_be_part_of_a_file_name() {
        for text in ["", ".", "..", "../x", "a/b", "a b", "-a", "ä", &"x".repeat(33)] {
            assert!(text.parse::<SocketName>().is_err(), "{text}");
        }
        assert!("ci-agent_1.x".parse::<SocketName>().is_ok());
    }
}
