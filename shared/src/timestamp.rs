//! Wall-clock moments as milliseconds since the Unix epoch, and their RFC 3339 form.
//!
//! Reads no clock: moments come from a caller.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// A moment of the wall clock, in milliseconds since 1970-01-01T00:00:00Z; may lie before it.
///
/// It has a form in RFC 3339, whose years have four digits: a moment outside of them becomes the nearest within.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    // 0000-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z.
    const FIRST: i64 = -62_167_219_200_000;
    const LAST: i64 = 253_402_300_799_999;

    /// Makes a moment from milliseconds since the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        match millis {
            ..Self::FIRST => Self(Self::FIRST),
            Self::FIRST..=Self::LAST => Self(millis),
            _ => Self(Self::LAST),
        }
    }

    /// Answers the milliseconds since the Unix epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Reads an RFC 3339 time; `None` if the text is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        i64::try_from(moment.unix_timestamp_nanos().div_euclid(1_000_000)).ok().map(Self::from_millis)
    }
}

/// RFC 3339 in UTC with whole seconds, rounded down: the form of `credential_process`.
impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = OffsetDateTime::from_unix_timestamp(self.0.div_euclid(1000))
            .ok()
            .and_then(|moment| moment.format(&Rfc3339).ok())
            .ok_or(fmt::Error)?;
        formatter.write_str(&text)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("not an RFC 3339 time"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_down_to_the_second() {
        assert_eq!(Timestamp::from_millis(1_767_323_045_999).to_string(), "2026-01-02T03:04:05Z");
        assert_eq!(Timestamp::from_millis(-1).to_string(), "1969-12-31T23:59:59Z");
    }

    #[test]
    fn every_moment_has_a_form() {
        assert_eq!(Timestamp::from_millis(i64::MAX).to_string(), "9999-12-31T23:59:59Z");
        assert_eq!(Timestamp::from_millis(i64::MIN).to_string(), "0000-01-01T00:00:00Z");
        let edge = Timestamp::parse("9999-12-31T23:59:59-12:00").unwrap();
        assert_eq!(edge.to_string(), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn reads_what_it_writes() {
        let moment = Timestamp::from_millis(1_767_323_045_000);
        assert_eq!(Timestamp::parse(&moment.to_string()), Some(moment));
        assert_eq!(Timestamp::parse("2026-01-02T04:04:05+01:00"), Some(moment));
        assert_eq!(Timestamp::parse("yesterday"), None);
    }
}
