//! Sign-in by tokens: IAM Identity Center, and an OIDC provider that is certified.

use keyfob_tests::world::eventually;
use keyfob_tests::{IdentityCenter, OidcProvider, Run, World, visit};
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::time::Duration;

const PROFILES: usize = 30;

/// Signs in; what is to be opened is opened by somebody.
pub(crate) fn login(world: &World, identity: &str, person: impl Fn(&str)) -> Run {
    let mut command = world.command(world.program("keyfob"));
    command.args(["login", identity]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while stderr.read_line(&mut line).unwrap() > 0 {
        if let Some(url) = line.trim().strip_prefix("open ") {
            person(url);
        }
        line.clear();
    }
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    Run::from(child.wait_with_output().unwrap())
}

pub(crate) fn center(world: &World, flow: &str) -> IdentityCenter {
    let center = IdentityCenter::beside(&world.aws);
    center.assign("111122223333", "Main", "Reader");
    center.assign("444455556666", "Other", "Admin");
    let profile = |number: usize| {
        let (account, role) = [("111122223333", "Reader"), ("444455556666", "Admin")][number % 2];
        format!(
            "[profile.p{number}]\nidentity = \"center\"\naccount_id = \"{account}\"\nrole_name = \"{role}\"\nregion = \"eu-west-1\"\n"
        )
    };
    let profiles: String = (0..PROFILES).map(profile).collect();
    world.config(&format!(
        "[daemon]\nvault = \"file\"\nvault_key_file = \"{}\"\n[endpoints]\nsts = \"{}\"\nsso = \"{url}\"\nsso_oidc = \"{url}\"\n[identity.center]\ntype = \"identity-center\"\nstart_url = \"{}\"\nregion = \"eu-west-1\"\nflow = \"{flow}\"\n{profiles}[profile.chained]\nsource = \"p0\"\nrole_arn = \"arn:aws:iam::777788889999:role/C\"\n",
        world.path("config/key").display(),
        world.aws.sts_url(),
        center.start_url(),
        url = center.url(),
    ));
    center
}

fn get_all(world: &World) {
    std::thread::scope(|scope| {
        for number in 0..PROFILES {
            scope.spawn(move || drop(world.get(&format!("p{number}")).ok().to_owned()));
        }
    });
}

#[test]
fn thirty_profiles_of_identity_center_need_one_sign_in_and_tokens_rotate_once() {
    let world = World::new();
    let center = center(&world, "device");
    world.aws.lifetime(Duration::from_secs(8));
    assert!(world.get("p0").failed(3).contains("keyfob login center"));
    let said = login(&world, "center", |url| drop(visit(url)));
    assert!(said.ok().contains("identity center is signed in"), "{said:?}");
    get_all(&world);
    world.get("chained").ok();
    let proposed = world.keyfob(&["profile", "discover", "center"]);
    assert!(proposed.ok().contains("[profile.other-admin]\nidentity = \"center\"\naccount_id = \"444455556666\"\nrole_name = \"Admin\""), "{proposed:?}");
    assert_eq!((center.calls("RegisterClient"), center.calls("StartDeviceAuthorization")), (1, 1));
    assert_eq!(center.calls("CreateToken/refresh_token"), 0);
    // Every session is renewed by itself, with the token that there is.
    let before = center.calls("GetRoleCredentials");
    eventually("renewals by themselves", Duration::from_secs(20), || {
        center.calls("GetRoleCredentials") >= before + 6
    });
    // All at once find that the token is not accepted any more: it is replaced once.
    center.end_access_tokens();
    world.keyfob(&["logout", "p0"]).ok();
    world.get("p0").ok();
    get_all(&world);
    assert_eq!(center.calls("CreateToken/refresh_token"), 1);
    // What was rotated is in the vault before it is used.
    for round in 2..5 {
        world.kill_daemons();
        center.end_access_tokens();
        world.keyfob(&["logout", "p1"]).ok();
        world.get("p1").ok();
        assert_eq!(center.calls("CreateToken/refresh_token"), round);
    }
    assert_eq!((center.calls("RegisterClient"), center.calls("StartDeviceAuthorization")), (1, 1));
    // An administrator ends everything.
    center.end_sessions();
    eventually("the sign-in is said to be needed", Duration::from_secs(30), || {
        world.status()["identities"][0]["state"] == "sign-in-needed"
    });
    login(&world, "center", |url| drop(visit(url))).ok();
    get_all(&world);
    center.secrets().into_iter().for_each(|secret| world.add_secret(secret));
}

#[test]
fn identity_center_signs_in_with_a_browser_on_this_computer() {
    let world = World::new();
    let center = center(&world, "browser");
    login(&world, "center", |url| drop(visit(url))).ok();
    world.get("p0").ok();
    world.keyfob(&["logout", "center"]).ok();
    assert!(world.get("p0").failed(3).contains("keyfob login center"));
    center.secrets().into_iter().for_each(|secret| world.add_secret(secret));
}

#[test]
fn a_certified_provider_signs_in_and_its_tokens_are_renewed() {
    let Some(provider) = OidcProvider::start(70) else { return };
    for flow in ["browser", "device"] {
        let world = World::new();
        world.aws.accept_web_tokens();
        world.config(&format!(
            "[identity.corp]\ntype = \"oidc\"\nissuer = \"{}\"\nclient_id = \"keyfob\"\nflow = \"{flow}\"\nparameters = {{ prompt = \"consent\" }}\n[profile.p]\nidentity = \"corp\"\nrole_arn = \"arn:aws:iam::111122223333:role/R\"\n",
            provider.issuer()
        ));
        world.aws.lifetime(Duration::from_secs(6));
        let said = login(&world, "corp", |url| drop(provider.sign_in(url)));
        assert!(said.ok().contains("identity corp is signed in"), "{flow}: {said:?}");
        world.get("p").ok();
        let tokens = || {
            let mints = world.aws.mints();
            let tokens: std::collections::BTreeSet<_> =
                mints.iter().filter_map(|mint| mint.parameters.get("WebIdentityToken").cloned()).collect();
            tokens.into_iter().for_each(|token| world.add_secret(token));
            mints
                .iter()
                .filter_map(|mint| mint.parameters.get("WebIdentityToken"))
                .collect::<std::collections::BTreeSet<_>>()
                .len()
        };
        // A token of 70 seconds is used for the first ten; then the next one is fetched.
        eventually("the next token", Duration::from_secs(60), || tokens() >= 2);
        world.get("p").ok();
    }
}
