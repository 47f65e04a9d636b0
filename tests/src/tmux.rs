//! A real terminal: tmux, with a server of its own in the directory of a world, and a shell in it.

use crate::{Run, World, parts};
use std::path::PathBuf;
use std::process::Command;

/// A terminal of a world; its end ends what runs in it.
pub struct Tmux<'a> {
    world: &'a World,
    program: PathBuf,
}

impl<'a> Tmux<'a> {
    /// Opens a terminal of a size with a shell; `None` if there is no tmux here.
    ///
    /// # Panics
    /// If it is missing where everything has to be there, or does not start.
    pub fn open(world: &'a World, width: u16, height: u16) -> Option<Self> {
        let tmux = Self { world, program: parts::find("tmux")? };
        let (width, height) = (width.to_string(), height.to_string());
        let arguments = ["new-session", "-d", "-x", &width, "-y", &height, "exec env PS1='$ ' sh"];
        tmux.tell(&arguments);
        Some(tmux)
    }

    fn tell(&self, arguments: &[&str]) -> String {
        Run::from(self.command(arguments).output().unwrap()).ok().to_owned()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.world.command(&self.program);
        command.args(["-f", "/dev/null", "-S"]).arg(self.world.path("run/tmux")).args(arguments);
        command.env("SHELL", "/bin/sh");
        command
    }

    /// Types a text.
    pub fn type_text(&self, text: &str) {
        self.tell(&["send-keys", "-l", text]);
    }

    /// Presses a key, by the name that tmux has for it.
    pub fn press(&self, key: &str) {
        self.tell(&["send-keys", key]);
    }

    /// Types a command line.
    pub fn run(&self, line: &str) {
        self.type_text(line);
        self.press("Enter");
    }

    /// Changes the size.
    pub fn resize(&self, width: u16, height: u16) {
        self.tell(&["resize-window", "-x", &width.to_string(), "-y", &height.to_string()]);
    }

    /// Answers what is seen.
    pub fn text(&self) -> String {
        self.tell(&["capture-pane", "-p"])
    }

    /// Answers what is seen, with the sequences for colours.
    pub fn coloured(&self) -> String {
        self.tell(&["capture-pane", "-p", "-e"])
    }

    /// Answers whether a program has the whole screen for itself.
    pub fn is_taken(&self) -> bool {
        self.tell(&["display-message", "-p", "#{alternate_on}"]).trim() == "1"
    }

    /// Answers whether the cursor is seen.
    pub fn has_cursor(&self) -> bool {
        self.tell(&["display-message", "-p", "#{cursor_flag}"]).trim() == "1"
    }
}

impl Drop for Tmux<'_> {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.command(&["kill-server"]).output();
    }
}
