//! Connections to one service: TLS with the root certificates of the system, through the proxy of the environment.
//!
//! HTTPS goes through the proxy as a tunnel, so that it sees no password; loopback is never reached through it.

use super::place::Place;
use crate::trouble::Trouble;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioExecutor;
use rustls::ClientConfig;
use std::time::Duration;

/// The time in which a connection has to stand; a person does not wait longer for a host that is not there.
const CONNECT_TIME: Duration = Duration::from_secs(5);
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";
/// The longest list of headers of an answer, in bytes: cookies of a sign-in are large.
const MAX_HEAD: usize = 256 * 1024;

type Tls<C> = Box<Client<HttpsConnector<C>, Full<Bytes>>>;

/// A client for one service.
pub(super) enum Connections {
    Plain(Box<Client<HttpConnector, Full<Bytes>>>),
    Direct(Tls<HttpConnector>),
    Tunnelled(Tls<Tunnel<HttpsConnector<HttpConnector>>>),
}

impl Connections {
    /// Prepares connections; nothing is connected yet. Root certificates are read for HTTPS only.
    pub(super) async fn to(place: &Place) -> Result<Self, Trouble> {
        let mut http = HttpConnector::new();
        http.set_connect_timeout(Some(CONNECT_TIME));
        http.enforce_http(false);
        if !place.is_https() {
            return Ok(Self::Plain(Box::new(client().build(http))));
        }
        let config = tokio::task::spawn_blocking(roots).await.map_err(std::io::Error::other);
        let config = config.and_then(|config| config).map_err(|cause| {
            Trouble::Lasting(keyfob_shared::Failure::new(
                keyfob_shared::FailureKind::Usage,
                format!("read the root certificates of the system: {cause}"),
            ))
        })?;
        let Some(proxy) = proxy().intercept(place.uri()) else {
            return Ok(Self::Direct(Box::new(client().build(tls(config, http)))));
        };
        let tunnel = tunnel(&proxy, tls_or_plain(config.clone(), http))?;
        Ok(Self::Tunnelled(Box::new(client().build(tls(config, tunnel)))))
    }

    /// Sends a request and answers the head of what comes back.
    pub(super) async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Trouble> {
        let answer = match self {
            Self::Plain(client) => client.request(request).await,
            Self::Direct(client) => client.request(request).await,
            Self::Tunnelled(client) => client.request(request).await,
        };
        // The innermost cause says most: `connection refused`, `invalid peer certificate: …`.
        answer.map_err(|error| {
            let mut cause: &dyn std::error::Error = &error;
            while let Some(inner) = cause.source() {
                cause = inner;
            }
            let why = if error.is_connect() { "connect" } else { "ask" };
            Trouble::passing(format!("{why}: {}", crate::quote::text(&cause.to_string(), &[])))
        })
    }
}

fn client() -> hyper_util::client::legacy::Builder {
    let mut builder = Client::builder(TokioExecutor::new());
    builder.http1_max_buf_size(MAX_HEAD);
    builder
}

fn roots() -> std::io::Result<ClientConfig> {
    use hyper_rustls::ConfigBuilderExt as _;
    let builder = ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into());
    let builder = builder.with_safe_default_protocol_versions().map_err(std::io::Error::other)?;
    Ok(builder.with_native_roots()?.with_no_client_auth())
}

fn tls<C>(config: ClientConfig, connector: C) -> HttpsConnector<C> {
    HttpsConnectorBuilder::new().with_tls_config(config).https_only().enable_http1().wrap_connector(connector)
}

fn tls_or_plain<C>(config: ClientConfig, connector: C) -> HttpsConnector<C> {
    HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_or_http()
        .enable_http1()
        .wrap_connector(connector)
}

fn tunnel<C>(proxy: &Intercept, connector: C) -> Result<Tunnel<C>, Trouble> {
    // Security: the address may hold a password and is not quoted.
    if !matches!(proxy.uri().scheme_str(), Some("http" | "https")) {
        return Err(Trouble::Lasting(keyfob_shared::Failure::new(
            keyfob_shared::FailureKind::Usage,
            "the proxy of HTTPS_PROXY or ALL_PROXY is not http:// or https://",
        )));
    }
    let tunnel = Tunnel::new(proxy.uri().clone(), connector);
    Ok(match proxy.basic_auth() {
        Some(auth) => tunnel.with_auth(auth.clone()),
        None => tunnel,
    })
}

/// Reads `HTTPS_PROXY` or `ALL_PROXY`, and `NO_PROXY`.
fn proxy() -> Matcher {
    let first = |names: &[&str]| {
        let mut values = names.iter().filter_map(|name| std::env::var(name).ok());
        values.find(|value| !value.is_empty()).unwrap_or_default()
    };
    matcher(
        &first(&["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]),
        &first(&["NO_PROXY", "no_proxy"]),
    )
}

fn matcher(proxy: &str, exceptions: &str) -> Matcher {
    Matcher::builder().https(proxy.to_owned()).no(format!("{exceptions},{LOOPBACK}")).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proxy_stands_before_everything_but_loopback_and_exceptions() {
        let matcher = matcher("proxy.corp.example:3128", "adfs.corp.example,.inside.example");
        for (url, proxied) in [
            ("https://idp.example/", true),
            ("https://adfs.corp.example/", false),
            ("https://a.inside.example/", false),
            ("https://127.0.0.1:1/", false),
            ("https://localhost:1/", false),
        ] {
            assert_eq!(matcher.intercept(&url.parse().unwrap()).is_some(), proxied, "{url}");
        }
        assert!(super::matcher("", "").intercept(&"https://idp.example/".parse().unwrap()).is_none());
    }

    #[test]
    fn a_proxy_speaks_http() {
        let through = |proxy: &str| {
            let intercept = matcher(proxy, "").intercept(&"https://idp.example/".parse().unwrap());
            intercept.map(|intercept| tunnel(&intercept, ()).is_ok())
        };
        assert_eq!(through("http://alice:hunter2@proxy.corp.example:3128"), Some(true));
        assert_ne!(through("socks5://127.0.0.1:1080"), Some(true));
    }
}
