//! When a device flow asks again whether the person is done (RFC 8628, 3.5).

use std::time::Duration;

const USUAL: u64 = 5;
const LONGEST_INTERVAL: u64 = 60;
/// What a service asks for by saying "slow down".
const SLOWER: Duration = Duration::from_secs(5);
/// Longer than any provider lets a code live; a person does not take longer.
const LONGEST: u64 = 30 * 60;

/// Counts down the life of a device code.
pub(crate) struct Pace {
    interval: Duration,
    left: Duration,
}

impl Pace {
    /// Takes what the service said, in seconds.
    pub(crate) fn new(interval: Option<u64>, lifetime: u64) -> Self {
        Self {
            interval: Duration::from_secs(interval.unwrap_or(USUAL).clamp(1, LONGEST_INTERVAL)),
            left: Duration::from_secs(lifetime.min(LONGEST)),
        }
    }

    /// Asks less often from now on.
    pub(crate) fn slow_down(&mut self) {
        self.interval += SLOWER;
    }

    /// Waits until the next question; answers whether the code still lives then.
    pub(crate) async fn wait(&mut self) -> bool {
        if self.left < self.interval {
            return false;
        }
        self.left -= self.interval;
        tokio::time::sleep(self.interval).await;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_ends_with_the_code() {
        let mut pace = Pace::new(None, 22);
        let start = tokio::time::Instant::now();
        assert!(pace.wait().await);
        assert_eq!(start.elapsed(), Duration::from_secs(5));
        pace.slow_down();
        assert!(pace.wait().await);
        assert_eq!(start.elapsed(), Duration::from_secs(15));
        assert!(!pace.wait().await);
        assert_eq!(start.elapsed(), Duration::from_secs(15));
    }

    #[test]
    fn what_the_service_says_is_bounded() {
        let pace = Pace::new(Some(0), u64::MAX);
        assert_eq!((pace.interval.as_secs(), pace.left.as_secs()), (1, LONGEST));
        assert_eq!(Pace::new(Some(u64::MAX), 1).interval.as_secs(), LONGEST_INTERVAL);
    }
}
