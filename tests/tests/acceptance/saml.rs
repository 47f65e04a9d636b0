//! Sign-in by SAML at an AD FS: a password once, and sessions that are renewed from what the provider has kept.

use keyfob_tests::World;
use keyfob_tests::emulator::adfs::{Account, Adfs, Mfa};
use keyfob_tests::keychain::Keychain;
use keyfob_tests::notifications::Notifications;
use keyfob_tests::world::eventually;
use std::time::Duration;

/// A world with an identity `corp`, and profiles that take turns with two roles; each is a session of its own.
pub(crate) fn world(adfs: &Adfs, profiles: usize, more: &str) -> World {
    let world = World::new();
    adfs.roles(&["Admin", "Reader"]);
    let profile = |number: usize| {
        let (role, minutes) = (["Admin", "Reader"][number % 2], 15 + number);
        format!(
            "[profile.p{number}]\nidentity = \"corp\"\nrole_arn = \"arn:aws:iam::111122223333:role/{role}\"\nduration = \"{minutes}m\"\n"
        )
    };
    let profiles: String = (0..profiles).map(profile).collect();
    world.config(&format!(
        "[daemon]\nvault = \"file\"\nvault_key_file = \"{}\"\n[identity.corp]\ntype = \"saml\"\nprovider = \"adfs\"\nurl = \"{}\"\nusername = \"CORP\\\\alice\"\n{more}{profiles}",
        world.path("config/key").display(),
        adfs.url()
    ));
    world
}

pub(crate) fn hunt(world: &World, adfs: &Adfs) {
    adfs.secrets().into_iter().for_each(|secret| world.add_secret(secret));
}

#[test]
fn a_password_once_and_ten_sessions_are_renewed_until_the_provider_asks_again() {
    const PROFILES: usize = 10;
    let adfs = Adfs::start();
    let password = adfs.password("CORP\\alice");
    let mut world = world(&adfs, PROFILES, "");
    let Some(_bus) = Keychain::start(&mut world) else { return };
    let desktop = Notifications::watch(&world);
    world.aws.lifetime(Duration::from_secs(6));
    let said = world.get("p0");
    assert!(said.failed(3).contains("keyfob login corp"), "{said:?}");
    let login = world.keyfob_with_input(&["login", "corp"], &password);
    assert!(login.ok().contains("identity corp is signed in"), "{login:?}");
    assert_eq!(adfs.counts().passwords, 1);
    let names: Vec<String> = (0..PROFILES).map(|number| format!("p{number}")).collect();
    let get_all = || names.iter().for_each(|name| drop(world.get(name).ok().to_owned()));
    get_all();
    let first = adfs.counts().assertions;
    assert_eq!(first, 1, "one assertion serves every profile that is due");
    // Five lifetimes; everyone is served all the time, and nobody is asked.
    for _ in 0..6 {
        get_all();
        std::thread::sleep(Duration::from_secs(5));
    }
    get_all();
    assert_eq!(adfs.counts().passwords, 1);
    let mints = world.aws.mints();
    assert!(mints.len() >= 5 * PROFILES, "{} mints", mints.len());
    assert!(mints.iter().all(|mint| mint.action == "AssumeRoleWithSAML"));
    // A restarted daemon goes on with what is in the vault.
    world.keyfob(&["daemon", "restart"]).ok();
    get_all();
    assert_eq!(adfs.counts().passwords, 1);
    // The provider wants to see a person: that is told while all sessions still live.
    world.aws.lifetime(Duration::from_secs(50));
    eventually("long sessions", Duration::from_secs(20), || {
        get_all();
        world.aws.mints().len() >= mints.len() + PROFILES
    });
    adfs.end_sessions();
    // An assertion serves what is due within a minute; then the provider is asked.
    eventually("the sign-in is said to be needed", Duration::from_secs(150), || {
        let status = world.status();
        let identity = &status["identities"][0];
        identity["state"] == "sign-in-needed" && identity["sign_in_needed_by"].is_string()
    });
    eventually("the desktop tells it", Duration::from_secs(5), || !desktop.shown().is_empty());
    get_all();
    let shown = desktop.shown();
    assert_eq!(shown.len(), 1, "once: {shown:?}");
    assert!(
        shown[0].0 == "Sign in to AWS as corp" && shown[0].1.ends_with(": keyfob login corp"),
        "{shown:?}"
    );
    let again = world.keyfob_with_input(&["login", "corp"], &password);
    again.ok();
    get_all();
    assert_eq!(world.status()["identities"][0]["state"], "ready");
    assert_eq!(adfs.counts().passwords, 2);
    assert_eq!(adfs.counts().wrong_passwords, 0);
    hunt(&world, &adfs);
}

#[test]
fn wrong_passwords_locked_accounts_and_codes_are_told_apart() {
    let adfs = Adfs::start();
    let password = adfs.password("CORP\\alice");
    let world = world(&adfs, 1, "");
    let said = world.keyfob_with_input(&["login", "corp"], "not-the-password");
    assert_eq!(said.status, 3, "{said:?}");
    adfs.account(Account::Locked);
    let locked = world.keyfob_with_input(&["login", "corp"], &password);
    assert_ne!(locked.stderr, said.stderr, "{locked:?}");
    adfs.account(Account::Good);
    adfs.mfa(Mfa::Code("271828".into()));
    world.keyfob_with_input(&["login", "corp"], &format!("{password}\n271828")).ok();
    world.get("p0").ok();
    adfs.mfa(Mfa::Push(3));
    world.keyfob_with_input(&["login", "corp"], &password).ok();
    // Wrong ones do not lock the account: each was sent once.
    assert_eq!(adfs.counts().wrong_passwords, 1);
    hunt(&world, &adfs);
}

#[test]
fn a_remembered_password_signs_in_again_and_a_logout_forgets_it() {
    let adfs = Adfs::start();
    let password = adfs.password("CORP\\alice");
    let world = world(&adfs, 1, "remember_password = true\n");
    world.aws.lifetime(Duration::from_secs(4));
    world.keyfob_with_input(&["login", "corp"], &password).ok();
    world.get("p0").ok();
    adfs.end_sessions();
    // An assertion serves what is due within a minute; then the provider is asked.
    eventually("a new session at the provider", Duration::from_secs(90), || {
        world.get("p0").ok();
        adfs.counts().passwords >= 2
    });
    world.keyfob(&["logout", "corp"]).ok();
    assert!(world.get("p0").failed(3).contains("keyfob login corp"));
    hunt(&world, &adfs);
}

#[test]
fn a_role_that_the_provider_does_not_grant_is_told_with_those_that_it_does() {
    let adfs = Adfs::start();
    let password = adfs.password("CORP\\alice");
    let world = world(&adfs, 1, "");
    adfs.roles(&["Other"]);
    world.keyfob_with_input(&["login", "corp"], &password).ok();
    let said = world.get("p0");
    assert!(
        said.failed(2).contains(
            "does not grant arn:aws:iam::111122223333:role/Admin, but arn:aws:iam::111122223333:role/Other"
        ),
        "{said:?}"
    );
    hunt(&world, &adfs);
}
