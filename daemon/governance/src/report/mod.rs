//! What the credential report of an account tells about its users.
//!
//! The table is described in "Get credential reports for your AWS account" of the IAM user guide: dates are RFC 3339,
//! `N/A`, `no_information` or `not_supported`, and the root user is `<root_account>`.

mod row;

use keyfob_shared::Timestamp;
use row::{Key, Row};
use serde::{Deserialize, Serialize};

const DAY: i64 = 24 * 60 * 60 * 1_000;

/// How long is too long, in days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// A user or a key that was not used for so long is unused.
    pub unused: u32,
    /// A key that was made so long ago is old.
    pub old: u32,
}

impl Default for Limits {
    /// Ninety days each, as the CIS AWS Foundations Benchmark has long asked of keys.
    fn default() -> Self {
        Self { unused: 90, old: 90 }
    }
}

/// What is the matter with a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The root user has an access key.
    RootKey,
    /// The root user signs in without MFA.
    RootWithoutMfa,
    /// A password opens the console without MFA.
    PasswordWithoutMfa,
    /// Neither password nor key was used for long.
    InactiveUser,
    /// An active key was not used for long, or never.
    UnusedKey,
    /// An active key was made long ago.
    OldKey,
    /// Two keys are active.
    TwoActiveKeys,
}

impl Kind {
    /// All kinds, the worst first.
    pub const ALL: [Self; 7] = [
        Self::RootKey,
        Self::RootWithoutMfa,
        Self::PasswordWithoutMfa,
        Self::InactiveUser,
        Self::UnusedKey,
        Self::OldKey,
        Self::TwoActiveKeys,
    ];

    /// Answers its name: `unused-key`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RootKey => "root-key",
            Self::RootWithoutMfa => "root-without-mfa",
            Self::PasswordWithoutMfa => "password-without-mfa",
            Self::InactiveUser => "inactive-user",
            Self::UnusedKey => "unused-key",
            Self::OldKey => "old-key",
            Self::TwoActiveKeys => "two-active-keys",
        }
    }

    /// Answers whether the command that mends it names a key, whose id the report does not have.
    #[must_use]
    pub const fn is_of_a_key(self) -> bool {
        matches!(self, Self::UnusedKey | Self::OldKey)
    }
}

/// One thing that is the matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The name of the user.
    pub user: String,
    /// What.
    pub kind: Kind,
    /// The same for people.
    pub detail: String,
    /// Whether the user has a password for the console.
    pub password: bool,
    /// For findings of a key: when it was made, or made active or inactive last.
    pub key_dated: Option<Timestamp>,
}

/// What was found in a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings {
    /// How many users it has, the root user not counted.
    pub users: usize,
    /// In the order of the users, the worst of each first.
    pub findings: Vec<Finding>,
}

/// Reads a report, row by row.
///
/// # Errors
/// If it is not such a table: which line, and why.
pub fn read(content: &str, limits: Limits, now: Timestamp) -> Result<Findings, String> {
    let mut reader = csv::Reader::from_reader(content.as_bytes());
    let columns = row::Columns::of(reader.headers().map_err(|error| error.to_string())?)?;
    let mut found = Findings { users: 0, findings: Vec::new() };
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| error.to_string())? {
        let row = columns.read(&record)?;
        found.users += usize::from(!row.is_root);
        judge(&row, limits, now, &mut found.findings);
    }
    Ok(found)
}

fn judge(row: &Row<'_>, limits: Limits, now: Timestamp, findings: &mut Vec<Finding>) {
    let mut tell = |kind, detail: String, key_dated| {
        let password = row.password;
        findings.push(Finding { user: row.user.to_owned(), kind, detail, password, key_dated });
    };
    let active: Vec<(usize, &Key)> =
        row.keys.iter().enumerate().filter(|(_, key)| key.active).map(|(at, key)| (at + 1, key)).collect();
    if row.is_root {
        if let Some((_, key)) = active.first() {
            tell(Kind::RootKey, "the root user has an active access key".into(), key.dated);
        }
        if !row.mfa {
            tell(Kind::RootWithoutMfa, "the root user has no MFA device".into(), None);
        }
        return;
    }
    if row.password && !row.mfa {
        tell(Kind::PasswordWithoutMfa, "its password opens the console without MFA".into(), None);
    }
    let days = |since: Timestamp| (now.millis() - since.millis()).div_euclid(DAY);
    let is_long = |since: Timestamp, limit: u32| days(since) >= i64::from(limit);
    let uses = row.keys.iter().filter_map(|key| key.used).chain(row.password_used);
    let last = uses.max();
    // Who was made lately has had no time to be active.
    let idle_since = last.into_iter().chain(row.created).max();
    if let Some(since) = idle_since.filter(|since| is_long(*since, limits.unused)) {
        let detail = match last {
            Some(_) => format!("no activity for {} days", days(since)),
            None => format!("no activity since it was made {} days ago", days(since)),
        };
        tell(Kind::InactiveUser, detail, None);
    }
    for (number, key) in &active {
        let idle_since = key.used.into_iter().chain(key.dated).max();
        if let Some(since) = idle_since.filter(|since| is_long(*since, limits.unused)) {
            let detail = match key.used {
                Some(_) => {
                    format!("access key {number} was not used for {} days{}", days(since), key.used_for())
                }
                None => format!("access key {number} was never used; it is {} days old", days(since)),
            };
            tell(Kind::UnusedKey, detail, key.dated);
        }
        if let Some(since) = key.dated.filter(|since| is_long(*since, limits.old)) {
            let detail = format!("access key {number} is {} days old", days(since));
            tell(Kind::OldKey, detail, key.dated);
        }
    }
    if active.len() > 1 {
        tell(Kind::TwoActiveKeys, "two access keys are active".into(), None);
    }
}

/// Answers the command that mends a finding; `key` is the id of the key that it is about, where that is known.
#[must_use]
pub fn command(finding: &Finding, key: Option<&str>) -> String {
    let user = shell_word(&finding.user);
    match (finding.kind, key) {
        (Kind::RootKey, _) => "sign in as the root user and delete the key: https://console.aws.amazon.com/iam/home#/security_credentials".into(),
        (Kind::RootWithoutMfa, _) => "sign in as the root user and add a device: https://console.aws.amazon.com/iam/home#/security_credentials".into(),
        (Kind::InactiveUser, _) if !finding.password => format!("aws iam list-access-keys --user-name {user}"),
        (Kind::PasswordWithoutMfa | Kind::InactiveUser, _) => format!("aws iam delete-login-profile --user-name {user}"),
        (Kind::UnusedKey, Some(id)) => {
            format!("aws iam update-access-key --user-name {user} --access-key-id {id} --status Inactive")
        }
        (Kind::OldKey, Some(_)) => format!("keyfob key rotate IDENTITY, or aws iam create-access-key --user-name {user}"),
        (Kind::UnusedKey | Kind::OldKey | Kind::TwoActiveKeys, _) => {
            format!("aws iam list-access-keys --user-name {user}")
        }
    }
}

/// Answers a user name as a word of a shell: `[\w+=,.@-]` of the IAM API reference needs no quotes.
fn shell_word(name: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "_+=,.@-".contains(letter);
    if !name.is_empty() && name.chars().all(is_plain) {
        name.into()
    } else {
        format!("'{}'", name.replace('\'', ""))
    }
}

#[cfg(test)]
mod tests;
