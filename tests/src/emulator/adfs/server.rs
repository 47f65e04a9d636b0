//! What is answered to which request, on a thread of its own.

use super::super::answer::{Answer, endless, escape, text};
use super::super::lock;
use super::pages::{self, PATH};
use super::{Account, IdpFault, Mfa, State, response};
use http_body_util::{BodyExt, Limited, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{COOKIE, HeaderValue, LOCATION, SET_COOKIE, USER_AGENT, WWW_AUTHENTICATE};
use hyper::service::service_fn;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};
use tokio::net::TcpListener;

const HTML: &str = "text/html; charset=utf-8";
const MAX_BODY: usize = 64 * 1024;

type Fields = HashMap<String, String>;

pub(super) fn start(state: &Arc<Mutex<State>>) -> SocketAddr {
    let (tell, told) = std::sync::mpsc::channel();
    let state = state.clone();
    let serve = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let _ = tell.send(listener.local_addr()?);
            loop {
                let (stream, _) = listener.accept().await?;
                let state = state.clone();
                tokio::spawn(async move {
                    let serve = service_fn(|request| serve(request, &state));
                    let mut builder = hyper::server::conn::http1::Builder::new();
                    builder.auto_date_header(false);
                    let _ = builder.serve_connection(TokioIo::new(stream), serve).await;
                });
            }
            #[allow(unreachable_code, reason = "names the type of the error")]
            std::io::Result::Ok(())
        })
    };
    let spawned = std::thread::Builder::new().name("adfs".into()).spawn(serve);
    spawned.expect("a thread can be started");
    told.recv().expect("AD FS listens")
}

async fn serve(request: Request<Incoming>, state: &Mutex<State>) -> Result<Answer, Infallible> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, MAX_BODY).collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let fields: Fields = form_urlencoded::parse(&body).into_owned().collect();
    let query = head.uri.query().unwrap_or_default().to_owned();
    let text_of = |name| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let cookies: HashMap<String, String> = text_of(COOKIE)
        .split("; ")
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let fault = {
        let mut state = lock(state);
        state.counts.requests += 1;
        let agent = text_of(USER_AGENT).to_owned();
        if !state.agents.contains(&agent) {
            state.agents.push(agent);
        }
        state.fault.clone()
    };
    let mut answer = match fault {
        IdpFault::Hang => std::future::pending().await,
        IdpFault::Deaf if fields.contains_key("Password") => {
            lock(state).counts.passwords += 1;
            std::future::pending().await
        }
        IdpFault::Redirect(status, to) => redirect(status, &to),
        IdpFault::Endless => redirect(302, &format!("{PATH}?{query}x")),
        IdpFault::Huge => endless(),
        IdpFault::Slow => slow(),
        IdpFault::Page(status, page) => text(status, HTML, page),
        IdpFault::Ticket => {
            let mut answer = text(401, HTML, "<html><head><title>401 - Unauthorized</title></head></html>");
            answer.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Negotiate"));
            answer
        }
        fault => {
            let mut state = lock(state);
            let asked = Asked { path: head.uri.path(), query: &query, cookies: &cookies };
            let mut answer = match head.method {
                Method::POST => submitted(&mut state, &asked, &fields, &fault),
                _ => shown(&mut state, &asked, &fault),
            };
            if let IdpFault::Cookies(number) = fault {
                (0..number).for_each(|number| {
                    set_cookie(&mut answer, &format!("junk{number}={}; path=/", "x".repeat(400)));
                });
            }
            answer
        }
    };
    let now = httpdate::fmt_http_date(SystemTime::now());
    if let Ok(now) = HeaderValue::from_str(&now) {
        answer.headers_mut().insert("date", now);
    }
    Ok(answer)
}

struct Asked<'a> {
    path: &'a str,
    query: &'a str,
    cookies: &'a HashMap<String, String>,
}

impl Asked<'_> {
    fn action(&self, fault: &IdpFault) -> String {
        match fault {
            IdpFault::FormTo(to) => escape(to),
            _ => format!("{PATH}?{}&amp;client-request-id=5f0c", escape(self.query)),
        }
    }

    fn here(&self) -> String {
        format!("{PATH}?{}", self.query)
    }
}

/// A page that was asked for: with a session the response, else the sign-in.
fn shown(state: &mut State, asked: &Asked<'_>, fault: &IdpFault) -> Answer {
    if asked.path == "/adfs/portal/updatepassword/" {
        return text(200, HTML, pages::new_password());
    }
    let to_aws = asked.query.to_ascii_lowercase().contains("logintorp=urn:amazon:webservices");
    if asked.path != PATH || !to_aws {
        let page = "<html><head><title>Error</title></head><body><div id=\"errorArea\"><div id=\"errorMessage\">The resource you are trying to access is not available.</div></div></body></html>";
        return text(200, HTML, page);
    }
    let lifetime = state.lifetime;
    state.sessions.retain(|_, session| session.since.elapsed() < lifetime);
    let said = match fault {
        IdpFault::Says(said) => said.as_str(),
        _ => "",
    };
    let session = asked.cookies.get("MSISAuth").and_then(|cookie| state.sessions.get(cookie)).cloned();
    let Some(session) = session else { return text(200, HTML, pages::sign_in(&asked.action(fault), said)) };
    match (&session.context, &state.mfa) {
        (Some(context), Mfa::Choice(_)) => return text(200, HTML, pages::choice(context)),
        (Some(context), Mfa::Code(_)) => return text(200, HTML, pages::code(context, "")),
        (Some(context), _) => return text(200, HTML, pages::push(context, "")),
        (None, _) => {}
    }
    let response = match fault {
        IdpFault::Response(response) => response.clone(),
        _ => response::make(state, &session.user),
    };
    let to = match fault {
        IdpFault::ResponseTo(to) => to.clone(),
        _ => response::destination(state.partition).to_owned(),
    };
    let mut answer = text(200, HTML, pages::working(&escape(&to), &response));
    set_cookie(&mut answer, "MSISAuthenticated=MS8yLzIwMjYgMzowNDowNSBBTQ==; path=/adfs; HttpOnly");
    set_cookie(&mut answer, "MSISLoopDetectionCookie=MjAyNi0wMS0wMjowMzowNDowNVpcMQ==; path=/adfs; HttpOnly");
    answer
}

fn submitted(state: &mut State, asked: &Asked<'_>, fields: &Fields, fault: &IdpFault) -> Answer {
    let field = |name: &str| fields.get(name).map_or("", String::as_str);
    match field("AuthMethod") {
        // Some clients send an empty form first, to find out whether there is a session.
        "FormsAuthentication" if !fields.contains_key("Password") => shown(state, asked, fault),
        "FormsAuthentication" => password(state, asked, (field("UserName"), field("Password")), fault),
        "AzureMfaAuthentication" => second_factor(state, asked, fields),
        // What was hidden in the form is missing.
        _ => text(200, HTML, pages::sign_in(&asked.action(fault), "")),
    }
}

fn password(
    state: &mut State,
    asked: &Asked<'_>,
    (user, password): (&str, &str),
    fault: &IdpFault,
) -> Answer {
    state.counts.passwords += 1;
    let again = |said: &str| text(200, HTML, pages::sign_in(&asked.action(fault), said));
    if state.users.get(&user.to_lowercase()).map(String::as_str) != Some(password) {
        state.counts.wrong_passwords += 1;
        return match fault {
            IdpFault::Says(said) => again(&said.replace("{password}", password)),
            _ => again(pages::WRONG),
        };
    }
    match state.account {
        Account::Good => {}
        Account::Locked => return again("Your account has been locked. Contact your system administrator."),
        Account::Disabled => {
            return again("The user account is disabled. Contact your system administrator.");
        }
        Account::Expired => return redirect(302, "/adfs/portal/updatepassword/"),
    }
    let context = match state.mfa {
        Mfa::None => None,
        Mfa::Code(_) | Mfa::Choice(_) | Mfa::Push(_) | Mfa::Denied => Some(state.new_secret("ctx")),
    };
    signed_in(state, asked, user, context)
}

fn second_factor(state: &mut State, asked: &Asked<'_>, fields: &Fields) -> Answer {
    let mfa = state.mfa.clone();
    let cookie = asked.cookies.get("MSISAuth");
    let Some(session) = cookie.and_then(|cookie| state.sessions.get_mut(cookie)) else {
        return redirect(302, &asked.here());
    };
    let Some(context) = session.context.clone().filter(|context| fields.get("Context") == Some(context))
    else {
        return text(200, HTML, "<title>Error</title><div id=errorMessage>An error occurred</div>");
    };
    let user = session.user.clone();
    session.polls += 1;
    let polls = session.polls;
    let refusal = match mfa {
        Mfa::None => None,
        Mfa::Choice(_) if !fields.contains_key("VerificationCode") => Some(pages::code(&context, "")),
        Mfa::Code(code) | Mfa::Choice(code) => {
            state.counts.codes += 1;
            (fields.get("VerificationCode") != Some(&code))
                .then(|| pages::code(&context, "The verification code is incorrect."))
        }
        Mfa::Push(needed) => {
            state.counts.polls += 1;
            (polls <= needed).then(|| pages::push(&context, ""))
        }
        Mfa::Denied => Some(pages::push(&context, "The authentication request was denied.")),
    };
    match refusal {
        Some(page) => text(200, HTML, page),
        None => signed_in(state, asked, &user, None),
    }
}

fn signed_in(state: &mut State, asked: &Asked<'_>, user: &str, context: Option<String>) -> Answer {
    let cookie = state.begin(user, context);
    let mut answer = redirect(302, &asked.here());
    set_cookie(&mut answer, &format!("MSISAuth={cookie}; path=/adfs; HttpOnly"));
    answer
}

fn redirect(status: u16, to: &str) -> Answer {
    let mut answer = text(status, HTML, "");
    if let Ok(to) = HeaderValue::from_str(to) {
        answer.headers_mut().insert(LOCATION, to);
    }
    answer
}

fn set_cookie(answer: &mut Answer, cookie: &str) {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        answer.headers_mut().append(SET_COOKIE, cookie);
    }
}

/// A body whose letters come one each second.
fn slow() -> Answer {
    struct Slow(tokio::time::Interval);
    impl futures_core::Stream for Slow {
        type Item = Result<Frame<Bytes>, Infallible>;
        fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            self.0
                .poll_tick(context)
                .map(|_: tokio::time::Instant| Some(Ok(Frame::data(Bytes::from_static(b" ")))))
        }
    }
    let interval = tokio::time::interval(Duration::from_secs(1));
    let mut answer = text(200, HTML, "");
    *answer.body_mut() = BodyExt::boxed(StreamBody::new(Slow(interval)));
    answer
}
