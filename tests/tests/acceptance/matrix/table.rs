//! The clients of the matrix: how each is made to make requests for as long as is wanted.
//!
//! SDKs have a program of their own in `tests/clients`; tools get as many files as make them busy for that long.

use super::{DELAY, SECONDS};
use crate::clients::{self, Way, source};
use keyfob_tests::{Run, World, parts};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The profile for what has to be done before a client starts.
pub(super) const SETUP: &str = "setup";

/// Whether a machine may lack a client.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// Where everything has to be there, that is with `CI` set, it has to be there.
    Required,
    /// Its toolchain may be missing anywhere.
    Optional,
}

/// A client and how it is made to put, or get, for `SECONDS`; its profile and its bucket have its name.
pub(super) struct Client {
    pub(super) name: &'static str,
    pub(super) need: Need,
    pub(super) prepare: fn(&Kit<'_>) -> Result<Command, String>,
}

pub(super) const CLIENTS: &[Client] = &[
    Client { name: "cli-1", need: Need::Required, prepare: cli_1 },
    Client { name: "cli-2", need: Need::Required, prepare: cli_2 },
    Client { name: "boto3", need: Need::Required, prepare: boto3 },
    Client { name: "javascript", need: Need::Optional, prepare: javascript },
    Client { name: "go", need: Need::Optional, prepare: go },
    Client { name: "java", need: Need::Optional, prepare: java },
    Client { name: "rust", need: Need::Required, prepare: rust },
    Client { name: "rclone", need: Need::Required, prepare: rclone },
    Client { name: "restic", need: Need::Required, prepare: restic },
];

/// What a client is prepared from.
pub(super) struct Kit<'a> {
    pub(super) world: &'a World,
    pub(super) way: Way,
    pub(super) name: &'static str,
}

impl Kit<'_> {
    fn command(&self, program: &Path) -> Command {
        self.way.command(self.world, self.name, program)
    }

    /// Prepares a program of the tests' own, which is told its bucket and how long.
    fn program(&self, program: &Path, arguments: &[&Path]) -> Command {
        let mut command = self.command(program);
        command.args(arguments).args([self.name, &SECONDS.to_string()]);
        command
    }

    /// Makes as many small files as keep a tool busy that makes some requests for each, one after another.
    fn files(&self, requests_for_each: u32) -> PathBuf {
        let directory = self.world.path(&format!("home/{}", self.name));
        fs::create_dir_all(&directory).unwrap();
        let requests = SECONDS * 1_000 / u64::try_from(DELAY.as_millis()).unwrap();
        for number in 0..=requests.div_ceil(requests_for_each.into()) {
            fs::write(directory.join(format!("f{number}")), format!("{number}")).unwrap();
        }
        directory
    }
}

fn cli_1(kit: &Kit<'_>) -> Result<Command, String> {
    Ok(copy(kit, &parts::part("venv/bin/aws")?))
}

fn cli_2(kit: &Kit<'_>) -> Result<Command, String> {
    Ok(copy(kit, &parts::on_path("aws", &["--version"], "aws-cli/2.")?))
}

fn copy(kit: &Kit<'_>, aws: &Path) -> Command {
    let mut command = kit.command(aws);
    // Version 2 knows no variable for it before 2.13.
    command.args([
        "--endpoint-url",
        &kit.world.aws.objects_url(),
        "s3",
        "cp",
        "--recursive",
        "--no-progress",
    ]);
    command.arg(kit.files(1)).arg(format!("s3://{}/", kit.name));
    command
}

fn boto3(kit: &Kit<'_>) -> Result<Command, String> {
    Ok(kit.program(&parts::part("venv/bin/python3")?, &[&source("boto3/client.py")]))
}

fn javascript(kit: &Kit<'_>) -> Result<Command, String> {
    let modules = parts::part("node/node_modules")?;
    let node = parts::on_path("node", &["--version"], "v")?;
    let mut command = kit.program(&node, &[&source("js/client.cjs")]);
    command.env("NODE_PATH", modules);
    Ok(command)
}

fn go(kit: &Kit<'_>) -> Result<Command, String> {
    Ok(kit.program(&parts::part("go/client")?, &[]))
}

fn java(kit: &Kit<'_>) -> Result<Command, String> {
    let classes = parts::part("java/Client.class")?.with_file_name("");
    let path = format!("{0}:{0}*", classes.display());
    let java = parts::on_path("java", &["--version"], "")?;
    Ok(kit.program(&java, &["-cp".as_ref(), path.as_ref(), "Client".as_ref()]))
}

fn rust(kit: &Kit<'_>) -> Result<Command, String> {
    Ok(kit.program(&parts::part("rust/debug/client")?, &[]))
}

fn rclone(kit: &Kit<'_>) -> Result<Command, String> {
    let program = parts::on_path("rclone", &["version"], "rclone")?;
    let mut command = clients::rclone(kit.world, kit.way, kit.name, &program);
    command.args(["copy", "--transfers=1", "--checkers=1"]);
    command.arg(kit.files(2)).arg(format!(":s3:{}", kit.name));
    Ok(command)
}

/// Backs up data that can't be compressed, through a limit of bytes a second: it makes few requests, and long ones.
fn restic(kit: &Kit<'_>) -> Result<Command, String> {
    const KIB_PER_SECOND: u64 = 400;
    let restic = parts::on_path("restic", &["version"], "restic")?;
    let repository = format!("s3:{}/{}", kit.world.aws.objects_url(), kit.name);
    let prepare = |profile: &str| {
        let mut command = kit.way.command(kit.world, profile, &restic);
        command.args(["--repo", &repository, "--no-cache", "--option=s3.connections=1", "--pack-size=4"]);
        command.env("RESTIC_PASSWORD", "of no worth");
        command
    };
    Run::from(prepare(SETUP).arg("init").output().map_err(|cause| cause.to_string())?).ok();
    let data: Vec<u8> = (0..SECONDS * KIB_PER_SECOND * 1_024 / 8).flat_map(noise).collect();
    let file = kit.world.path("home/noise");
    fs::write(&file, data).unwrap();
    let mut command = prepare(kit.name);
    command.arg(format!("--limit-upload={KIB_PER_SECOND}")).arg("backup").arg(file);
    Ok(command)
}

/// Answers eight bytes that look like chance.
fn noise(number: u64) -> [u8; 8] {
    let mixed = (number ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ (mixed >> 29)).wrapping_mul(0x94d0_49bb_1331_11eb).to_le_bytes()
}
