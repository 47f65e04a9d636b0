//! Where profiles come from: sources followed to their roots; loops and absent sources told once, where they are.

use super::raw::RawProfile;
use std::collections::{BTreeMap, HashSet};
use toml::Spanned;

/// More hops than this are a mistake; each costs a call and an hour's cap.
const MAX_HOPS: usize = 16;

type Raw = BTreeMap<String, Spanned<RawProfile>>;

/// What following the sources has found.
#[derive(Default)]
pub(super) struct Chains<'a> {
    /// Names from the root to the profile, of each profile that has a root.
    pub(super) links: BTreeMap<&'a str, Vec<&'a str>>,
    /// Offsets and messages.
    pub(super) errors: Vec<(usize, String)>,
}

/// Follows the sources of every profile.
pub(super) fn follow(raw: &Raw) -> Chains<'_> {
    let mut chains = Chains::default();
    let mut told: HashSet<&str> = HashSet::new();
    for (name, profile) in raw {
        match links(name, raw) {
            Links::Rooted(names) => drop(chains.links.insert(name, names)),
            // Told for the profile that names it.
            Links::Absent(lost, source) if lost == name => {
                let message = format!("profile {name:?}: source {source:?}: there is no such profile");
                chains.errors.push((place(profile), message));
            }
            Links::Loop(round) if round.contains(&name.as_str()) && told.insert(round[0]) => {
                told.extend(&round);
                let round = [round.as_slice(), &[name.as_str()]].concat().join(" → ");
                let message = format!("profile {name:?}: the sources form a loop: {round}");
                chains.errors.push((place(profile), message));
            }
            Links::TooMany(hops) if hops == MAX_HOPS + 1 => {
                chains.errors.push((place(profile), format!("profile {name:?}: more than {MAX_HOPS} hops")));
            }
            Links::Absent(..) | Links::Loop(_) | Links::TooMany(_) => {}
        }
    }
    // A loop that is too long to be seen as one.
    let lost = |(name, _): &(&String, _)| !chains.links.contains_key(name.as_str());
    if chains.errors.is_empty()
        && let Some((name, profile)) = raw.iter().find(lost)
    {
        chains.errors.push((place(profile), format!("profile {name:?}: more than {MAX_HOPS} hops")));
    }
    chains
}

fn place(profile: &Spanned<RawProfile>) -> usize {
    let source = profile.get_ref().source.as_ref();
    source.map_or(profile.span().start, |source| source.span().start)
}

enum Links<'a> {
    /// Root first.
    Rooted(Vec<&'a str>),
    /// A profile, and the source that is not there.
    Absent(&'a str, &'a str),
    /// The members of a loop, which the profile is in or leads into.
    Loop(Vec<&'a str>),
    TooMany(usize),
}

fn links<'a>(name: &'a str, raw: &'a Raw) -> Links<'a> {
    let mut names = vec![name];
    let mut seen: HashSet<&str> = HashSet::from([name]);
    let mut current = name;
    // One hop further than can be a mistake of this profile alone: a long chain is followed once, not once for each.
    while names.len() <= MAX_HOPS + 1
        && let Some(source) = raw.get(current).and_then(|profile| profile.get_ref().source.as_ref())
    {
        let source = source.get_ref().as_str();
        if !raw.contains_key(source) {
            return Links::Absent(current, source);
        }
        if !seen.insert(source) {
            let start = names.iter().position(|known| *known == source).unwrap_or_default();
            return Links::Loop(names.split_off(start));
        }
        names.push(source);
        current = source;
    }
    if names.len() > MAX_HOPS {
        return Links::TooMany(names.len());
    }
    names.reverse();
    Links::Rooted(names)
}
