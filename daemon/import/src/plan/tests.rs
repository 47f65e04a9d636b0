//! Kinds of identities that a later engine accepts.

use super::*;

/// What is made once the engine accepts every kind of identity.
fn made(aws_config: &str) -> Made {
    let config = Document::new(Kind::Config, aws_config);
    let credentials = Document::new(Kind::Credentials, "");
    let view = View::new(&config, &credentials).unwrap();
    let files = Files { config, credentials, view };
    let existing = toml::Table::new();
    let mut work = Work { files: &files, existing: &existing, notes: Vec::new() };
    let made = work.run("", &[], &|_| Ok(())).unwrap();
    assert_eq!(work.notes, []);
    verify::check(&files, &made).unwrap();
    made
}

#[test]
fn identity_center_has_one_identity_for_a_session() {
    let session =
        "[sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://corp.awsapps.com/start\n";
    let made = made(&format!(
        "[profile dev]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = Dev\nregion = eu-west-1\n[profile prod]\nsso_session = corp\nsso_account_id = 444455556666\nsso_role_name = Ops\n[profile top]\nrole_arn = arn:aws:iam::111122223333:role/Top\nsource_profile = prod\n{session}"
    ));
    let identity = "[identity.corp]\ntype = \"identity-center\"\nstart_url = \"https://corp.awsapps.com/start\"\nregion = \"us-east-1\"\n";
    let dev = "[profile.dev]\nidentity = \"corp\"\naccount_id = \"111122223333\"\nrole_name = \"Dev\"\nregion = \"eu-west-1\"\n";
    let prod = "[profile.prod]\nidentity = \"corp\"\naccount_id = \"444455556666\"\nrole_name = \"Ops\"\n";
    let top = "[profile.top]\nsource = \"prod\"\nrole_arn = \"arn:aws:iam::111122223333:role/Top\"\n";
    assert_eq!(made.config, [identity, dev, prod, top].join("\n"));
    let line = |name: &str| format!("[profile {name}]\ncredential_process = keyfob get {name}\n");
    let dev = line("dev") + "region = eu-west-1\n";
    assert_eq!(made.aws_config, dev + &line("prod") + &line("top") + session);
}

#[test]
fn the_older_form_of_identity_center_is_the_same() {
    let made = made(
        "[default]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = us-east-1\nsso_account_id = 111122223333\nsso_role_name = Dev\noutput = json\n",
    );
    assert!(made.config.starts_with("[identity.sso]\ntype = \"identity-center\"\n"), "{}", made.config);
    assert_eq!(made.aws_config, "[default]\ncredential_process = keyfob get default\noutput = json\n");
}

#[test]
fn a_token_file_is_a_web_identity() {
    let made = made(
        "[profile web]\nrole_arn = arn:aws:iam::111122223333:role/Web\nweb_identity_token_file = /token\nrole_session_name = pod\n",
    );
    assert_eq!(
        made.config,
        "[identity.web]\ntype = \"web-identity\"\ntoken_file = \"/token\"\n\n[profile.web]\nidentity = \"web\"\nrole_arn = \"arn:aws:iam::111122223333:role/Web\"\nsession_name = \"pod\"\n"
    );
}

#[test]
fn a_process_of_others_is_split_into_words() {
    let made = made(
        "[profile tool]\ncredential_process = \"/opt/my tool\" --for 'a b' c\\ d\nregion = eu-west-1\n[profile top]\nrole_arn = arn:aws:iam::111122223333:role/Top\nsource_profile = tool\n",
    );
    assert_eq!(
        made.config,
        "[identity.tool]\ntype = \"process\"\ncommand = [\"/opt/my tool\", \"--for\", \"a b\", \"c d\"]\n\n[profile.tool]\nidentity = \"tool\"\nregion = \"eu-west-1\"\n\n[profile.top]\nidentity = \"tool\"\nrole_arn = \"arn:aws:iam::111122223333:role/Top\"\n"
    );
}
