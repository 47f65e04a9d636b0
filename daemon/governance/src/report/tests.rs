use super::*;

const HEADING: &str = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated";
const OLD: &str = "2025-01-01T00:00:00+00:00";
const NEW: &str = "2026-05-30T00:00:00+00:00";

/// A key as `active dated used service`, and a user as `name made password password-used mfa`.
fn found(user: &str, keys: [&str; 2]) -> Vec<(Kind, String)> {
    let words: Vec<&str> = user.split(' ').collect();
    let keys = keys.map(|key| {
        let key: Vec<&str> = key.split(' ').collect();
        format!("{},{},{},eu-west-1,{}", key[0], key[1], key[2], key[3])
    });
    let row = format!(
        "{},arn,{},{},{},N/A,N/A,{},{},{},false,N/A,false,N/A",
        words[0], words[1], words[2], words[3], words[4], keys[0], keys[1]
    );
    let now = Timestamp::parse("2026-06-01T00:00:00Z").unwrap();
    let found = read(&format!("{HEADING}\n{row}\n"), Limits::default(), now).unwrap();
    found.findings.into_iter().map(|finding| (finding.kind, finding.detail)).collect()
}

fn kinds(user: &str, keys: [&str; 2]) -> Vec<Kind> {
    found(user, keys).into_iter().map(|(kind, _)| kind).collect()
}

const NO_KEY: &str = "false N/A N/A N/A";

#[test]
fn nothing_is_found_where_all_is_well() {
    let key = format!("true {NEW} {NEW} s3");
    assert_eq!(kinds(&format!("alice {OLD} true {NEW} true"), [&key, NO_KEY]), []);
    // Made yesterday, never used.
    let key = format!("true {NEW} N/A N/A");
    assert_eq!(kinds(&format!("bob {NEW} false N/A false"), [&key, NO_KEY]), []);
}

#[test]
fn each_kind_is_found() {
    let new = format!("true {NEW} {NEW} s3");
    assert_eq!(kinds(&format!("alice {OLD} true {NEW} false"), [NO_KEY, NO_KEY]), [Kind::PasswordWithoutMfa]);
    assert_eq!(
        kinds(&format!("alice {OLD} true no_information true"), [NO_KEY, NO_KEY]),
        [Kind::InactiveUser]
    );
    assert_eq!(kinds(&format!("alice {OLD} false N/A false"), [&new, &new]), [Kind::TwoActiveKeys]);
    let old_but_used = format!("true {OLD} {NEW} s3");
    assert_eq!(kinds(&format!("alice {OLD} false N/A false"), [NO_KEY, &old_but_used]), [Kind::OldKey]);
    let unused = format!("true {OLD} {OLD} s3");
    let told = found(&format!("alice {OLD} true {NEW} true"), [NO_KEY, &unused]);
    assert_eq!(told[0], (Kind::UnusedKey, "access key 2 was not used for 516 days (then for s3)".into()));
    assert_eq!(told[1].0, Kind::OldKey);
    // An inactive key harms nobody.
    let inactive = format!("false {OLD} {OLD} s3");
    assert_eq!(kinds(&format!("alice {OLD} true {NEW} true"), [NO_KEY, &inactive]), []);
}

#[test]
fn the_root_user_is_judged_by_its_own_rules() {
    let key = format!("true {NEW} N/A N/A");
    assert_eq!(
        kinds(&format!("<root_account> {OLD} not_supported {NEW} false"), [&key, NO_KEY]),
        [Kind::RootKey, Kind::RootWithoutMfa]
    );
    assert_eq!(kinds(&format!("<root_account> {OLD} not_supported N/A true"), [NO_KEY, NO_KEY]), []);
}

#[test]
fn what_is_no_report_is_told_with_its_line() {
    let now = Timestamp::from_millis(0);
    assert!(read("a,b\n", Limits::default(), now).unwrap_err().contains("no column user"));
    let row = "alice,arn,soon,true,N/A,N/A,N/A,true,false,N/A,N/A,N/A,N/A,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A";
    let wrong = read(&format!("{HEADING}\n{row}\n"), Limits::default(), now).unwrap_err();
    assert_eq!(wrong, "line 2 of the credential report has a date that is none");
    assert!(read(&format!("{HEADING}\nalice,arn\n"), Limits::default(), now).is_err());
}

#[test]
fn the_command_names_the_user_as_one_word() {
    let finding = Finding {
        user: "a b'; rm".into(),
        kind: Kind::TwoActiveKeys,
        detail: String::new(),
        password: false,
        key_dated: None,
    };
    assert_eq!(command(&finding, None), "aws iam list-access-keys --user-name 'a b; rm'");
}
