//! HTTPS with bounds: the `Date` of the answer is kept, its body is limited, redirects are not followed.

use crate::clock;
use aws_smithy_http_client::{Builder, tls};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
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

/// Makes a client that keeps connections for the next call.
pub(crate) fn client() -> SharedHttpClient {
    Builder::new().tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring)).build_https()
}

/// A client for one call, which remembers the `Date` header of the answer.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    inner: SharedHttpClient,
    date: Arc<Mutex<Option<Timestamp>>>,
}

impl Observed {
    pub(crate) fn new(inner: SharedHttpClient) -> Self {
        Self { inner, date: Arc::default() }
    }

    /// Answers the `Date` header of the last answer.
    pub(crate) fn date(&self) -> Option<Timestamp> {
        self.date.lock().ok().and_then(|date| *date)
    }
}

impl HttpClient for Observed {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(ObservedConnector { inner, date: self.date.clone() })
    }
}

#[derive(Debug)]
struct ObservedConnector {
    inner: SharedHttpConnector,
    date: Arc<Mutex<Option<Timestamp>>>,
}

impl HttpConnector for ObservedConnector {
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
}
