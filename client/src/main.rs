//! `keyfob`: the `credential_process` of AWS tools, and the commands that people type.
//!
//! `get` comes first and alone: no runtime of Rust is started for it, nothing is parsed, nothing is allocated. It
//! reads neither the configuration nor the vault; it asks the daemon.
//!
//! A reader of stdout that has gone ends every command by SIGPIPE, or where that is ignored with the status that a
//! shell gives for it.

#![cfg_attr(all(unix, not(test)), no_main)]

mod aws_files;
mod browser;
mod command;
mod connection;
mod grant;
#[cfg(unix)]
mod hot;
mod line;
mod moment;
mod platform;
mod prompt;
mod report;
mod start;
mod table;
mod usage;

/// The entry that the C runtime calls: Rust's own start-up costs more than a served `get`.
#[cfg(all(unix, not(test)))]
#[unsafe(no_mangle)]
extern "C" fn main(
    count: std::ffi::c_int,
    arguments: hot::Strings,
    environment: hot::Strings,
) -> std::ffi::c_int {
    platform::open_missing_streams();
    command::early::finish(hot::try_get(count, arguments, environment)).into()
}

#[cfg(not(all(unix, not(test))))]
fn main() -> std::process::ExitCode {
    command::run().into()
}
