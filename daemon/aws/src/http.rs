//! HTTPS with bounds: the `Date` of the answer is kept, its body is limited, redirects are not followed.

use crate::clock;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::{Connector, tls};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::date_time::{DateTime, Format};
use http_body_util::Limited;
use keyfob_shared::Timestamp;
use std::sync::{Arc, Mutex};

/// The longest body of an answer, in bytes: a session token may have 64 KiB, everything else is small.
const MAX_BODY: usize = 256 * 1024;

/// Makes what connects, and keeps connections for the next call. Reads the root certificates of the system: blocks.
pub(crate) fn connector(proxy: ProxyConfig) -> SharedHttpConnector {
    let provider = tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring);
    SharedHttpConnector::new(Connector::builder().proxy_config(proxy).tls_provider(provider).build())
}

/// A client for one call, which remembers the `Date` header of the answer.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    inner: SharedHttpConnector,
    date: Arc<Mutex<Option<Timestamp>>>,
}

impl Observed {
    pub(crate) fn new(inner: SharedHttpConnector) -> Self {
        Self { inner, date: Arc::default() }
    }

    /// Answers the `Date` header of the last answer; `None` if a clock can't show it.
    pub(crate) fn date(&self) -> Option<Timestamp> {
        self.date.lock().ok().and_then(|date| *date)
    }
}

impl HttpClient for Observed {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Observed {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (answer, date) = (self.inner.call(request), self.date.clone());
        HttpConnectorFuture::new(async move {
            let mut answer = answer.await?;
            if let Ok(mut date) = date.lock() {
                *date = answer.headers().get("date").and_then(read_date);
            }
            let body = answer.take_body();
            *answer.body_mut() = SdkBody::from_body_1_x(Limited::new(body, MAX_BODY));
            Ok(answer)
        })
    }
}

fn read_date(text: &str) -> Option<Timestamp> {
    let date = DateTime::from_str(text, Format::HttpDate).ok()?;
    date.to_millis().ok().map(Timestamp::from_millis).filter(|date| clock::is_plausible(*date))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    #[test]
    fn dates_of_http_are_read() {
        assert_eq!(
            read_date("Thu, 01 Jan 2026 00:00:01 GMT"),
            Some(Timestamp::from_millis(1_767_225_601_000))
        );
        for text in ["soon", "", "Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT"] {
            assert_eq!(read_date(text), None, "{text}");
        }
    }

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
