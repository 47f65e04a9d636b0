//! AWS files are handed over, and AWS tools don't notice.

use crate::clients;
use keyfob_tests::world::eventually;
use keyfob_tests::world::is_private;
use keyfob_tests::{Run, World, parts};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

const CONFIG: &str = "\
# mine
[default]
# Ireland
region = eu-west-1
output=json

[profile admin]
role_arn = arn:aws:iam::111122223333:role/Admin
source_profile = default
role_session_name = alice
region = eu-west-1
s3 =
  addressing_style = path

; far away
[profile audit]
role_arn = arn:aws:iam::444455556666:role/Reader
source_profile = admin
role_session_name = auditor
external_id = x-1
region = eu-west-1

[profile machine]
role_arn = arn:aws:iam::111122223333:role/Machine
credential_source = Ec2InstanceMetadata
";

/// Prints where two pairs of files differ to botocore, credentials aside.
const COMPARE: &str = r#"
import os, sys, botocore.exceptions, botocore.session
ours = set(sys.argv[1].split())
def look(folder):
    os.environ["AWS_CONFIG_FILE"] = folder + "/config"
    os.environ["AWS_SHARED_CREDENTIALS_FILE"] = folder + "/credentials"
    config = {"services": {}, "sso_sessions": {}, **botocore.session.Session().full_config}
    profiles = config.pop("profiles")
    return config, {name: {key: value for key, value in profile.items() if key not in ours} for name, profile in profiles.items()}
same = 0
for pair in sys.argv[2:]:
    before, after = pair.split("|")
    try:
        (old, old_profiles), (new, new_profiles) = look(before), look(after)
    except botocore.exceptions.ConfigParseError:
        continue
    if old != new or old_profiles != new_profiles:
        print(before, old_profiles, new_profiles)
    same += 1
print(same)
"#;

/// A world with AWS files, and what they hold.
struct Files {
    world: World,
    secret: String,
    texts: [String; 3],
}

impl Files {
    fn new() -> Self {
        let mut world = World::new();
        let programs = world.program("keyfob").parent().unwrap().to_owned();
        let path = world.environment["PATH"].clone();
        let path = std::env::join_paths(std::iter::once(programs).chain(std::env::split_paths(&path)));
        world.environment.insert("PATH".into(), path.unwrap());
        world.config("# by hand\n");
        let key = world.aws.add_user("alice");
        let other = world.aws.add_user("bob");
        let section = |name: &str, key: &keyfob_tests::emulator::UserKey| {
            format!(
                "[{name}]\naws_access_key_id = {}\naws_secret_access_key={}\n",
                key.access_key_id, key.secret_access_key
            )
        };
        let credentials = format!(
            "# keys\n{}\n# of bob\n{}region = eu-west-2\n",
            section("default", &key),
            section("bob", &other)
        );
        fs::write(world.path("home/.aws/config"), CONFIG).unwrap();
        fs::write(world.path("home/.aws/credentials"), &credentials).unwrap();
        let own = fs::read_to_string(world.path("config/config.toml")).unwrap();
        Self { world, secret: key.secret_access_key, texts: [own, CONFIG.into(), credentials] }
    }

    fn paths(&self) -> [PathBuf; 3] {
        ["config/config.toml", "home/.aws/config", "home/.aws/credentials"].map(|name| self.world.path(name))
    }

    fn now(&self) -> [String; 3] {
        self.paths().map(|path| fs::read_to_string(path).unwrap())
    }

    /// Asks the AWS CLI who a profile is.
    fn identity(&self, profile: &str) -> Option<String> {
        let arguments = ["sts", "get-caller-identity", "--query", "Arn"];
        let run = Run::from(clients::cli(&self.world, profile, &arguments)?.output().unwrap());
        Some(run.ok().trim().to_owned())
    }

    fn identities(&self) -> Option<Vec<String>> {
        ["default", "admin", "audit", "bob"].iter().map(|profile| self.identity(profile)).collect()
    }

    /// Removes what holds secrets by its nature, before they are hunted.
    fn remove_clear_texts(&self) {
        for entry in fs::read_dir(self.world.path("home/.aws")).unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            if name == "credentials" || name.contains("before-keyfob") {
                fs::remove_file(entry.path()).unwrap();
            } else if name == "cli" {
                fs::remove_dir_all(entry.path()).unwrap();
            }
        }
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.world.path("home/.aws")).unwrap().flatten();
        let mut names: Vec<String> = entries
            .map(|entry| entry.file_name().into_string().unwrap())
            .filter(|name| name != "cli")
            .collect();
        names.sort();
        names
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        self.remove_clear_texts();
    }
}

#[test]
fn aws_answers_the_same_identity_before_and_after_and_undo_restores() {
    let files = Files::new();
    let world = &files.world;
    let before = files.identities();
    let dry = world.keyfob(&["import"]);
    assert!(dry.ok().contains("-aws_secret_access_key= ****\n") && dry.stderr.is_empty(), "{dry:?}");
    assert!(
        dry.stdout.contains("left alone: profile machine: its credential_source is Ec2InstanceMetadata\n")
    );
    assert!(dry.stdout.ends_with("`keyfob import --write` hands 4 profiles over\n"), "{dry:?}");
    assert_eq!(files.now(), files.texts, "nothing is touched");
    assert!(world.daemons().is_empty() && files.names() == ["config", "credentials"]);
    let write = world.keyfob(&["import", "--write"]);
    assert!(write.ok().contains("identity default is in the vault") && write.stderr.is_empty(), "{write:?}");
    assert!(write.stdout.contains("the vault keeps keys until the daemon ends: keep the old texts\n"));
    let [own, config, credentials] = files.now();
    assert!(
        own.starts_with(&files.texts[0]) && own.contains("[profile.audit]\nsource = \"admin\"\n"),
        "{own}"
    );
    assert_eq!(credentials, "# keys\n# of bob\n[bob]\nregion = eu-west-2\n");
    for line in [
        "# mine\n",
        "# Ireland\nregion = eu-west-1\noutput=json\n",
        "  addressing_style = path\n",
        "; far away\n",
    ] {
        assert!(config.contains(line), "{config}");
    }
    assert_eq!(config.matches("credential_process = keyfob get ").count(), 4);
    assert_eq!(files.identities(), before);
    let expected = ["config", "config.before-keyfob", "credentials", "credentials.before-keyfob"];
    assert_eq!(files.names(), expected);
    assert!(is_private(&world.path("home/.aws/credentials.before-keyfob")));
    let again = world.keyfob(&["import", "--write"]);
    assert!(again.ok().ends_with("nothing to import\n"), "{again:?}");
    assert_eq!(files.now(), [own, config, credentials]);
    let undo = world.keyfob(&["import", "--undo"]);
    assert!(undo.ok().contains("`keyfob key remove default`"), "{undo:?}");
    assert_eq!(files.now(), files.texts);
    assert_eq!(files.names(), ["config", "credentials"]);
    assert_eq!(files.identities(), before);
    world.keyfob(&["import", "--undo"]).failed(2);
    world.keyfob(&["key", "remove", "default"]).ok();
}

#[test]
fn a_role_behind_an_mfa_device_works_after_one_login_and_the_key_without() {
    let files = Files::new();
    let world = &files.world;
    let serial = "mfa_serial = arn:aws:iam::111122223333:mfa/alice\n";
    let config = CONFIG.replace("[profile admin]\n", &format!("[profile admin]\n{serial}"));
    fs::write(world.path("home/.aws/config"), config).unwrap();
    let before = files.identity("default");
    let write = world.keyfob(&["import", "--write"]);
    assert!(
        write.ok().contains("profile admin: where AWS tools asked for an MFA code, `keyfob login default`")
    );
    assert_eq!(files.identity("default"), before);
    assert!(world.get("admin").failed(3).contains("keyfob login"));
    world.keyfob_with_input(&["login", "default"], "123456").ok();
    let Some(admin) = files.identity("admin") else { return };
    assert_eq!(admin, "\"arn:aws:sts::111122223333:assumed-role/Admin/alice\"");
    let audit = files.identity("audit").unwrap();
    assert_eq!(audit, "\"arn:aws:sts::444455556666:assumed-role/Reader/auditor\"");
}

#[test]
fn undo_loses_no_edit() {
    let files = Files::new();
    let world = &files.world;
    world.keyfob(&["import", "--write"]).ok();
    let [own, config, credentials] = files.paths();
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("{text}# more\n")).unwrap();
    let now = files.now();
    let undo = world.keyfob(&["import", "--undo"]);
    assert!(undo.failed(2).contains("was edited since the import"), "{undo:?}");
    assert_eq!(files.now(), now);
    // Somebody has mended two of them by hand, and removed the third: nothing would be lost.
    fs::write(&config, CONFIG).unwrap();
    fs::write(&own, &files.texts[0]).unwrap();
    fs::remove_file(&credentials).unwrap();
    world.keyfob(&["import", "--undo"]).ok();
    assert_eq!(files.now(), files.texts);
}

#[test]
fn only_what_is_asked_for_is_handed_over_and_files_may_lie_elsewhere() {
    let mut files = Files::new();
    let [_, config, credentials] = files.paths();
    let (moved, keys) =
        (files.world.path("home/elsewhere"), files.world.path("home/.aws/real-before-keyfob"));
    fs::rename(config, &moved).unwrap();
    fs::rename(&credentials, &keys).unwrap();
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink(&keys, &credentials).unwrap();
    files.world.environment.insert("AWS_CONFIG_FILE".into(), "~/elsewhere".into());
    let world = &files.world;
    let before = files.identity("bob");
    world.keyfob(&["import", "--write", "--profile", "bob"]).ok();
    assert_eq!(fs::metadata(&keys).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(fs::symlink_metadata(&credentials).unwrap().is_symlink());
    assert!(fs::read_to_string(&keys).unwrap().contains(&files.secret), "the other key stays");
    let text = fs::read_to_string(&moved).unwrap();
    assert_eq!(text, format!("{CONFIG}\n[profile bob]\ncredential_process = keyfob get bob\n"));
    assert_eq!(files.identity("bob"), before);
    let absent = world.keyfob(&["import", "--profile", "bob", "nobody"]);
    assert!(absent.failed(2).contains("no profile \"nobody\""), "{absent:?}");
    let flags = ["import", "--config", "/dev/null", "--credentials", "/absent"];
    assert!(world.keyfob(&flags).failed(2).contains("it is not a file"));
    world.keyfob(&["import", "--undo"]).ok();
    assert_eq!(fs::read_to_string(&moved).unwrap(), CONFIG);
    fs::remove_file(keys).unwrap();
}

#[test]
fn an_import_that_can_not_go_on_leaves_everything_as_it_works() {
    let files = Files::new();
    let world = &files.world;
    let before = files.identities();
    world.keyfob(&["lock"]).ok();
    let locked = world.keyfob(&["import", "--write"]);
    assert!(locked.status == 4 && locked.stderr.contains("hint: keyfob unlock"), "{locked:?}");
    assert_eq!(files.now(), files.texts);
    world.keyfob(&["unlock"]).ok();
    // A key that somebody else's profile needs is not replaced.
    world.config("# by hand\n[identity.bob]\ntype = \"iam-user\"\n");
    world.keyfob(&["daemon", "reload"]).ok();
    world.add_key("bob");
    let own = fs::read_to_string(world.path("config/config.toml")).unwrap();
    let other = world.keyfob(&["import", "--write"]);
    assert!(other.status == 2 && other.stderr.contains("hint: keyfob key remove bob"), "{other:?}");
    assert_eq!(files.now(), [own, files.texts[1].clone(), files.texts[2].clone()]);
    assert_eq!(files.identities(), before);
    world.config("# by hand\n[identity.bob]\n");
    let broken = world.keyfob(&["import", "--write"]);
    assert!(broken.failed(2).contains("config.toml:"), "{broken:?}");
    fs::write(world.path("home/.aws/credentials"), format!("[default]\n{}\n", files.secret)).unwrap();
    world.config("# by hand\n");
    let torn = world.keyfob(&["import"]);
    assert!(torn.failed(2).contains("line 2"), "{torn:?}");
    let pipe = world.path("home/.aws/pipe");
    assert!(world.command("mkfifo").arg(&pipe).status().unwrap().success());
    let pipe = world.keyfob(&["import", "--credentials", pipe.to_str().unwrap()]);
    assert!(pipe.failed(2).contains("it is not a file"), "{pipe:?}");
}

#[test]
fn an_import_that_is_killed_at_any_moment_leaves_whole_files_and_goes_on() {
    const ROUNDS: u64 = 30;
    let files = Files::new();
    let world = &files.world;
    world.keyfob(&["import", "--write"]).ok();
    let after = files.now();
    world.keyfob(&["import", "--undo"]).ok();
    let mut chance = 11_u64;
    for round in 0..ROUNDS {
        world.keyfob(&["key", "remove", "default"]).ok();
        let mut command = world.command(world.program("keyfob"));
        command.args(["import", "--write"]).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(Duration::from_micros((chance >> 33) % 120_000));
        let _ = child.kill();
        child.wait().unwrap();
        let now = files.now();
        for at in 0..3 {
            assert!(now[at] == files.texts[at] || now[at] == after[at], "round {round}: {}", now[at]);
        }
        let key_in_vault = || world.keyfob(&["key", "list"]).ok().contains("default");
        assert!(now[2].contains(&files.secret) || key_in_vault(), "round {round}: the key is lost");
        world.keyfob(&["import", "--write"]).ok();
        assert_eq!(files.now(), after, "round {round}");
        eventually("the new profiles are served", Duration::from_secs(5), || world.get("audit").status == 0);
        // What was broken off and what went on with it are one import, with one backup of each file.
        let copies = files.names().iter().filter(|name| name.contains("before-keyfob")).count();
        assert!(copies <= 3, "round {round}: {:?}", files.names());
        world.keyfob(&["import", "--undo"]).ok();
        assert_eq!(files.now(), files.texts, "round {round}");
        let names = files.names();
        // A backup is named in the journal when all of them are there.
        let stray = |name: &&String| !name.contains("before-keyfob") && name.contains("keyfob");
        assert_eq!(names.iter().find(stray), None, "round {round}: {names:?}");
    }
}

#[test]
fn another_parser_sees_every_other_setting_as_it_was() {
    const CREDENTIALS: &str = "aws_access_key_id aws_secret_access_key aws_session_token credential_process credential_source duration_seconds external_id mfa_serial role_arn role_session_name source_profile sso_account_id sso_region sso_role_name sso_session sso_start_url web_identity_token_file";
    let world = World::new();
    let Some(python) = parts::python("botocore") else { return };
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../daemon/import/cases");
    let mut command = world.command(python);
    command.env("PYTHONDONTWRITEBYTECODE", "1").args(["-c", COMPARE, CREDENTIALS]);
    for case in fs::read_dir(cases).unwrap().flatten() {
        let (before, after) = (case.path(), world.path("home").join(case.file_name()));
        fs::create_dir(&after).unwrap();
        for name in ["config", "credentials"] {
            let changed = before.join("expected").join(name);
            let now = if changed.exists() { changed } else { before.join(name) };
            fs::write(after.join(name), fs::read(now).unwrap_or_default()).unwrap();
        }
        command.arg(format!("{}|{}", before.display(), after.display()));
    }
    let run = Run::from(command.output().unwrap());
    let lines: Vec<&str> = run.ok().lines().collect();
    let &[count] = lines.as_slice() else { panic!("{lines:#?}") };
    assert!(count.parse::<u32>().unwrap() >= 45, "{count} cases were compared");
}
