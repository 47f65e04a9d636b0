//! By HTTPS, with a certificate that is trusted and with one that is not.
//!
//! Which ones are is read from the environment of the process, so each case runs in one of its own.

use crate::person::Person;
use crate::{USER, settings};
use keyfob_idp::saml::{self, Refused, Settings};
use keyfob_tests::adfs::IdpFault;
use keyfob_tests::{Adfs, Run, Tls};
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;

const URL: &str = "TEST_IDP_URL";
const PASSWORD: &str = "TEST_IDP_PASSWORD";

/// Signs in as the environment says, and prints how it went; nothing to do where it says nothing.
#[tokio::test]
async fn inside() {
    let (Ok(url), Ok(password)) = (std::env::var(URL), std::env::var(PASSWORD)) else { return };
    let settings = Settings { url, ..settings(&Adfs::start()) };
    match saml::sign_in(&settings, None, &mut Person::with(&[&password])).await {
        Ok(signed_in) => match saml::renew(&settings, &signed_in.kept).await {
            Ok(_) => println!("told: signed in and renewed"),
            Err(Refused::Lasting { failure, .. } | Refused::Transient(failure)) => {
                println!("told: {failure}")
            }
        },
        Err(failure) => println!("told: {failure}"),
    }
}

fn inside_with(url: &str, password: &str, variables: &[(&str, &OsStr)]) -> String {
    let mut inside = std::process::Command::new(std::env::current_exe().unwrap());
    inside.args(["tls::inside", "--exact", "--nocapture"]).env(URL, url).env(PASSWORD, password);
    let run = Run::from(inside.envs(variables.iter().copied()).output().unwrap());
    run.ok().lines().find_map(|line| line.split_once("told: ")).unwrap().1.to_owned()
}

fn told(adfs: &Adfs, front: &Tls, trusted: &Path) -> String {
    let url = adfs.url().replace("http://", "https://");
    let url = url.replace(&adfs.address().port().to_string(), &front.port().to_string());
    let variables = [
        ("SSL_CERT_FILE", trusted.as_os_str()),
        ("SSL_CERT_DIR", "".as_ref()),
        ("NO_PROXY", "127.0.0.1".as_ref()),
    ];
    inside_with(&url, &adfs.password(USER), &variables)
}

#[test]
fn a_certificate_that_is_trusted_is_enough_and_another_is_not() {
    let adfs = Adfs::start();
    let Some(front) = Tls::before(adfs.address().port()) else { return };
    assert_eq!(told(&adfs, &front, &front.certificate()), "signed in and renewed");
    let Some(other) = Tls::before(1) else { return };
    let before = adfs.counts().requests;
    let refused = told(&adfs, &front, &other.certificate());
    assert!(refused.starts_with("sign in at 127.0.0.1: connect: invalid peer certificate"), "{refused}");
    assert_eq!(adfs.counts().requests, before);
}

#[test]
fn https_does_not_fall_to_http() {
    let adfs = Adfs::start();
    let Some(front) = Tls::before(adfs.address().port()) else { return };
    for (fault, told_of) in [
        (IdpFault::Redirect(302, adfs.url()), "it redirects to"),
        (IdpFault::FormTo(adfs.url()), "its form leads to"),
    ] {
        adfs.fault(fault);
        let refused = told(&adfs, &front, &front.certificate());
        assert_eq!(
            refused,
            format!("sign in at 127.0.0.1: {told_of} 127.0.0.1 by http, without TLS, which is not followed")
        );
    }
    assert_eq!(adfs.counts().passwords, 0);
}

#[test]
fn a_proxy_is_asked_for_a_tunnel_and_sees_nothing_else() {
    let proxy = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = format!("http://alice:hunter2@{}", proxy.local_addr().unwrap());
    let seen = std::thread::spawn(move || {
        let (mut stream, _) = proxy.accept().unwrap();
        let mut head = vec![0; 2_048];
        let length = stream.read(&mut head).unwrap();
        stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").unwrap();
        String::from_utf8_lossy(&head[..length]).into_owned()
    });
    let variables = [("HTTPS_PROXY", address.as_ref()), ("NO_PROXY", "".as_ref())];
    let refused = inside_with("https://idp.example/adfs/ls/?secret=s3cret", "p4ss", &variables);
    assert_eq!(refused, "sign in at idp.example: connect: tunnel error: proxy authorization required");
    let seen = seen.join().unwrap();
    assert!(seen.starts_with("CONNECT idp.example:443 HTTP/1.1\r\n") && !seen.contains("s3cret"), "{seen}");
    assert!(seen.to_lowercase().contains("proxy-authorization: basic "), "{seen}");
}
