//! How many calls of STS the margin foretells, and how many there were.
//!
//! A renewal is due a margin before the end that callers are told: half of the life, and up to a tenth of that earlier.
//! A machine under load makes it later. So a call that comes before that moment needs a reason.

use keyfob_tests::emulator::Call;
use std::time::{Duration, SystemTime};

/// Of the emulated sessions, in milliseconds.
pub(super) const LIFETIME: i64 = 10_000;
/// The end that STS tells is a whole second.
const WHOLE: i64 = 1_000;
/// Where clocks differ, the date of an answer leaves a second open, and the time that the answer took.
const UNSURE: i64 = 1_100;
/// Two clocks are read one after the other.
const TOLERANCE: i64 = 50;

/// A machine under load makes renewals late: so many times at most.
const LATE: i64 = 2;

/// The shortest margin of a session whose life was cut to a whole second.
pub(super) const MARGIN: Duration = Duration::from_millis(((LIFETIME - WHOLE) / 2) as u64);

/// Whether the clock of AWS is the daemon's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clocks {
    Same,
    Differ,
}

/// Answers the earliest and the latest moment of a renewal, by the moment of the mint before it, in milliseconds.
fn due(minted: i64, clocks: Clocks) -> (i64, i64) {
    let whole = |moment: i64| moment.div_euclid(WHOLE) * WHOLE;
    let end = whole(minted + LIFETIME);
    let life = end - minted;
    let unsure = if clocks == Clocks::Differ { UNSURE } else { 0 };
    // Both at their worst: the end that is told is early, and the life is long.
    (whole(end - unsure - life / 60) - life / 2 - life / 20, whole(end - life / 60) - life / 2)
}

/// Answers the shortest and the longest time between two mints, in milliseconds.
pub(super) fn period(clocks: Clocks) -> (i64, i64) {
    let times = (0..WHOLE).step_by(10).map(|minted| {
        let (earliest, latest) = due(minted, clocks);
        (earliest - minted, latest - minted)
    });
    times.fold((i64::MAX, 0), |(least, most), (earliest, latest)| (least.min(earliest), most.max(latest)))
}

/// Answers how many attempts more than one the back-off allows in an outage that begins with the first of them.
pub(super) fn retries(outage: Duration) -> usize {
    let (mut left, mut outage) = (LIFETIME / 2 + LIFETIME / 20, i64::try_from(outage.as_millis()).unwrap());
    let mut attempts = 0;
    while outage > 0 {
        let pause = (left / 4).clamp(250, 1_000);
        (left, outage, attempts) = (left - pause, outage - pause, attempts + 1);
    }
    attempts
}

/// A stretch of time, and how many calls without a reason of the margin there may be in it.
pub(super) struct Stretch {
    pub(super) name: String,
    pub(super) from: SystemTime,
    pub(super) clocks: Clocks,
    pub(super) more: usize,
    /// Time in which nothing could be minted.
    pub(super) lost: Duration,
}

/// Judges the calls for one profile and answers a line about them; `starved` is how often one was made again because the
/// machine was too slow.
///
/// # Errors
/// Why they are not what was foretold.
pub(super) fn judge(
    name: &str,
    calls: &[Call],
    stretches: &[Stretch],
    starved: usize,
) -> Result<String, String> {
    let at = |call: &Call| millis(call.at);
    let (first, last) = (at(calls.first().unwrap()), at(calls.last().unwrap()));
    let stretch_of = |moment: SystemTime| stretches.iter().rposition(|stretch| stretch.from <= moment);
    let mut early = vec![Vec::new(); stretches.len()];
    for pair in calls.windows(2) {
        let stretch = stretch_of(pair[1].at).unwrap_or_default();
        let (earliest, _) = due(at(&pair[0]), stretches[stretch].clocks);
        if at(&pair[1]) + TOLERANCE < earliest {
            early[stretch].push(format!("{} ms after the one before", at(&pair[1]) - at(&pair[0])));
        }
    }
    let mut unexplained = Vec::new();
    for (stretch, early) in stretches.iter().zip(&early) {
        unexplained.extend(early.iter().skip(stretch.more).map(|what| format!("{what} in {}", stretch.name)));
    }
    if unexplained.len() > starved {
        return Err(format!("{name}: early calls without a reason: {unexplained:?}"));
    }
    let (shortest, longest) = period(Clocks::Same);
    let lost = i64::try_from(stretches.iter().map(|stretch| stretch.lost.as_millis()).sum::<u128>()).unwrap();
    let mut foretold = Foretold { least: (last - first - lost) / (longest * LATE), most: 1 };
    let (mut calm, mut calm_calls) = (0, 0);
    for (number, stretch) in stretches.iter().enumerate() {
        let from = millis(stretch.from).max(first);
        let to = stretches.get(number + 1).map_or(last, |next| millis(next.from)).min(last);
        let time = (to - from).max(0);
        foretold.most += time / period(stretch.clocks).0 + 1 + i64::try_from(stretch.more).unwrap();
        if stretch.more == 0 && stretch.lost.is_zero() && stretch.clocks == Clocks::Same {
            calm += time;
            calm_calls += calls.iter().filter(|call| (from..to).contains(&at(call))).count();
        }
    }
    foretold.most += i64::try_from(starved).unwrap();
    let count = i64::try_from(calls.len()).unwrap();
    if !(foretold.least..=foretold.most).contains(&count) {
        let Foretold { least, most } = foretold;
        return Err(format!("{name}: {count} calls, and {least} to {most} were foretold"));
    }
    let early: usize = early.iter().map(Vec::len).sum();
    Ok(format!(
        "{name:8} {count} calls of AssumeRole in {} s, {} to {} were foretold; {early} before the margin, each with a reason; in calm {calm_calls} in {} s, and the margin makes {:.0} to {:.0}",
        (last - first) / 1_000,
        foretold.least,
        foretold.most,
        calm / 1_000,
        calm as f64 / longest as f64,
        calm as f64 / shortest as f64
    ))
}

/// How many calls there may be.
struct Foretold {
    least: i64,
    most: i64,
}

fn millis(moment: SystemTime) -> i64 {
    i64::try_from(moment.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

#[test]
fn a_call_that_the_margin_does_not_explain_is_found() {
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
    let call = |after: u64| Call {
        action: "AssumeRole".into(),
        parameters: std::collections::HashMap::new(),
        access_key_id: String::new(),
        at: start + Duration::from_millis(after),
    };
    let calls = |times: &[u64]| times.iter().map(|after| call(*after)).collect::<Vec<_>>();
    let stretch = |more| {
        let lost = Duration::ZERO;
        [Stretch { name: "all".into(), from: start, clocks: Clocks::Same, more, lost }]
    };
    assert_eq!(period(Clocks::Same), (3_055, 4_000));
    judge("p", &calls(&[0, 4_000, 8_000, 12_000]), &stretch(0), 0).unwrap();
    let early = calls(&[0, 4_000, 5_000, 9_000]);
    judge("p", &early, &stretch(1), 0).unwrap();
    assert!(judge("p", &early, &stretch(0), 0).unwrap_err().contains("without a reason"));
    // At the end of each life.
    let rare = calls(&(0..20).map(|number| number * 9_000).collect::<Vec<_>>());
    assert!(judge("p", &rare, &stretch(0), 0).unwrap_err().contains("were foretold"));
}
