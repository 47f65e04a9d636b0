//! Whether the emulated AD FS is one is not for us to say: a client that was written against real ones says so.
//!
//! It goes on to the sign-in page of AWS, which is not here: it gets as far as reading the response.

use keyfob_tests::{Adfs, Tls, parts};
use std::process::{Command, Stdio};

#[test]
fn a_client_for_real_ones_takes_the_emulation_for_one() {
    let adfs = Adfs::start();
    let Some(client) = parts::find("aws-adfs") else { return };
    let Some(front) = Tls::before(adfs.address().port()) else { return };
    let home = tempfile::tempdir().unwrap();
    let password = adfs.password("CORP\\alice");
    let run = |password: &str| {
        let mut command = Command::new(&client);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", home.path());
        command.env("username", "CORP\\alice").env("password", password).env("LC_ALL", "C.UTF-8");
        // Nothing beyond this computer is asked.
        command.env("HTTPS_PROXY", "http://127.0.0.1:1").env("NO_PROXY", "127.0.0.1");
        command.args(["login", "--env", "--no-ssl-verification", "--no-sspi", "--region", "us-east-1"]);
        command.args(["--adfs-host", &format!("127.0.0.1:{}", front.port()), "--no-session-cache"]);
        let output = command.stdin(Stdio::null()).output().unwrap();
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    };
    let wrong = run("wr0ng");
    assert!(wrong.contains("Incorrect user ID or password"), "it prints what the page says: {wrong}");
    assert_eq!(adfs.counts().wrong_passwords, 1);
    let right = run(&password);
    assert_eq!(adfs.counts().assertions, 1, "{right}");
    assert!(right.contains("signin.aws.amazon.com"), "it goes on with the response to AWS: {right}");
}
