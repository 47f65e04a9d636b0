//! The picture of `keyfob status` for the README, from the real program.

use crate::picture;
use keyfob_tests::World;
use std::time::Duration;

const CONFIG: &str = r#"[identity.alice]
type = "iam-user"
[identity.bob]
type = "iam-user"
mfa_serial = "arn:aws:iam::111122223333:mfa/bob"
[profile.prod]
identity = "alice"
role_arn = "arn:aws:iam::111122223333:role/Production"
[profile.audit]
source = "prod"
role_arn = "arn:aws:iam::444455556666:role/Reader"
[profile.staging]
identity = "alice"
role_arn = "arn:aws:iam::111122223333:role/Staging"
[profile.billing]
identity = "bob"
role_arn = "arn:aws:iam::111122223333:role/Billing"
[profile.upload]
identity = "alice"
role_arn = "arn:aws:iam::111122223333:role/Upload"
duration = "12h"
"#;

pub(crate) fn run() {
    let world = World::new();
    world.config(CONFIG);
    world.add_key("alice");
    world.add_key("bob");
    world.aws.lifetime(Duration::from_secs(43_200));
    for profile in ["prod", "audit", "upload", "billing"] {
        world.get(profile);
    }
    std::thread::sleep(Duration::from_secs(3));
    world.get("prod").ok();
    let status = world.keyfob(&["status"]);
    let picture = picture::terminal(&format!("$ keyfob status\n{}", status.ok()));
    let file = picture::file("status.svg");
    std::fs::write(&file, picture).unwrap();
    println!("  the picture is {}", file.display());
}
