//! The numbers of renewal: margins, jitter, back-off, what callers are told.
//!
//! Pure arithmetic in milliseconds; chance is passed in.

use fastrand::Rng;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;

/// A caller's wait ends after this at the latest: Go's SDK kills a credential process after 60 s.
pub const LONGEST_WAIT: i64 = 50 * SECOND;
/// After a failure, callers within this time get the same failure instead of a new attempt.
pub const FAILURE_MEMORY: i64 = SECOND;
/// The same for a final refusal, which a new attempt would not change.
pub const REFUSAL_MEMORY: i64 = 30 * SECOND;
/// A final refusal of a renewal is tried again after this, while the old session is valid: IAM is eventually consistent.
const REFUSED_RENEWAL: i64 = 5 * MINUTE;
/// A source whose session AWS refuses is renewed for the sake of one session no more often than this.
pub const SOURCE_RENEWAL: i64 = 60 * MINUTE;

/// Answers how long before its end a session of the given lifetime is renewed, without jitter.
///
/// botocore runs the helper on every request once 15 minutes are left, and blocks at 10; so 20 minutes, or a quarter
/// of a long session, or half of one that is shorter than 40 minutes.
pub const fn margin(lifetime: i64) -> i64 {
    if lifetime < 40 * MINUTE {
        lifetime / 2
    } else if lifetime / 4 > 20 * MINUTE {
        lifetime / 4
    } else {
        20 * MINUTE
    }
}

/// Answers the margin made up to a tenth longer by chance, so that many profiles don't renew at one moment.
pub fn margin_with_jitter(lifetime: i64, chance: &mut Rng) -> i64 {
    let margin = margin(lifetime);
    margin + chance.i64(0..=margin / 10)
}

/// Answers by how much the end that callers are told is before the true one.
pub const fn told_earlier(lifetime: i64) -> i64 {
    let part = lifetime / 60;
    if part < MINUTE { part } else { MINUTE }
}

/// Answers how long to wait after the given number of failures in a row (at least 1).
///
/// Full jitter between 1 s and 2, 4, 8 … 60 s; while a session is valid at most a quarter of the life it has left.
pub fn back_off(failures: u32, life_left: Option<i64>, chance: &mut Rng) -> i64 {
    const SHORTEST: i64 = 250;
    let most = (SECOND << failures.clamp(1, 6)).min(MINUTE);
    let delay = chance.i64(SECOND..=most);
    match life_left {
        Some(left) => delay.min(left / 4).max(SHORTEST),
        None => delay,
    }
}

/// Answers how long to wait after a final refusal of a renewal: at most a quarter of the life left, at least 1 s.
pub fn refused_renewal(life_left: i64) -> i64 {
    (life_left / 4).clamp(SECOND, REFUSED_RENEWAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margins_are_those_of_the_design() {
        let minutes = |lifetime: i64| margin(lifetime * MINUTE) / MINUTE;
        assert_eq!([15, 39, 40, 60, 80, 120, 720].map(minutes), [7, 19, 20, 20, 20, 30, 180]);
    }

    #[test]
    fn jitter_renews_earlier_and_never_later() {
        let mut chance = Rng::with_seed(1);
        for _ in 0..1_000 {
            let with = margin_with_jitter(60 * MINUTE, &mut chance);
            assert!((20 * MINUTE..=22 * MINUTE).contains(&with));
        }
    }

    #[test]
    fn back_off_grows_to_a_minute_and_respects_the_life_left() {
        let mut chance = Rng::with_seed(1);
        for failures in 1..100 {
            let delay = back_off(failures, None, &mut chance);
            assert!((SECOND..=MINUTE).contains(&delay));
            assert!(back_off(failures, Some(8 * SECOND), &mut chance) <= 2 * SECOND);
            assert!(back_off(failures, Some(0), &mut chance) > 0);
        }
    }

    #[test]
    fn a_refused_renewal_is_tried_again_within_the_life_left() {
        assert_eq!([2 * SECOND, MINUTE, 60 * MINUTE].map(refused_renewal), [SECOND, 15 * SECOND, 5 * MINUTE]);
    }

    #[test]
    fn callers_are_told_a_minute_less_at_most() {
        assert_eq!([6 * SECOND, 60 * MINUTE, 720 * MINUTE].map(told_earlier), [100, MINUTE, MINUTE]);
    }
}
