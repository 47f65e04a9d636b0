//! A bounded web client for the pages of one service: it follows cookies and redirects, and runs no script.
//!
//! It never leaves the origin that it was started for, so nothing that it sends can reach another host.

mod caller;
mod connect;
mod jar;
mod place;

pub(crate) use caller::{Caller, is_shown};
pub(crate) use jar::Jar;
pub(crate) use place::{Place, https_host};

use crate::{clock, trouble::Trouble};
use connect::Connections;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    ACCEPT, ACCEPT_LANGUAGE, CONTENT_ENCODING, CONTENT_TYPE, COOKIE, DATE, HeaderMap, HeaderName,
    HeaderValue, LOCATION, SET_COOKIE, USER_AGENT, WWW_AUTHENTICATE,
};
use hyper::{Method, Request, Response, StatusCode};
use keyfob_shared::{Secret, Timestamp};
use std::time::Duration;
use zeroize::Zeroizing;

/// The time for one page, with its redirects.
const STEP_TIME: Duration = Duration::from_secs(10);
const MAX_REDIRECTS: usize = 10;
/// The longest page, in bytes.
const MAX_PAGE: usize = 1024 * 1024;
/// AD FS offers forms to programs that it does not know, and integrated sign-in to some browsers.
const AGENT: &str = concat!("keyfob/", env!("CARGO_PKG_VERSION"));
/// A clock is off by less than this, or the date is no date: ten years, in milliseconds.
const FARTHEST: u64 = 10 * 366 * 24 * 60 * 60 * 1_000;

/// What is sent in a form: names, and values of which some are secrets.
pub(crate) type Fields = Vec<(String, Secret)>;

/// A page that was answered.
pub(crate) struct Answer {
    /// Where it came from, after redirects.
    pub(crate) place: Place,
    pub(crate) status: StatusCode,
    /// Whether it asks for a ticket of Kerberos or NTLM.
    pub(crate) asks_for_ticket: bool,
    /// What the clock of the service shows, where it says so.
    pub(crate) date: Option<Timestamp>,
    /// Holds the assertion, in the end.
    pub(crate) body: Zeroizing<String>,
}

/// A client with the cookies of one service.
pub(crate) struct Visitor {
    connections: Connections,
    jar: Jar,
}

impl Visitor {
    pub(crate) async fn new(start: &Place, jar: Jar) -> Result<Self, Trouble> {
        Ok(Self { connections: Connections::to(start).await?, jar })
    }

    pub(crate) fn jar(&self) -> &Jar {
        &self.jar
    }

    /// Asks for a page.
    pub(crate) async fn get(&mut self, place: &Place) -> Result<Answer, Trouble> {
        self.step(place.clone(), None).await
    }

    /// Sends a form.
    pub(crate) async fn post(&mut self, place: &Place, fields: &Fields) -> Result<Answer, Trouble> {
        let form = encoded(String::new(), fields);
        self.step(place.clone(), Some(Secret::new(form))).await
    }

    async fn step(&mut self, place: Place, form: Option<Secret>) -> Result<Answer, Trouble> {
        let step = tokio::time::timeout(STEP_TIME, self.follow(place, form)).await;
        step.unwrap_or_else(|_| Err(Trouble::passing(format!("no answer within {} s", STEP_TIME.as_secs()))))
    }

    async fn follow(&mut self, mut place: Place, mut form: Option<Secret>) -> Result<Answer, Trouble> {
        for _ in 0..=MAX_REDIRECTS {
            let answer = self.connections.send(self.request(&place, form.as_ref())?).await?;
            let now = clock::now();
            for cookie in answer.headers().get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok())
            {
                self.jar.take(cookie, &place, now);
            }
            let Some(location) = redirect(&answer)? else { return read(place, answer, now).await };
            place = place
                .follow(&location)
                .map_err(|to| Trouble::refused(format!("it redirects to {to}, which is not followed")))?;
            // The others turn a form into a question, as browsers do.
            let keeps = [StatusCode::TEMPORARY_REDIRECT, StatusCode::PERMANENT_REDIRECT];
            form = form.filter(|_| keeps.contains(&answer.status()));
        }
        Err(Trouble::useless(format!("more than {MAX_REDIRECTS} redirects in a row")))
    }

    fn request(&self, place: &Place, form: Option<&Secret>) -> Result<Request<Full<Bytes>>, Trouble> {
        let mut request = Request::builder()
            .uri(place.uri().clone())
            .header(USER_AGENT, AGENT)
            .header(ACCEPT, "text/html,application/xhtml+xml")
            // So that what it says can be told apart.
            .header(ACCEPT_LANGUAGE, "en");
        if let Some(cookies) = self.jar.header(place, clock::now()) {
            request = request.header(COOKIE, secret_value(&cookies)?);
        }
        let request = match form {
            None => request.method(Method::GET).body(Full::default()),
            Some(form) => request
                .method(Method::POST)
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(Full::new(Bytes::copy_from_slice(form.expose().as_bytes()))),
        };
        request.map_err(|_| Trouble::useless("an address that can't be asked"))
    }
}

/// Appends fields to a text as forms do.
pub(crate) fn encoded(start: String, fields: &Fields) -> String {
    let mut form = form_urlencoded::Serializer::for_suffix(start.clone(), start.len());
    form.extend_pairs(fields.iter().map(|(name, value)| (name, value.expose())));
    form.finish()
}

fn secret_value(text: &Secret) -> Result<HeaderValue, Trouble> {
    let mut value =
        HeaderValue::from_str(text.expose()).map_err(|_| Trouble::useless("cookies that can't be sent"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Answers where a redirect leads.
fn redirect<B>(answer: &Response<B>) -> Result<Option<String>, Trouble> {
    match answer.status().as_u16() {
        301 | 302 | 303 | 307 | 308 => match text(answer.headers(), &LOCATION) {
            Some(location) => Ok(Some(location.to_owned())),
            None => Err(Trouble::useless("it redirects to nowhere")),
        },
        _ => Ok(None),
    }
}

async fn read(place: Place, answer: Response<Incoming>, now: Timestamp) -> Result<Answer, Trouble> {
    let (head, body) = answer.into_parts();
    if text(&head.headers, &CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(Trouble::useless("a compressed page, which was not asked for"));
    }
    let tickets = head.headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    let mut tickets = tickets.filter_map(|scheme| scheme.split(' ').next());
    let asks_for_ticket =
        tickets.any(|scheme| ["negotiate", "ntlm"].contains(&scheme.to_ascii_lowercase().as_str()));
    let date = text(&head.headers, &DATE).and_then(read_date);
    let date = date.filter(|date| date.millis().abs_diff(now.millis()) <= FARTHEST);
    let body = Limited::new(body, MAX_PAGE).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            return Trouble::useless(format!("a page of more than {} KiB", MAX_PAGE / 1024));
        }
        Trouble::passing("the answer breaks off")
    })?;
    let body = Zeroizing::new(String::from_utf8_lossy(&body.to_bytes()).into_owned());
    Ok(Answer { place, status: head.status, asks_for_ticket, date, body })
}

fn read_date(text: &str) -> Option<Timestamp> {
    let moment = httpdate::parse_http_date(text).ok()?;
    let since = moment.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok().map(Timestamp::from_millis)
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
