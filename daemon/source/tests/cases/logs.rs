//! Everything that is logged while the cases run, and every panic.
//!
//! As in the daemon, libraries that see requests say no more than warnings; our own code says everything.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Shows that the capture works.
pub(crate) const MARK: &str = "the capture begins";

#[derive(Clone, Default)]
pub(crate) struct Logs(Arc<Mutex<Vec<u8>>>);

pub(crate) fn capture() -> Logs {
    let logs = Logs::default();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("warn,keyfob_source=trace,cases=trace"))
        .without_time()
        .with_ansi(false)
        .with_writer(logs.clone())
        .init();
    let panics = logs.clone();
    let shown = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let _ = writeln!(panics.clone(), "{panic}");
        shown(panic);
    }));
    tracing::warn!("{MARK}");
    logs
}

impl Logs {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("nobody panics here")).into_owned()
    }
}

impl Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panics here").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Logs {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
