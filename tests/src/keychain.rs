//! A real gnome-keyring on a D-Bus of its own.

use crate::{World, parts, world};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const PASSWORD: &str = "keyring-passw0rd";

/// A private session bus and a Secret Service on it, for one world.
#[derive(Debug)]
pub struct Keychain {
    bus: Child,
    service: Option<Child>,
}

impl Keychain {
    /// Starts both and leads the world to them; `None` where gnome-keyring is missing.
    ///
    /// # Panics
    /// If they don't start.
    pub fn start(world: &mut World) -> Option<Self> {
        for program in ["dbus-daemon", "gnome-keyring-daemon", "gdbus"] {
            parts::find(program)?;
        }
        // No service files: nothing is started on demand, so a service that was stopped stays away.
        let config = world.path("bus.conf");
        let text = format!(
            "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\" \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n<busconfig><type>session</type><listen>unix:path={}</listen><auth>EXTERNAL</auth><policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>",
            world.path("run/bus").display()
        );
        fs::write(&config, text).unwrap();
        let mut bus = world.command("dbus-daemon");
        bus.arg(format!("--config-file={}", config.display())).args(["--nofork", "--print-address"]);
        let mut bus = bus.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(bus.stdout.take().unwrap()).read_line(&mut address).unwrap();
        world.environment.insert("DBUS_SESSION_BUS_ADDRESS".into(), address.trim().into());
        world.environment.insert("XDG_DATA_HOME".into(), world.path("home/.local/share").into());
        world.add_secret(PASSWORD);
        let mut keychain = Self { bus, service: None };
        keychain.start_service(world);
        Some(keychain)
    }

    /// Starts the Secret Service, unlocked.
    ///
    /// # Panics
    /// If it does not come.
    pub fn start_service(&mut self, world: &World) {
        let mut service = world.command("gnome-keyring-daemon");
        service.args(["--foreground", "--unlock", "--components=secrets"]);
        let mut service =
            service.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        service.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
        self.service = Some(service);
        let mut wait = world.command("gdbus");
        let ready = wait.args(["wait", "--session", "--timeout", "20", "org.freedesktop.secrets"]).status();
        assert!(ready.unwrap().success(), "gnome-keyring has not started");
        // It owns its name before its collections are there.
        world::eventually("the default collection", Duration::from_secs(20), || {
            let arguments =
                ["/org/freedesktop/secrets", "org.freedesktop.Secret.Service.ReadAlias", "default"];
            self.call(world, &arguments).contains("/org/freedesktop/secrets/collection/")
        });
    }

    fn call(&self, world: &World, arguments: &[&str]) -> String {
        let [path, method, arguments @ ..] = arguments else { return String::new() };
        let mut command = world.command("gdbus");
        command.args(["call", "--session", "--timeout", "10", "--dest", "org.freedesktop.secrets"]);
        command.args(["--object-path", path, "--method", method]).args(arguments);
        output(command)
    }

    /// Locks every collection.
    pub fn lock(&self, world: &World) {
        let collections = "['/org/freedesktop/secrets/collection/login']";
        let method = "org.freedesktop.Secret.Service.Lock";
        self.call(world, &["/org/freedesktop/secrets", method, collections]);
    }

    /// Answers whether a prompt was raised: gnome-keyring asks gcr's prompter for one.
    pub fn is_locked(&self, world: &World) -> bool {
        let arguments = [
            "/org/freedesktop/secrets/collection/login",
            "org.freedesktop.DBus.Properties.Get",
            "org.freedesktop.Secret.Collection",
            "Locked",
        ];
        self.call(world, &arguments).contains("true")
    }

    /// Unlocks the collection as its owner would, without a prompt: a second start with the password does it.
    ///
    /// # Panics
    /// If it stays locked.
    pub fn unlock(&mut self, world: &World) {
        self.kill();
        self.start_service(world);
        assert!(!self.is_locked(world));
    }

    /// Stops the service in its tracks.
    pub fn pause(&self) {
        self.signal(rustix::process::Signal::STOP);
    }

    /// Lets it go on.
    pub fn go_on(&self) {
        self.signal(rustix::process::Signal::CONT);
    }

    /// Ends the service without warning.
    pub fn kill(&mut self) {
        if let Some(mut service) = self.service.take() {
            let _ = service.kill();
            let _ = service.wait();
        }
    }

    fn signal(&self, signal: rustix::process::Signal) {
        if let Some(service) = &self.service {
            world::signal(service.id(), signal);
        }
    }

    /// Answers the labels of all items that keyfob has in the service.
    pub fn labels(&self, world: &World) -> String {
        let method = "org.freedesktop.Secret.Service.SearchItems";
        self.call(world, &["/org/freedesktop/secrets", method, "{'application': 'keyfob'}"])
    }
}

fn output(mut command: Command) -> String {
    let output = command.output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

impl Drop for Keychain {
    fn drop(&mut self) {
        self.go_on();
        self.kill();
        let _ = self.bus.kill();
        let _ = self.bus.wait();
    }
}
