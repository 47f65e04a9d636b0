//! `cargo xtask bench`: how fast and how small, each figure beside a floor that was measured in the same run.
//!
//! Absolute figures depend on the machine; only the ratios have bars.

#![allow(clippy::disallowed_methods, reason = "a benchmark reads clocks")]
#![allow(clippy::unwrap_used, reason = "a benchmark that can't go on ends with its reason")]
#![allow(clippy::print_stdout, reason = "the results")]

mod daemon;
mod echo;
mod load;
mod picture;
mod process;
mod scale;
mod status;

use keyfob_tests::World;

/// One figure, and what it is held against.
struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    bar: Option<Bar>,
}

/// What a figure should be.
#[derive(Clone, Copy)]
enum Bar {
    AtMost(f64),
    AtLeast(f64),
}

impl Figure {
    fn new(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { name: name.into(), value, unit, bar: None }
    }

    fn at_most(self, most: f64) -> Self {
        Self { bar: Some(Bar::AtMost(most)), ..self }
    }

    fn at_least(self, least: f64) -> Self {
        Self { bar: Some(Bar::AtLeast(least)), ..self }
    }

    fn print(&self) {
        let bar = match self.bar {
            None => String::new(),
            Some(Bar::AtMost(most)) if self.value <= most => format!("  (at most {most}: yes)"),
            Some(Bar::AtMost(most)) => format!("  (at most {most}: NO)"),
            Some(Bar::AtLeast(least)) if self.value >= least => format!("  (at least {least}: yes)"),
            Some(Bar::AtLeast(least)) => format!("  (at least {least}: NO)"),
        };
        println!("  {:<58} {:>10.2} {}{bar}", self.name, self.value, self.unit);
    }
}

fn show(title: &str, figures: &[Figure]) {
    println!("{title}");
    figures.iter().for_each(Figure::print);
}

/// Makes a world with so many profiles, all roles of one user.
fn world(profiles: usize) -> World {
    let mut world = World::new();
    world.environment.insert("KEYFOB_LOG".into(), "info".into());
    world.config(&config(profiles, "R"));
    world.add_key("alice");
    world
}

fn config(profiles: usize, role: &str) -> String {
    let mut text = "[identity.alice]\ntype = \"iam-user\"\n".to_owned();
    for number in 0..profiles {
        text.push_str(&format!(
            "[profile.p{number}]\nidentity = \"alice\"\nrole_arn = \"arn:aws:iam::111122223333:role/{role}{number}\"\nregion = \"eu-west-1\"\n"
        ));
    }
    text
}

/// Answers the median of some measurements.
fn median(values: &mut [f64]) -> f64 {
    quantile(values, 0.5)
}

fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values.get((last as f64 * part) as usize).copied().unwrap_or_default()
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [name, socket, size] = arguments.as_slice()
        && name == "echo"
    {
        return echo::serve(socket, size.parse().unwrap());
    }
    const PARTS: [(&str, fn()); 5] = [
        ("process", process::run),
        ("load", load::run),
        ("daemon", daemon::run),
        ("scale", scale::run),
        ("status", status::run),
    ];
    let wanted = |name: &str| arguments.is_empty() || arguments.iter().any(|argument| argument == name);
    for (_, run) in PARTS.iter().filter(|(name, _)| wanted(name)) {
        run();
    }
}
