//! TLS before a server on loopback, for clients that speak nothing else.

use crate::parts;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

const SERVE: &str = r#"
import asyncio, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("certificate.pem", "key.pem")
async def copy(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    writer.close()
async def serve(reader, writer):
    inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", int(sys.argv[1]))
    await asyncio.gather(copy(reader, inner_writer), copy(inner_reader, writer))
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"#;

/// A running front; it ends when it is dropped.
#[derive(Debug)]
pub struct Tls {
    server: Child,
    here: TempDir,
    port: u16,
}

impl Tls {
    /// Starts before a port, with a certificate of its own for 127.0.0.1; `None` where Python or OpenSSL is missing.
    ///
    /// # Panics
    /// If it is missing where everything has to be there: with `CI` set.
    pub fn before(port: u16) -> Option<Self> {
        let here = tempfile::tempdir().unwrap();
        let mut openssl = Command::new(parts::find("openssl")?);
        openssl.args([
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=127.0.0.1",
        ]);
        openssl.args([
            "-addext",
            "subjectAltName=IP:127.0.0.1",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
        ]);
        openssl.args(["-keyout", "key.pem", "-out", "certificate.pem"]).current_dir(here.path());
        assert!(openssl.stderr(Stdio::null()).status().unwrap().success(), "openssl makes no certificate");
        let mut python = Command::new(parts::find("python3")?);
        python.args(["-c", SERVE, &port.to_string()]).current_dir(here.path()).stderr(Stdio::null());
        let mut server = python.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Some(Self { server, here, port: line.trim().parse().unwrap() })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The certificate to trust, for `SSL_CERT_FILE`.
    pub fn certificate(&self) -> PathBuf {
        self.here.path().join("certificate.pem")
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
