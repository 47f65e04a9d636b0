//! What is known about a rotation, as it is written to its journal before each step. Holds no secret.

use super::action::{Key, LastUse};
use keyfob_shared::{Failure, IdentityName, Timestamp};
use serde::{Deserialize, Serialize};

const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;

/// How long a rotation takes its time, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// Between the switch and the old key's end: AWS shows most uses of a key within four hours.
    pub watch: i64,
    /// How long the old key is inactive before it is deleted.
    pub wait: i64,
    /// How long ago a key was created, made active or refused at least, before anything depends on it: IAM spreads a
    /// change to all of its places within a minute and a half, and until then good answers and refusals come in turns.
    pub settle: i64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { watch: 4 * HOUR, wait: 24 * HOUR, settle: 90 * SECOND }
    }
}

/// What is done, or waited for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Looks at what there is; nothing is changed yet.
    List,
    /// Asks for a new key.
    Create,
    /// An answer was lost: looks for a key that nobody knows.
    Search,
    /// Writes the new key to the vault, beside the old one.
    Store,
    /// Waits until the new key is accepted everywhere.
    Verify,
    /// Makes the new key the one that signs.
    Switch,
    /// Looks whether anybody still uses the old key.
    Watch,
    /// Makes the old key inactive.
    Deactivate,
    /// Leaves time to find out what breaks.
    Wait,
    /// Proves once more that the old key can go.
    Confirm,
    /// Deletes the old key: from here on there is no way back.
    Delete,
    /// Removes the old key from the vault.
    DropPrevious,
    /// Rolling back: makes the old key active, and waits until it is accepted everywhere.
    Activate,
    /// Rolling back: makes the old key the one that signs.
    SwitchBack,
    /// Proves that the old key works, and deletes the new one.
    Discard,
    /// Rolling back: removes the new key from the vault.
    DropNext,
    /// Nothing is left to do.
    Over(End),
}

/// How a rotation ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The new key has taken the old one's place.
    Done,
    /// A person wanted the old key back; it is as it was.
    RolledBack,
    /// It was given up by itself; the old key is as it was.
    GivenUp(Failure),
}

/// Where a rotation is going.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// To the new key.
    Forward,
    /// Back to the old one.
    Back,
}

/// Whose keys are rotated, as GetCallerIdentity told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// `arn:aws:iam::111122223333:user/team/alice`
    pub arn: String,
    /// `alice`
    pub name: String,
    /// The 12 digits.
    pub account: String,
}

/// A time within which a key of ours was created, if it was, by the clock of AWS; it allows for clocks that differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// When it was about to be asked for.
    pub from: Timestamp,
    /// When the call can't have been under way any more.
    pub until: Timestamp,
}

/// What is in the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// What people are told.
    pub failure: Failure,
    /// Since when it has been so, by the clock of AWS.
    pub since: Timestamp,
    /// Why nothing goes on until a person says so; `None` if it is tried again by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<Stop>,
}

/// Why a person must act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// Something is to be mended; going on tries again.
    Mend,
    /// The old key was used after the switch; going on takes that use as known, and watches anew.
    Used(LastUse),
    /// Somebody made the old key active again; going on watches anew.
    ActiveAgain,
    /// There are keys which are not proven to be ours; going on leaves them alone.
    Unproven(Vec<Key>),
}

/// A rotation as it lies in the journal. All times are by the clock of AWS as far as its answers tell it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Whose key.
    pub identity: IdentityName,
    /// The access key id that the identity had when it began.
    pub old_key: String,
    /// The access key id of the new key, once it is known.
    #[serde(default)]
    pub new_key: Option<String>,
    /// Whose keys they are, once it is known.
    #[serde(default)]
    pub user: Option<User>,
    /// How long it takes its time.
    pub pace: Pace,
    /// When it began.
    pub began_at: Timestamp,
    /// What is done.
    pub stage: Stage,
    /// Since when.
    pub since: Timestamp,
    /// Whether that is by our clock, and not by AWS's.
    #[serde(default)]
    pub undated: bool,
    /// Where it is going.
    pub direction: Direction,
    /// The keys at AWS just before one was created, and those that a person has vouched for since; never touched.
    #[serde(default)]
    pub before: Vec<Key>,
    /// When those were listed.
    #[serde(default)]
    pub before_at: Option<Timestamp>,
    /// The creation that is asked for and has no answer yet.
    #[serde(default)]
    pub asked: Option<Span>,
    /// The creations whose answers were lost, from the first one to the last.
    #[serde(default)]
    pub lost: Option<Span>,
    /// When the new key began to sign.
    #[serde(default)]
    pub switched_at: Option<Timestamp>,
    /// Until when a person has accepted uses of the old key.
    #[serde(default)]
    pub accepted_at: Option<Timestamp>,
    /// Whether the old key may be inactive by our doing.
    #[serde(default)]
    pub deactivated: bool,
    /// Whether a person has paused it.
    #[serde(default)]
    pub paused: bool,
    /// Whether waits are skipped.
    #[serde(default)]
    pub hurry: bool,
    /// What is in the way.
    #[serde(default)]
    pub trouble: Option<Trouble>,
    /// Why it was given up.
    #[serde(default)]
    pub gave_up: Option<Failure>,
    /// What people should know in the end.
    #[serde(default)]
    pub remark: Option<String>,
}

impl Record {
    pub(super) fn new(identity: IdentityName, old_key: String, pace: Pace, now: Timestamp) -> Self {
        Self {
            identity,
            old_key,
            new_key: None,
            user: None,
            pace,
            began_at: now,
            stage: Stage::List,
            since: now,
            undated: true,
            direction: Direction::Forward,
            before: Vec::new(),
            before_at: None,
            asked: None,
            lost: None,
            switched_at: None,
            accepted_at: None,
            deactivated: false,
            paused: false,
            hurry: false,
            trouble: None,
            gave_up: None,
            remark: None,
        }
    }

    /// Answers whether nothing goes on until a person says so.
    pub fn needs_person(&self) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| trouble.stop.is_some())
    }
}
