//! The proxy between this computer and AWS, as the environment names it: `HTTPS_PROXY` or `ALL_PROXY`, and `NO_PROXY`.
//!
//! Only HTTPS goes through it, as a tunnel: it sees no credential. Loopback is never reached through it.

use aws_smithy_http_client::proxy::ProxyConfig;

const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// Reads the variables. A proxy that can't be used (SOCKS, not an address) is told in the log and left out.
pub(crate) fn from_environment() -> ProxyConfig {
    let proxy = first(&["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]);
    let exceptions = first(&["NO_PROXY", "no_proxy"]).unwrap_or_default();
    proxy.map_or_else(ProxyConfig::disabled, |proxy| through(&proxy, &exceptions))
}

fn first(names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

/// Makes a proxy of an address; without a scheme it is spoken to by HTTP.
pub(crate) fn through(proxy: &str, exceptions: &str) -> ProxyConfig {
    let address = if proxy.contains("://") { proxy.to_owned() } else { format!("http://{proxy}") };
    match ProxyConfig::https(address) {
        Ok(config) => config.no_proxy(format!("{exceptions},{LOOPBACK}")),
        // Security: the address may hold a password and is not quoted.
        Err(_) => {
            tracing::warn!(
                "the proxy of HTTPS_PROXY or ALL_PROXY is not http:// or https:// and is not used"
            );
            ProxyConfig::disabled()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_needs_no_scheme_and_has_to_speak_http() {
        for proxy in ["proxy.corp.example:3128", "http://alice:hunter2@proxy.corp.example:3128/"] {
            assert!(!through(proxy, "").is_disabled(), "{proxy}");
        }
        for proxy in ["socks5://127.0.0.1:1080", "http://", "a proxy"] {
            assert!(through(proxy, "").is_disabled(), "{proxy}");
        }
    }
}
