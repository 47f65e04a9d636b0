//! Where log lines go, and in which form. They never hold a secret: secrets are a type that can't be shown.

use crate::arguments::{Arguments, Background, LogFormat};
use keyfob_shared::environment;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// The log file of a detached daemon is moved aside when it reaches this many bytes.
const MAX_LOG: u64 = 4 * 1024 * 1024;

/// Starts logging.
pub(crate) fn start(arguments: &Arguments, state_directory: &Path) -> io::Result<()> {
    let builder = tracing_subscriber::fmt().with_env_filter(filter()).with_target(false);
    match arguments.background {
        Background::Foreground => {
            let builder = builder.with_writer(io::stderr).with_ansi(io::stderr().is_terminal());
            match arguments.log_format {
                LogFormat::Human => builder.init(),
                LogFormat::Json => builder.json().init(),
            }
        }
        Background::Detached => {
            let builder =
                builder.with_writer(LogFile::open(state_directory.join("keyfobd.log"))?).with_ansi(false);
            match arguments.log_format {
                LogFormat::Human => builder.init(),
                LogFormat::Json => builder.json().init(),
            }
        }
    }
    Ok(())
}

/// Answers the user's filter; libraries that see requests and their signatures never say more than warnings.
fn filter() -> EnvFilter {
    let wanted = std::env::var(environment::LOG).unwrap_or_else(|_| "info".into());
    let filter = EnvFilter::builder().parse_lossy(wanted);
    const QUIET: [&str; 14] = [
        "aws_runtime",
        "aws_sdk_sso",
        "aws_sdk_ssooidc",
        "aws_sdk_sts",
        "aws_sigv4",
        "aws_smithy_http_client",
        "aws_smithy_runtime",
        "aws_smithy_runtime_api",
        "aws_smithy_http",
        "aws_credential_types",
        "hyper",
        "hyper_util",
        "rustls",
        "dbus_secret_service",
    ];
    QUIET
        .iter()
        .filter_map(|target| format!("{target}=warn").parse().ok())
        .fold(filter, EnvFilter::add_directive)
}

/// A log file that never grows beyond [`MAX_LOG`] twice.
#[derive(Clone)]
struct LogFile(Arc<Mutex<Open>>);

struct Open {
    path: PathBuf,
    file: File,
    size: u64,
}

impl LogFile {
    fn open(path: PathBuf) -> io::Result<Self> {
        let file = crate::platform::append_private(&path)?;
        let size = file.metadata()?.len();
        Ok(Self(Arc::new(Mutex::new(Open { path, file, size }))))
    }
}

impl Write for LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut open = self.0.lock().map_err(|_| io::Error::other("the log is broken"))?;
        if open.size > MAX_LOG {
            std::fs::rename(&open.path, open.path.with_extension("log.1"))?;
            open.file = crate::platform::append_private(&open.path)?;
            open.size = 0;
        }
        let written = open.file.write(line)?;
        open.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogFile {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
