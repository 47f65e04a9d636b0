//! The load: clients that put an object of many parts again and again, 16 parts at a time, until they are told to end.

use crate::clients::{self, Way, source};
use keyfob_tests::{World, parts};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

/// What S3 takes for a part at least, and its clients send.
const PART: u64 = 5 * 1024 * 1024;
/// Twice as many as go up at a time.
pub(super) const PARTS: u64 = 32;
/// How long each request takes: an upload outlives several sessions.
const DELAY: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(8));
/// Settings of the AWS CLI; the others have theirs in their arguments.
const TRANSFERS: &str =
    "  max_concurrent_requests = 16\n  multipart_threshold = 5MB\n  multipart_chunksize = 5MB\n";

/// How a client gets credentials.
#[derive(Clone, Copy)]
pub(super) enum Credentials {
    /// Such that renew.
    Renewed(Way),
    /// By `keyfob exec --env`: static ones.
    Static,
}

/// A client that works; its profile, its role and its bucket have its name.
pub(super) struct Client {
    pub(super) name: &'static str,
    child: Child,
}

/// A client that is wanted: its name, and how it gets credentials.
pub(super) type Wanted = (&'static str, Credentials);

/// All clients of a world.
pub(super) struct Load {
    pub(super) clients: Vec<Client>,
    pub(super) sha256: String,
    wanted: Vec<Wanted>,
    until: PathBuf,
    /// Outside of the world, which is searched for secrets.
    file: tempfile::NamedTempFile,
}

impl Load {
    /// Starts clients; `None` where one is missing.
    pub(super) fn start(world: &World, wanted: &[Wanted]) -> Option<Self> {
        let (file, until) = (tempfile::NamedTempFile::new().unwrap(), world.path("home/end"));
        let mut noise = File::open("/dev/urandom").unwrap().take(PARTS * PART);
        std::io::copy(&mut noise, &mut file.as_file()).unwrap();
        let sum = Command::new("sha256sum").arg(file.path()).output().unwrap();
        let sha256 = String::from_utf8(sum.stdout).unwrap().split(' ').next().unwrap().to_owned();
        let names: Vec<&str> = wanted.iter().map(|(name, _)| *name).collect();
        clients::configure_transfers(world, &names, TRANSFERS);
        world.aws.objects_delay_between(DELAY.0, DELAY.1);
        let mut load = Self { clients: Vec::new(), sha256, wanted: wanted.to_vec(), until, file };
        load.launch(world).map(|()| load)
    }

    /// Starts the clients, anew if they have ended.
    pub(super) fn launch(&mut self, world: &World) -> Option<()> {
        let _ = fs::remove_file(&self.until);
        let file = self.file.path();
        let prepare = |(name, credentials): &Wanted| {
            let mut command = match *name {
                "cli" => cli(world, *credentials, file)?,
                "boto3" => boto3(world, *credentials, file, &self.until)?,
                _ => rclone(world, *credentials, file)?,
            };
            command.env("UNTIL", &self.until);
            Some((*name, command))
        };
        // All are there, or none is started.
        let commands: Vec<_> = self.wanted.iter().map(prepare).collect::<Option<_>>()?;
        let start = |(name, mut command): (&'static str, Command)| {
            let output = File::create(world.path(&format!("{name}.out"))).unwrap();
            let child = command.stdout(output.try_clone().unwrap()).stderr(output).spawn().unwrap();
            Client { name, child }
        };
        self.clients = commands.into_iter().map(start).collect();
        Some(())
    }

    /// Answers the names of clients that have ended.
    pub(super) fn ended(&mut self) -> Vec<&'static str> {
        let ended = |client: &mut Client| client.child.try_wait().unwrap().map(|_| client.name);
        self.clients.iter_mut().filter_map(ended).collect()
    }

    /// Lets all clients come to the end of the upload under way.
    pub(super) fn end(&mut self, world: &World) {
        fs::write(&self.until, "").unwrap();
        for client in &mut self.clients {
            let status = client.wait(Duration::from_secs(300));
            assert!(status.success(), "{}: {status}: {}", client.name, said(world, client.name));
        }
        self.clients.clear();
    }
}

impl Client {
    /// Waits for its end.
    pub(super) fn wait(&mut self, limit: Duration) -> ExitStatus {
        let end = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "{}: not done within {limit:?}", self.name);
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Answers what a client has printed.
pub(super) fn said(world: &World, name: &str) -> String {
    fs::read_to_string(world.path(&format!("{name}.out"))).unwrap_or_default()
}

fn command(world: &World, credentials: Credentials, profile: &str, program: &Path) -> Command {
    match credentials {
        Credentials::Renewed(way) => way.command(world, profile, program),
        Credentials::Static => {
            let mut command = clients::client(world, &world.program("keyfob"));
            command.args(["exec", "--env", profile, "--"]).arg(program);
            command
        }
    }
}

/// One process an upload.
fn cli(world: &World, credentials: Credentials, file: &Path) -> Option<Command> {
    let mut command = command(world, credentials, "cli", &source("batch/again.sh"));
    command.env("AGAIN", parts::find("aws")?);
    command.args(["--endpoint-url", &world.aws.objects_url(), "s3", "cp", "--no-progress"]);
    command.arg(file).arg("s3://cli/k");
    Some(command)
}

/// One process for all uploads.
fn boto3(world: &World, credentials: Credentials, file: &Path, until: &Path) -> Option<Command> {
    let mut command = command(world, credentials, "boto3", &parts::python("boto3")?);
    command.arg(source("boto3/batch.py")).arg("boto3").arg(file).arg(until);
    Some(command)
}

/// One process an upload.
fn rclone(world: &World, credentials: Credentials, file: &Path) -> Option<Command> {
    let mut command = command(world, credentials, "rclone", &source("batch/again.sh"));
    command.env("AGAIN", parts::find("rclone")?);
    clients::rclone_settings(world, &mut command);
    command.args(["copyto", "--ignore-times", "--s3-upload-cutoff=5M", "--s3-chunk-size=5M"]);
    command.arg("--s3-upload-concurrency=16").arg(file).arg(":s3:rclone/k");
    Some(command)
}
