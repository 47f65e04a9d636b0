//! Large objects go up in parts by the clients' own transfer managers, and come back as they were.

use crate::clients::{self, Way, source};
use keyfob_tests::{Run, World, parts};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Three parts of the AWS CLI's 8 MiB, or four of 5 MiB, the least that clients make.
const LENGTH: usize = 16 * 1024 * 1024 + 77;

struct Transfer {
    world: World,
    original: PathBuf,
    copy: PathBuf,
    sha256: String,
}

impl Transfer {
    fn new() -> Self {
        let world = World::with_profile();
        clients::configure(&world, &["p"]);
        let (original, copy) = (world.path("home/original"), world.path("home/copy"));
        let content: Vec<u8> = (0..LENGTH).map(|at| (at / 251 + at) as u8).collect();
        std::fs::write(&original, content).unwrap();
        let sum = world.command("sha256sum").arg(&original).output().unwrap();
        let sha256 = Run::from(sum).ok().split(' ').next().unwrap().to_owned();
        Self { world, original, copy, sha256 }
    }

    /// Runs what puts the original as `b/k`, and what gets it as the copy.
    fn there_and_back(&self, mut put: Command, mut get: Command) {
        Run::from(put.output().unwrap()).ok();
        assert_eq!(self.world.aws.object_sha256("b", "k"), Some(self.sha256.clone()));
        let puts = self.world.aws.accepted();
        assert!(puts >= 5, "begin, three parts at least, complete: {puts} requests");
        Run::from(get.output().unwrap()).ok();
        assert!(std::fs::read(&self.original).unwrap() == std::fs::read(&self.copy).unwrap());
        assert_eq!(self.world.aws.unserved(), Vec::<String>::new());
        assert_eq!(self.world.aws.refused(), Vec::<String>::new());
    }

    fn command(&self, program: &Path) -> Command {
        Way::CredentialProcess.command(&self.world, "p", program)
    }

    fn cli(&self, aws: &Path) {
        let prepare = |from: &Path, to: &Path| {
            let mut command = self.command(aws);
            command.args(["--endpoint-url", &self.world.aws.objects_url(), "s3", "cp", "--no-progress"]);
            command.arg(from).arg(to);
            command
        };
        let there = Path::new("s3://b/k");
        self.there_and_back(prepare(&self.original, there), prepare(there, &self.copy));
    }
}

#[test]
fn the_cli_puts_parts_together() {
    let Some(aws) = parts::find("aws") else { return };
    Transfer::new().cli(&aws);
}

#[test]
fn version_2_of_the_cli_puts_parts_together() {
    match parts::on_path("aws", &["--version"], "aws-cli/2.") {
        Ok(aws) => Transfer::new().cli(&aws),
        Err(why) => parts::missing(&why),
    }
}

#[test]
fn the_transfer_manager_of_boto3_puts_parts_together() {
    let Some(python) = parts::python("boto3") else { return };
    let transfer = Transfer::new();
    let prepare = |direction: &str, file: &Path| {
        let mut command = transfer.command(&python);
        command.arg(source("boto3/transfer.py")).args([direction, "b", "k"]).arg(file);
        command
    };
    transfer.there_and_back(prepare("put", &transfer.original), prepare("get", &transfer.copy));
}

#[test]
fn rclone_puts_parts_together() {
    let rclone = match parts::on_path("rclone", &["version"], "rclone") {
        Ok(rclone) => rclone,
        Err(why) => return parts::missing(&why),
    };
    let transfer = Transfer::new();
    let prepare = |from: &Path, to: &Path| {
        let mut command = clients::rclone(&transfer.world, Way::CredentialProcess, "p", &rclone);
        command.args(["copyto", "--s3-upload-cutoff=5M", "--s3-chunk-size=5M"]).arg(from).arg(to);
        command
    };
    let there = Path::new(":s3:b/k");
    transfer.there_and_back(prepare(&transfer.original, there), prepare(there, &transfer.copy));
}
