//! A vault for the model: three items, and writes that fail before or after they took effect.

use super::super::Which;
use fastrand::Rng;

/// How a write goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Write {
    Works,
    Fails,
    WorksAndFails,
    /// The program ends before it, or after it.
    CrashBefore,
    CrashAfter,
}

/// Why a row of writes broke off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    Failed,
    Crashed,
}

#[derive(Debug, Default)]
pub(super) struct Vault {
    pub(super) current: Option<String>,
    pub(super) next: Option<String>,
    pub(super) previous: Option<String>,
}

impl Vault {
    pub(super) fn item(&self, which: Which) -> Option<&String> {
        match which {
            Which::Current => self.current.as_ref(),
            Which::Next => self.next.as_ref(),
            Which::Previous => self.previous.as_ref(),
        }
    }

    pub(super) fn write(&mut self, which: Which, key: Option<&str>, how: Write) -> Result<(), Broken> {
        let item = match which {
            Which::Current => &mut self.current,
            Which::Next => &mut self.next,
            Which::Previous => &mut self.previous,
        };
        if matches!(how, Write::Works | Write::WorksAndFails | Write::CrashAfter) {
            *item = key.map(str::to_owned);
        }
        match how {
            Write::Works => Ok(()),
            Write::Fails | Write::WorksAndFails => Err(Broken::Failed),
            Write::CrashBefore | Write::CrashAfter => Err(Broken::Crashed),
        }
    }

    /// Puts `to` in the place of `from`, which is kept in another item, as the shell is asked to.
    pub(super) fn switch(
        &mut self,
        (from, kept): (&str, Which),
        (to, source): (&str, Which),
        mut how: impl FnMut() -> Write,
    ) -> Result<(), Broken> {
        if self.current.as_deref() == Some(from) {
            assert_eq!(self.item(source).map(String::as_str), Some(to), "nothing to switch to");
        } else {
            assert_eq!(self.current.as_deref(), Some(to), "another key signs");
        }
        if self.item(kept).map(String::as_str) != Some(from) {
            assert_eq!(self.current.as_deref(), Some(from), "the key that was replaced is lost");
            self.write(kept, Some(from), how())?;
        }
        if self.current.as_deref() != Some(to) {
            self.write(Which::Current, Some(to), how())?;
        }
        self.write(source, None, how())
    }
}

/// Answers how the next write goes; so many of a thousand go wrong.
pub(super) fn how(chance: &mut Rng, faults: u32, down: bool) -> Write {
    match (chance.u32(0..1_000) < faults, chance.u32(0..4)) {
        _ if down => Write::Fails,
        (false, _) => Write::Works,
        (true, 0) => Write::Fails,
        (true, 1) => Write::WorksAndFails,
        (true, 2) => Write::CrashBefore,
        (true, _) => Write::CrashAfter,
    }
}
