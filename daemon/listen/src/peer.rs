//! Who is at the other end, as the operating system says.

/// The process at the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its effective user when it connected; 0 where the platform has none.
    pub uid: u32,
    /// Its number; 0 when it is in another namespace.
    pub pid: u32,
    /// What was known of it before it was answered, since it may end right after.
    pub start: Option<ProcessStart>,
}

/// A process as `/proc/PID/stat` describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessStart {
    /// Its parent.
    pub ppid: u32,
    /// Its start, in clock ticks since boot: with the number it names a process for good.
    pub started: u64,
    /// The first 15 bytes of its program's name.
    pub comm: String,
}

/// Reads a line of `/proc/PID/stat`; the name in brackets may itself hold brackets and spaces.
pub(crate) fn parse_stat(line: &str) -> Option<ProcessStart> {
    const STARTED: usize = 19;
    let (front, back) = (line.find('(')?, line.rfind(')')?);
    let comm = line
        .get(front + 1..back)?
        .chars()
        .map(|letter| if letter.is_control() { '?' } else { letter })
        .collect();
    let mut fields = line.get(back + 1..)?.split_ascii_whitespace();
    let ppid = fields.nth(1)?.parse().ok()?;
    let started = fields.nth(STARTED - 2)?.parse().ok()?;
    Some(ProcessStart { ppid, started, comm })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_line_is_read_whatever_the_program_is_called() {
        let line =
            "12 (a) b (c) S 7 12 12 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1000 1 18446744073709551615";
        let expected = ProcessStart { ppid: 7, started: 98_765, comm: "a) b (c".into() };
        assert_eq!(parse_stat(line), Some(expected));
        assert_eq!(parse_stat("12 (a"), None);
    }
}
