//! Unmodified AWS clients that get their credentials from keyfob, in either way.

use keyfob_tests::{World, parts};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How a client gets its credentials.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    /// Its profile has a `credential_process`.
    CredentialProcess,
    /// It is started by `keyfob exec`.
    Exec,
}

impl Way {
    /// Prepares a program that gets the credentials of a profile in this way; its arguments are still to be added.
    pub(crate) fn command(self, world: &World, profile: &str, program: &Path) -> Command {
        match self {
            Self::CredentialProcess => {
                let mut command = client(world, program);
                command.env("AWS_PROFILE", profile);
                command
            }
            Self::Exec => {
                let mut command = client(world, &world.program("keyfob"));
                command.args(["exec", profile, "--"]).arg(program);
                command
            }
        }
    }
}

/// Writes an AWS configuration in which profiles get their credentials from keyfob.
///
/// Transfers of the AWS CLI make one request at a time, with whichever profile.
pub(crate) fn configure(world: &World, profiles: &[&str]) {
    configure_transfers(world, profiles, "  max_concurrent_requests = 1\n");
}

/// The same with settings for transfers of the AWS CLI, a line each.
pub(crate) fn configure_transfers(world: &World, profiles: &[&str], transfers: &str) {
    let keyfob = world.program("keyfob");
    let mut config = format!("[default]\ns3 =\n{transfers}");
    let mut credentials = String::new();
    for profile in profiles {
        let process = format!("credential_process = {} get {profile}\n", keyfob.display());
        let _ = write!(config, "[profile {profile}]\n{process}region = eu-west-1\ns3 =\n{transfers}");
        // restic looks for it in this file only.
        let _ = write!(credentials, "[{profile}]\n{process}");
    }
    std::fs::write(world.path("home/.aws/config"), config).unwrap();
    std::fs::write(world.path("home/.aws/credentials"), credentials).unwrap();
}

/// Prepares a client that talks to the emulated AWS and does not try again.
pub(crate) fn client(world: &World, program: &Path) -> Command {
    let mut command = world.command(program);
    command
        .env("AWS_ENDPOINT_URL_S3", world.aws.objects_url())
        .env("AWS_ENDPOINT_URL_STS", world.aws.sts_url())
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_DEFAULT_REGION", "eu-west-1")
        .env("AWS_RETRY_MODE", "standard")
        .env("AWS_MAX_ATTEMPTS", "1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// Answers the path of a client of the tests' own.
pub(crate) fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(name)
}

/// A boto3 program that puts and gets objects for some seconds and prints how many.
pub(crate) fn boto3_loop(world: &World, profile: &str, seconds: u64) -> Option<Command> {
    let mut command = Way::CredentialProcess.command(world, profile, &parts::python("boto3")?);
    command.arg(source("boto3/client.py")).args(["b", &seconds.to_string()]);
    Some(command)
}

/// Prepares rclone for a remote `:s3:`; what it is to do is still to be added.
pub(crate) fn rclone(world: &World, way: Way, profile: &str, program: &Path) -> Command {
    let mut command = way.command(world, profile, program);
    rclone_settings(world, &mut command);
    command
}

/// Adds what rclone needs for a remote `:s3:`.
pub(crate) fn rclone_settings(world: &World, command: &mut Command) {
    command.args(["--retries=1", "--low-level-retries=1"]);
    command.args(["--s3-provider=Other", "--s3-env-auth", "--s3-force-path-style", "--s3-region=eu-west-1"]);
    command.arg(format!("--s3-endpoint={}", world.aws.objects_url()));
    // It reads the configuration file of AWS only when it is told to.
    command.env("AWS_SDK_LOAD_CONFIG", "1");
}

/// An AWS CLI command of one profile.
pub(crate) fn cli(world: &World, profile: &str, arguments: &[&str]) -> Option<Command> {
    let mut command = client(world, &parts::find("aws")?);
    command.args(arguments).args(["--profile", profile, "--output", "json"]);
    Some(command)
}
