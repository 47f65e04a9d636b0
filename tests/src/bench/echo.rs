//! The floor for the daemon: a server on the same kind of runtime that does nothing but answer.

use std::process::{Child, Command};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Answers every connection with so many bytes, for ever.
pub(crate) fn serve(socket: &str, size: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::UnixListener::bind(socket).unwrap();
        let reply = vec![b'x'; size];
        loop {
            let Ok((mut connection, _)) = listener.accept().await else { continue };
            let reply = reply.clone();
            tokio::spawn(async move {
                let mut request = [0; 256];
                if connection.read(&mut request).await.is_ok_and(|length| length > 0) {
                    let _ = connection.write_all(&reply).await;
                }
            });
        }
    });
}

/// An echo server in a process of its own.
pub(crate) struct Echo(Child);

impl Echo {
    pub(crate) fn start(socket: &std::path::Path, size: usize) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let child = command.arg("echo").arg(socket).arg(size.to_string()).spawn().unwrap();
        let start = Instant::now();
        while std::os::unix::net::UnixStream::connect(socket).is_err() {
            assert!(start.elapsed() < Duration::from_secs(5), "the echo server does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self(child)
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
