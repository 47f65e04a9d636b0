//! A look at whether an endpoint can be reached: name, connection, proxy, TLS, and any answer at all.
//!
//! Nothing is signed, and nothing of the answer is kept but its date.

use crate::{Connections, Observed, cause_of};
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use keyfob_shared::Timestamp;
use std::time::Duration;

/// As long as a mint would wait.
const LONGEST: Duration = Duration::from_secs(4);
/// The longest body of an answer, in bytes; it is not read.
const MAX_BODY: usize = 256 * 1024;

impl Connections {
    /// Sends a request without a signature to an address, over the connections that mints use, within 4 s.
    ///
    /// Answers the `Date` of whatever answered, where it is one that a clock can show.
    ///
    /// # Errors
    /// Why there is no answer, in one line that does not quote the address.
    pub async fn probe(&self, url: &str) -> Result<Option<Timestamp>, String> {
        let Some(connector) = self.connector().await else {
            return Err("the root certificates of this computer can't be read".into());
        };
        let request = HttpRequest::get(url).map_err(|_| "its address is not one of HTTP".to_owned())?;
        let observed = Observed::new(connector, MAX_BODY);
        match tokio::time::timeout(LONGEST, observed.call(request)).await {
            Ok(Ok(_)) => Ok(observed.date()),
            Ok(Err(error)) => Err(cause_of(&error)),
            Err(_) => Err(format!("no answer within {} s", LONGEST.as_secs())),
        }
    }
}
