//! Moments as people write them: a time, a day, or how long ago.

use keyfob_shared::Timestamp;
use std::str::FromStr;

const DAY: i64 = 24 * 3_600 * 1_000;

/// A moment, or a day, which has a beginning and an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    At(Timestamp),
    /// Its first moment in UTC.
    Day(Timestamp),
    /// Milliseconds before now.
    Ago(i64),
}

impl Moment {
    /// Answers the first moment that is meant.
    pub(crate) fn start(self, now: i64) -> Timestamp {
        match self {
            Self::At(moment) | Self::Day(moment) => moment,
            Self::Ago(millis) => Timestamp::from_millis(now.saturating_sub(millis)),
        }
    }

    /// Answers the last moment that is meant.
    pub(crate) fn end(self, now: i64) -> Timestamp {
        match self {
            Self::Day(moment) => Timestamp::from_millis(moment.millis() + DAY - 1),
            Self::At(_) | Self::Ago(_) => self.start(now),
        }
    }
}

impl FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(moment) = Timestamp::parse(text) {
            return Ok(Self::At(moment));
        }
        if let Some(day) = Timestamp::parse(&format!("{text}T00:00:00Z")) {
            return Ok(Self::Day(day));
        }
        let ago = humantime::parse_duration(text).ok().and_then(|ago| i64::try_from(ago.as_millis()).ok());
        ago.map(Self::Ago).ok_or("write 2026-01-31T12:00:00Z, 2026-01-31, or 7d for seven days ago")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_a_day_or_how_long_ago() {
        let range = |text: &str| {
            let moment: Moment = text.parse().unwrap();
            [moment.start(DAY), moment.end(DAY)].map(Timestamp::millis)
        };
        assert_eq!(range("1970-01-02T01:00:00+01:00"), [DAY, DAY]);
        assert_eq!(range("1970-01-02"), [DAY, 2 * DAY - 1]);
        assert_eq!(range("2h"), [DAY - 7_200_000; 2]);
        assert_eq!(range("1d 2h"), [-7_200_000; 2]);
        for wrong in ["", "yesterday", "7", "1970-13-01", "-2h", "1970-01-02T01:00:00"] {
            assert!(wrong.parse::<Moment>().is_err(), "{wrong}");
        }
    }
}
