//! HTTPS with bounds: the `Date` of the answer is kept, its body is limited, redirects are not followed.

use crate::clock;
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

/// A client for one call, which remembers the `Date` header of the answer.
#[derive(Clone, Debug)]
pub struct Observed {
    inner: SharedHttpConnector,
    longest: usize,
    date: ServerDate,
}

/// The `Date` header of the last answer; copies share it.
#[derive(Clone, Debug, Default)]
pub struct ServerDate(Arc<Mutex<Option<Timestamp>>>);

impl ServerDate {
    /// Answers it; `None` if there was no answer yet, or none that a clock can show.
    #[must_use]
    pub fn get(&self) -> Option<Timestamp> {
        self.0.lock().ok().and_then(|date| *date)
    }

    fn set(&self, date: Option<Timestamp>) {
        if let Ok(mut own) = self.0.lock() {
            *own = date;
        }
    }
}

impl Observed {
    /// Sends by a connector; an answer longer than `longest` bytes breaks off.
    #[must_use]
    pub fn new(inner: SharedHttpConnector, longest: usize) -> Self {
        Self { inner, longest, date: ServerDate::default() }
    }

    /// Takes note of dates elsewhere.
    #[must_use]
    pub fn telling(self, date: ServerDate) -> Self {
        Self { date, ..self }
    }

    /// Answers the `Date` header of the last answer; `None` if a clock can't show it.
    #[must_use]
    pub fn date(&self) -> Option<Timestamp> {
        self.date.get()
    }
}

impl HttpClient for Observed {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Observed {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (answer, date, longest) = (self.inner.call(request), self.date.clone(), self.longest);
        HttpConnectorFuture::new(async move {
            let mut answer = answer.await?;
            date.set(answer.headers().get("date").and_then(read_date));
            let body = answer.take_body();
            *answer.body_mut() = SdkBody::from_body_1_x(Limited::new(body, longest));
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
