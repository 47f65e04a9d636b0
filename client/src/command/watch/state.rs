//! What the live view knows, and what keys do to it. Nothing here reads a clock, a socket or a terminal.

use super::traffic::Traffic;
use crate::command::status::Whole;
use crate::report::clean;
use keyfob_shared::wire::{IdentityStatus, ProfileStatus};

/// Rows that a page key moves by.
const PAGE: usize = 10;

/// What the view is about at this moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mode {
    /// The profiles.
    #[default]
    List,
    /// The keys.
    Help,
    /// Whether the selected profile is really to be logged out.
    LogOut,
}

/// Where the selection goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
}

/// All that a frame is drawn from, but the time and the size.
#[derive(Debug, Default)]
pub(super) struct State {
    /// The last status that was told.
    pub(super) whole: Option<Whole>,
    /// Why there is no newer one.
    pub(super) trouble: Option<String>,
    /// Requests of the last hour; `None` where the audit can't be read.
    pub(super) traffic: Option<Traffic>,
    pub(super) mode: Mode,
    /// How the last log-in or log-out ended, until the next key.
    pub(super) note: Option<String>,
    pub(super) selected: usize,
    pub(super) summary: Summary,
}

/// What is counted once for each status, and not for each frame.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Summary {
    /// The longest name with its socket, in characters.
    pub(super) longest_name: usize,
    /// Profiles with a session.
    pub(super) served: usize,
    /// The profile that is renewed next.
    pub(super) next_renewal: Option<usize>,
    /// Identities that a person must sign in, the most urgent first.
    pub(super) sign_ins: Vec<usize>,
    /// Profiles whose last mint failed, at most [`MAX_NAMED`].
    pub(super) failed: Vec<usize>,
    /// Profiles that programs of `keyfob exec` run with, at most [`MAX_NAMED`].
    pub(super) running: Vec<usize>,
    /// When the session ends that lives longest.
    pub(super) last_end: Option<i64>,
}

/// More profiles than any panel shows.
const MAX_NAMED: usize = 16;
/// The state of an identity or a profile that waits for a person.
pub(super) const SIGN_IN_NEEDED: &str = "sign-in-needed";

impl State {
    /// Answers all profiles.
    pub(super) fn profiles(&self) -> &[ProfileStatus] {
        self.whole.as_ref().map_or(&[], |whole| &whole.profiles)
    }

    /// Answers all identities.
    pub(super) fn identities(&self) -> &[IdentityStatus] {
        self.whole.as_ref().map_or(&[], |whole| &whole.identities)
    }

    /// Answers the profile that is selected.
    pub(super) fn selection(&self) -> Option<&ProfileStatus> {
        self.profiles().get(self.selected)
    }

    /// Takes a newer status; the selection stays with its profile.
    pub(super) fn update(&mut self, whole: Whole) {
        let before = self.selection().map(|profile| (profile.name.clone(), profile.socket.clone()));
        self.summary = Summary::of(&whole);
        let is_before = |profile: &ProfileStatus| {
            before.as_ref().is_some_and(|(name, socket)| *name == profile.name && *socket == profile.socket)
        };
        let kept = whole.profiles.iter().position(is_before);
        // What is asked about must not become another profile.
        if self.mode == Mode::LogOut && kept.is_none() {
            self.mode = Mode::List;
        }
        self.selected = kept.unwrap_or(self.selected.min(whole.profiles.len().saturating_sub(1)));
        self.whole = Some(whole);
        self.trouble = None;
    }

    /// Moves the selection.
    pub(super) fn go(&mut self, by: Move) {
        let last = self.profiles().len().saturating_sub(1);
        self.selected = match by {
            Move::Up => self.selected.saturating_sub(1),
            Move::Down => self.selected + 1,
            Move::PageUp => self.selected.saturating_sub(PAGE),
            Move::PageDown => self.selected + PAGE,
            Move::First => 0,
            Move::Last => last,
        }
        .min(last);
    }

    /// Answers the profiles that a number of rows show: the selected one is in the middle wherever that can be.
    pub(super) fn visible(&self, rows: usize) -> std::ops::Range<usize> {
        let count = self.profiles().len();
        let first = self.selected.saturating_sub(rows / 2).min(count.saturating_sub(rows));
        first..count.min(first + rows)
    }
}

impl Summary {
    fn of(whole: &Whole) -> Self {
        let profiles = whole.profiles.iter().enumerate();
        let named = |is_meant: fn(&ProfileStatus) -> bool| {
            let meant = profiles.clone().filter(|(_, profile)| is_meant(profile));
            meant.map(|(at, _)| at).take(MAX_NAMED).collect()
        };
        let mut sign_ins: Vec<usize> = (0..whole.identities.len())
            .filter(|at| {
                let identity = &whole.identities[*at];
                identity.sign_in_needed_by.is_some() || identity.state == SIGN_IN_NEEDED
            })
            .collect();
        // Those that wait already have the smallest of all times: none.
        sign_ins.sort_by_key(|at| {
            let identity = &whole.identities[*at];
            (identity.state != SIGN_IN_NEEDED, identity.sign_in_needed_by)
        });
        Self {
            longest_name: whole
                .profiles
                .iter()
                .map(|profile| called(profile).chars().count())
                .max()
                .unwrap_or(0),
            served: whole.profiles.iter().filter(|profile| profile.expires_at.is_some()).count(),
            next_renewal: profiles
                .clone()
                .filter_map(|(at, profile)| Some((profile.renew_at?, at)))
                .min()
                .map(|(_, at)| at),
            sign_ins,
            failed: named(|profile| profile.last_error.is_some()),
            running: named(|profile| profile.programs > 0),
            last_end: whole
                .profiles
                .iter()
                .filter_map(|profile| profile.expires_at)
                .max()
                .map(|end| end.millis()),
        }
    }
}

/// Answers how a profile is called: its name, and the restricted socket where it is one's.
pub(super) fn called(profile: &ProfileStatus) -> String {
    match &profile.socket {
        Some(socket) => clean(&format!("{} @{socket}", profile.name)),
        None => clean(&profile.name.to_string()),
    }
}
