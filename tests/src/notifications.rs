//! What a desktop would show: notifications that are sent over the bus of a world.

use crate::World;
use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

/// Watches the bus for notifications; nobody has to show them.
#[derive(Debug)]
pub struct Notifications {
    monitor: Child,
    seen: PathBuf,
}

impl Notifications {
    /// Begins to watch.
    ///
    /// # Panics
    /// If there is no bus.
    pub fn watch(world: &World) -> Self {
        let seen = world.path("notifications");
        let mut monitor = world.command("dbus-monitor");
        monitor.args(["--session", "interface='org.freedesktop.Notifications',member='Notify'"]);
        let monitor = monitor.stdout(File::create(&seen).unwrap()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(500));
        Self { monitor, seen }
    }

    /// Answers what was shown so far: titles and texts.
    pub fn shown(&self) -> Vec<(String, String)> {
        let text = std::fs::read_to_string(&self.seen).unwrap_or_default();
        let calls = text.split("member=Notify\n").skip(1);
        calls
            .map(|call| {
                // The program, its icon, the title, the text.
                let mut strings =
                    call.lines().filter_map(|line| line.trim().strip_prefix("string \"")).skip(2);
                let mut next = || strings.next().unwrap_or_default().trim_end_matches('"').to_owned();
                (next(), next())
            })
            .collect()
    }
}

impl Drop for Notifications {
    fn drop(&mut self) {
        let _ = self.monitor.kill();
        let _ = self.monitor.wait();
    }
}
