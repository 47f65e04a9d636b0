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
    let moments = |end: i64| {
        let life = end - minted;
        let told = whole(end - life / 60);
        (told - life / 2 - life / 20, told - life / 2)
    };
    let end = whole(minted + LIFETIME);
    let unsure = if clocks == Clocks::Differ { UNSURE } else { 0 };
    (moments(end - unsure).0, moments(end).1)
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
    let lost: Duration = stretches.iter().map(|stretch| stretch.lost).sum();
    let more: usize = stretches.iter().map(|stretch| stretch.more).sum();
    let time = last - first;
    let working = time - i64::try_from(lost.as_millis()).unwrap();
    // Twice as late: the machine may be under load.
    let least = working / (period(Clocks::Same).1 * 2);
    let mut most = i64::try_from(more + starved).unwrap() + 1;
    for (number, stretch) in stretches.iter().enumerate() {
        let end = stretches.get(number + 1).map_or(last, |next| millis(next.from)).min(last);
        most +=
            ((end - millis(stretch.from)).max(0) + period(stretch.clocks).0 - 1) / period(stretch.clocks).0;
    }
    let (count, early) = (calls.len() as i64, early.iter().map(Vec::len).sum::<usize>());
    if !(least..=most).contains(&count) {
        return Err(format!("{name}: {count} calls, and {least} to {most} were foretold"));
    }
    Ok(format!(
        "{name:8} {count} calls of AssumeRole in {} s; {least} to {most} were foretold; {early} of them came before the margin, each with a reason",
        time / 1_000
    ))
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
