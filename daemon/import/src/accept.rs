//! What the engine makes of new tables: those that it does not accept are left out, with its reason.

/// Tables that belong to one profile.
pub(crate) struct Item {
    pub(crate) profile: String,
    /// The name and the text of its identity; no text if the identity is there already.
    pub(crate) identity: Option<(String, String)>,
    /// Nothing if the profile is there already.
    pub(crate) text: String,
    /// The profile that it assumes its role from.
    pub(crate) source: Option<String>,
}

/// Says why a configuration can't be in force.
pub(crate) type Judge<'a> = dyn Fn(&str) -> Result<(), String> + 'a;

/// Adds items, each after its source, and finds the mistakes that they make together.
pub(crate) struct Acceptance<'a> {
    pub(crate) before: &'a str,
    pub(crate) judge: &'a Judge<'a>,
    pub(crate) accepted: Vec<&'a Item>,
    /// Profiles, and why not.
    pub(crate) refused: Vec<(&'a str, String)>,
}

impl<'a> Acceptance<'a> {
    /// Adds what the engine accepts. Few questions find few mistakes among many items.
    pub(crate) fn add(&mut self, items: &[&'a Item]) {
        let is_refused = |source: &Option<String>| {
            source.as_ref().is_some_and(|source| self.refused.iter().any(|(name, _)| name == source))
        };
        let together: Vec<&Item> = self.accepted.iter().chain(items).copied().collect();
        match ((self.judge)(&text(self.before, &together)), items) {
            (Ok(()), _) => self.accepted.extend(items),
            (Err(_), [one]) if is_refused(&one.source) => {
                let source = one.source.clone().unwrap_or_default();
                self.refused.push((&one.profile, source_stays(&source)));
            }
            (Err(why), [one]) => self.refused.push((&one.profile, why)),
            (Err(_), _) => {
                let (first, second) = items.split_at(items.len() / 2);
                self.add(first);
                self.add(second);
            }
        }
    }
}

/// Answers an item and all that it comes from, which is told first: mistakes of its own are found cheaply with these.
pub(crate) fn chain<'a>(items: &'a [Item], item: &'a Item) -> Vec<&'a Item> {
    let mut chain = vec![item];
    let source = |last: &Item| items.iter().find(|one| Some(&one.profile) == last.source.as_ref());
    while let Some(source) = chain.last().and_then(|last| source(last)) {
        chain.push(source);
    }
    chain.reverse();
    chain
}

/// Says that a source is not handed over.
pub(crate) fn source_stays(source: &str) -> String {
    format!("its source_profile {source} is left alone")
}

/// Writes the tables of items behind a text, which stays as it is.
pub(crate) fn text(before: &str, items: &[&Item]) -> String {
    let mut tables: Vec<&str> = Vec::new();
    let mut identities: Vec<&str> = Vec::new();
    for item in items {
        if let Some((name, text)) = &item.identity
            && !identities.contains(&name.as_str())
        {
            identities.push(name);
            tables.push(text);
        }
        tables.push(&item.text);
    }
    tables.retain(|table| !table.is_empty());
    if tables.is_empty() {
        return before.to_owned();
    }
    let apart = match before {
        "" => "",
        _ if before.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    let new = format!("{apart}{}", tables.join("\n"));
    let new = if before.contains("\r\n") { new.replace('\n', "\r\n") } else { new };
    format!("{before}{new}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(profile: &str, source: Option<&str>) -> Item {
        let text = format!("{profile}\n");
        Item { profile: profile.into(), identity: None, text, source: source.map(str::to_owned) }
    }

    #[test]
    fn what_is_not_accepted_is_left_out_with_all_that_needs_it() {
        let items: Vec<Item> =
            [("a", None), ("bad", None), ("c", None), ("d", Some("bad")), ("e", Some("a"))]
                .map(|(profile, source)| item(profile, source))
                .into();
        let judge = |text: &str| {
            let lines: Vec<&str> = text.lines().collect();
            let fits = |line: &str| lines.contains(&line);
            if fits("bad") || fits("d") { Err("no".to_owned()) } else { Ok(()) }
        };
        let mut acceptance = Acceptance { before: "x", judge: &judge, accepted: vec![], refused: vec![] };
        acceptance.add(&items.iter().collect::<Vec<_>>());
        assert_eq!(text("x", &acceptance.accepted), "x\n\na\n\nc\n\ne\n");
        let refused = [("bad", "no".to_owned()), ("d", "its source_profile bad is left alone".to_owned())];
        assert_eq!(acceptance.refused, refused);
    }
}
