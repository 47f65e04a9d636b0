//! One session: its keys, its end on both clocks, and its form in the vault.
//!
//! A step of the wall clock can make it end earlier, never later.

use crate::clock::{Monotonic, Now, WallClock};
use crate::mint::Minted;
use crate::timing;
use keyfob_shared::frame::MAX_FRAME;
use keyfob_shared::{Credentials, IdentityName, Secret, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The longest session of AWS, 36 hours, in milliseconds; and some minutes for clocks that differ.
const LONGEST: i64 = (129_600 + 300) * 1_000;

/// Temporary credentials and when they end.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its keys.
    pub credentials: Credentials,
    /// Milliseconds between mint and end, as granted.
    pub lifetime: i64,
    // By the clock of AWS, and when it was minted and last used by ours; the latter is known of sessions of the vault.
    expires: Timestamp,
    minted: Timestamp,
    last_used: Option<Timestamp>,
    // The end by our wall clock, and by the clock that does not step; the earlier one counts.
    end_wall: Timestamp,
    end_monotonic: Monotonic,
    // Whether `end_monotonic` was measured against the server's clock, or only guessed from ours.
    measured: bool,
    /// The seconds that were asked for instead of the step's own, after AWS refused those.
    pub negotiated: Option<u32>,
    /// Whose it is, as its record in the vault says.
    pub identity: Option<IdentityName>,
    reply: Option<(Timestamp, Arc<Secret>)>,
}

/// Why an answer of AWS is no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// It has ended.
    Ended,
    /// It would last longer than AWS lets any session last.
    TooLong,
    /// The reply made of it would not fit a frame.
    TooLarge,
}

/// A session as it lies in the vault.
#[derive(Serialize, Deserialize)]
struct Record {
    credentials: Credentials,
    expires_millis: i64,
    minted_millis: i64,
    lifetime: i64,
    skew: i64,
    // The end by the clock that does not step, of use only until the next boot.
    boot: String,
    end_monotonic: i64,
    #[serde(default)]
    negotiated: Option<u32>,
    // When the session before it, or it, was last asked for.
    #[serde(default)]
    last_used_millis: Option<i64>,
    // Records of the first versions do not say it.
    #[serde(default)]
    identity: Option<IdentityName>,
}

impl Session {
    /// Takes over what AWS granted; `skew` is how far its clock is ahead of ours at most.
    ///
    /// # Errors
    /// Why it can't be used.
    pub fn minted(minted: Minted, skew: i64, negotiated: Option<u32>, now: Now) -> Result<Self, Unusable> {
        let end_wall = Timestamp::from_millis(minted.expires.millis().saturating_sub(skew));
        let lifetime = end_wall.millis() - now.wall.millis();
        match lifetime {
            ..=0 => return Err(Unusable::Ended),
            1..=LONGEST => {}
            _ => return Err(Unusable::TooLong),
        }
        let session = Self {
            credentials: minted.credentials,
            lifetime,
            expires: minted.expires,
            minted: now.wall,
            last_used: None,
            end_wall,
            end_monotonic: now.monotonic.plus(lifetime),
            measured: true,
            negotiated,
            identity: None,
            reply: None,
        };
        let fits = session.credentials.reply(end_wall).expose().len() <= MAX_FRAME;
        if fits { Ok(session) } else { Err(Unusable::TooLarge) }
    }

    /// Reads a session that [`Session::record`] wrote; `None` if it is not one or has ended.
    ///
    /// Since another boot our clock may have been set: of the ends that are possible the earliest is taken.
    pub fn from_record(text: &str, boot: &str, clock: &WallClock, now: Now) -> Option<Self> {
        let record: Record = serde_json::from_str(text).ok()?;
        // An unknown boot is another one.
        let measured = !boot.is_empty() && record.boot == boot;
        let skew = if measured { record.skew } else { record.skew.max(0) };
        let end_wall = Timestamp::from_millis(record.expires_millis.saturating_sub(skew));
        let wall = if measured { clock.wall(now.monotonic) } else { clock.latest_wall(now.monotonic) };
        let left = end_wall.millis().saturating_sub(wall.millis()).min(record.lifetime);
        let guessed = now.monotonic.plus(left);
        let end_monotonic = if measured { Monotonic(record.end_monotonic) } else { guessed };
        let ended = left <= 0 || end_monotonic <= now.monotonic;
        (!ended && (1..=LONGEST).contains(&record.lifetime)).then(|| Self {
            credentials: record.credentials,
            lifetime: record.lifetime,
            expires: Timestamp::from_millis(record.expires_millis),
            minted: Timestamp::from_millis(record.minted_millis),
            last_used: record.last_used_millis.map(Timestamp::from_millis),
            end_wall,
            end_monotonic,
            measured,
            negotiated: record.negotiated,
            identity: record.identity,
            reply: None,
        })
    }

    /// Writes the form for the vault; `last_used` is when someone asked for it or for the one before it.
    pub fn record(&self, boot: &str, identity: &IdentityName, last_used: Option<Timestamp>) -> Secret {
        let record = Record {
            credentials: self.credentials.clone(),
            expires_millis: self.expires.millis(),
            minted_millis: self.minted.millis(),
            lifetime: self.lifetime,
            skew: self.expires.millis() - self.end_wall.millis(),
            boot: boot.into(),
            end_monotonic: self.end_monotonic.0,
            negotiated: self.negotiated,
            last_used_millis: last_used.map(Timestamp::millis),
            identity: Some(identity.clone()),
        };
        Secret::new(serde_json::to_string(&record).expect("strings and numbers always serialize"))
    }

    /// Answers when a session of the vault was last used as far as it knows, by our wall clock then.
    pub fn last_used(&self) -> Timestamp {
        self.last_used.unwrap_or(self.minted)
    }

    /// Hears how far the server's clock is ahead of ours at most; a session from the vault may end earlier than guessed.
    pub fn hear_skew(&mut self, skew: i64) {
        let end = Timestamp::from_millis(self.expires.millis().saturating_sub(skew));
        if !self.measured && end < self.end_wall {
            self.end_wall = end;
        }
    }

    /// Answers its true end.
    pub fn end(&self, clock: &WallClock) -> Monotonic {
        self.end_monotonic.min(clock.monotonic(self.end_wall))
    }

    /// Answers the end that callers are told, which is also the last moment at which it is served: whole seconds.
    pub fn told_end(&self, clock: &WallClock) -> Timestamp {
        let told = clock.wall(self.end(clock).plus(-timing::told_earlier(self.lifetime)));
        Timestamp::from_millis(told.millis().div_euclid(1_000) * 1_000)
    }

    /// Answers whether it may still be served.
    pub fn is_served(&self, clock: &WallClock, now: Now) -> bool {
        now.monotonic < clock.monotonic(self.told_end(clock))
    }

    /// Answers the whole reply to a `get`, made once for each end that is told.
    pub fn reply(&mut self, clock: &WallClock) -> Arc<Secret> {
        let end = self.told_end(clock);
        if let Some((told, reply)) = &self.reply
            && *told == end
        {
            return reply.clone();
        }
        let reply = Arc::new(self.credentials.reply(end));
        self.reply = Some((end, reply.clone()));
        reply
    }

    /// Answers when it is renewed, a margin before it stops being served.
    pub fn renew_at(&self, clock: &WallClock, margin: i64) -> Monotonic {
        clock.monotonic(self.told_end(clock)).plus(-margin)
    }

    /// Answers the earliest moment of its renewal, however short it is: a tenth of its life after its mint.
    pub fn earliest_renewal(&self) -> Monotonic {
        self.end_monotonic.plus(self.lifetime / 10 - self.lifetime)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn alice() -> IdentityName {
        "alice".parse().unwrap()
    }

    fn now(wall: i64, monotonic: i64) -> Now {
        Now { wall: Timestamp::from_millis(wall), monotonic: Monotonic(monotonic) }
    }

    fn session(expires: i64, skew: i64, now: Now) -> Session {
        let credentials = Credentials {
            access_key_id: "ASIA1".into(),
            secret_access_key: Secret::new("s"),
            session_token: Some(Secret::new("t")),
            account_id: None,
        };
        let minted = Minted {
            credentials,
            expires: Timestamp::from_millis(expires),
            server_date: None,
            signed_in_until: None,
        };
        Session::minted(minted, skew, None, now).unwrap()
    }

    fn restored(record: &str, boot: &str, now: Now) -> Option<Session> {
        Session::from_record(record, boot, &WallClock::new(now), now)
    }

    #[test]
    fn a_wall_clock_that_steps_back_never_extends_a_session() {
        let start = now(100 * HOUR, 0);
        let session = session(101 * HOUR, 0, start);
        let back = now(50 * HOUR, HOUR / 2);
        let clock = WallClock::new(back);
        assert_eq!(session.end(&clock), Monotonic(HOUR));
        assert_eq!(session.told_end(&clock), Timestamp::from_millis(50 * HOUR + HOUR / 2 - 60_000));
    }

    #[test]
    fn a_wall_clock_that_steps_forward_ends_a_session_early() {
        let start = now(100 * HOUR, 0);
        let session = session(101 * HOUR, 0, start);
        let forward = now(102 * HOUR, 1_000);
        assert!(session.is_served(&WallClock::new(start), start));
        assert!(!session.is_served(&WallClock::new(forward), forward));
    }

    #[test]
    fn callers_are_told_the_end_by_their_own_clock() {
        let start = now(100 * HOUR, 0);
        let session = session(111 * HOUR, 10 * HOUR, start);
        assert_eq!(session.told_end(&WallClock::new(start)).millis(), 101 * HOUR - 60_000);
    }

    #[test]
    fn a_restart_brings_back_a_valid_session_and_no_ended_one() {
        let start = now(100 * HOUR, 77);
        let record = session(101 * HOUR, 0, start).record("b1", &alice(), None);
        let later = now(100 * HOUR + HOUR / 2, 3);
        let back = restored(record.expose(), "b2", later).unwrap();
        assert_eq!(back.end(&WallClock::new(later)), Monotonic(3 + HOUR / 2));
        assert!(restored(record.expose(), "b2", now(101 * HOUR, 3)).is_none());
        assert!(restored("{", "b2", later).is_none());
    }

    #[test]
    fn a_session_from_the_vault_never_outlives_its_lifetime_on_a_clock_set_back() {
        let record = session(101 * HOUR, 0, now(100 * HOUR, 0)).record("b1", &alice(), None);
        let earlier = now(10 * HOUR, 0);
        let back = restored(record.expose(), "b2", earlier).unwrap();
        assert_eq!(back.end(&WallClock::new(earlier)), Monotonic(HOUR));
    }

    #[test]
    fn a_clock_that_was_set_back_before_the_vault_was_read_extends_no_session() {
        let record = session(101 * HOUR, 0, now(100 * HOUR, 0)).record("b1", &alice(), None);
        let mut clock = WallClock::new(now(100 * HOUR + HOUR / 2, 1_000));
        let set_back = now(100 * HOUR, 1_000);
        clock.step(set_back);
        let back = Session::from_record(record.expose(), "b2", &clock, set_back).unwrap();
        assert_eq!(back.end(&clock), Monotonic(1_000 + HOUR / 2));
    }

    #[test]
    fn within_one_boot_the_end_of_a_session_from_the_vault_is_exact() {
        let record = session(101 * HOUR, 0, now(100 * HOUR, 77)).record("b1", &alice(), None);
        let set_back = now(10 * HOUR, 77 + HOUR / 2);
        let back = restored(record.expose(), "b1", set_back).unwrap();
        assert_eq!(back.end(&WallClock::new(set_back)), Monotonic(77 + HOUR));
    }

    #[test]
    fn the_first_answer_of_the_server_corrects_sessions_from_the_vault() {
        let start = now(100 * HOUR, 0);
        let record = session(101 * HOUR, 0, start).record("b1", &alice(), None);
        let mut back = restored(record.expose(), "b2", start).unwrap();
        back.hear_skew(HOUR / 2);
        assert_eq!(back.end(&WallClock::new(start)), Monotonic(HOUR / 2));
        back.hear_skew(-HOUR);
        assert_eq!(back.end(&WallClock::new(start)), Monotonic(HOUR / 2));
    }

    #[test]
    fn the_reply_is_the_same_until_the_told_end_changes() {
        let start = now(100 * HOUR, 0);
        let mut session = session(101 * HOUR, 0, start);
        let clock = WallClock::new(start);
        let first = session.reply(&clock);
        assert!(Arc::ptr_eq(&first, &session.reply(&clock)));
        assert!(first.expose().contains(r#""Expiration":"1970-01-05T04:59:00Z"}}"#.trim_end_matches('}')));
    }

    #[test]
    fn an_unknown_boot_is_another_boot() {
        let record = session(101 * HOUR, 0, now(100 * HOUR, 50 * HOUR)).record("", &alice(), None);
        let set_back = now(76 * HOUR, 1_000);
        let back = restored(record.expose(), "", set_back).unwrap();
        assert_eq!(back.end(&WallClock::new(set_back)), Monotonic(1_000 + HOUR));
    }

    #[test]
    fn a_record_knows_when_its_session_was_used_and_an_old_one_when_it_was_minted() {
        let start = now(100 * HOUR, 0);
        let record =
            session(101 * HOUR, 0, start).record("b1", &alice(), Some(Timestamp::from_millis(99 * HOUR)));
        let back = restored(record.expose(), "b1", start).unwrap();
        assert_eq!(back.last_used().millis(), 99 * HOUR);
        let old = record.expose().replace(",\"last_used_millis\":356400000", "");
        assert_ne!(old, record.expose());
        assert_eq!(restored(&old, "b1", start).unwrap().last_used().millis(), 100 * HOUR);
    }

    #[test]
    fn an_absurd_end_or_size_is_no_session() {
        let granted = |expires, token: &str| {
            let credentials = Credentials {
                access_key_id: "ASIA1".into(),
                secret_access_key: Secret::new("s"),
                session_token: Some(Secret::new(token)),
                account_id: None,
            };
            let minted = Minted {
                credentials,
                expires: Timestamp::from_millis(expires),
                server_date: None,
                signed_in_until: None,
            };
            Session::minted(minted, 0, None, now(0, 0)).map(|session| session.lifetime)
        };
        assert_eq!(granted(36 * HOUR, "t"), Ok(36 * HOUR));
        assert_eq!(granted(37 * HOUR, "t"), Err(Unusable::TooLong));
        assert_eq!(granted(i64::MAX, "t"), Err(Unusable::TooLong));
        assert_eq!(granted(0, "t"), Err(Unusable::Ended));
        assert_eq!(granted(HOUR, &"t".repeat(MAX_FRAME - 200)), Ok(HOUR));
        assert_eq!(granted(HOUR, &"t".repeat(MAX_FRAME)), Err(Unusable::TooLarge));
    }
}
