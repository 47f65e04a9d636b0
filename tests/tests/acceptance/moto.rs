//! A second opinion: an STS, IAM and S3 that others wrote, with its checks of keys, signatures and trust switched on.

use crate::clients;
use keyfob_tests::keychain::Keychain;
use keyfob_tests::world::{eventually, session_name};
use keyfob_tests::{Run, World, parts};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::time::Duration;

/// Makes a user who may assume roles, and two roles, one of which asks for an external id; prints the user's key.
const SET_UP: &str = r#"
import boto3, json, sys, urllib.request
url = sys.argv[1]
iam = boto3.client("iam", endpoint_url=url, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
iam.create_user(UserName="alice")
policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["sts:*", "s3:*", "iam:*"], "Resource": "*"}]}
iam.put_user_policy(UserName="alice", PolicyName="p", PolicyDocument=json.dumps(policy))
def role(name, condition):
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:user/alice"}, "Action": "sts:AssumeRole", **condition}]}
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
role("Plain", {})
role("Careful", {"Condition": {"StringEquals": {"sts:ExternalId": "right"}}})
key = iam.create_access_key(UserName="alice")["AccessKey"]
urllib.request.urlopen(urllib.request.Request(url + "/moto-api/reset-auth", b"0", {"Content-Type": "text/plain"}))
print(key["AccessKeyId"], key["SecretAccessKey"])
"#;

pub(crate) struct Moto {
    server: Child,
    pub(crate) url: String,
}

impl Moto {
    /// Starts it with what the environment of the world says about it.
    pub(crate) fn start(world: &World) -> Option<Self> {
        parts::python("moto.server")?;
        let program = parts::find("moto_server")?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let mut server = world.command(program);
        server.args(["-H", "127.0.0.1", "-p", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
        let server = server.spawn().unwrap();
        let moto = Self { server, url: format!("http://127.0.0.1:{port}") };
        eventually("moto listens", Duration::from_secs(30), || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
        });
        Some(moto)
    }

    /// Fills it, and answers a key.
    fn fill(&self, world: &World) -> (String, String) {
        let python = parts::python("boto3").unwrap();
        let run = Run::from(world.command(python).args(["-c", SET_UP, &self.url]).output().unwrap());
        let (id, secret) = run.ok().trim().split_once(' ').unwrap();
        world.add_secret(secret);
        (id.to_owned(), secret.to_owned())
    }

    /// Fills it, and writes the configurations of keyfob and of the AWS clients.
    fn set_up(&self, world: &World) {
        let (id, secret) = self.fill(world);
        let role = |name: &str, role: &str, more: &str| {
            format!(
                "[profile.{name}]\nidentity = \"alice\"\nrole_arn = \"arn:aws:iam::123456789012:role/{role}\"\n{more}"
            )
        };
        world.config_text(&format!(
            "[endpoints]\nsts = \"{url}\"\niam = \"{url}\"\n[identity.alice]\ntype = \"iam-user\"\nrotate_settle = \"1s\"\n{}{}{}",
            role("p", "Plain", ""),
            role("careful", "Careful", "external_id = \"right\"\n"),
            role("careless", "Careful", "external_id = \"wrong\"\n"),
            url = self.url,
        ));
        world.keyfob_with_input(&["key", "add", "alice", "--access-key-id", &id], &secret).ok();
        clients::configure(world, &["p"]);
    }

    fn client(&self, world: &World, program: &std::path::Path) -> std::process::Command {
        let mut command = clients::client(world, program);
        command.env("AWS_ENDPOINT_URL_STS", &self.url).env("AWS_ENDPOINT_URL_S3", &self.url);
        command
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[test]
fn real_clients_work_against_an_independent_sts_with_secrets_in_a_real_keychain() {
    let mut world = World::new();
    let Some(keychain) = Keychain::start(&mut world) else { return };
    let Some(moto) = Moto::start(&world) else { return };
    moto.set_up(&world);
    assert_eq!(world.status()["daemon"]["vault"]["kind"], "secret-service");
    let (Some(aws), Some(python)) = (parts::find("aws"), parts::python("boto3")) else { return };
    let cli = |arguments: &[&str]| {
        let mut command = moto.client(&world, &aws);
        Run::from(command.args(arguments).args(["--profile", "p", "--output", "text"]).output().unwrap())
    };
    let who = cli(&["sts", "get-caller-identity", "--query", "Arn"]);
    let name = session_name("tester");
    assert_eq!(who.ok().trim(), format!("arn:aws:sts::123456789012:assumed-role/Plain/{name}"));
    cli(&["s3api", "create-bucket", "--bucket", "bucket", "--region", "us-east-1"]).ok();
    let script = "import boto3\ns3 = boto3.Session(profile_name='p').client('s3')\nfor n in range(20):\n    s3.put_object(Bucket='bucket', Key=str(n), Body=b'x')\nprint(s3.list_objects_v2(Bucket='bucket')['KeyCount'])";
    let run = Run::from(moto.client(&world, &python).args(["-c", script]).output().unwrap());
    assert_eq!(run.ok().trim(), "20");
    let id = world.get("p").access_key_id();
    eventually("two items", Duration::from_secs(5), || {
        keychain.labels(&world).matches("/login/").count() == 2
    });
    world.kill_daemons();
    assert_eq!(world.get("p").access_key_id(), id, "the next daemon has the session from the keychain");
    // Renewed: another session, which the independent STS knows too.
    world.keyfob(&["logout", "p"]).ok();
    assert_ne!(world.get("p").access_key_id(), id);
    cli(&["s3api", "list-objects-v2", "--bucket", "bucket"]).ok();
}

#[test]
fn trust_and_keys_are_checked_by_an_independent_sts() {
    let world = World::new();
    let Some(moto) = Moto::start(&world) else { return };
    moto.set_up(&world);
    world.get("careful").ok();
    let careless = world.get("careless");
    assert!(careless.failed(1).contains("role/Careful"), "{careless:?}");
    let arguments = ["key", "add", "alice", "--access-key-id", "AKIA0000000000000000"];
    world.keyfob_with_input(&arguments, "0000000000000000000000000000000000000000").ok();
    // moto wraps its refusals differently from STS, so their codes are not understood.
    let unknown = world.get("p");
    assert!(unknown.failed(1).contains("role/Plain"), "{unknown:?}");
}

#[test]
fn a_key_is_rotated_and_an_account_reported_by_an_independent_iam() {
    let world = World::new();
    let Some(moto) = Moto::start(&world) else { return };
    moto.set_up(&world);
    let old = world.keyfob(&["key", "list", "--json"]).json()[0].clone();
    assert_eq!(old["state"], "active", "{old}");
    let id = old["access_key_id"].as_str().unwrap();
    world.get("p").ok();
    let rotated = world.keyfob(&["key", "rotate", "alice", "--now"]);
    assert!(rotated.ok().contains(&format!("{id} is deleted")), "{rotated:?}");
    let keys = world.keyfob(&["key", "list", "--json"]).json();
    assert_eq!(keys.as_array().unwrap().len(), 1, "{keys}");
    let new = keys[0]["access_key_id"].as_str().unwrap();
    let script = "import boto3, sys\niam = boto3.Session(profile_name='p').client('iam', endpoint_url=sys.argv[1], region_name='us-east-1')\nprint(' '.join(k['AccessKeyId'] + k['Status'] for k in iam.list_access_keys(UserName='alice')['AccessKeyMetadata']))";
    let mut listing = moto.client(&world, &parts::python("boto3").unwrap());
    let listing = Run::from(listing.args(["-c", script, &moto.url]).output().unwrap());
    assert_eq!(listing.ok().trim(), format!("{new}Active"));
    world.keyfob(&["logout", "--all"]).ok();
    world.get("p").ok();
    let report = world.keyfob(&["report", "p", "--json"]).json();
    assert_eq!((report["users"].as_u64(), &report["findings"]), (Some(1), &serde_json::json!([])));
    let told = world.keyfob(&["report", "p", "--unused", "0", "--old", "0", "--json"]).json();
    let kinds: Vec<&str> =
        told["findings"].as_array().unwrap().iter().filter_map(|finding| finding["kind"].as_str()).collect();
    assert!(kinds.contains(&"old-key") && kinds.contains(&"unused-key"), "{told}");
    let checked = world.keyfob(&["role", "check", "p"]);
    assert!(checked.ok().contains("duration: 1h of 1h at most"), "{checked:?}");
    assert!(checked.ok().contains("session tags: not accepted, and not asked for"), "{checked:?}");
    let longer = world.keyfob(&["role", "max-duration", "p", "4h", "--write"]);
    assert!(longer.ok().contains("may last 4h from now on (it was 1h)"), "{longer:?}");
    assert!(world.keyfob(&["role", "max-duration", "p", "4h"]).ok().contains("4h already"));
}

#[test]
fn an_imported_role_is_the_same_to_an_independent_sts() {
    let mut world = World::new();
    let Some(moto) = Moto::start(&world) else { return };
    let Some(aws) = parts::find("aws") else { return };
    let (id, secret) = moto.fill(&world);
    let programs = world.program("keyfob").parent().unwrap().display().to_string();
    let path = format!("{programs}:{}", world.environment["PATH"].display());
    world.environment.insert("PATH".into(), path.into());
    world.config_text(&format!("[endpoints]\nsts = \"{}\"\n[daemon]\nvault = \"memory\"\n", moto.url));
    let role = "arn:aws:iam::123456789012:role/Careful";
    let [config, credentials] = ["config", "credentials"].map(|name| world.path("home/.aws").join(name));
    std::fs::write(
        &config,
        format!(
            "[profile c]\nrole_arn = {role}\nsource_profile = base\nexternal_id = right\nrole_session_name = alice\nregion = us-east-1\n"
        ),
    )
    .unwrap();
    let key = format!("[base]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
    std::fs::write(&credentials, key).unwrap();
    let who = || {
        let arguments = ["sts", "get-caller-identity", "--profile", "c", "--output", "json"];
        let run = Run::from(moto.client(&world, &aws).args(arguments).output().unwrap());
        run.json()["Arn"].clone()
    };
    let before = who();
    assert_eq!(before, "arn:aws:sts::123456789012:assumed-role/Careful/alice");
    world.keyfob(&["import", "--write"]).ok();
    assert_eq!(std::fs::read_to_string(credentials).unwrap(), "");
    assert_eq!(who(), before);
    std::fs::remove_file(world.path("home/.aws/credentials.before-keyfob")).unwrap();
    let _ = std::fs::remove_dir_all(world.path("home/.aws/cli"));
}
