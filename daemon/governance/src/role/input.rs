//! Values of the command line, each checked against what the IAM and STS APIs take.

use std::fmt;
use std::str::FromStr;

/// Says why a text is not what it is given for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidInput(String);

impl InvalidInput {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for InvalidInput {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for InvalidInput {}

macro_rules! text {
    ($(#[$doc:meta])* $type:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $type(String);

        impl $type {
            /// Answers the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = InvalidInput;

            fn from_str(text: &str) -> Result<Self, InvalidInput> {
                $check(text)?;
                Ok(Self(text.to_owned()))
            }
        }
    };
}

text! {
    /// The name of a role: 1 to 64 letters, digits and `_+=,.@-` (CreateRole of the IAM API).
    RoleName, role_name
}
text! {
    /// The end of names that a policy gives the beginning of: 1 to 40 of the same letters, so that the whole is no
    /// longer than a name may be.
    Suffix, suffix
}
text! {
    /// An external id: 2 to 1,224 letters, digits and `_+=,.@:/-` (AssumeRole of the STS API).
    ExternalId, external_id
}
text! {
    /// What an audience or a subject has to be.
    Claim, claim
}

impl RoleName {
    /// The longest name, in characters.
    pub const MAX: usize = 64;
}

impl Claim {
    /// Answers whether it stands for several: it has a `*` or a `?`.
    pub fn is_pattern(&self) -> bool {
        self.0.contains(['*', '?'])
    }
}

/// The longest session that a role grants, in seconds: 3,600 to 43,200 (CreateRole of the IAM API).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxSession(u32);

impl MaxSession {
    /// What AWS takes where nothing else is said.
    pub const DEFAULT: Self = Self(3_600);

    /// Takes a number of seconds.
    ///
    /// # Errors
    /// If AWS does not take it.
    pub fn from_seconds(seconds: u64) -> Result<Self, InvalidInput> {
        match u32::try_from(seconds) {
            Ok(seconds @ 3_600..=43_200) => Ok(Self(seconds)),
            Ok(_) | Err(_) => Err(InvalidInput::new(
                "the maximum session duration of a role is 1 to 12 hours (1h, 4h, 12h)",
            )),
        }
    }

    /// Answers the seconds.
    pub const fn seconds(self) -> u32 {
        self.0
    }
}

/// The letters beside ASCII letters, digits and `_` in names of IAM.
pub(super) const NAME_SIGNS: &str = "+=,.@-";

fn role_name(text: &str) -> Result<(), InvalidInput> {
    letters("the name of a role", text, 1..=RoleName::MAX, NAME_SIGNS)
}

fn suffix(text: &str) -> Result<(), InvalidInput> {
    letters("a suffix", text, 1..=40, NAME_SIGNS)
}

fn external_id(text: &str) -> Result<(), InvalidInput> {
    letters("an external id", text, 2..=1_224, "+=,.@:/-")
}

fn claim(text: &str) -> Result<(), InvalidInput> {
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err(InvalidInput::new("a claim is a text without control characters"));
    }
    // A policy puts its own variables in there.
    if text.contains("${") {
        return Err(InvalidInput::new(format!(
            "{text:?}: AWS takes ${{ for the beginning of a policy variable"
        )));
    }
    Ok(())
}

/// Checks the length and the letters beside ASCII letters, digits and `_`.
pub(super) fn letters(
    what: &str,
    text: &str,
    length: std::ops::RangeInclusive<usize>,
    signs: &str,
) -> Result<(), InvalidInput> {
    let fine = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || signs.contains(letter);
    if length.contains(&text.chars().count()) && text.chars().all(fine) {
        return Ok(());
    }
    let (least, most) = length.into_inner();
    Err(InvalidInput::new(format!("{text:?}: {what} has {least} to {most} letters, digits and _{signs}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_iam_takes() {
        for fine in ["a", "keyfob-admin", "A_b+=,.@-9", &"x".repeat(64)] {
            assert!(fine.parse::<RoleName>().is_ok(), "{fine}");
        }
        for wrong in ["", "a b", "a/b", "ä", "$(id)", "a'b", &"x".repeat(65)] {
            assert!(wrong.parse::<RoleName>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn external_ids_are_what_sts_takes() {
        assert!("cafe:1/2".parse::<ExternalId>().is_ok());
        for wrong in ["x", "a b", "a\"b", &"x".repeat(1_225)] {
            assert!(wrong.parse::<ExternalId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_claim_is_no_policy_variable() {
        assert!("repo:org/repo:*".parse::<Claim>().unwrap().is_pattern());
        assert!(!"sts.amazonaws.com".parse::<Claim>().unwrap().is_pattern());
        for wrong in ["", "${aws:userid}", "a\nb"] {
            assert!(wrong.parse::<Claim>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_session_lasts_one_to_twelve_hours() {
        assert_eq!(MaxSession::from_seconds(43_200).unwrap().seconds(), 43_200);
        for wrong in [0, 3_599, 43_201, u64::MAX] {
            assert!(MaxSession::from_seconds(wrong).is_err(), "{wrong}");
        }
    }
}
