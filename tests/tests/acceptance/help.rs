//! `keyfob help`: the commands, and what can go wrong.

use keyfob_tests::{Fault, World};

#[test]
fn help_is_the_help_of_the_commands_and_has_a_topic() {
    let world = World::new();
    assert_eq!(world.keyfob(&["help"]).ok(), world.keyfob(&["--help"]).ok());
    let errors = world.keyfob(&["help", "errors"]);
    for text in ["\n3 person\n", "AccessDenied", "what:", "why:", "to do:", "keyfob login NAME"] {
        assert!(errors.ok().contains(text), "{text}");
    }
    assert!(world.keyfob(&["help", "weather"]).failed(2).contains("errors"));
    assert!(world.daemons().is_empty(), "help needs no daemon");
}

#[test]
fn a_code_that_aws_answers_is_found_in_the_help() {
    let world = World::with_profile();
    world.aws.fault(Fault::Error("RegionDisabledException", "STS is not activated in this region"));
    let run = world.get("p");
    let errors = world.keyfob(&["help", "errors"]);
    let line = format!("\n{} ", run.status);
    assert!(errors.ok().contains(&line) && errors.stdout.contains("RegionDisabledException"), "{run:?}");
}
