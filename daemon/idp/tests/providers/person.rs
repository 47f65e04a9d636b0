//! A person with answers ready, who remembers what was asked.

use keyfob_idp::Ask;
use keyfob_shared::wire::Prompt;
use keyfob_shared::{Failure, FailureKind, Secret};
use std::collections::VecDeque;

/// Opens an address.
pub(crate) type Browser = Box<dyn FnMut(&str) + Send>;

/// Answers questions in their order.
#[derive(Default)]
pub(crate) struct Person {
    pub(crate) answers: VecDeque<String>,
    pub(crate) asked: Vec<String>,
    pub(crate) shown: Vec<String>,
    /// Is given each address that is to be opened.
    pub(crate) browser: Option<Browser>,
}

impl Person {
    pub(crate) fn with(answers: &[&str]) -> Self {
        Self { answers: answers.iter().map(|answer| (*answer).to_owned()).collect(), ..Self::default() }
    }

    /// Everything that was said to the person.
    pub(crate) fn told(&self) -> String {
        format!("{}\n{}", self.asked.join("\n"), self.shown.join("\n"))
    }
}

impl Ask for Person {
    async fn ask(&mut self, prompt: Prompt) -> Result<Secret, Failure> {
        self.asked.push(match prompt {
            Prompt::Text { label } => format!("text {label}"),
            Prompt::Secret { label } => format!("secret {label}"),
            Prompt::Choice { label, choices } => format!("choice {label}: {}", choices.join(", ")),
            other => panic!("{other:?}"),
        });
        self.answers
            .pop_front()
            .map(Secret::new)
            .ok_or_else(|| Failure::new(FailureKind::Person, "cancelled"))
    }

    async fn show(&mut self, prompt: Prompt) -> Result<(), Failure> {
        match prompt {
            Prompt::Note { text } => self.shown.push(text),
            Prompt::OpenUrl { url, .. } => {
                if let Some(browser) = &mut self.browser {
                    browser(&url);
                }
                self.shown.push(url);
            }
            other => panic!("{other:?}"),
        }
        Ok(())
    }
}
