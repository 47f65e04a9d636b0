//! From what profiles are to tables of keyfob: identities named, devices told apart, sources before what needs them.

use crate::accept::Item;
use crate::meaning::{Files, Meaning, Origin, Table, Wish};
use crate::toml_text;
use serde_json::json;
use std::collections::BTreeMap;

/// What there is of each profile, by its name.
pub(crate) type Meanings = BTreeMap<String, Meaning>;

/// Makes tables.
pub(crate) struct Translator<'a> {
    files: &'a Files<'a>,
    /// The configuration as it is.
    existing: &'a toml::Table,
    identities: Vec<Identity>,
    /// The MFA device of each access key.
    devices: BTreeMap<String, String>,
}

/// An identity that profiles need.
pub(crate) struct Identity {
    pub(crate) name: String,
    /// The AWS profile that holds its key.
    pub(crate) holder: Option<String>,
    access_key_id: Option<String>,
    table: Table,
}

impl<'a> Translator<'a> {
    pub(crate) fn new(files: &'a Files<'a>, existing: &'a toml::Table, meanings: &Meanings) -> Self {
        let mut devices = BTreeMap::new();
        // A device that AWS tools ask for comes before one that they don't.
        for asked in [true, false] {
            for name in &files.view.names {
                if let Some(Meaning::Wish(Wish { origin: Origin::Key(holder), mfa_serial, .. })) =
                    meanings.get(name)
                    && let Some((id, _)) = files.key(holder)
                {
                    let own = || files.view.get(holder, "mfa_serial");
                    let device = if asked { mfa_serial.clone() } else { own() };
                    if let Some(device) = device {
                        devices.entry(id).or_insert(device);
                    }
                }
            }
        }
        Self { files, existing, identities: Vec::new(), devices }
    }

    /// Takes devices away that keyfob can't ask.
    pub(crate) fn without_devices(mut self, wrong: impl Fn(&str) -> bool) -> Self {
        self.devices.retain(|_, device| !wrong(device));
        self
    }

    /// Makes the tables of a profile.
    ///
    /// # Errors
    /// If another profile of this name is there.
    pub(crate) fn item(&mut self, profile: &str, wish: &mut Wish) -> Result<Item, String> {
        let mut table = Table::new();
        let mut identity = None;
        let mut source = None;
        let mut opts_out = false;
        match &wish.origin {
            Origin::Profile(name) => {
                table.push(("source", json!(name)));
                source = Some(name.clone());
            }
            Origin::Identity(name, definition) => {
                identity = Some(self.identity(name, None, None, definition.clone()));
            }
            Origin::Key(holder) => {
                let (id, _) = self.files.key(holder).ok_or("its access key is gone")?;
                let first = self.devices.get(&id);
                opts_out = wish.mfa_serial.is_none() && first.is_some();
                let device = wish.mfa_serial.as_ref().or(first);
                if wish.mfa_serial.is_some() && device != first {
                    let what = "it asks another MFA device than other profiles of the same key: it gets an identity of its own";
                    wish.notes.push(what.into());
                }
                let mut definition: Table = vec![("type", json!("iam-user"))];
                definition.extend(device.map(|device| ("mfa_serial", json!(device))));
                identity = Some(self.identity(holder, Some(&id), Some(holder), definition));
            }
        }
        let identity = identity.map(|at| &self.identities[at]);
        if let (Some(identity), Some(_)) = (identity, &wish.mfa_serial) {
            let name = &identity.name;
            wish.notes
                .push(format!("where AWS tools asked for an MFA code, `keyfob login {name}` asks for it"));
        }
        table.extend(identity.map(|identity| ("identity", json!(identity.name))));
        table.extend(wish.settings.iter().cloned());
        if opts_out {
            table.push(("mfa", json!(false)));
        }
        let known = self.existing.get("profile").and_then(|profiles| profiles.get(profile));
        let text = match known.and_then(toml::Value::as_table) {
            Some(known) if *known == toml_text::read(&table) => String::new(),
            Some(_) => return Err("keyfob has another profile of this name".into()),
            None => toml_text::table("profile", profile, &table),
        };
        let identity = identity.map(|identity| (identity.name.clone(), self.text(identity)));
        Ok(Item { profile: profile.to_owned(), identity, text, source })
    }

    /// Answers the identity of a name.
    pub(crate) fn identity_named(&self, name: &str) -> Option<&Identity> {
        self.identities.iter().find(|identity| identity.name == name)
    }

    fn text(&self, identity: &Identity) -> String {
        match self.existing_identity(&identity.name) {
            Some(_) => String::new(),
            None => toml_text::table("identity", &identity.name, &identity.table),
        }
    }

    fn existing_identity(&self, name: &str) -> Option<&toml::Value> {
        self.existing.get("identity")?.get(name)
    }

    /// Finds an identity, or names a new one.
    fn identity(&mut self, base: &str, id: Option<&str>, holder: Option<&str>, table: Table) -> usize {
        let same = |one: &Identity| one.access_key_id.as_deref() == id && one.table == table;
        if let Some(at) = self.identities.iter().position(same) {
            return at;
        }
        let wanted = toml_text::read(&table);
        let is_free = |name: &str| {
            self.identity_named(name).is_none()
                && self.existing_identity(name).is_none_or(|there| {
                    let device = |table: &toml::Table| table.get("mfa_serial").cloned();
                    let there = there.as_table();
                    there.is_some_and(|there| {
                        wanted.iter().all(|(key, value)| there.get(key) == Some(value))
                            && device(there) == device(&wanted)
                    })
                })
        };
        let mut names = std::iter::once(base.to_owned()).chain((2..).map(|n| format!("{base}-{n}")));
        let name = names.find(|name| is_free(name)).unwrap_or_else(|| base.to_owned());
        let holder = holder.map(str::to_owned);
        self.identities.push(Identity { name, holder, access_key_id: id.map(str::to_owned), table });
        self.identities.len() - 1
    }
}

/// Answers the profiles that can be handed over, each after its source.
pub(crate) fn in_order(files: &Files<'_>, meanings: &Meanings) -> Vec<String> {
    let mut order: Vec<String> = Vec::new();
    for name in &files.view.names {
        let mut line = vec![name.clone()];
        while let Some(Meaning::Wish(Wish { origin: Origin::Profile(source), .. })) =
            line.last().and_then(|name| meanings.get(name))
            && !line.contains(source)
        {
            line.push(source.clone());
        }
        for name in line.into_iter().rev() {
            if matches!(meanings.get(&name), Some(Meaning::Wish(_))) && !order.contains(&name) {
                order.push(name);
            }
        }
    }
    order
}
