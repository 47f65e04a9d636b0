//! Connections to AWS: made at the first call, kept for the next ones.

use crate::proxy;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// A handle that shares its connections.
#[derive(Clone, Debug, Default)]
pub struct Connections {
    // Made at the first call: root certificates and TLS take memory that an idle daemon need not have.
    connector: Arc<OnceCell<SharedHttpConnector>>,
}

impl Connections {
    /// Answers what connects; `None` if the root certificates of this computer can't be read.
    pub async fn connector(&self) -> Option<SharedHttpConnector> {
        // The daemon's one loop must not wait for the disk.
        let made = || tokio::task::spawn_blocking(|| connector(proxy::from_environment()));
        self.connector.get_or_try_init(made).await.ok().cloned()
    }
}

/// Makes what connects. Reads the root certificates of the system: blocks.
fn connector(proxy: ProxyConfig) -> SharedHttpConnector {
    let provider = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
    SharedHttpConnector::new(Connector::builder().proxy_config(proxy).tls_provider(provider).build())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy;
    use aws_smithy_runtime_api::client::http::HttpConnector;
    use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    async fn call(url: &str, proxy: ProxyConfig) -> String {
        let request = HttpRequest::get(url).unwrap();
        let error = connector(proxy).call(request).await.unwrap_err();
        aws_smithy_types::error::display::DisplayErrorContext(&error).to_string()
    }

    #[tokio::test]
    async fn https_is_tunnelled_through_the_proxy() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = proxy::through(&listener.local_addr().unwrap().to_string(), "");
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = vec![0; 1_024];
            let length = stream.read(&mut head).await.unwrap();
            stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await.unwrap();
            String::from_utf8_lossy(&head[..length]).into_owned()
        });
        let error = call("https://sts.eu-west-1.amazonaws.com/", proxy).await;
        assert!(error.contains("proxy authorization required"), "{error}");
        assert!(server.await.unwrap().starts_with("CONNECT sts.eu-west-1.amazonaws.com:443 HTTP/1.1\r\n"));
    }

    #[tokio::test]
    async fn loopback_and_exceptions_are_not_proxied() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = listener.local_addr().unwrap().to_string();
        for url in
            ["https://127.0.0.1:1/", "https://localhost:1/", "http://127.0.0.1:1/", "https://sts.invalid/"]
        {
            let called = call(url, proxy::through(&proxy, "sts.invalid"));
            let called = tokio::time::timeout(std::time::Duration::from_secs(10), called).await;
            assert!(called.is_ok_and(|error| !error.contains("tunnel")), "{url}: the proxy was asked");
        }
    }
}
