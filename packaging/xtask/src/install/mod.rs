//! `cargo xtask install` and `uninstall`: programs, manual, completions and the service of the user, below a prefix.
//!
//! What was installed stands in a list below the prefix: nothing else is ever removed, and no data of anybody.

mod completions;
mod list;

pub(crate) use completions::script;

use crate::{manual, static_client, usage, workspace};
use list::List;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

const PROGRAMS: [&str; 2] = ["keyfobd", "keyfob"];

/// What the command line asks for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    prefix: Option<PathBuf>,
    /// Takes programs that are built already.
    from: Option<PathBuf>,
    no_service: bool,
}

pub(crate) fn install(arguments: &[String]) -> ExitCode {
    match parse(arguments) {
        Ok(options) => ended("install", put(&options)),
        Err(failure) => usage(&failure),
    }
}

pub(crate) fn uninstall(arguments: &[String]) -> ExitCode {
    match parse(arguments) {
        Ok(Options { prefix, from: None, no_service: false }) => {
            ended("uninstall", prefix.map_or_else(home, Ok).and_then(|prefix| take_away(&prefix)))
        }
        Ok(_) => usage("`uninstall` takes --prefix only"),
        Err(failure) => usage(&failure),
    }
}

fn ended(name: &str, result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {name}: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options::default();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let (name, given) =
            word.split_once('=').map_or((word.as_str(), None), |(name, value)| (name, Some(value)));
        let mut directory = || {
            let value = given.or_else(|| words.next().map(String::as_str)).filter(|value| !value.is_empty());
            let value = value.ok_or_else(|| format!("{name} wants a directory"))?;
            std::path::absolute(value).map_err(|cause| format!("{name} {value}: {cause}"))
        };
        match name {
            "--prefix" => options.prefix = Some(directory()?),
            "--from" => options.from = Some(directory()?),
            "--no-service" if given.is_none() => options.no_service = true,
            other => {
                return Err(format!(
                    "there is no option `{other}`; there are --prefix, --from and --no-service"
                ));
            }
        }
    }
    Ok(options)
}

/// Answers the prefix of a user.
fn home() -> Result<PathBuf, String> {
    let home = env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    home.map(|home| home.join(".local")).ok_or_else(|| "HOME is not set; give a --prefix".into())
}

fn put(options: &Options) -> Result<(), String> {
    let prefix = options.prefix.clone().map_or_else(home, Ok)?;
    let programs = programs(options.from.as_deref())?;
    let mut list = List::read(&prefix)?;
    let result = put_all(&prefix, &programs, &mut list);
    // Also after a failure: what was done can be undone.
    list.write()?;
    result?;
    let bin = prefix.join("bin");
    if !options.no_service {
        println!("\nthe service of the user:");
        let mut install = Command::new(bin.join(program("keyfob")));
        workspace::run(install.args(["daemon", "install"]), "keyfob daemon install")?;
    }
    let path = env::var_os("PATH").unwrap_or_default();
    if !env::split_paths(&path).any(|directory| directory == bin) {
        println!("\n{} is not in your PATH", bin.display());
    }
    println!("\n{}", completions::advice(&prefix));
    println!("a daemon of an older version is replaced by: keyfob daemon restart");
    println!("all of it is removed by: cargo xtask uninstall --prefix {}", prefix.display());
    Ok(())
}

fn put_all(prefix: &Path, programs: &[PathBuf; 2], list: &mut List) -> Result<(), String> {
    // The daemon first: a client never finds an older one beside it.
    for (name, built) in PROGRAMS.iter().zip(programs) {
        let bytes = fs::read(built).map_err(|cause| format!("read {}: {cause}", built.display()))?;
        list.put(&prefix.join("bin").join(program(name)), &bytes, true)?;
    }
    let pages = manual::pages().map_err(|cause| format!("write the manual: {cause}"))?;
    for page in pages {
        list.put(&prefix.join("share/man/man1").join(page.file), &page.text, false)?;
    }
    let client = prefix.join("bin").join(program("keyfob"));
    for (path, script) in completions::scripts(prefix, &client)? {
        list.put(&path, &script, false)?;
    }
    Ok(())
}

fn program(name: &str) -> String {
    format!("{name}{}", env::consts::EXE_SUFFIX)
}

/// Answers the daemon and the client: those in a directory, or else new ones.
pub(crate) fn programs(from: Option<&Path>) -> Result<[PathBuf; 2], String> {
    match from {
        Some(directory) => Ok(PROGRAMS.map(|name| directory.join(program(name)))),
        None => build(),
    }
}

/// Builds both programs as they are released.
fn build() -> Result<[PathBuf; 2], String> {
    let places = workspace::places()?;
    let mut build = workspace::cargo();
    build.args(["build", "--locked", "--release", "--package", "keyfobd"]).current_dir(&places.root);
    let client = if env::consts::OS == "linux" {
        static_client::build("release")?
    } else {
        build.args(["--package", "keyfob"]);
        places.target.join("release").join(program("keyfob"))
    };
    workspace::run(&mut build, "cargo build")?;
    Ok([places.target.join("release").join(program("keyfobd")), client])
}

fn take_away(prefix: &Path) -> Result<(), String> {
    let list = List::read(prefix)?;
    if list.is_empty() {
        return Err(format!("nothing is installed below {}", prefix.display()));
    }
    let client = prefix.join("bin").join(program("keyfob"));
    // Without the client, both have ended already or can't be had.
    if client.exists() {
        for words in [["daemon", "uninstall"], ["daemon", "stop"]] {
            workspace::run(Command::new(&client).args(words), &format!("keyfob {}", words.join(" ")))?;
        }
    }
    list.remove()?;
    println!(
        "what is yours stays: keyfob/ in your directories of configuration and state, with vault and audit"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Options, String> {
        parse(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn options_are_understood_and_others_refused() {
        let options = parsed(&["--prefix", "/a", "--from=/b", "--no-service"]).unwrap();
        assert_eq!(options, Options { prefix: Some("/a".into()), from: Some("/b".into()), no_service: true });
        assert!(parsed(&["--prefix", "a"]).unwrap().prefix.is_some_and(|prefix| prefix.is_absolute()));
        for wrong in [&["--prefix"] as &[&str], &["--prefix="], &["--no-service=1"], &["/a"]] {
            assert!(parsed(wrong).is_err(), "{wrong:?}");
        }
    }
}
