//! Unmodified AWS clients that use `keyfob get` as their `credential_process`.

use keyfob_tests::{World, parts};
use std::path::Path;
use std::process::Command;

/// Writes an AWS configuration in which a profile gets its credentials from keyfob.
pub(crate) fn configure(world: &World, profile: &str) {
    let keyfob = world.program("keyfob");
    let text = format!(
        "[profile {profile}]\ncredential_process = {} get {profile}\nregion = eu-west-1\nretry_mode = standard\nmax_attempts = 1\n",
        keyfob.display()
    );
    std::fs::write(world.path("home/.aws/config"), text).unwrap();
}

/// Prepares a client that talks to the emulated AWS.
pub(crate) fn client(world: &World, program: &Path) -> Command {
    let mut command = world.command(program);
    command
        .env("AWS_ENDPOINT_URL_S3", world.aws.objects_url())
        .env("AWS_ENDPOINT_URL_STS", world.aws.sts_url())
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// A boto3 program that puts and gets objects for some seconds and prints how many.
pub(crate) fn boto3_loop(world: &World, profile: &str, seconds: u64) -> Option<Command> {
    let python = parts::python("boto3")?;
    let script = format!(
        r#"
import boto3, time
s3 = boto3.Session(profile_name="{profile}").client("s3", config=boto3.session.Config(s3={{"addressing_style": "path"}}, retries={{"total_max_attempts": 1}}, request_checksum_calculation="when_required"))
end, count = time.monotonic() + {seconds}, 0
while time.monotonic() < end:
    s3.put_object(Bucket="b", Key=f"k{{count}}", Body=b"x" * 1000)
    assert s3.get_object(Bucket="b", Key=f"k{{count}}")["Body"].read() == b"x" * 1000
    count += 2
    time.sleep(0.05)
print(count)
"#
    );
    let mut command = client(world, &python);
    command.args(["-c", &script]);
    Some(command)
}

/// An AWS CLI command of one profile.
pub(crate) fn cli(world: &World, profile: &str, arguments: &[&str]) -> Option<Command> {
    let mut command = client(world, &parts::find("aws")?);
    command.args(arguments).args(["--profile", profile, "--output", "json"]);
    Some(command)
}
