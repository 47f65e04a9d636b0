//! Containers and other hosts, as far as namespaces, an empty root and a real ssh stand in for them.

use super::restricted::{audit, no_secrets, scoped, socket, world};
use keyfob_tests::world::eventually;
use keyfob_tests::{Run, World, parts};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// Scoped profiles behind a socket in a directory of its own, which can be mounted.
fn with_directory(world: &World) -> PathBuf {
    let place = world.path("run/agent/agent.sock");
    let path = format!("[socket.ci-agent]\npath = \"{}\"", place.display());
    world.config(&scoped().replace("[socket.ci-agent]", &path));
    eventually("the socket is there", 2 * SECOND, || place.exists());
    place
}

/// Makes a root with nothing in it but a static client and a place for the socket.
fn empty_root(world: &World) -> Option<PathBuf> {
    let (true, Some(client)) = (parts::is_root(), parts::static_client()) else { return None };
    let root = world.path("root");
    fs::create_dir_all(root.join("mount")).unwrap();
    let copied = Command::new("cp").arg(client).arg(root.join("keyfob")).status().unwrap();
    assert!(copied.success());
    Some(root)
}

/// Runs the client in a root of its own, without network, other processes or variables; the directory of the socket is
/// mounted read-only.
fn contained(world: &World, root: &Path, directory: &Path, socket: &str, arguments: &str) -> Run {
    let script = format!(
        "mount --bind {directory} {root}/mount && mount -o remount,ro,bind {root}/mount && \
         exec env -i KEYFOB_SOCKET={socket} $(command -v chroot) {root} /keyfob {arguments}",
        directory = directory.display(),
        root = root.display(),
    );
    let mut container = world.command("unshare");
    container.args(["--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--propagation", "private"]);
    let run = Run::from(container.args(["sh", "-c", &script]).output().unwrap());
    no_secrets(world, &run.stderr);
    run
}

#[test]
fn a_static_client_in_an_empty_container_is_served() {
    let world = world("[identity.alice]\ntype = \"iam-user\"\n");
    let place = with_directory(&world);
    let Some(root) = empty_root(&world) else { return };
    let inside =
        |arguments: &str| contained(&world, &root, place.parent().unwrap(), "/mount/agent.sock", arguments);
    let id = inside("get ci").access_key_id();
    assert_eq!(inside("get ci").access_key_id(), id);
    assert!(inside("get prod").failed(4).contains("restricted socket ci-agent"));
    assert!(inside("status").ok().contains("ci (socket ci-agent)"));
    assert!(inside("profile list").ok().contains("build-1"));
    inside("env ci --shell bash").ok();
    assert!(inside("login alice").failed(4).contains("on the host"));
    eventually("it is written down", 3 * SECOND, || {
        audit(&world).iter().any(|line| line["socket"] == "ci-agent" && line["access_key_id"] == id.as_str())
    });
    // The directory is mounted, not the file: a daemon that is started again makes another file.
    world.keyfob(&["daemon", "restart"]).ok();
    world.add_key("alice");
    assert_ne!(inside("get ci").access_key_id(), id, "the vault of this world was memory");
}

#[test]
fn a_container_without_a_daemon_is_told_what_to_look_at() {
    let world = world("[identity.alice]\ntype = \"iam-user\"\n");
    let place = with_directory(&world);
    let Some(root) = empty_root(&world) else { return };
    let directory = place.parent().unwrap().to_owned();
    let inside = |socket: &str| contained(&world, &root, &directory, socket, "get ci");
    let absent = inside("/mount/other.sock");
    let told = absent.failed(5);
    assert!(told.contains("socket /mount/other.sock does not answer: No such file"), "{told}");
    assert!(told.contains("hint: check that the socket is mounted"), "{told}");
    inside("/mount/agent.sock").ok();
    world.kill_daemons();
    eventually("the daemon has ended", 3 * SECOND, || world.daemons().is_empty());
    let dead = inside("/mount/agent.sock");
    assert!(dead.failed(5).contains("does not answer: Connection refused"), "{dead:?}");
    assert!(inside("agent.sock").failed(2).contains("not an absolute path"));
    let mut left: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["agent.sock", "agent.sock.lock"], "the client makes nothing there");
}

#[test]
fn a_container_with_users_of_its_own_is_served_where_both_sides_say_so() {
    /// As whom a container with remapped users runs, and whom it sees where a user is not mapped.
    const REMAPPED: &str = "100000";
    const UNMAPPED: &str = "65534";
    let world = world("[identity.alice]\ntype = \"iam-user\"\n");
    let place = with_directory(&world);
    let Some(root) = empty_root(&world) else { return };
    let open = |path: PathBuf, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    open(world.path("run"), 0o711);
    open(world.path("run/agent"), 0o711);
    open(root.join("keyfob"), 0o755);
    let inside = |told: &str, program: &str| {
        let mut client = world.command("setpriv");
        client.args([
            "--reuid",
            REMAPPED,
            "--regid",
            REMAPPED,
            "--clear-groups",
            "unshare",
            "--user",
            "--map-root-user",
        ]);
        client.env("KEYFOB_SOCKET", &place).env("KEYFOB_DAEMON_UID", told).arg(program).args(["get", "ci"]);
        Run::from(client.output().unwrap())
    };
    if inside(UNMAPPED, "true").status != 0 {
        return parts::missing("this kernel makes no user namespaces for users");
    }
    let client = root.join("keyfob").display().to_string();
    assert_ne!(inside(UNMAPPED, &client).status, 0, "nobody has allowed it");
    let path = format!("[socket.ci-agent]\nallow_uids = [{REMAPPED}]\npath = \"{}\"", place.display());
    world.config(&scoped().replace("[socket.ci-agent]", &path));
    eventually("it is allowed", 2 * SECOND, || inside(UNMAPPED, &client).status == 0);
    assert!(inside("", &client).failed(5).contains("another user"), "the client has to be told");
    eventually("it is written down", 3 * SECOND, || audit(&world).iter().any(|line| line["uid"] == 100_000));
}

#[test]
fn a_peer_of_another_process_namespace_is_served_and_written_down_as_such() {
    if !parts::is_root() {
        return;
    }
    let mut world = world(&scoped());
    world.keyfob(&["daemon", "stop"]).ok();
    // The daemon in a namespace of its own does not see the peer, as with a container that is no child of its host.
    let mut daemon = world.command("unshare");
    daemon.args(["--pid", "--fork", "--kill-child"]).arg(world.program("keyfobd"));
    let mut daemon = daemon.stderr(Stdio::null()).spawn().unwrap();
    eventually("the daemon serves", 5 * SECOND, || socket(&world).exists());
    world.add_key("alice");
    world.environment.insert("KEYFOB_SOCKET".into(), socket(&world).into());
    let id = world.get("ci").access_key_id();
    eventually("it is written down", 3 * SECOND, || {
        let lines = audit(&world);
        let line = lines.iter().find(|line| line["access_key_id"] == id.as_str());
        line.is_some_and(|line| line["pid"] == 0 && line["socket"] == "ci-agent")
    });
    world.environment.remove("KEYFOB_SOCKET");
    world.kill_daemons();
    let _ = daemon.kill();
    let _ = daemon.wait();
}

/// Ends a program with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts sshd on loopback with keys of its own, and answers its port and the way to call ssh.
fn sshd(world: &World) -> Option<(Ended, Vec<String>)> {
    let (true, Some(sshd), Some(_)) = (parts::is_root(), parts::find("sshd"), parts::find("ssh")) else {
        return None;
    };
    let directory = world.path("ssh");
    fs::create_dir(&directory).unwrap();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o700)).unwrap();
    let path = |name: &str| directory.join(name).display().to_string();
    for name in ["host", "user"] {
        let made =
            Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", &path(name)]).status();
        assert!(made.unwrap().success());
    }
    fs::copy(path("user.pub"), path("authorized")).unwrap();
    // sshd wants this directory wherever it was not started by the system.
    fs::create_dir_all("/run/sshd").unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let config = format!(
        "ListenAddress 127.0.0.1:{port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\nStrictModes no\n\
         PermitRootLogin yes\nPasswordAuthentication no\nStreamLocalBindUnlink yes\n",
        path("host"),
        path("authorized")
    );
    fs::write(path("sshd_config"), config).unwrap();
    let mut server = Command::new(sshd);
    server.args(["-D", "-e", "-f", &path("sshd_config")]).stdin(Stdio::null()).stderr(Stdio::null());
    let server = Ended(server.spawn().unwrap());
    eventually("sshd listens", 5 * SECOND, || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
    let port = port.to_string();
    let known = format!("UserKnownHostsFile={}", path("known"));
    let key = path("user");
    let options = [
        "-F",
        "none",
        "-p",
        &port,
        "-i",
        &key,
        "-o",
        &known,
        "-o",
        "StrictHostKeyChecking=no",
        "-o",
        "BatchMode=yes",
        "-o",
        "LogLevel=ERROR",
    ];
    Some((server, options.map(str::to_owned).to_vec()))
}

#[test]
fn a_socket_that_ssh_forwards_serves_the_other_host() {
    let world = world(&scoped());
    let Some((_server, options)) = sshd(&world) else { return };
    let (here, there) = (socket(&world), world.path("there.sock"));
    let forward = || {
        let mut ssh = world.command("ssh");
        ssh.args(&options).args(["-N", "-o", "ExitOnForwardFailure=yes", "-R"]);
        ssh.arg(format!("{}:{}", there.display(), here.display())).arg("root@127.0.0.1");
        Ended(ssh.spawn().unwrap())
    };
    let connection = forward();
    eventually("the socket is forwarded", 10 * SECOND, || there.exists());
    let remote = world.path("home/keyfob");
    assert!(world.command("cp").arg(world.program("keyfob")).arg(&remote).status().unwrap().success());
    let on_the_other_host = |arguments: &str| {
        let mut ssh = world.command("ssh");
        ssh.args(&options).arg("root@127.0.0.1");
        ssh.arg(format!("env -i KEYFOB_SOCKET={} {} {arguments}", there.display(), remote.display()));
        let run = Run::from(ssh.output().unwrap());
        no_secrets(&world, &run.stderr);
        run
    };
    let id = on_the_other_host("get ci").access_key_id();
    assert!(on_the_other_host("get prod").failed(4).contains("restricted"));
    assert!(on_the_other_host("daemon stop").failed(4).contains("restricted"));
    eventually("it is written down", 3 * SECOND, || {
        let lines = audit(&world);
        let line = lines.iter().find(|line| line["access_key_id"] == id.as_str());
        line.is_some_and(|line| {
            line["socket"] == "ci-agent" && line["program"].as_str().is_some_and(|it| it.ends_with("ssh"))
        })
    });
    // The daemon is started again: the connection finds the new socket under the same name.
    world.keyfob(&["daemon", "restart"]).ok();
    world.add_key("alice");
    on_the_other_host("get ci").ok();
    drop(connection);
    eventually("the connection is gone", 5 * SECOND, || on_the_other_host("get ci").status == 5);
    let gone = on_the_other_host("get ci");
    assert!(gone.failed(5).contains("mounted or forwarded"), "{gone:?}");
}
