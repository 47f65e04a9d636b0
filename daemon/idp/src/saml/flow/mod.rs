//! A sign-in by forms: one page after the other, until one holds the response for AWS.
//!
//! Passwords and codes go to the service that was configured and to no other. A password is sent once: who guesses locks
//! accounts.

mod fill;
mod told;

use super::complaint::Complaint;
use super::kept::Kept;
use super::recognize::{Seen, Stage, recognize};
use super::{FieldNames, Settings, SignedIn, assertion_of, login};
use crate::Ask;
use crate::ask::while_there;
use crate::page::{self, Form, Page};
use crate::trouble::Trouble;
use crate::web::{Answer, Fields, Place, Visitor, encoded};
use keyfob_shared::{Failure, FailureKind, Secret};
use std::time::Duration;

/// The most pages of a sign-in, waiting aside.
const MAX_PAGES: usize = 20;
/// Wrong codes do not lock accounts at once, and are mistyped.
const MAX_CODES: usize = 3;
/// How often a page is asked again that waits for another device.
const POLL: Duration = Duration::from_secs(2);
/// How long a person has to find that device.
const APPROVAL_TIME: Duration = Duration::from_secs(90);

/// Runs a sign-in, for no longer than is said; on failure it may say what is to be kept instead of what was.
pub(super) async fn run(
    settings: &Settings,
    kept: Option<Kept>,
    ask: &mut impl Ask,
    longest: Option<Duration>,
) -> Result<SignedIn, (Trouble, Option<Secret>)> {
    let start = Place::parse(&settings.url).map_err(|wrong| {
        let failure = Failure::new(FailureKind::Usage, format!("sign in at {:?}: {wrong}", settings.url));
        (Trouble::Lasting(failure.hint("keyfob profile check")), None)
    })?;
    let (jar, user, password) = match kept.and_then(|kept| kept.of(&start, settings.username.as_deref())) {
        Some(kept) => (kept.cookies, kept.user, kept.password.filter(|_| settings.remember_password)),
        None => Default::default(),
    };
    let tried = format!("sign in at {}", start.host());
    let visitor = Visitor::new(&start, jar).await.map_err(|trouble| (trouble.on(&tried), None))?;
    let user = settings.username.clone().or(user);
    let mut flow = Flow {
        settings,
        host: start.host().to_owned(),
        visitor,
        ask,
        user,
        kept_password: password,
        password: None,
        named: false,
        spoilt: false,
        typed: Vec::new(),
        codes: 0,
        last: None,
        waited: Duration::ZERO,
    };
    let result = match longest {
        Some(longest) => tokio::time::timeout(longest, flow.pages(&start)).await.unwrap_or_else(|_| {
            Err(Trouble::passing(format!("no assertion within {} s", longest.as_secs())))
        }),
        None => flow.pages(&start).await,
    };
    let (jar, user) = (flow.visitor.jar().clone(), flow.user.take());
    match result {
        Ok(assertion) => {
            let password = flow.password.take().or(flow.kept_password.take());
            let password = password.filter(|_| settings.remember_password);
            let kept = Kept::new(&start, user, jar, password).secret();
            Ok(SignedIn { assertion, kept })
        }
        Err(trouble) => {
            let kept = flow.spoilt.then(|| Kept::new(&start, user, jar, None).secret());
            // Whatever became of it: sent again and again, a password that is wrong by now locks the account.
            let trouble = if flow.has_sent_kept() && !trouble.is_for_person() {
                let why = "the password from the vault was sent, and is not sent once more unasked";
                trouble.for_person(why).hint(login(settings))
            } else {
                trouble
            };
            Err((trouble.on(&tried), kept))
        }
    }
}

struct Flow<'a, A> {
    settings: &'a Settings,
    host: String,
    visitor: Visitor,
    ask: &'a mut A,
    user: Option<String>,
    /// From the vault, and not yet known to be wrong.
    kept_password: Option<Secret>,
    /// Whether the name was sent on a page of its own.
    named: bool,
    /// The one that was sent.
    password: Option<Secret>,
    /// Whether the kept one must not be sent again.
    spoilt: bool,
    /// What was sent in secret and is not to be quoted.
    typed: Vec<Secret>,
    codes: usize,
    /// The shape of the form that went on by itself.
    last: Option<String>,
    waited: Duration,
}

impl<A: Ask> Flow<'_, A> {
    async fn pages(&mut self, start: &Place) -> Result<super::Assertion, Trouble> {
        let mut answer = self.visitor.get(start).await?;
        let mut seen_pages = 0;
        while seen_pages < MAX_PAGES {
            let page = page::read(&answer.body);
            let waited = self.waited;
            let stage = if self.password.is_some() { Stage::After } else { Stage::Before };
            let names: &FieldNames = &self.settings.fields;
            let seen = recognize(&page, &answer.place, names, stage);
            if !matches!(seen, Seen::Onward(_)) {
                self.last = None;
            }
            answer = match seen {
                Seen::Response(field) => return assertion_of(self.settings, &field.value, answer.date),
                Seen::Astray(to) => {
                    return Err(Trouble::refused(format!(
                        "its answer would go to {to}, which is no sign-in page of AWS"
                    )));
                }
                Seen::SignIn { form, user, password } => {
                    self.sign_in(&page, &answer.place, form, user, password).await?
                }
                Seen::Code { form, code } => self.code(&page, &answer.place, form, code).await?,
                Seen::NewPassword => {
                    self.spoil();
                    return Err(self.complain(Complaint::Expired, ""));
                }
                Seen::Denied => {
                    self.spoil();
                    return Err(self.denied(&page, &answer));
                }
                Seen::Onward(form) => self.onward(&answer.place, form).await?,
                Seen::Choice(form) => self.choose(&page, &answer.place, form).await?,
                Seen::Later(seconds, url) => self.later(&page, &answer.place, seconds, url).await?,
                Seen::Unknown => return Err(self.unknown(&page, &answer)),
            };
            // Asking again is no step.
            seen_pages += usize::from(waited == self.waited);
        }
        Err(Trouble::useless(format!("no end after {MAX_PAGES} pages")))
    }

    /// Sends on a form that asks for nothing; if the same comes back, it waits for something.
    async fn onward(&mut self, place: &Place, form: &Form) -> Result<Answer, Trouble> {
        let shape = form.shape();
        if self.last.as_ref() == Some(&shape) {
            self.wait(POLL, &form.text).await?;
        }
        self.last = Some(shape);
        self.submit(place, form, &[]).await
    }

    async fn later(
        &mut self,
        page: &Page,
        place: &Place,
        seconds: u64,
        url: Option<&str>,
    ) -> Result<Answer, Trouble> {
        if seconds > 1 {
            let text = page.forms.first().map_or(page.title.as_str(), |form| form.text.as_str());
            self.wait(Duration::from_secs(seconds.min(10)), text).await?;
        }
        let next = place.follow(url.unwrap_or_default()).map_err(|to| leads(&to))?;
        self.visitor.get(&next).await
    }

    /// Waits for another device, which is told once.
    async fn wait(&mut self, time: Duration, said: &str) -> Result<(), Trouble> {
        if self.waited.is_zero() {
            let said = self.quote(said);
            let said = if said.is_empty() { said } else { format!(": {said}") };
            self.show(format!("{} waits for you to approve the sign-in{said}", self.host)).await?;
        }
        if self.waited >= APPROVAL_TIME {
            let seconds = APPROVAL_TIME.as_secs();
            return Err(Trouble::person(format!("nobody approved the sign-in within {seconds} s"))
                .hint(login(self.settings)));
        }
        self.waited += time;
        while_there(self.ask, tokio::time::sleep(time)).await
    }

    async fn submit(
        &mut self,
        place: &Place,
        form: &Form,
        filled: &[(&str, Secret)],
    ) -> Result<Answer, Trouble> {
        let filled: Vec<(&str, &Secret)> = filled.iter().map(|(name, value)| (*name, value)).collect();
        let fields: Fields = form.filled(&filled);
        let action = place.follow(&form.action).map_err(|to| leads(&to))?;
        if form.post {
            return self.visitor.post(&action, &fields).await;
        }
        let query = encoded(String::from("?"), &fields);
        let action = action.follow(&query).map_err(|to| leads(&to))?;
        self.visitor.get(&action).await
    }
}

fn leads(to: &str) -> Trouble {
    Trouble::refused(format!("its form leads to {to}, which is not followed"))
}
