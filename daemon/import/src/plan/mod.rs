//! The whole of it, from three texts to what is going to be done.

use crate::accept::{self, Acceptance, Item};
use crate::document::{Document, Kind};
use crate::meaning::{Files, Meaning};
use crate::tell::{self, Lines};
use crate::translate::{Meanings, Translator, in_order};
use crate::view::View;
use crate::{edit, endpoint, toml_text, verify};
use keyfob_engine::config::{self, Surroundings};
use keyfob_shared::import::{Change, Import, ImportedKey, Note};
use keyfob_shared::{Failure, FailureKind, Secret};
use std::collections::BTreeSet;
use std::path::Path;

/// What the three files hold; `None` if one is not there.
#[derive(Debug)]
pub struct Texts {
    /// keyfob's own configuration.
    pub config: Option<Secret>,
    /// `~/.aws/config`
    pub aws_config: Option<Secret>,
    /// `~/.aws/credentials`
    pub credentials: Option<Secret>,
}

/// What is asked for.
#[derive(Debug)]
pub struct Asked<'a> {
    /// Only these profiles; all of them if there is none.
    pub profiles: &'a [String],
    /// Where keyfob's configuration lies, for messages.
    pub config_file: &'a Path,
}

/// Answers what is going to be done.
///
/// # Errors
/// If a file can't be understood, or a profile that is asked for is not there. Nothing of the files is quoted but names.
pub fn plan(texts: &Texts, asked: &Asked<'_>, around: &Surroundings<'_>) -> Result<Import, Failure> {
    let text = |text: &Option<Secret>| text.clone().unwrap_or_default();
    let (before, aws_config, credentials) =
        (text(&texts.config), text(&texts.aws_config), text(&texts.credentials));
    config::parse(before.expose(), around)
        .map_err(|findings| config::failure(asked.config_file, &findings))?;
    let existing: toml::Table = toml::from_str(before.expose()).unwrap_or_default();
    let config = Document::new(Kind::Config, aws_config.expose());
    let credentials = Document::new(Kind::Credentials, credentials.expose());
    let view = View::new(&config, &credentials).map_err(|what| unreadable(&what))?;
    if let Some(absent) = asked.profiles.iter().find(|name| !view.has(name)) {
        let message = format!("there is no profile {absent:?} in the AWS files");
        return Err(Failure::new(FailureKind::Usage, message).hint("keyfob import"));
    }
    let files = Files { config, credentials, view };
    let mut work = Work { files: &files, existing: &existing, notes: Vec::new() };
    let judge = |text: &str| config::parse(text, around).map(drop).map_err(|findings| first(&findings));
    let plan = work.run(before.expose(), asked.profiles, &judge)?;
    verify::check(&files, &plan)?;
    let change =
        |before: &Option<Secret>, after: String| Change { before: before.clone(), after: Secret::new(after) };
    let names = plan.profiles.iter().filter_map(|name| name.parse().ok()).collect();
    Ok(Import {
        config: change(&texts.config, plan.config),
        aws_config: change(&texts.aws_config, plan.aws_config),
        credentials: change(&texts.credentials, plan.credentials),
        keys: plan.keys,
        profiles: names,
        notes: work.notes,
    })
}

/// Tells of a file that AWS tools can't read.
pub(crate) fn unreadable(what: &str) -> Failure {
    Failure::new(FailureKind::Usage, format!("read the AWS files: {what}"))
        .hint("mend that line: the SDKs of AWS can't read it either")
}

fn first(findings: &[keyfob_shared::wire::Finding]) -> String {
    findings.first().map(|finding| finding.message.clone()).unwrap_or_default()
}

/// The new texts.
pub(crate) struct Made {
    pub(crate) config: String,
    pub(crate) aws_config: String,
    pub(crate) credentials: String,
    keys: Vec<ImportedKey>,
    pub(crate) profiles: Vec<String>,
}

struct Work<'a> {
    files: &'a Files<'a>,
    existing: &'a toml::Table,
    notes: Vec<Note>,
}

impl Work<'_> {
    fn run(&mut self, before: &str, only: &[String], judge: &accept::Judge<'_>) -> Result<Made, Failure> {
        let meanings = self.meanings(judge);
        let devices_fine = |device: &str| device_check(device, judge).is_ok();
        let translator = Translator::new(self.files, self.existing, &meanings);
        let mut translator = translator.without_devices(|device| !devices_fine(device));
        let Candidates { items, wishes, mut left } =
            candidates(self.files, &meanings, &mut translator, before, judge);
        let mut acceptance = Acceptance { before, judge, accepted: Vec::new(), refused: Vec::new() };
        acceptance.add(&items.iter().collect::<Vec<_>>());
        left.extend(acceptance.refused.iter().map(|(name, why)| ((*name).to_owned(), why.clone())));
        let targets = self.targets(&acceptance.accepted, only, &mut left);
        let needed = needed(&acceptance.accepted, &targets);
        let told = wishes.into_iter().filter(|(name, _)| targets.contains(name));
        let mut notes: Lines =
            told.flat_map(|(name, notes)| notes.into_iter().map(move |note| (name.clone(), note))).collect();
        let copied = holders(&translator, &needed).into_iter().filter(|holder| !targets.contains(holder));
        let what = "its access key goes into the vault for others, and stays in the AWS files for itself";
        notes.extend(copied.map(|holder| (holder, what.to_owned())));
        left.retain(|(name, _)| only.is_empty() || only.contains(name));
        self.notes = tell::notes(self.files, left, notes);
        if only.is_empty() {
            self.notes.extend(tell::unread(self.files));
        }
        let text = accept::text(before, &needed);
        judge(&text).map_err(|what| Failure::new(FailureKind::Usage, format!("translate: {what}")))?;
        let names: Vec<&str> = targets.iter().map(String::as_str).collect();
        Ok(Made {
            config: text,
            aws_config: edit::edit(&self.files.config, &names),
            credentials: edit::edit(&self.files.credentials, &names),
            keys: keys(self.files, &translator, &needed),
            profiles: targets,
        })
    }

    fn meanings(&self, judge: &accept::Judge<'_>) -> Meanings {
        let meaning = |name: &String| {
            let meaning = match self.files.meaning(name) {
                Meaning::Wish(wish) => {
                    let device = wish.mfa_serial.as_deref();
                    let checked = endpoint::check(&self.files.view, name, self.existing)
                        .and_then(|()| device.map_or(Ok(()), |device| device_check(device, judge)));
                    checked.map_or_else(Meaning::Left, |()| Meaning::Wish(wish))
                }
                other => other,
            };
            (name.clone(), meaning)
        };
        self.files.view.names.iter().map(meaning).collect()
    }

    /// Answers the profiles whose settings are taken out of the AWS files, in their order.
    ///
    /// What stays there must go on working: a source of it stays as well.
    fn targets(&self, accepted: &[&Item], only: &[String], left: &mut Lines) -> Vec<String> {
        let is_asked = |name: &String| only.is_empty() || only.contains(name);
        let is_accepted = |name: &String| accepted.iter().any(|item| item.profile == *name);
        let names = self.files.view.names.iter();
        let mut targets: Vec<String> =
            names.filter(|name| is_asked(name) && is_accepted(name)).cloned().collect();
        loop {
            let staying = self.sources_of_staying(&targets);
            let Some((source, user)) = staying.into_iter().find(|(source, _)| targets.contains(source))
            else {
                return targets;
            };
            targets.retain(|name| *name != source);
            left.push((source, format!("{user} stays in the AWS files, and has it as its source_profile")));
        }
    }

    /// Answers the sources of what stays, and by what they are used.
    fn sources_of_staying(&self, targets: &[String]) -> Lines {
        let files = self.files;
        let mut sources = Vec::new();
        for document in [&files.config, &files.credentials] {
            for section in &document.sections {
                let profile = document.profile(section).filter(|name| files.view.has(name));
                let user = match profile {
                    Some(name) if targets.iter().any(|target| target == name) => continue,
                    Some(name) if files.view.get(name, "role_arn").is_none() => continue,
                    Some(name) => format!("profile {name}"),
                    None => format!("[{}]", section.name),
                };
                let settings = section.settings.iter().filter(|one| one.key == "source_profile");
                let names = settings.map(|one| one.value.expose().to_owned());
                let others = names.filter(|source| profile != Some(source));
                sources.extend(others.map(|source| (source, user.clone())));
            }
        }
        sources
    }
}

/// What can be handed over, as far as each profile can say by itself.
struct Candidates {
    /// Each after its source.
    items: Vec<Item>,
    /// What is to be said about them.
    wishes: Vec<(String, Vec<String>)>,
    /// The others, and why not.
    left: Lines,
}

fn candidates(
    files: &Files<'_>,
    meanings: &Meanings,
    translator: &mut Translator<'_>,
    before: &str,
    judge: &accept::Judge<'_>,
) -> Candidates {
    let mut left: Lines = Vec::new();
    let mut wishes: Vec<(String, Vec<String>)> = Vec::new();
    let mut items: Vec<Item> = Vec::new();
    for (name, meaning) in meanings {
        if let Meaning::Left(why) = meaning {
            left.push((name.clone(), why.clone()));
        }
    }
    for name in in_order(files, meanings) {
        let Some(Meaning::Wish(wish)) = meanings.get(&name) else { continue };
        let mut wish = wish.clone();
        let item = translator.item(&name, &mut wish).and_then(|item| {
            let source = item.source.as_ref().filter(|source| left.iter().any(|(name, _)| name == *source));
            match source {
                Some(source) => Err(accept::source_stays(source)),
                None => judge(&accept::text(before, &accept::chain(&items, &item))).map(|()| item),
            }
        });
        match item {
            Ok(item) => {
                wishes.push((name, wish.notes));
                items.push(item);
            }
            Err(why) => left.push((name, why)),
        }
    }
    Candidates { items, wishes, left }
}

/// Answers items and all that they come from.
fn needed<'a>(accepted: &[&'a Item], targets: &[String]) -> Vec<&'a Item> {
    let mut names: BTreeSet<&str> = targets.iter().map(String::as_str).collect();
    for item in accepted.iter().rev() {
        if names.contains(item.profile.as_str()) {
            names.extend(item.source.as_deref());
        }
    }
    accepted.iter().filter(|item| names.contains(item.profile.as_str())).copied().collect()
}

/// Answers the AWS profiles that hold the keys of items.
fn holders(translator: &Translator<'_>, items: &[&Item]) -> BTreeSet<String> {
    let names = items.iter().filter_map(|item| item.identity.as_ref());
    names.filter_map(|(name, _)| translator.identity_named(name)?.holder.clone()).collect()
}

/// Answers the keys of identities.
fn keys(files: &Files<'_>, translator: &Translator<'_>, items: &[&Item]) -> Vec<ImportedKey> {
    let mut keys: Vec<ImportedKey> = Vec::new();
    for (name, _) in items.iter().filter_map(|item| item.identity.as_ref()) {
        let holder = translator.identity_named(name).and_then(|identity| identity.holder.as_ref());
        if let Some((access_key_id, secret_access_key)) = holder.and_then(|holder| files.key(holder))
            && let Ok(identity) = name.parse()
            && !keys.iter().any(|key| key.identity == identity)
        {
            keys.push(ImportedKey { identity, access_key_id, secret_access_key });
        }
    }
    keys
}

/// Checks that keyfob can ask a device.
fn device_check(device: &str, judge: &accept::Judge<'_>) -> Result<(), String> {
    let table = vec![("type", "iam-user".into()), ("mfa_serial", device.into())];
    judge(&toml_text::table("identity", "x", &table))
}

#[cfg(test)]
mod tests;
