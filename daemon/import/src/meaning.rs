//! What AWS tools do for a profile, or why that can't be handed over.
//!
//! Where botocore and the SDKs agree, their order counts: web identity, role, Identity Center, key, process. Where
//! they don't, nothing is guessed.

use crate::document::Document;
use crate::view::View;
use keyfob_shared::ProfileName;
use serde_json::{Value, json};

/// Settings of a table, in the order in which they are written.
pub(crate) type Table = Vec<(&'static str, Value)>;

/// What a profile is.
#[derive(Clone, Debug)]
pub(crate) enum Meaning {
    /// It gives no credentials.
    Nothing,
    /// keyfob serves it already.
    Served,
    /// It can be handed over.
    Wish(Wish),
    /// It can't, and why.
    Left(String),
}

/// A profile as keyfob would say it.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) origin: Origin,
    /// The MFA device that AWS tools ask a code of.
    pub(crate) mfa_serial: Option<String>,
    pub(crate) settings: Table,
    pub(crate) notes: Vec<String>,
}

/// Where a profile comes from.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    /// The long-term key of an AWS profile.
    Key(String),
    /// Another way to sign in, named after an AWS profile.
    Identity(String, Table),
    /// Another profile of keyfob.
    Profile(String),
}

/// Both files.
pub(crate) struct Files<'a> {
    pub(crate) config: Document<'a>,
    pub(crate) credentials: Document<'a>,
    pub(crate) view: View,
}

impl Files<'_> {
    /// Answers what a profile is.
    pub(crate) fn meaning(&self, profile: &str) -> Meaning {
        self.direct(profile, &mut Vec::new()).unwrap_or_else(Meaning::Left)
    }

    fn direct(&self, profile: &str, visited: &mut Vec<String>) -> Result<Meaning, String> {
        let get = |key: &str| self.view.get(profile, key);
        visited.push(profile.to_owned());
        self.check_spelling(profile)?;
        let process = get("credential_process");
        let has_key = self.has_key(profile);
        let is_sso = ["sso_session", "sso_start_url", "sso_account_id"].iter().any(|key| get(key).is_some());
        let wish = if let Some(file) = get("web_identity_token_file") {
            self.no_key(profile)?;
            let role_arn = get("role_arn").ok_or("web_identity_token_file without role_arn")?;
            let identity = vec![("type", json!("web-identity")), ("token_file", json!(file))];
            self.wish(profile, Origin::Identity(profile.to_owned(), identity), Some(role_arn))
        } else if let Some(role_arn) = get("role_arn") {
            let origin = self.source(profile, visited)?;
            let mut wish = self.wish(profile, origin, Some(role_arn));
            wish.mfa_serial = get("mfa_serial");
            if wish.mfa_serial.is_some() && !matches!(wish.origin, Origin::Key(_)) {
                return Err("mfa_serial beside a source that is not an access key".into());
            }
            wish
        } else if is_sso {
            self.no_key(profile)?;
            self.identity_center(profile)?
        } else if has_key {
            if process.is_some() {
                let what =
                    "it has both an access key and credential_process, and AWS tools differ in which counts";
                return Err(what.into());
            }
            self.session(profile)?
        } else if let Some(command) = process {
            if calls_keyfob(&command) {
                return Ok(Meaning::Served);
            }
            self.wish(profile, self.process(profile, &command)?, None)
        } else if get("login_session").is_some() {
            return Err("it is signed in by `aws login`".into());
        } else {
            return Ok(Meaning::Nothing);
        };
        profile.parse::<ProfileName>().map_err(|wrong| wrong.to_string())?;
        Ok(Meaning::Wish(wish))
    }

    fn wish(&self, profile: &str, origin: Origin, role_arn: Option<String>) -> Wish {
        let get = |key: &str| self.view.get(profile, key);
        let mut settings = Table::new();
        if let Some(role_arn) = role_arn {
            settings.push(("role_arn", json!(role_arn)));
            settings.extend(get("external_id").map(|id| ("external_id", json!(id))));
            // What is no number is no duration to botocore either.
            let seconds = get("duration_seconds").and_then(|text| text.parse::<u32>().ok());
            settings.extend(seconds.map(|seconds| ("duration", json!(duration(seconds)))));
            settings.extend(get("role_session_name").map(|name| ("session_name", json!(name))));
        }
        settings.extend(get("region").map(|region| ("region", json!(region))));
        Wish { origin, mfa_serial: None, settings, notes: Vec::new() }
    }

    /// A profile that is a long-term key and nothing else.
    fn session(&self, profile: &str) -> Result<Wish, String> {
        self.check_key(profile)?;
        let mut wish = self.wish(profile, Origin::Key(profile.to_owned()), None);
        wish.notes.push(
            "its sessions are made by GetSessionToken from now on: they can't call IAM, nor STS beyond AssumeRole \
             and GetCallerIdentity"
                .into(),
        );
        if self.view.get(profile, "mfa_serial").is_some() {
            wish.notes.push(
                "AWS tools asked for no MFA code here, and neither does keyfob with mfa = false in its profile"
                    .into(),
            );
        }
        Ok(wish)
    }

    /// Answers where the role of a profile is assumed from.
    fn source(&self, profile: &str, visited: &mut Vec<String>) -> Result<Origin, String> {
        let get = |key: &str| self.view.get(profile, key);
        match (get("source_profile"), get("credential_source")) {
            (Some(_), Some(_)) => Err("it has both source_profile and credential_source".into()),
            (None, Some(source)) => Err(format!("its credential_source is {source}")),
            (None, None) => Err("role_arn without source_profile".into()),
            (Some(source), None) if source == profile => {
                if !self.has_key(profile) {
                    return Err("its source_profile is itself, and it has no access key".into());
                }
                self.check_key(profile)?;
                Ok(Origin::Key(source))
            }
            (Some(source), None) => {
                self.no_key(profile)?;
                self.origin(&source, visited).map_err(|what| format!("its source_profile {source}: {what}"))
            }
        }
    }

    /// Answers what a profile is as the source of another: its key comes first there.
    fn origin(&self, profile: &str, visited: &mut Vec<String>) -> Result<Origin, String> {
        if !self.view.has(profile) {
            return Err("there is no such profile".into());
        }
        self.check_spelling(profile)?;
        if self.has_key(profile) {
            self.check_key(profile)?;
            return Ok(Origin::Key(profile.to_owned()));
        }
        if visited.iter().any(|known| known == profile) {
            return Err("the sources form a loop".into());
        }
        let meaning = self.direct(profile, visited)?;
        match meaning {
            Meaning::Nothing => Err("it has no credentials".into()),
            Meaning::Left(what) => Err(what),
            Meaning::Wish(Wish { origin: Origin::Identity(name, table), settings, .. })
                if settings.iter().all(|(key, _)| *key == "region") =>
            {
                Ok(Origin::Identity(name, table))
            }
            Meaning::Wish(_) => Ok(Origin::Profile(profile.to_owned())),
            Meaning::Served => {
                let command = self.view.get(profile, "credential_process").unwrap_or_default();
                let words = shlex::split(&command).unwrap_or_default();
                match words.as_slice() {
                    [program, get, name] if calls_keyfob(&format!("{program} {get}")) => {
                        Ok(Origin::Profile(name.clone()))
                    }
                    _ => Err("its credential_process does more than `keyfob get`".into()),
                }
            }
        }
    }

    fn identity_center(&self, profile: &str) -> Result<Wish, String> {
        let get = |key: &str| self.view.get(profile, key);
        let session = get("sso_session");
        let of_session = |key: &str| match &session {
            Some(name) => self.view.sso_session(name, key),
            None => get(key),
        };
        let (Some(account), Some(role)) = (get("sso_account_id"), get("sso_role_name")) else {
            return Err(
                "Identity Center without sso_account_id and sso_role_name gives no credentials".into()
            );
        };
        let (Some(start_url), Some(region)) = (of_session("sso_start_url"), of_session("sso_region")) else {
            return Err(match session {
                Some(name) => format!("[sso-session {name}] has no sso_start_url and sso_region"),
                None => "it has no sso_start_url and sso_region".into(),
            });
        };
        let identity = vec![
            ("type", json!("identity-center")),
            ("start_url", json!(start_url)),
            ("region", json!(region)),
        ];
        let name = session.unwrap_or_else(|| "sso".into());
        let mut wish = self.wish(profile, Origin::Identity(name, identity), None);
        wish.settings.splice(0..0, [("account_id", json!(account)), ("role_name", json!(role))]);
        Ok(wish)
    }

    fn process(&self, profile: &str, command: &str) -> Result<Origin, String> {
        let words = shlex::split(command).filter(|words| !words.is_empty());
        let words = words.ok_or("its credential_process is not a command line: a quote is not closed")?;
        let identity = vec![("type", json!("process")), ("command", json!(words))];
        Ok(Origin::Identity(profile.to_owned(), identity))
    }
}

/// Answers whether a command leads to keyfob, however it is wrapped.
fn calls_keyfob(command: &str) -> bool {
    let words: Vec<&str> = command.split(|letter: char| !letter.is_alphanumeric() && letter != '-').collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty() && *word != "exe").collect();
    words.windows(2).any(|pair| pair == ["keyfob", "get"])
}

/// Writes seconds as people do.
fn duration(seconds: u32) -> String {
    match seconds {
        _ if seconds > 0 && seconds.is_multiple_of(3_600) => format!("{}h", seconds / 3_600),
        _ if seconds > 0 && seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keyfob_is_found_however_it_is_wrapped() {
        for command in [
            "keyfob get prod",
            "/opt/bin/keyfob get 'prod eu'",
            "\"C:\\Program Files\\keyfob.exe\" get prod",
            "sh -c 'keyfob get prod | tee x'",
        ] {
            assert!(calls_keyfob(command), "{command}");
        }
        for command in ["keyfob-get prod", "my-keyfob get prod", "tool get keyfob", ""] {
            assert!(!calls_keyfob(command), "{command}");
        }
    }

    #[test]
    fn seconds_are_written_as_people_do() {
        assert_eq!([900, 3_600, 43_200, 901].map(duration), ["15m", "1h", "12h", "901s"]);
    }
}
