//! A sign-in by forms: one page after the other, until one holds the response for AWS.
//!
//! Passwords and codes go to the service that was configured and to no other. A password is sent once: who guesses locks
//! accounts.

use super::complaint::{self, Complaint};
use super::kept::Kept;
use super::recognize::{Seen, Stage, recognize};
use super::{FieldNames, Provider, Settings, SignedIn, assertion_of, login};
use crate::page::{self, Field, Form, Kind, Page};
use crate::trouble::Trouble;
use crate::web::{Answer, Fields, Place, Visitor, encoded};
use crate::{Ask, quote};
use keyfob_shared::wire::Prompt;
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

/// Runs a sign-in; on failure it may say what is to be kept instead of what was.
pub(super) async fn run(
    settings: &Settings,
    kept: Option<Kept>,
    ask: &mut impl Ask,
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
        spoilt: false,
        typed: Vec::new(),
        codes: 0,
        last: None,
        waited: Duration::ZERO,
    };
    let result = flow.pages(&start).await;
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
                Seen::Later(seconds, url) => self.later(&page, &answer.place, seconds, url).await?,
                Seen::Unknown => return Err(self.unknown(&page, &answer)),
            };
            // Asking again is no step.
            seen_pages += usize::from(waited == self.waited);
        }
        Err(Trouble::useless(format!("no end after {MAX_PAGES} pages")))
    }

    async fn sign_in(
        &mut self,
        page: &Page,
        place: &Place,
        form: &Form,
        user: Option<&Field>,
        password: Option<&Field>,
    ) -> Result<Answer, Trouble> {
        if self.password.is_some() {
            let said = self.quote(page.errors.first().map_or("", String::as_str));
            let complaint = complaint::of(&said);
            self.spoil();
            // A person may know a better password than the vault.
            let kept = self.kept_password.take();
            let text = format!("the password that was kept for {} is wrong", self.host);
            let is_mended =
                complaint == Complaint::Wrong && kept == self.password && self.show(text).await.is_ok();
            if !is_mended {
                return Err(self.complain(complaint, &said));
            }
        }
        let mut filled = Vec::new();
        let name = match user {
            Some(field) => {
                let name = self.user_name().await?;
                filled.push((field.name.as_str(), Secret::new(name.as_str())));
                Some(name)
            }
            None => self.user.clone(),
        };
        if let Some(field) = password {
            if !form.post {
                return Err(Trouble::refused("its form would put the password into an address"));
            }
            let secret = match self.kept_password.clone() {
                Some(kept) => kept,
                None => {
                    let who = name.map(|name| format!("{name} ")).unwrap_or_default();
                    self.asked(Prompt::Secret { label: format!("password of {who}at {}", self.host) }).await?
                }
            };
            self.typed.push(secret.clone());
            self.password = Some(secret.clone());
            filled.push((field.name.as_str(), secret));
        }
        self.submit(place, form, &filled).await
    }

    async fn user_name(&mut self) -> Result<String, Trouble> {
        if let Some(user) = &self.user {
            return Ok(user.clone());
        }
        let user = self.asked(Prompt::Text { label: format!("user name at {}", self.host) }).await?;
        let user = user.expose().trim().to_owned();
        self.user = Some(user.clone());
        Ok(user)
    }

    async fn code(
        &mut self,
        page: &Page,
        place: &Place,
        form: &Form,
        field: &Field,
    ) -> Result<Answer, Trouble> {
        let said = self.quote(page.errors.first().map_or("", String::as_str));
        if self.codes >= MAX_CODES {
            let said = if said.is_empty() { String::new() } else { format!(": {said}") };
            return Err(Trouble::person(format!("{MAX_CODES} codes were not accepted{said}"))
                .hint(login(self.settings)));
        }
        let complaint = complaint::of(&said);
        if self.codes > 0 && complaint.first().is_some() {
            return Err(self.complain(complaint, &said));
        }
        let told = match (said.is_empty(), field.label.is_empty()) {
            (false, _) => said,
            (true, false) => self.quote(&field.label),
            (true, true) => self.quote(&form.text),
        };
        let told = if told.is_empty() { told } else { format!(" ({told})") };
        let label = format!("MFA code at {}{told}", self.host);
        let prompt = match field.kind {
            Kind::Password => Prompt::Secret { label },
            Kind::Hidden | Kind::Text | Kind::Box { .. } | Kind::Submit | Kind::Choice => {
                Prompt::Text { label }
            }
        };
        let code = Secret::new(self.asked(prompt).await?.expose().trim());
        self.typed.push(code.clone());
        self.codes += 1;
        self.submit(place, form, &[(field.name.as_str(), code)]).await
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
        tokio::time::sleep(time).await;
        Ok(())
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

    async fn asked(&mut self, prompt: Prompt) -> Result<Secret, Trouble> {
        let hint = login(self.settings);
        self.ask.ask(prompt).await.map_err(|failure| Trouble::Lasting(failure).hint(hint))
    }

    async fn show(&mut self, text: String) -> Result<(), Trouble> {
        let hint = login(self.settings);
        let shown = self.ask.show(Prompt::Note { text }).await;
        shown.map_err(|failure| Trouble::Lasting(failure).hint(hint))
    }

    /// Remembers that what was sent from the vault led to no good: once more, and the account may be locked.
    fn spoil(&mut self) {
        self.spoilt |= self.password.is_some() && self.password == self.kept_password;
    }

    fn quote(&self, said: &str) -> String {
        let secrets: Vec<&Secret> = self.typed.iter().chain(&self.kept_password).collect();
        quote::text(said, &secrets)
    }

    fn complain(&self, complaint: Complaint, said: &str) -> Trouble {
        let said = if said.is_empty() { String::new() } else { format!(": {said}") };
        let who = self.user.as_ref().map_or_else(String::new, |user| format!("{user}: "));
        let bare = self.user.as_ref().is_some_and(|user| !user.contains(['\\', '@']));
        let login = login(self.settings);
        let hint = match (complaint.first(), complaint) {
            (Some(first), _) => format!("{first}, then {login}"),
            (None, Complaint::Wrong) if bare && self.settings.provider == Provider::Adfs => {
                format!("AD FS wants the user name as DOMAIN\\name or name@domain: correct it, then {login}")
            }
            (None, _) => login,
        };
        Trouble::person(format!("{who}{}{said}", complaint.words())).hint(hint)
    }

    fn denied(&self, page: &Page, answer: &Answer) -> Trouble {
        if answer.status.is_server_error() {
            return self.unknown(page, answer);
        }
        let said = self.quote(&page.errors.join(" "));
        match complaint::of(&said) {
            complaint @ (Complaint::Locked | Complaint::Disabled | Complaint::Expired) => {
                self.complain(complaint, &said)
            }
            Complaint::Wrong | Complaint::Other => {
                Trouble::person(format!("the identity provider says: {said}")).hint(login(self.settings))
            }
        }
    }

    fn unknown(&self, page: &Page, answer: &Answer) -> Trouble {
        if answer.status.is_server_error() || answer.status.as_u16() == 429 {
            return Trouble::passing(format!("it answers with status {}", answer.status.as_u16()));
        }
        if answer.asks_for_ticket {
            return Trouble::useless("it asks for a Kerberos ticket, which keyfob does not speak")
                .hint("set provider = \"browser\", or have AD FS offer forms to unknown programs");
        }
        let title = self.quote(&page.title);
        let title = if title.is_empty() { "without a title".to_owned() } else { format!("{title:?}") };
        let status = answer.status.as_u16();
        Trouble::useless(format!("a page that is not understood: {title}, status {status}"))
            .hint("sign in with a browser once, and see what it asks; or set provider = \"browser\"")
    }
}

fn leads(to: &str) -> Trouble {
    Trouble::refused(format!("its form leads to {to}, which is not followed"))
}
