//! `cargo xtask manual DIRECTORY`: the manual, one page a command, written from the definitions of the commands.
//!
//! The client has none of this in it: pages are made when it is installed or packed.

mod daemon;
mod more;

use crate::line::Line;
use crate::usage;
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Commands of users.
const SECTION: &str = "1";
const MANUAL: &str = "keyfob";

/// A page: the name of its file, and its text for `man`.
pub(crate) struct Page {
    pub(crate) file: String,
    pub(crate) text: Vec<u8>,
}

pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let [directory] = arguments else {
        return usage("`manual` takes the directory to write to");
    };
    match write(Path::new(directory)) {
        Ok(paths) => {
            println!("{} pages in {directory}", paths.len());
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("xtask: manual: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Writes all pages into a directory, which is made if need be, and answers where they are.
pub(crate) fn write(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let told = |path: &Path, cause: io::Error| format!("write {}: {cause}", path.display());
    fs::create_dir_all(directory).map_err(|cause| told(directory, cause))?;
    let pages = pages().map_err(|cause| format!("write the manual: {cause}"))?;
    let mut paths = Vec::new();
    for Page { file, text } in pages {
        let path = directory.join(file);
        fs::write(&path, text).map_err(|cause| told(&path, cause))?;
        paths.push(path);
    }
    Ok(paths)
}

/// Answers the pages of both programs and of every command.
pub(crate) fn pages() -> io::Result<Vec<Page>> {
    let mut client = Line::command();
    client.build();
    let mut pages = Vec::new();
    add(&client, &mut pages)?;
    pages.push(page(&daemon::command())?);
    Ok(pages)
}

fn add(command: &Command, pages: &mut Vec<Page>) -> io::Result<()> {
    pages.push(page(command)?);
    command.get_subcommands().filter(|command| !command.is_hide_set()).try_for_each(|next| add(next, pages))
}

fn page(command: &Command) -> io::Result<Page> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    let man = Man::new(command.clone());
    // Without a date: the same sources make the same page on every day.
    let source = format!("keyfob {}", env!("CARGO_PKG_VERSION"));
    let mut text = format!(".TH \"{name}\" {SECTION} \"\" \"{source}\" {MANUAL}\n").into_bytes();
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    if command.get_arguments().any(|argument| !argument.is_hide_set()) {
        man.render_options_section(&mut text)?;
    }
    if command.has_subcommands() {
        man.render_subcommands_section(&mut text)?;
    }
    text.write_all(more::sections(&name).as_bytes())?;
    let text = tidied(&String::from_utf8_lossy(&text)).into_bytes();
    Ok(Page { file: format!("{name}.{SECTION}"), text })
}

/// Takes out what mandoc warns of: a line that is broken beside an empty one.
fn tidied(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let is_needed = |(number, line): &(usize, &&str)| {
        !matches!((**line, lines.get(number + 1)), ("", Some(&".br")) | (".br", Some(&"")))
    };
    lines.iter().enumerate().filter(is_needed).map(|(_, line)| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts;
    use std::process::{Output, Stdio};

    #[test]
    fn each_command_has_a_page_with_its_name() {
        let pages = pages().unwrap();
        let text = |file: &str| {
            let page = pages.iter().find(|page| page.file == file);
            String::from_utf8(page.unwrap_or_else(|| panic!("no {file}")).text.clone()).unwrap()
        };
        for command in Line::command().get_subcommands() {
            let name = command.get_name();
            assert!(text(&format!("keyfob-{name}.1")).contains(&format!("keyfob {name}")), "{name}");
        }
        assert!(text("keyfob-role-max-duration.1").contains("sessions"));
        assert!(text("keyfob.1").contains("KEYFOB_SOCKET"));
        assert!(text("keyfobd.1").contains("log\\-format"));
    }

    #[test]
    fn readers_of_the_manual_find_nothing_wrong_with_it() {
        let directory = std::env::temp_dir().join(format!("keyfob-manual-{}", std::process::id()));
        let paths = write(&directory).unwrap();
        let mut complaints = String::new();
        for path in &paths {
            complaints += &complaint("man", &["--warnings", "--encoding=UTF-8", "--local-file"], path);
            complaints += &complaint("mandoc", &["-T", "lint", "-W", "warning"], path);
        }
        fs::remove_dir_all(&directory).unwrap();
        assert_eq!(complaints, "");
    }

    /// Answers what a program says against a page; nothing if it is not installed.
    fn complaint(program: &str, arguments: &[&str], path: &Path) -> String {
        if !parts::is_program(program) {
            return String::new();
        }
        let mut command = std::process::Command::new(program);
        command.args(arguments).arg(path).env("MANWIDTH", "80").env("LC_ALL", "C.UTF-8");
        let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().unwrap();
        let mut said = stderr;
        if program == "mandoc" {
            said.extend(stdout);
        }
        // There is none on purpose.
        let is_told = |line: &&str| !line.contains("missing date");
        let said = String::from_utf8_lossy(&said);
        let said: String = said.lines().filter(is_told).map(|line| format!("{line}\n")).collect();
        // The one of mandoc is that of the date, too.
        if status.success() || program == "mandoc" {
            said
        } else {
            format!("{program} {}: {status}: {said}\n", path.display())
        }
    }
}
