//! A real identity provider with its own forms and signatures: SimpleSAMLphp, behind the web server of PHP.

use crate::{parts, world::eventually};
use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// Where Debian puts it.
const PAGES: &str = "/usr/share/simplesamlphp/www";
const MODULES: [&str; 3] = ["dom", "mbstring", "openssl"];
const FILES: [(&str, &str); 4] = [
    ("config.php", include_str!("config.php")),
    ("authsources.php", include_str!("authsources.php")),
    ("metadata/saml20-idp-hosted.php", include_str!("saml20-idp-hosted.php")),
    ("metadata/saml20-sp-remote.php", include_str!("saml20-sp-remote.php")),
];

/// A running provider with one user, `alice`; it ends when it is dropped.
#[derive(Debug)]
pub struct SimpleSamlPhp {
    server: Child,
    here: TempDir,
    port: u16,
    password: String,
}

impl SimpleSamlPhp {
    /// Starts it with roles in account 123456789012; `None` where it is not installed.
    ///
    /// # Panics
    /// If it is missing where everything has to be there: with `CI` set.
    pub fn start(roles: &[&str]) -> Option<Self> {
        if !Path::new(PAGES).is_dir() {
            parts::missing("simplesamlphp is not installed");
            return None;
        }
        let php = parts::find("php")?;
        let modules = Command::new(&php).arg("-m").output().unwrap();
        let modules = String::from_utf8_lossy(&modules.stdout).to_lowercase();
        if !MODULES.iter().all(|module| modules.lines().any(|line| line == *module)) {
            parts::missing("php has no dom, mbstring or openssl");
            return None;
        }
        let here = tempfile::tempdir().unwrap();
        fs::create_dir(here.path().join("metadata")).unwrap();
        for (name, text) in FILES {
            fs::write(here.path().join(name), text).unwrap();
        }
        certify(here.path())?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let chance = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), port);
        let password = format!("p4ss<&>{chance:016x}");
        let server = Command::new(php)
            .args(["-S", &format!("127.0.0.1:{port}"), "-t", PAGES])
            .env("SIMPLESAMLPHP_CONFIG_DIR", here.path())
            .env("IDP_HERE", here.path())
            .env("IDP_PORT", port.to_string())
            .env("IDP_ROLES", roles.join(","))
            .env("IDP_PASSWORD", &password)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let idp = Self { server: server.unwrap(), here, port, password };
        eventually("the provider listens", Duration::from_secs(30), || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
        });
        Some(idp)
    }

    /// The address of the page for `url`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/saml2/idp/SSOService.php?spentityid=urn:amazon:webservices", self.port)
    }

    /// The password of `alice`.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Ends all sessions.
    pub fn end_sessions(&self) {
        for entry in fs::read_dir(self.here.path()).unwrap().flatten() {
            if entry.file_name().to_string_lossy().starts_with("sess_") {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

impl Drop for SimpleSamlPhp {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Makes the key that it signs with.
fn certify(here: &Path) -> Option<()> {
    let mut openssl = Command::new(parts::find("openssl")?);
    openssl.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=idp"]);
    openssl.args(["-keyout", "key.pem", "-out", "certificate.pem"]).current_dir(here).stderr(Stdio::null());
    assert!(openssl.status().unwrap().success(), "openssl makes no certificate");
    Some(())
}
