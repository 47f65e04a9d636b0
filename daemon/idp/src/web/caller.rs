//! Single questions to the programs of one service: no cookies, and no redirect is followed.

use super::connect::Connections;
use super::{AGENT, Place, text};
use crate::trouble::Trouble;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::header::{
    ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, LOCATION, USER_AGENT,
};
use hyper::{Method, Request, Response};
use keyfob_shared::Secret;
use std::time::Duration;

/// The longest answer, in bytes: tokens are large, lists of accounts have pages.
const MAX_ANSWER: usize = 512 * 1024;

/// Asks one service.
pub(crate) struct Caller {
    connections: Connections,
    longest: Duration,
}

impl Caller {
    /// Prepares; each question takes no longer than a time, connecting included.
    pub(crate) async fn to(place: &Place, longest: Duration) -> Result<Self, Trouble> {
        Ok(Self { connections: Connections::to(place).await?, longest })
    }

    /// Asks for a document.
    pub(crate) async fn get(&self, place: &Place) -> Result<Response<Bytes>, Trouble> {
        let request = Request::builder().method(Method::GET).uri(place.uri().clone());
        let request = request.header(ACCEPT, "application/json").body(Full::default());
        self.send(request.map_err(|_| unsaid())?).await
    }

    /// Sends a form, and the authority to send it where that is a header.
    pub(crate) async fn post(
        &self,
        place: &Place,
        fields: &[(&str, &str)],
        authority: Option<&Secret>,
    ) -> Result<Response<Bytes>, Trouble> {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let form = Secret::new(form);
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(place.uri().clone())
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(authority) = authority {
            let mut value = HeaderValue::from_str(authority.expose()).map_err(|_| unsaid())?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let body = Full::new(Bytes::copy_from_slice(form.expose().as_bytes()));
        self.send(request.body(body).map_err(|_| unsaid())?).await
    }

    /// Sends a request and takes the whole answer.
    pub(crate) async fn send(&self, mut request: Request<Full<Bytes>>) -> Result<Response<Bytes>, Trouble> {
        // The SDK says a lot about this computer.
        request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(AGENT));
        let sent = tokio::time::timeout(self.longest, async {
            let answer = self.connections.send(request).await?;
            let (head, body) = answer.into_parts();
            if head.status.is_redirection() {
                let place = text(&head.headers, &LOCATION).and_then(|place| Place::parse(place).ok());
                let place =
                    place.map_or("elsewhere".to_owned(), |place| crate::quote::text(place.host(), &[]));
                return Err(Trouble::refused(format!("it redirects to {place}, which is not followed here")));
            }
            if text(&head.headers, &CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
                return Err(Trouble::useless("a compressed answer, which was not asked for"));
            }
            let body = Limited::new(body, MAX_ANSWER).collect().await.map_err(|error| {
                if error.is::<LengthLimitError>() {
                    return Trouble::useless(format!("an answer of more than {} KiB", MAX_ANSWER / 1024));
                }
                Trouble::passing("the answer breaks off")
            })?;
            Ok(Response::from_parts(head, body.to_bytes()))
        });
        let late = || Trouble::passing(format!("no answer within {} s", self.longest.as_secs()));
        sent.await.unwrap_or_else(|_| Err(late()))
    }
}

/// Answers whether an address that a service chose may be shown to a person, and opened.
pub(crate) fn is_shown(url: &str) -> bool {
    // Security: no program but a browser opens it.
    url.bytes().all(|byte| byte.is_ascii_graphic()) && Place::parse(url).is_ok()
}

fn unsaid() -> Trouble {
    Trouble::useless("a question that can't be asked")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_web_are_shown() {
        assert!(is_shown("https://d-1.awsapps.example/start/#/device?user_code=ABCD-EFGH"));
        for wrong in
            ["file:///etc/passwd", "https://a.example/ x", "http://a.example/", "https://a.example/\u{1b}"]
        {
            assert!(!is_shown(wrong), "{wrong}");
        }
    }
}
