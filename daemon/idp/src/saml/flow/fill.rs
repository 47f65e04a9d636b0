//! What a person, or the vault, is asked for: names, passwords, codes.

use super::super::complaint::{self, Complaint};
use super::super::login;
use super::{Flow, MAX_CODES};
use crate::Ask;
use crate::page::{Field, Form, Kind, Page};
use crate::trouble::Trouble;
use crate::web::{Answer, Place};
use keyfob_shared::Secret;
use keyfob_shared::wire::Prompt;

/// The field of AD FS for the way to sign in.
const METHOD: &str = "AuthMethod";

impl<A: Ask> Flow<'_, A> {
    pub(super) async fn sign_in(
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
        // A page for the name alone comes again when nobody has that name.
        if password.is_none() && std::mem::replace(&mut self.named, true) {
            let said = self.quote(page.errors.first().map_or("", String::as_str));
            return Err(self.complain(complaint::of(&said), &said));
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

    pub(super) async fn user_name(&mut self) -> Result<String, Trouble> {
        if let Some(user) = &self.user {
            return Ok(user.clone());
        }
        let user = self.asked(Prompt::Text { label: format!("user name at {}", self.host) }).await?;
        let user = user.expose().trim().to_owned();
        self.user = Some(user.clone());
        Ok(user)
    }

    pub(super) async fn code(
        &mut self,
        page: &Page,
        place: &Place,
        form: &Form,
        field: &Field,
    ) -> Result<Answer, Trouble> {
        let said = page.errors.first().filter(|_| self.codes > 0).map_or("", String::as_str);
        let said = self.quote(said);
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

    /// Asks which of several ways to go; a single one is no question.
    pub(super) async fn choose(
        &mut self,
        page: &Page,
        place: &Place,
        form: &Form,
    ) -> Result<Answer, Trouble> {
        let chosen = match page.ways.as_slice() {
            [only] => Some(only),
            ways => {
                let choices = ways.iter().map(|(_, text)| self.quote(text)).collect();
                let label = format!("second factor at {}", self.host);
                let index = self.asked(Prompt::Choice { label, choices }).await?;
                index.expose().trim().parse::<usize>().ok().and_then(|index| ways.get(index))
            }
        };
        let Some((sent, _)) = chosen else {
            return Err(Trouble::person("none of the choices was chosen").hint(login(self.settings)));
        };
        self.submit(place, form, &[(METHOD, Secret::new(sent.as_str()))]).await
    }
}
