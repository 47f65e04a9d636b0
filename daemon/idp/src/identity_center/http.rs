//! The SDK's requests, sent by the web client of this room: bounded, over TLS, no redirects.

use crate::trouble::Trouble;
use crate::web::{Caller, Place};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http_body_util::{BodyExt, Full};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;

/// Sends the requests of one client to one service, and keeps the connections to it.
#[derive(Clone)]
pub(super) struct Http {
    caller: Arc<OnceCell<Caller>>,
    longest: Duration,
}

impl Http {
    /// Nothing is connected; each request takes no longer than a time.
    pub(super) fn new(longest: Duration) -> Self {
        Self { caller: Arc::default(), longest }
    }

    async fn send(self, request: HttpRequest) -> Result<HttpResponse, Trouble> {
        let unsaid = || Trouble::useless("a request that can't be sent");
        let request = request.try_into_http1x().map_err(|_| unsaid())?;
        let place = Place::parse(&request.uri().to_string()).map_err(|_| unsaid())?;
        let caller = self.caller.get_or_try_init(|| Caller::to(&place, self.longest)).await?;
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| unsaid())?.to_bytes();
        let answer = caller.send(hyper::Request::from_parts(head, Full::new(body))).await?;
        HttpResponse::try_from(answer.map(SdkBody::from))
            .map_err(|_| Trouble::passing("an answer that can't be read"))
    }
}

impl fmt::Debug for Http {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Http")
    }
}

impl HttpClient for Http {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Http {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let sent = self.clone().send(request);
        HttpConnectorFuture::new(async move {
            sent.await.map_err(|trouble| ConnectorError::other(Box::new(Carried(trouble)), None))
        })
    }
}

/// Takes a trouble through the SDK.
#[derive(Debug)]
struct Carried(Trouble);

impl fmt::Display for Carried {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.clone().into_failure().message)
    }
}

impl std::error::Error for Carried {}

/// Answers the trouble that the SDK has carried.
pub(super) fn carried(error: &ConnectorError) -> Option<Trouble> {
    let source = std::error::Error::source(error)?;
    source.downcast_ref::<Carried>().map(|carried| carried.0.clone())
}
