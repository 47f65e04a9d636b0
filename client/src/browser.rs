//! The browser of the person.
//!
//! What a program is started with can be seen by every user. So a secret address is not handed over: the browser is sent
//! to this process, which answers once with the way there, to this user's browser only as far as that can be told.

use crate::platform;
use keyfob_shared::Secret;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The time in which a browser has come.
const BROWSER_TIME: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_millis(20);
const MAX_LINE: u64 = 4 * 1024;

/// Opens an address that others must not see; answers why it could not.
pub(crate) fn open_secret(address: &Secret) -> Result<(), String> {
    let told = |error: io::Error| error.to_string();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(told)?;
    let port = listener.local_addr().map_err(told)?.port();
    let mut word = [0_u8; 16];
    getrandom::fill(&mut word).map_err(|error| error.to_string())?;
    let path = format!("/{}", word.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    open(&format!("http://127.0.0.1:{port}{path}"))?;
    listener.set_nonblocking(true).map_err(told)?;
    let mut waited = Duration::ZERO;
    while waited < BROWSER_TIME {
        match listener.accept() {
            Ok((stream, _)) => {
                if answer(&stream, &path, address).unwrap_or(false) {
                    return Ok(());
                }
            }
            Err(_) => {
                std::thread::sleep(STEP);
                waited += STEP;
            }
        }
    }
    Err(format!("no browser has come within {} s", BROWSER_TIME.as_secs()))
}

/// Opens an address that anybody may see.
pub(crate) fn open(address: &str) -> Result<(), String> {
    let chosen = std::env::var_os("BROWSER").filter(|program| !program.is_empty());
    let program = chosen.unwrap_or_else(|| platform::OPEN.into());
    let mut command = Command::new(&program);
    command.arg(address).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().map(drop).map_err(|error| format!("{}: {error}", program.display()))
}

/// Answers one request; whether it was the one that is waited for.
fn answer(mut stream: &TcpStream, path: &str, address: &Secret) -> io::Result<bool> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    let mut line = String::new();
    BufReader::new(stream.take(MAX_LINE)).read_line(&mut line)?;
    let is_it = line.starts_with(&format!("GET {path} HTTP/1."));
    if is_it {
        let head = Secret::new(format!(
            "HTTP/1.1 302 Found\r\nLocation: {}\r\nCache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            address.expose()
        ));
        stream.write_all(head.expose().as_bytes())?;
    } else {
        stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
    }
    Ok(is_it)
}
