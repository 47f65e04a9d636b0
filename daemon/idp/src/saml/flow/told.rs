//! What is said to a person: questions, notes, and why it does not work.

use super::super::complaint::{self, Complaint};
use super::super::{Provider, login};
use super::Flow;
use crate::page::Page;
use crate::trouble::Trouble;
use crate::web::Answer;
use crate::{Ask, quote};
use keyfob_shared::Secret;
use keyfob_shared::wire::Prompt;

impl<A: Ask> Flow<'_, A> {
    pub(super) async fn asked(&mut self, prompt: Prompt) -> Result<Secret, Trouble> {
        let hint = login(self.settings);
        self.ask.ask(prompt).await.map_err(|failure| Trouble::Lasting(failure).hint(hint))
    }

    pub(super) async fn show(&mut self, text: String) -> Result<(), Trouble> {
        let hint = login(self.settings);
        let shown = self.ask.show(Prompt::Note { text }).await;
        shown.map_err(|failure| Trouble::Lasting(failure).hint(hint))
    }

    /// Remembers that what was sent from the vault led to no good: once more, and the account may be locked.
    pub(super) fn spoil(&mut self) {
        self.spoilt |= self.has_sent_kept();
    }

    /// Answers whether the password that was sent last is the one from the vault.
    pub(super) fn has_sent_kept(&self) -> bool {
        self.password.is_some() && self.password == self.kept_password
    }

    pub(super) fn quote(&self, said: &str) -> String {
        let secrets: Vec<&Secret> = self.typed.iter().chain(&self.kept_password).collect();
        quote::text(said, &secrets)
    }

    pub(super) fn complain(&self, complaint: Complaint, said: &str) -> Trouble {
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

    pub(super) fn denied(&self, page: &Page, answer: &Answer) -> Trouble {
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

    pub(super) fn unknown(&self, page: &Page, answer: &Answer) -> Trouble {
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
