//! `keyfob doctor --bundle`: one file for whoever helps, with what is needed and no secret.
//!
//! No value of a variable, no item of the vault and no file of AWS tools is read for it beyond the names of settings.

use super::redact::Redactor;
use super::settings::{self, Section};
use super::{Examined, shape};
use crate::{aws_files, platform};
use keyfob_shared::wire::PROTOCOL;
use keyfob_shared::{Failure, FailureKind, Timestamp, environment};
use serde_json::{Value, json};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Lines of the log that are told, from its end.
const LOG_LINES: usize = 300;
/// The end of the log that is looked at, in bytes.
const LOG_BYTES: u64 = 128 * 1024;
const MAX_CONFIG: u64 = 4 * 1024 * 1024;
/// The beginnings of variables whose names are told.
const VARIABLES: &[&str] = &[
    "AWS_",
    "KEYFOB_",
    "XDG_",
    "SSH_CONNECTION",
    "WSL_",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_",
];

/// Writes the file.
///
/// # Errors
/// If there is one already, or it can't be written.
pub(super) fn write(file: &Path, examined: &Examined) -> Result<(), Failure> {
    let cannot = |cause: &dyn std::fmt::Display| {
        let message = format!("write {}: {cause}", file.display());
        Failure::new(FailureKind::Usage, message).hint("name another file: keyfob doctor --bundle FILE")
    };
    let mut redactor = Redactor::new().map_err(|error| cannot(&error))?;
    let config = environment::config_file().ok();
    let config = config.and_then(|path| read(&path, MAX_CONFIG)).unwrap_or_default();
    shape::learn(&config, &mut redactor);
    for name in [platform::HOME, "USER", "LOGNAME", "USERNAME"] {
        if let Some(value) = std::env::var(name).ok().filter(|value| value != "root" && value != "/root") {
            redactor.hide(&value, if name == platform::HOME { "home" } else { "user" });
        }
    }
    let value = whole(&config, examined, &redactor);
    let text = serde_json::to_string_pretty(&value).map_err(|error| cannot(&error))?;
    let mut made = platform::new_private_file(file).map_err(|error| cannot(&error))?;
    made.write_all(format!("{text}\n").as_bytes()).map_err(|error| cannot(&error))
}

fn whole(config: &str, examined: &Examined, redactor: &Redactor) -> Value {
    let told = |value: Value| redacted(value, redactor);
    let status = examined.status.as_ref();
    json!({
        "written_at": Timestamp::from_millis(platform::now()).to_string(),
        "versions": {
            "client": env!("CARGO_PKG_VERSION"),
            "daemon": status.map(|status| status.daemon.version.clone()),
            "protocol": PROTOCOL,
        },
        "platform": {
            "os": std::env::consts::OS,
            "arch": std::env::consts::ARCH,
            "kernel": read(Path::new("/proc/sys/kernel/osrelease"), 256).map(|text| text.trim().to_owned()),
        },
        "variables_that_are_set": variables(),
        "findings": told(serde_json::to_value(&examined.findings).unwrap_or_default()),
        "status": told(serde_json::to_value(status).unwrap_or_default()),
        "configuration": shape::of(config, redactor),
        "aws_config": sections(&settings::read(&aws_files::config()), redactor),
        "aws_credentials": sections(&settings::read(&aws_files::credentials()), redactor),
        "log": log(redactor),
    })
}

/// Redacts every text within a value.
fn redacted(value: Value, redactor: &Redactor) -> Value {
    match value {
        Value::String(text) => Value::String(redactor.text(&text)),
        Value::Array(values) => values.into_iter().map(|value| redacted(value, redactor)).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| (name, redacted(value, redactor))).collect()
        }
        other @ (Value::Null | Value::Bool(_) | Value::Number(_)) => other,
    }
}

/// Answers the names of variables, never a value.
fn variables() -> Vec<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut names: Vec<String> =
        names.filter(|name| VARIABLES.iter().any(|begin| name.starts_with(begin))).collect();
    names.sort();
    names
}

/// Answers which settings stand where, without their values.
fn sections(found: &[Section], redactor: &Redactor) -> Vec<String> {
    let line = |section: &Section| {
        let names: Vec<&str> = section.settings.iter().map(|(name, _)| name.as_str()).collect();
        redactor.text(&format!("[{}] {}", section.header, names.join(", ")))
    };
    found.iter().map(line).collect()
}

fn log(redactor: &Redactor) -> Vec<String> {
    let Some(path) = environment::state_directory().ok().map(|state| state.join("keyfobd.log")) else {
        return Vec::new();
    };
    let end = || {
        let mut file = std::fs::File::open(&path).ok()?;
        let length = file.metadata().ok()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LOG_BYTES))).ok()?;
        let mut bytes = Vec::new();
        file.take(LOG_BYTES).read_to_end(&mut bytes).ok()?;
        Some((length > LOG_BYTES, String::from_utf8_lossy(&bytes).into_owned()))
    };
    let Some((is_cut, text)) = end() else { return Vec::new() };
    // A line whose start is missing could hold half of what is to be hidden.
    let lines: Vec<&str> = text.lines().skip(usize::from(is_cut)).collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].iter().map(|line| redactor.text(line)).collect()
}

fn read(path: &Path, limit: u64) -> Option<String> {
    let mut bytes = Vec::new();
    std::fs::File::open(path).ok()?.take(limit).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
