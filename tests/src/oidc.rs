//! A certified OpenID Connect provider on loopback, and somebody who signs in at it with its own forms.

use crate::{Run, parts};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard};

/// What it needs of Node.js.
const NODE: &str = "Number(process.versions.node.split('.')[0]) >= 20";

/// A client that has no secret, and may use every flow.
pub const CLIENT: &str = "keyfob";
/// A client with a secret that has to be encoded.
pub const CONFIDENTIAL: &str = "keyfob:web";
/// Its secret, which proves itself by a header.
pub const CLIENT_SECRET: &str = "s3cr+clients %secret/of:the.web";

/// A running provider; it ends with this value.
#[derive(Debug)]
pub struct OidcProvider {
    server: Child,
    node: PathBuf,
    issuer: String,
    secrets: Arc<Mutex<Vec<String>>>,
}

impl OidcProvider {
    /// Starts it, with id tokens that live for some seconds; `None` where it can't be had.
    ///
    /// # Panics
    /// If it does not start.
    #[allow(clippy::print_stderr, reason = "the runner shows it with --nocapture")]
    pub fn start(lifetime: u32) -> Option<Self> {
        let module = parts::part("oidc/node_modules/oidc-provider/lib/index.js");
        let node = parts::on_path("node", &["-p", NODE], "true");
        let (module, node) = match (module, node) {
            (Ok(module), Ok(node)) => (module, node),
            (Err(why), _) | (_, Err(why)) => {
                eprintln!("skipped: no OIDC provider: {why}");
                return None;
            }
        };
        let mut command = Command::new(&node);
        command.arg(script("oidc.mjs")).arg(module).arg(lifetime.to_string());
        command.args([CLIENT, CONFIDENTIAL, CLIENT_SECRET]);
        let mut server =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut issuer = String::new();
        let mut said = BufReader::new(server.stdout.take().unwrap());
        said.read_line(&mut issuer).unwrap();
        assert!(issuer.starts_with("http://"), "the OIDC provider does not start");
        let secrets = Arc::new(Mutex::new(vec![CLIENT_SECRET.to_owned()]));
        let kept = secrets.clone();
        std::thread::spawn(move || {
            said.lines().map_while(Result::ok).for_each(|secret| lock(&kept).push(secret))
        });
        Some(Self { server, node, issuer: issuer.trim().to_owned(), secrets })
    }

    /// Its name.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Answers everything that must not be found anywhere: tokens, codes, the secret of the client.
    pub fn secrets(&self) -> Vec<String> {
        lock(&self.secrets).clone()
    }

    /// Opens an address as `alice`, fills in every form that comes, and goes where it is sent; answers the last page.
    pub fn sign_in(&self, url: &str) -> Run {
        let mut command = Command::new(&self.node);
        Run::from(command.arg(script("person.mjs")).arg(url).stdin(Stdio::null()).output().unwrap())
    }
}

impl Drop for OidcProvider {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn lock(secrets: &Mutex<Vec<String>>) -> MutexGuard<'_, Vec<String>> {
    secrets.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("providers").join(name)
}
