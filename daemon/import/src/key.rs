//! Access keys in AWS files: which of them can go into the vault.

use crate::edit::SETTINGS;
use crate::meaning::Files;
use keyfob_shared::{Secret, credentials};

const KEY_ID: &str = "aws_access_key_id";
const SECRET: &str = "aws_secret_access_key";
const TOKENS: [&str; 2] = ["aws_session_token", "aws_security_token"];

impl Files<'_> {
    /// Answers whether a profile has an access key, or a half of one.
    pub(crate) fn has_key(&self, profile: &str) -> bool {
        [KEY_ID, SECRET].iter().any(|key| self.view.get(profile, key).is_some())
    }

    /// Refuses a key that AWS tools pass over: it would win over keyfob.
    pub(crate) fn no_key(&self, profile: &str) -> Result<(), String> {
        if self.has_key(profile) {
            return Err("it has an access key beside it that AWS tools don't use here".into());
        }
        Ok(())
    }

    /// Answers the long-term key of a profile, once it is checked.
    pub(crate) fn key(&self, profile: &str) -> Option<(String, Secret)> {
        Some((self.view.get(profile, KEY_ID)?, Secret::new(self.view.get(profile, SECRET)?)))
    }

    /// Checks that the key of a profile is one, and the only one, of an IAM user.
    pub(crate) fn check_key(&self, profile: &str) -> Result<(), String> {
        let (id, secret) = self.key(profile).ok_or("its access key has only one of its halves")?;
        if id.starts_with("ASIA") || TOKENS.iter().any(|token| self.view.get(profile, token).is_some()) {
            return Err("its access key is a temporary one, which ends by itself".into());
        }
        if !id.starts_with("AKIA") || credentials::check_long_term(&id, &secret).is_err() {
            return Err("its access key is not one of an IAM user of AWS".into());
        }
        let settings =
            [&self.config, &self.credentials].into_iter().flat_map(|file| file.sections_of(profile));
        let settings: Vec<_> = settings.flat_map(|section| &section.settings).collect();
        for (key, used) in [(KEY_ID, id.as_str()), (SECRET, secret.expose())] {
            let all = settings.iter().filter(|setting| setting.key == key);
            if all.into_iter().any(|setting| setting.value.expose() != used) {
                return Err("there are two access keys for it: remove the one that is not used".into());
            }
        }
        Ok(())
    }

    /// Answers whether nobody knows what a profile is.
    pub(crate) fn is_ambiguous(&self, profile: &str) -> bool {
        [&self.config, &self.credentials].iter().any(|file| file.spells_differently(profile))
    }

    /// Refuses a profile of which nobody knows what it is.
    pub(crate) fn check_spelling(&self, profile: &str) -> Result<(), String> {
        let files = [&self.config, &self.credentials];
        let mut settings =
            files.iter().flat_map(|file| file.sections_of(profile)).flat_map(|one| &one.settings);
        if !self.is_ambiguous(profile) || !settings.any(|one| SETTINGS.contains(&one.key.as_str())) {
            return Ok(());
        }
        let what = "its section is spelt in two ways within a file, and AWS tools differ in which counts";
        Err(what.into())
    }
}
