//! At an emulated Identity Center.

use crate::person::{Person, Vault};
use keyfob_idp::identity_center::{
    AccountRole, Denied, Flow, Portal, Refused, Settings, SignedIn, renew, sign_in,
};
use keyfob_shared::{FailureKind, Secret};
use keyfob_tests::{Fault, IdentityCenter, visit};
use std::time::Duration;

const ACCOUNT: &str = "111122223333";

fn settings(center: &IdentityCenter, flow: Flow) -> Settings {
    Settings {
        identity: "sso".parse().unwrap(),
        start_url: center.start_url(),
        region: "eu-west-1".into(),
        flow,
        sso_endpoint: Some(center.url()),
        sso_oidc_endpoint: Some(center.url()),
    }
}

fn alice() -> Person {
    Person::with(|url| {
        visit(url);
    })
}

async fn signed_in(center: &IdentityCenter, flow: Flow, vault: &Vault) -> SignedIn {
    let kept = vault.kept();
    vault.write(sign_in(&settings(center, flow), Some(&kept), &mut alice()).await.unwrap()).await
}

#[tokio::test]
async fn thirty_profiles_need_one_sign_in() {
    let (center, vault) = (IdentityCenter::start(), Vault::default());
    (0..30).for_each(|number| center.assign(ACCOUNT, "main", &format!("R{number}")));
    let signed_in = signed_in(&center, Flow::Device, &vault).await;
    let portal = Portal::new(settings(&center, Flow::Device));
    for number in 0..30 {
        let role = format!("R{number}");
        let (credentials, expires) =
            portal.role_credentials(&signed_in.access_token, ACCOUNT, &role).await.unwrap();
        assert_eq!(credentials.account_id.as_deref(), Some(ACCOUNT));
        assert!(credentials.session_token.is_some() && expires.millis() > 0);
    }
    for call in ["RegisterClient", "StartDeviceAuthorization"] {
        assert_eq!(center.calls(call), 1, "{call}");
    }

    // Each renewal rotates once; the last refresh token is the only one that is good.
    let mut used = vec![vault.kept()];
    for _ in 0..3 {
        let renewed = renew(&settings(&center, Flow::Device), &vault.kept()).await.unwrap();
        let renewed = vault.write(renewed).await;
        assert_ne!(renewed.access_token, signed_in.access_token);
        used.push(vault.kept());
    }
    assert_eq!(center.calls("CreateToken/refresh_token"), 3);
    used.dedup();
    assert_eq!(used.len(), 4);
    let Err(Refused::Lasting { failure, kept }) = renew(&settings(&center, Flow::Device), &used[2]).await
    else {
        panic!("renewed")
    };
    assert_eq!((failure.kind, failure.hint.as_deref()), (FailureKind::Person, Some("keyfob login sso")));
    assert!(kept.unwrap().expose().contains("client-1"), "the registration is kept");
    assert_eq!(center.calls("RegisterClient"), 1);
}

#[tokio::test]
async fn a_person_signs_in_with_a_browser_on_this_computer() {
    let (center, vault) = (IdentityCenter::start(), Vault::default());
    let first = signed_in(&center, Flow::Browser, &vault).await;
    assert_eq!(center.calls("CreateToken/authorization_code"), 1);
    let renewed = renew(&settings(&center, Flow::Browser), &vault.kept()).await.unwrap();
    assert_ne!(vault.write(renewed).await.access_token, first.access_token);
    // The registration is for one way only.
    assert!(renew(&settings(&center, Flow::Device), &vault.kept()).await.is_err());
    signed_in(&center, Flow::Browser, &vault).await;
    assert_eq!(center.calls("RegisterClient"), 1);
}

#[tokio::test]
async fn it_asks_less_often_when_told_to() {
    let (center, vault) = (IdentityCenter::start(), Vault::default());
    center.slow_downs(1);
    let mut signing_in = Box::pin(signed_in(&center, Flow::Device, &vault));
    // It asked after a second, and asks again six seconds later.
    assert!(tokio::time::timeout(Duration::from_secs(6), &mut signing_in).await.is_err());
    assert!(center.calls("CreateToken") <= 1);
    signing_in.await;
    assert!(center.calls("CreateToken") >= 2);
}

#[tokio::test]
async fn it_waits_for_the_person_as_long_as_the_code_lives() {
    let center = IdentityCenter::start();
    center.device_lifetime(Duration::from_secs(3));
    let mut person = Person::idle();
    let failure = sign_in(&settings(&center, Flow::Device), None, &mut person).await.unwrap_err();
    // Whichever of the two notices first.
    let ends = ["nobody signed in while the code was good", "ExpiredTokenException: no"];
    assert!(ends.iter().any(|end| failure.message.ends_with(end)), "{failure}");
    assert_eq!((failure.kind, failure.hint.as_deref()), (FailureKind::Person, Some("keyfob login sso")));
    assert!(person.shown[0].1.as_deref().is_some_and(|code| code.starts_with("KEYF-")));
    assert!(center.calls("CreateToken") >= 1);
}

#[tokio::test]
async fn a_person_says_no() {
    let center = IdentityCenter::start();
    center.denies(true);
    for flow in [Flow::Device, Flow::Browser] {
        let failure = sign_in(&settings(&center, flow), None, &mut alice()).await.unwrap_err();
        assert_eq!((failure.kind, failure.hint.as_deref()), (FailureKind::Person, Some("keyfob login sso")));
    }
}

#[tokio::test]
async fn it_registers_again_when_aws_has_forgotten_it_or_it_ends_soon() {
    let (center, vault) = (IdentityCenter::start(), Vault::default());
    center.registration_lifetime(Duration::from_secs(3_600));
    signed_in(&center, Flow::Device, &vault).await;
    center.registration_lifetime(Duration::from_secs(90 * 24 * 3_600));
    signed_in(&center, Flow::Device, &vault).await;
    assert_eq!(center.calls("RegisterClient"), 2, "one that ends soon is not used");
    center.forget_clients();
    let Err(Refused::Lasting { kept, .. }) = renew(&settings(&center, Flow::Device), &vault.kept()).await
    else {
        panic!("renewed")
    };
    assert_eq!(kept, Some(Secret::default()), "nothing of it is of any use");
    signed_in(&center, Flow::Device, &vault).await;
    assert_eq!(center.calls("RegisterClient"), 3);
}

#[tokio::test]
async fn what_may_pass_does_not_cost_the_sign_in() {
    let (center, vault) = (IdentityCenter::start(), Vault::default());
    let settings = settings(&center, Flow::Device);
    signed_in(&center, Flow::Device, &vault).await;
    for fault in [
        Fault::Refuse,
        Fault::ServerError,
        Fault::Throttle,
        Fault::Malformed,
        Fault::Torn,
        Fault::Error("SlowDownException", ""),
        Fault::Error("InternalServerException", ""),
    ] {
        center.fault("CreateToken", fault.clone());
        let refused = renew(&settings, &vault.kept()).await;
        assert!(matches!(refused, Err(Refused::Transient(_))), "{fault:?}: {refused:?}");
    }
    center.fault("CreateToken", Fault::None);
    vault.write(renew(&settings, &vault.kept()).await.unwrap()).await;

    // Nor what a person has to see to, and is not about the refresh token.
    center.fault("CreateToken", Fault::Error("InvalidRequestException", ""));
    let refused = renew(&settings, &vault.kept()).await;
    assert!(matches!(refused, Err(Refused::Lasting { kept: None, .. })), "{refused:?}");
    center.fault("CreateToken", Fault::Oversized);
    let refused = renew(&settings, &vault.kept()).await;
    assert!(matches!(refused, Err(Refused::Lasting { kept: None, .. })), "{refused:?}");
    center.fault("CreateToken", Fault::None);
    vault.write(renew(&settings, &vault.kept()).await.unwrap()).await;
}

#[tokio::test]
async fn an_answer_that_is_lost_on_the_way_is_found_out_at_the_next_renewal() {
    let (center, vault) = (IdentityCenter::start(), Vault::default());
    let settings = settings(&center, Flow::Device);
    signed_in(&center, Flow::Device, &vault).await;
    center.lose_answers("CreateToken", 1);
    assert!(matches!(renew(&settings, &vault.kept()).await, Err(Refused::Transient(_))));
    let Err(Refused::Lasting { kept, .. }) = renew(&settings, &vault.kept()).await else { panic!("renewed") };
    vault.put(kept.unwrap());
    assert_eq!(center.calls("CreateToken/refresh_token"), 2);
    // What is left is not even sent.
    assert!(matches!(renew(&settings, &vault.kept()).await, Err(Refused::Lasting { .. })));
    assert_eq!(center.calls("CreateToken/refresh_token"), 2);
    signed_in(&center, Flow::Device, &vault).await;
    assert_eq!(center.calls("RegisterClient"), 1);
}

#[tokio::test]
async fn accounts_and_roles_are_listed_page_by_page() {
    let (center, vault) = (IdentityCenter::start(), Vault::default());
    for (account, name) in [("222222222222", "prod\u{1b}[2J"), ("111111111111", "main")] {
        ["B", "A", "C"].iter().for_each(|role| center.assign(account, name, role));
    }
    center.assign("333333333333", "odd", "a b\"");
    center.page_size(1);
    center.throttle("ListAccounts", 1);
    center.throttle("ListAccountRoles", 2);
    let signed_in = signed_in(&center, Flow::Device, &vault).await;
    let portal = Portal::new(settings(&center, Flow::Device));
    let listed = portal.accounts_and_roles(&signed_in.access_token).await.unwrap();
    let role = |account: &str, name: &str, role: &str| AccountRole {
        account_id: account.into(),
        account_name: name.into(),
        role_name: role.into(),
    };
    let expected: Vec<_> = [("111111111111", "main"), ("222222222222", "prod\u{fffd}[2J")]
        .into_iter()
        .flat_map(|(account, name)| ["A", "B", "C"].map(|one| role(account, name, one)))
        .collect();
    assert_eq!(listed, expected);
    assert_eq!(center.calls("ListAccounts"), 4);
    assert_eq!(center.calls("ListAccountRoles"), 9);

    // Where nobody answers, that is told at once.
    center.fault("ListAccounts", Fault::Refuse);
    assert!(matches!(portal.accounts_and_roles(&signed_in.access_token).await, Err(Denied::Transient(_))));
    assert_eq!(center.calls("ListAccounts"), 5);
}

#[tokio::test]
async fn the_portal_says_what_can_be_done() {
    let (center, vault) = (IdentityCenter::start(), Vault::default());
    center.assign(ACCOUNT, "main", "R");
    let signed_in = signed_in(&center, Flow::Device, &vault).await;
    let portal = Portal::new(settings(&center, Flow::Device));
    let token = &signed_in.access_token;
    let Err(Denied::Lasting(failure)) = portal.role_credentials(token, ACCOUNT, "Other").await else {
        panic!("granted")
    };
    assert_eq!(failure.hint.as_deref(), Some("keyfob profile discover sso"));
    for fault in [Fault::Throttle, Fault::ServerError, Fault::Refuse, Fault::Malformed] {
        center.fault("GetRoleCredentials", fault.clone());
        let denied = portal.role_credentials(token, ACCOUNT, "R").await;
        assert!(matches!(denied, Err(Denied::Transient(_))), "{fault:?}: {denied:?}");
    }
    center.fault("GetRoleCredentials", Fault::None);
    center.end_access_tokens();
    assert!(matches!(portal.role_credentials(token, ACCOUNT, "R").await, Err(Denied::Token(_))));
    let renewed = renew(&settings(&center, Flow::Device), &vault.kept()).await.unwrap();
    let renewed = vault.write(renewed).await;
    assert!(portal.role_credentials(&renewed.access_token, ACCOUNT, "R").await.is_ok());
}

#[tokio::test]
async fn nothing_that_is_said_holds_a_secret() {
    let (center, vault) = (IdentityCenter::start(), Vault::default());
    let settings = settings(&center, Flow::Device);
    let unwritten = sign_in(&settings, None, &mut alice()).await.unwrap();
    let mut said = format!("{unwritten:?}");
    vault.write(unwritten).await;
    center.end_sessions();
    let refused = renew(&settings, &vault.kept()).await;
    said += &format!("{refused:?} {:?}", Portal::new(settings));
    let leaked = center.secrets().into_iter().find(|secret| said.contains(secret));
    assert_eq!(leaked, None, "{said}");
}

#[tokio::test]
async fn addresses_that_are_not_safe_are_not_asked() {
    let center = IdentityCenter::start();
    for (region, endpoint) in
        [("eu-west-1.evil.example/", None), ("", None), ("eu-west-1", Some("http://evil.example/"))]
    {
        let endpoint = endpoint.map(str::to_owned).or_else(|| Some(center.url()));
        let sso_oidc_endpoint = endpoint;
        let settings =
            Settings { region: region.into(), sso_oidc_endpoint, ..settings(&center, Flow::Device) };
        let failure = sign_in(&settings, None, &mut Person::idle()).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Usage, "{region}");
    }
    assert_eq!(center.calls("RegisterClient"), 0);
}

#[tokio::test]
async fn everything_runs_on_tasks_of_their_own() {
    let center = IdentityCenter::start();
    center.assign(ACCOUNT, "main", "R");
    let settings = settings(&center, Flow::Browser);
    let task = tokio::spawn(async move {
        let vault = Vault::default();
        vault.write(sign_in(&settings, None, &mut alice()).await.unwrap()).await;
        let renewed = vault.write(renew(&settings, &vault.kept()).await.unwrap()).await;
        let portal = Portal::new(settings);
        let listed = portal.accounts_and_roles(&renewed.access_token).await.unwrap();
        portal.role_credentials(&renewed.access_token, ACCOUNT, &listed[0].role_name).await.unwrap();
    });
    task.await.unwrap();
}
