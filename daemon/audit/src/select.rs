//! Which lines somebody wants to see.

use crate::chain::Line;
use crate::{Outcome, Program};
use keyfob_shared::Timestamp;

/// What the kernel adds to the path of a program whose file was replaced or removed while it ran.
const DELETED: &str = " (deleted)";
/// Programs that only start others: whoever asks through one of them is looked for behind it.
const BETWEEN: &[&str] =
    &["keyfob", "sh", "bash", "dash", "ash", "zsh", "ksh", "fish", "busybox", "timeout", "env"];

/// Which lines are wanted: those that meet every condition; an empty list is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// About one of these profiles or identities.
    pub profiles: Vec<String>,
    /// Asked for by one of these programs, or by a program that one of them has started: names, or whole paths.
    pub programs: Vec<String>,
    /// One of these requests.
    pub requests: Vec<String>,
    /// That ended in one of these ways.
    pub outcomes: Vec<Outcome>,
    /// Written then or later.
    pub since: Option<Timestamp>,
    /// Written then or before.
    pub until: Option<Timestamp>,
}

impl Selection {
    /// Answers whether a line is wanted.
    pub fn takes(&self, line: &Line) -> bool {
        self.since.is_none_or(|since| line.time >= since)
            && self.until.is_none_or(|until| line.time <= until)
            && is_among(&self.outcomes, &line.outcome)
            && is_among(&self.requests, &line.request)
            && (self.profiles.is_empty()
                || line.profile.as_ref().is_some_and(|profile| self.profiles.contains(profile)))
            && (self.programs.is_empty()
                || line.programs().any(|program| self.programs.iter().any(|wanted| is(program, wanted))))
    }
}

fn is_among<T: PartialEq>(wanted: &[T], found: &T) -> bool {
    wanted.is_empty() || wanted.contains(found)
}

/// Answers whether a program is the one that is wanted, by its name or its whole path.
fn is(program: &str, wanted: &str) -> bool {
    program_path(program) == wanted || program_name(program) == wanted
}

/// Answers the path of a program as it was when it was started, or its name where that is all that is known.
pub fn program_path(program: &str) -> &str {
    program.strip_suffix(DELETED).unwrap_or(program)
}

/// Answers the name of a program without its directory.
pub fn program_name(program: &str) -> &str {
    let path = program_path(program);
    path.rsplit(['/', '\\']).next().filter(|name| !name.is_empty()).unwrap_or(path)
}

impl Line {
    /// Answers the programs behind the request, nearest first.
    fn programs(&self) -> impl Iterator<Item = &str> {
        let parents = self.parents.iter().map(|Program { program, .. }| program.as_str());
        self.program.as_deref().into_iter().chain(parents)
    }

    /// Answers the name of the program that wanted something: the nearest that is neither keyfob's client nor a shell,
    /// or else the nearest behind the client; `None` if it was gone or could not be seen.
    pub fn asker(&self) -> Option<&str> {
        let names = || self.programs().map(program_name);
        names().find(|name| !BETWEEN.contains(name)).or_else(|| names().nth(1)).or_else(|| names().next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(program: Option<&str>, parents: &[&str]) -> Line {
        let parents = parents.iter().map(|program| Program { pid: 7, program: (*program).into() });
        Line {
            seq: 1,
            time: Timestamp::from_millis(5_000),
            request: "get".into(),
            socket: None,
            profile: Some("prod".into()),
            outcome: Outcome::Served,
            reason: None,
            times: None,
            access_key_id: None,
            session_name: None,
            uid: 0,
            pid: 7,
            program: program.map(str::to_owned),
            parents: parents.collect(),
            previous: String::new(),
            hash: String::new(),
        }
    }

    #[test]
    fn every_condition_has_to_be_met_and_an_empty_list_is_none() {
        let line = line(Some("/usr/bin/keyfob"), &["/usr/bin/sh", "/opt/tf/terraform (deleted)"]);
        let all = Selection::default();
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let time = |millis: i64| Some(Timestamp::from_millis(millis));
        for (wanted, takes) in [
            (all.clone(), true),
            (Selection { profiles: words(&["ci", "prod"]), ..all.clone() }, true),
            (Selection { profiles: words(&["pro"]), ..all.clone() }, false),
            (Selection { programs: words(&["terraform"]), ..all.clone() }, true),
            (Selection { programs: words(&["/opt/tf/terraform"]), ..all.clone() }, true),
            (Selection { programs: words(&["keyfob"]), ..all.clone() }, true),
            (Selection { programs: words(&["/usr/bin/terraform", "tf"]), ..all.clone() }, false),
            (Selection { requests: words(&["get"]), ..all.clone() }, true),
            (Selection { requests: words(&["login"]), ..all.clone() }, false),
            (Selection { outcomes: vec![Outcome::Failed, Outcome::Served], ..all.clone() }, true),
            (Selection { outcomes: vec![Outcome::Refused], ..all.clone() }, false),
            (Selection { since: time(5_000), until: time(5_000), ..all.clone() }, true),
            (Selection { since: time(5_001), ..all.clone() }, false),
            (Selection { until: time(4_999), ..all.clone() }, false),
            (Selection { profiles: words(&["prod"]), requests: words(&["login"]), ..all.clone() }, false),
        ] {
            assert_eq!(wanted.takes(&line), takes, "{wanted:?}");
        }
        let nobodys = Line { profile: None, ..line };
        assert!(!Selection { profiles: words(&["prod"]), ..all }.takes(&nobodys));
    }

    #[test]
    fn whoever_wanted_something_is_looked_for_behind_client_and_shells() {
        for (program, parents, asker) in [
            (Some("/bin/keyfob"), &["/bin/sh", "/usr/bin/node", "/bin/bash"] as &[&str], Some("node")),
            (Some("keyfob"), &["/usr/bin/python3.11", "/bin/bash"], Some("python3.11")),
            (Some("/bin/keyfob"), &["/usr/bin/bash", "/usr/bin/sh"], Some("bash")),
            (Some("keyfob"), &[], Some("keyfob")),
            (Some("/opt/app (deleted)"), &["/bin/sh"], Some("app")),
            (None, &[], None),
        ] {
            assert_eq!(line(program, parents).asker(), asker);
        }
    }
}
