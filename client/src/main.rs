//! `keyfob`: the `credential_process` of AWS tools, and the commands that people type.
//!
//! `get` comes first and alone: no runtime of Rust is started for it, nothing is parsed, nothing is allocated. It
//! reads neither the configuration nor the vault; it asks the daemon.

#![cfg_attr(all(unix, not(test)), no_main)]

mod command;
mod connection;
#[cfg(unix)]
mod hot;
mod line;
mod platform;
mod prompt;
mod report;
mod start;
mod table;

/// The entry that the C runtime calls: Rust's own start-up costs more than a served `get`.
#[cfg(all(unix, not(test)))]
#[unsafe(no_mangle)]
extern "C" fn main(count: std::ffi::c_int, arguments: *const *const std::ffi::c_char) -> std::ffi::c_int {
    let early = hot::try_get(count, arguments);
    match early {
        hot::Early::Served => 0,
        hot::Early::Answered(reply) => command::finish_get(reply).into(),
        hot::Early::NotServed => command::run().into(),
    }
}

#[cfg(not(all(unix, not(test))))]
fn main() -> std::process::ExitCode {
    command::run().into()
}
