//! A row of the report.

use csv::StringRecord;
use keyfob_shared::Timestamp;

/// A user.
pub(super) struct Row<'a> {
    pub(super) user: &'a str,
    pub(super) is_root: bool,
    pub(super) created: Option<Timestamp>,
    pub(super) password: bool,
    pub(super) password_used: Option<Timestamp>,
    pub(super) mfa: bool,
    pub(super) keys: [Key<'a>; 2],
}

/// One of its two access keys.
pub(super) struct Key<'a> {
    pub(super) active: bool,
    pub(super) dated: Option<Timestamp>,
    pub(super) used: Option<Timestamp>,
    service: &'a str,
}

impl Key<'_> {
    /// Answers for what it was used last, in brackets.
    pub(super) fn used_for(&self) -> String {
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
        if self.service.is_empty() || self.service == "N/A" || !self.service.chars().all(is_name) {
            return String::new();
        }
        format!(" (then for {})", self.service)
    }
}

/// Where the columns are: IAM has added some over the years.
pub(super) struct Columns {
    user: usize,
    created: usize,
    password: usize,
    password_used: usize,
    mfa: usize,
    keys: [[usize; 4]; 2],
}

impl Columns {
    pub(super) fn of(heading: &StringRecord) -> Result<Self, String> {
        let find = |name: &str| {
            let found = heading.iter().position(|column| column == name);
            found.ok_or_else(|| format!("the credential report has no column {name}"))
        };
        let key = |number: u8| {
            let column = |what: &str| find(&format!("access_key_{number}_{what}"));
            Ok::<_, String>([
                column("active")?,
                column("last_rotated")?,
                column("last_used_date")?,
                column("last_used_service")?,
            ])
        };
        Ok(Self {
            user: find("user")?,
            created: find("user_creation_time")?,
            password: find("password_enabled")?,
            password_used: find("password_last_used")?,
            mfa: find("mfa_active")?,
            keys: [key(1)?, key(2)?],
        })
    }

    pub(super) fn read<'a>(&self, record: &'a StringRecord) -> Result<Row<'a>, String> {
        let line = record.position().map_or(0, csv::Position::line);
        let field = |at: usize| {
            record.get(at).ok_or_else(|| format!("line {line} of the credential report is too short"))
        };
        let date = |at: usize| match field(at)? {
            "N/A" | "no_information" | "not_supported" | "" => Ok(None),
            text => {
                let date = Timestamp::parse(&text.replace("+00:00", "Z"));
                date.map(Some)
                    .ok_or_else(|| format!("line {line} of the credential report has a date that is none"))
            }
        };
        let yes = |at: usize| field(at).map(|text| text.eq_ignore_ascii_case("true"));
        let key = |[active, dated, used, service]: [usize; 4]| {
            Ok::<_, String>(Key {
                active: yes(active)?,
                dated: date(dated)?,
                used: date(used)?,
                service: field(service)?,
            })
        };
        let user = field(self.user)?;
        Ok(Row {
            user,
            is_root: user == "<root_account>",
            created: date(self.created)?,
            password: yes(self.password)?,
            password_used: date(self.password_used)?,
            mfa: yes(self.mfa)?,
            keys: [key(self.keys[0])?, key(self.keys[1])?],
        })
    }
}
