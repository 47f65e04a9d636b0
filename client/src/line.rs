//! The command line.

// With their paths: xtask reads this file too, to write the manual.
#[path = "line/doctor.rs"]
mod doctor;
#[path = "line/role.rs"]
mod role;

pub(crate) use doctor::{Doctor, Help, Topic};
pub(crate) use role::{Role, RoleTemplate, TemplateFormat};

use crate::moment::Moment;
use clap::{Args, Parser, Subcommand, ValueEnum};

/// Keeps AWS sessions renewed, and hands them to AWS tools.
#[derive(Debug, Parser)]
#[command(name = "keyfob", version, disable_help_subcommand = true)]
pub(crate) struct Line {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Print credentials for `credential_process`; never asks anything
    Get { profile: String },
    /// Run a command with credentials that renew themselves; without a command, a shell
    Exec(Exec),
    /// Print shell commands that set credentials: a snapshot that will not renew
    Env(Env),
    /// Sign in an identity, or the identity behind a profile
    Login { name: String },
    /// Forget sessions and sign-in tokens
    Logout(Logout),
    /// Sign a browser in to the AWS console
    Console(Console),
    /// Show profiles, identities and the vault
    Status(Status),
    /// Show what is configured
    #[command(subcommand)]
    Profile(Profile),
    /// Store and remove long-term access keys
    #[command(subcommand)]
    Key(Key),
    /// Hand the profiles of ~/.aws/config over to keyfob; without --write, show what would change
    Import(Import),
    /// Show who was served what
    Audit(Audit),
    /// Show what the sessions of a profile did, as CloudTrail tells it
    Activity(Activity),
    /// Find inactive users, old and unused access keys of an account
    Report(Report),
    /// Make roles for the job functions of AWS
    #[command(subcommand)]
    Role(Role),
    /// Serve nothing until `keyfob unlock`
    Lock,
    /// Serve again
    Unlock,
    /// Find what does not work, and the commands that mend it
    Doctor(Doctor),
    /// Start and stop the daemon
    #[command(subcommand)]
    Daemon(Daemon),
    /// Explain what can go wrong, and what to do about it
    Help(Help),
    /// Print what makes a shell complete the commands
    Completions { shell: Completed },
}

/// A shell that can complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Completed {
    Bash,
    Zsh,
    Fish,
    Powershell,
}

#[derive(Debug, Args)]
pub(crate) struct Exec {
    pub(crate) profile: String,
    /// Renew for this long (14h, 90m), and say first what stands against it; the default is the profile's `lease`
    #[arg(long = "for", value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub(crate) lease: Option<std::time::Duration>,
    /// Do not start if something is foreseen that ends renewal before
    #[arg(long)]
    pub(crate) strict: bool,
    /// Set static keys, for tools that read nothing else: they do not renew
    #[arg(long, conflicts_with_all = ["lease", "strict"])]
    pub(crate) env: bool,
    /// The command and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<std::ffi::OsString>,
}

#[derive(Debug, Args)]
pub(crate) struct Console {
    pub(crate) profile: String,
    /// Print the address instead of opening it; it is as good as the session for 15 minutes
    #[arg(long)]
    pub(crate) print: bool,
    /// How long the console stays signed in (15m to 12h); not for chained roles
    #[arg(long, value_parser = humantime::parse_duration)]
    pub(crate) duration: Option<std::time::Duration>,
    /// An address of the console; without it its start page
    #[arg(long, value_name = "URL")]
    pub(crate) destination: Option<String>,
    /// End another sign-in of the browser first
    #[arg(long)]
    pub(crate) logout_first: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Env {
    pub(crate) profile: String,
    /// For which shell; the default is that of $SHELL
    #[arg(long, value_enum)]
    pub(crate) shell: Option<Shell>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
    Powershell,
    Cmd,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Logout {
    /// An identity or a profile
    pub(crate) name: Option<String>,
    /// All of them
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Show it again each second
    #[arg(long, conflicts_with = "json")]
    pub(crate) watch: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Profile {
    /// List all profiles
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what will be asked of AWS for a profile
    Show {
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print profiles for all roles that IAM Identity Center or a SAML provider grants to an identity
    Discover { identity: String },
    /// Find mistakes in the configuration
    Check {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Store a key; what is not given comes from prompts, or lines of stdin: the id, then the secret
    Add(KeyAdd),
    /// List the keys, with what AWS knows of them: age, last use, stage of rotation
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Exchange a key in stages, none of which can lock anybody out; again, to go on with what stands still
    Rotate(Rotate),
    /// Remove a key from the vault; in AWS it stays as it is
    Remove { identity: String },
}

#[derive(Debug, Args)]
pub(crate) struct Rotate {
    pub(crate) identity: String,
    /// Skip the waits between the stages; checks are never skipped
    #[arg(long)]
    pub(crate) now: bool,
    /// Stand still until `keyfob key rotate` is run again
    #[arg(long, conflicts_with_all = ["now", "rollback"])]
    pub(crate) pause: bool,
    /// Go back to the old key, and remove the new one
    #[arg(long, conflicts_with = "now")]
    pub(crate) rollback: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Activity {
    pub(crate) profile: String,
    /// From then on: 2026-06-01, 2026-06-01T08:00:00Z, or so long ago (7d, 12h); a day if left out, 90 days at most
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<Moment>,
    /// Until then; a day counts to its end
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<Moment>,
    /// Where to look; without it the region of the profile and that of global services
    #[arg(long, num_args = 1.., value_name = "REGION")]
    pub(crate) region: Vec<String>,
    /// Ask CloudTrail with the session of another profile, which may read it
    #[arg(long, value_name = "PROFILE")]
    pub(crate) with: Option<String>,
    /// Show only what was refused
    #[arg(long)]
    pub(crate) denied: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// With whose session: it may generate and read the credential report, and list keys
    pub(crate) profile: String,
    /// Days without use after which a user or a key is unused
    #[arg(long, value_name = "DAYS", default_value_t = 90)]
    pub(crate) unused: u32,
    /// Days after which a key is old
    #[arg(long, value_name = "DAYS", default_value_t = 90)]
    pub(crate) old: u32,
    /// Print JSON
    #[arg(long, conflicts_with = "csv")]
    pub(crate) json: bool,
    /// Print comma-separated values
    #[arg(long)]
    pub(crate) csv: bool,
    /// Exit with 4 if there are findings of these kinds
    #[arg(long, value_enum, num_args = 1.., value_delimiter = ',', value_name = "KIND")]
    pub(crate) fail_on: Vec<ReportKind>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportKind {
    Any,
    RootKey,
    RootWithoutMfa,
    PasswordWithoutMfa,
    InactiveUser,
    UnusedKey,
    OldKey,
    TwoActiveKeys,
}

impl ReportKind {
    /// Answers the name that findings have.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

#[derive(Debug, Args)]
pub(crate) struct KeyAdd {
    pub(crate) identity: String,
    /// AKIA…; without it, it is asked for
    #[arg(long)]
    pub(crate) access_key_id: Option<String>,
    /// Take the key of this profile of the shared credentials file
    #[arg(long, value_name = "AWS_PROFILE", conflicts_with = "access_key_id")]
    pub(crate) import: Option<String>,
    /// Another credentials file than ~/.aws/credentials
    #[arg(long, requires = "import")]
    pub(crate) file: Option<std::path::PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// Do it: keys into the vault, then the files, each with a backup beside it
    #[arg(long)]
    pub(crate) write: bool,
    /// Take the last import back; keys stay in the vault
    #[arg(long, conflicts_with_all = ["write", "profile", "config", "credentials"])]
    pub(crate) undo: bool,
    /// Only these profiles
    #[arg(long, num_args = 1.., value_name = "NAME")]
    pub(crate) profile: Vec<String>,
    /// Another file than ~/.aws/config
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<std::path::PathBuf>,
    /// Another file than ~/.aws/credentials
    #[arg(long, value_name = "FILE")]
    pub(crate) credentials: Option<std::path::PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// Print JSON: the lines as they are stored, or what else is asked for
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) wanted: Wanted,
    /// Count requests by profile and program, and draw them by day (UTC)
    #[arg(long)]
    pub(crate) summary: bool,
    /// Print an event of another format for each line
    #[arg(long, value_enum, value_name = "FORMAT", conflicts_with_all = ["json", "summary"])]
    pub(crate) export: Option<Export>,
    /// Check that no line was changed, moved, put in or taken out
    #[arg(long, conflicts_with_all = ["Wanted", "summary", "export"])]
    pub(crate) verify: bool,
    /// Check as well that a line is there which an earlier --verify has told
    #[arg(long, value_name = "NUMBER:DIGEST", requires = "verify")]
    pub(crate) anchor: Option<keyfob_audit::Anchor>,
}

/// Which lines of the audit are wanted.
#[derive(Debug, Args)]
#[group(multiple = true)]
pub(crate) struct Wanted {
    /// Only about these profiles or identities
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Vec<String>,
    /// Only by these programs, or what they have started: names or whole paths
    #[arg(long, value_name = "NAME")]
    pub(crate) program: Vec<String>,
    /// Only these requests: get, endpoint, exec, login, …
    #[arg(long, value_name = "NAME")]
    pub(crate) request: Vec<String>,
    /// Only what ended so
    #[arg(long, value_enum)]
    pub(crate) outcome: Vec<Outcome>,
    /// Not before: a time (RFC 3339), a day (2026-01-31, UTC), or how long ago (7d, 2h)
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<Moment>,
    /// Not after; a day counts to its end
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<Moment>,
    /// Only the newest lines of those
    #[arg(long, value_name = "NUMBER")]
    pub(crate) last: Option<std::num::NonZeroU64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Outcome {
    Served,
    Failed,
    Refused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Export {
    /// CloudEvents 1.0
    Cloudevents,
    /// OCSF 1.1, API Activity
    Ocsf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Daemon {
    /// Start it in the background
    Start,
    /// Stop it, and wait until it is gone
    Stop,
    /// Stop it and start it again
    Restart,
    /// Read the configuration again
    Reload,
    /// Have the system start it when it is asked for: a systemd socket of the user, or a launchd agent
    Install,
    /// Take away what `keyfob daemon install` wrote
    Uninstall,
    /// Run it in the foreground
    Run {
        /// How its log looks
        #[arg(long, value_enum, default_value = "human")]
        log_format: LogFormat,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Human,
    Json,
}
