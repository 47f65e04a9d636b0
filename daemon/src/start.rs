//! From the command line to the running loop: directories, logs, locks, the first configuration, readiness.
//!
//! Whoever started a detached daemon reads one line: `ready`, or why it did not start.

use crate::arguments::{Arguments, Background};
use crate::runtime::{Parts, Runtime, own_share, restricted_path, retention};
use crate::watch::Watch;
use crate::{configuration, logs, platform};
use keyfob_audit::Audit;
use keyfob_engine::config::Config;
use keyfob_listen::{BindError, Listener};
use keyfob_shared::{Failure, FailureKind, Holder, SocketName, environment, holder};
use keyfob_vault::{Choice, Keeper};
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long a new daemon waits for an old one, whose socket is gone already, to end.
const PATIENCE: Duration = Duration::from_secs(3);
/// Clients look at a lock for less than this, whoever held it last.
const GLANCE: Duration = Duration::from_millis(200);
const STEP: Duration = Duration::from_millis(50);

/// Runs the daemon until it is told to stop.
///
/// # Errors
/// Why it could not start.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let result = prepare(arguments);
    if arguments.background == Background::Detached {
        announce(result.as_ref().err());
    }
    let Some((runtime, executor)) = result? else { return Ok(()) };
    let ended = executor.block_on(runtime.run());
    // A file on a network that has gone must not hold up the end.
    executor.shutdown_background();
    ended
}

type Prepared = Option<(Runtime, tokio::runtime::Runtime)>;

/// Makes everything ready; `None` if another daemon serves already and that is fine.
fn prepare(arguments: &Arguments) -> Result<Prepared, Failure> {
    if arguments.background == Background::Detached {
        platform::detach();
    }
    let state_directory = environment::state_directory()?;
    let config_file = environment::config_file()?;
    let socket = environment::socket()?;
    platform::private_directory(&state_directory)?;
    logs::start(arguments, &state_directory).map_err(|cause| start_failure("open the log", &cause))?;
    // Watched first: what is edited from here on is read again.
    let (change, changed) = mpsc::channel(1);
    let mut watch = Watch::start(std::slice::from_ref(&config_file), change);
    let config = configuration::read_watched(&config_file, &mut watch)
        .result
        .map_err(|broken| broken.at_start(&config_file))?;
    refuse_restricted(&config, &socket)?;
    let choice: Choice = config.daemon.vault.parse().map_err(|wrong| {
        Failure::new(FailureKind::Usage, format!("read config {}: vault: {wrong}", config_file.display()))
    })?;
    let executor = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(4)
        .thread_keep_alive(Duration::from_secs(1))
        .build()
        .map_err(|cause| start_failure("start the event loop", &cause))?;
    let guard = executor.enter();
    let descriptors = platform::descriptors();
    let settings = keyfob_listen::Settings {
        socket,
        allow_root: config.daemon.allow_root,
        descriptors: own_share(descriptors),
        kind: keyfob_listen::Kind::Main,
    };
    let Some(listener) = listen(&settings, arguments.background)? else { return Ok(None) };
    let state_lock = lock_state(&state_directory, listener.path())?;
    let vault = Keeper::start(keyfob_vault::Settings {
        choice,
        key_file: config.daemon.vault_key_file.clone(),
        passphrase_command: config.daemon.passphrase_command.clone(),
        state_directory: state_directory.clone(),
    });
    let audit = Audit::open(&state_directory, retention(&config.daemon))
        .map_err(|cause| start_failure("open the audit", &cause))?;
    let lock_note = state_directory.join("locked");
    let parts = Parts {
        config,
        watch,
        changed,
        config_file,
        state_directory,
        lock_note,
        descriptors,
        listener,
        vault,
        audit,
        state_lock,
    };
    let runtime = Runtime::new(parts).map_err(|cause| start_failure("start", &cause))?;
    drop(guard);
    Ok(Some((runtime, executor)))
}

/// Refuses to be the daemon behind a restricted socket, which would give all that the person has to whoever uses that.
fn refuse_restricted(config: &Config, socket: &Path) -> Result<(), Failure> {
    let is_it = |(name, _): &(&SocketName, _)| {
        restricted_path(config, name, socket).is_some_and(|path| path == socket)
    };
    match config.sockets.iter().find(is_it).filter(|_| environment::is_socket_told()) {
        None => Ok(()),
        Some((name, _)) => {
            let message = format!(
                "{} is restricted socket {name} of the configuration, and the daemon that serves it does not run",
                socket.display()
            );
            Err(Failure::new(FailureKind::Unreachable, message)
                .hint("keyfob daemon start, without KEYFOB_SOCKET or with that of the main socket"))
        }
    }
}

/// Takes the socket; `None` if another daemon takes connections there. One that is starting or ending is waited for.
fn listen(settings: &keyfob_listen::Settings, background: Background) -> Result<Option<Listener>, Failure> {
    let mut waited = Duration::ZERO;
    loop {
        match Listener::bind(settings) {
            Ok(listener) => return Ok(Some(listener)),
            Err(BindError::AlreadyRunning) if background == Background::Detached => {}
            Err(error @ BindError::AlreadyRunning) => {
                return Err(start_failure("listen", &error).hint("keyfob daemon stop"));
            }
            Err(error @ BindError::Unsafe(_)) => {
                let hint = format!("set {} to a path in a directory of your own", environment::SOCKET);
                return Err(start_failure("listen", &error).hint(hint));
            }
            Err(error) => return Err(start_failure("listen", &error)),
        }
        if Listener::is_served(&settings.socket) {
            return Ok(None);
        }
        if waited >= PATIENCE {
            let message =
                format!("another daemon holds {}.lock and takes no connections", settings.socket.display());
            return Err(Failure::new(FailureKind::Unreachable, message).hint("keyfob daemon restart"));
        }
        std::thread::sleep(STEP);
        waited += STEP;
    }
}

/// Takes the state directory, and writes down who has it: two daemons must not write to one vault.
fn lock_state(state_directory: &Path, socket: &Path) -> Result<File, Failure> {
    let path = state_directory.join(holder::LOCK);
    let wrong = |cause: io::Error| start_failure("lock the state directory", &cause);
    let mut waited = Duration::ZERO;
    loop {
        if let Some(mut lock) = platform::lock(&path).map_err(wrong)? {
            let holder = Holder { pid: std::process::id(), socket: socket.to_owned() };
            let written = lock.set_len(0).and_then(|()| lock.write_all(holder.to_string().as_bytes()));
            return written.map(|()| lock).map_err(wrong);
        }
        let holder = holder_of(&path);
        // One that had this socket before is ending; what answers there now is this process.
        let elsewhere = holder.as_ref().filter(|holder| holder.socket != socket);
        let is_served = || elsewhere.is_some_and(|holder| Listener::is_served(&holder.socket));
        if waited >= PATIENCE || (waited >= GLANCE && is_served()) {
            return Err(taken(state_directory, holder.as_ref()));
        }
        std::thread::sleep(STEP);
        waited += STEP;
    }
}

fn holder_of(lock: &Path) -> Option<Holder> {
    let mut text = String::new();
    platform::open_file(lock).ok()?.take(holder::MAX_HOLDER).read_to_string(&mut text).ok()?;
    Holder::parse(&text)
}

/// Tells of a daemon elsewhere; clients would have gone there if it took connections.
fn taken(state_directory: &Path, holder: Option<&Holder>) -> Failure {
    let who = holder.map_or_else(String::new, |holder| {
        format!(", process {} at {},", holder.pid, holder.socket.display())
    });
    let message = format!("another daemon{who} uses the state directory {}", state_directory.display());
    Failure::new(FailureKind::Unreachable, message).hint("keyfob daemon restart")
}

fn start_failure(what: &str, cause: &dyn Display) -> Failure {
    Failure::new(FailureKind::Usage, format!("{what}: {cause}")).hint("keyfob daemon run")
}

/// Tells whoever started this process how it went, and lets go of their streams. They may have gone.
fn announce(failure: Option<&Failure>) {
    let line =
        failure.map_or_else(|| "ready".into(), |failure| serde_json::to_string(failure).unwrap_or_default());
    let _ = writeln!(std::io::stdout(), "{line}");
    if let Err(error) = platform::close_standard_streams() {
        tracing::warn!(%error, "close the standard streams");
    }
}
