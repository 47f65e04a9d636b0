//! One folder = one page; adding a case needs no code.
//!
//! `why.txt` says why the case is there, `page.html` what was answered, `expected.json` how far the sign-in was, what the
//! page is taken for and what is sent with `USER`, `PASSWORD` and `CODE` filled in.

use super::super::complaint::{self, Complaint};
use super::{FieldNames, Seen, Stage, recognize};
use crate::page::{self, Field, Form, Page};
use crate::quote;
use crate::web::Place;
use keyfob_shared::Secret;
use serde_json::{Map, Value, json};
use std::fs;
use std::path::Path;

const PLACE: &str =
    "https://adfs.corp.example/adfs/ls/IdpInitiatedSignOn.aspx?loginToRp=urn:amazon:webservices";

fn check(folder: &Path) -> Result<(), String> {
    let text = |name: &str| fs::read_to_string(folder.join(name)).map_err(|error| format!("{name}: {error}"));
    if text("why.txt")?.trim().len() < 10 {
        return Err("why.txt does not say why".into());
    }
    let expected = text("expected.json")?;
    let expected: Map<String, Value> = serde_json::from_str(&expected).map_err(|error| error.to_string())?;
    let page = page::read(&text("page.html")?);
    let found = found(&page, &expected);
    let given = ["stage", "names"];
    let mut keys = expected.iter().filter(|(key, _)| !given.contains(&key.as_str()));
    let wrong = keys.find(|(key, value)| found.get(key.as_str()) != Some(value));
    wrong.map_or(Ok(()), |(key, value)| Err(format!("{key}: {value} expected, but {found:#?}")))
}

fn found(page: &Page, expected: &Map<String, Value>) -> Map<String, Value> {
    let place = Place::parse(PLACE).unwrap();
    let stage = if expected.get("stage") == Some(&json!("after")) { Stage::After } else { Stage::Before };
    let name = |key: &str| Some(expected.get("names")?.get(key)?.as_str()?.to_owned());
    let names = FieldNames { username: name("username"), password: name("password"), code: name("code") };
    let mut found = Map::new();
    let said = quote::text(&page.errors.join(" "), &[]);
    let complaint = match complaint::of(&said) {
        Complaint::Wrong => "wrong",
        Complaint::Locked => "locked",
        Complaint::Disabled => "disabled",
        Complaint::Expired => "expired",
        Complaint::Other => "other",
    };
    found.insert("said".into(), said.into());
    found.insert("complaint".into(), complaint.into());
    let mut put = |key: &str, value: Value| found.insert(key.into(), value);
    let sent = |form: &Form, fields: &[(Option<&Field>, &str)]| -> Value {
        let fields: Vec<(&str, Secret)> = fields
            .iter()
            .filter_map(|(field, value)| Some((field.as_ref()?.name.as_str(), Secret::new(*value))))
            .collect();
        let fields: Vec<(&str, &Secret)> = fields.iter().map(|(name, value)| (*name, value)).collect();
        form.filled(&fields).iter().map(|(name, value)| json!([name, value.expose()])).collect()
    };
    let action = |form: &Form| {
        let to = place.follow(&form.action);
        to.map_or_else(Value::from, |to| to.uri().path_and_query().unwrap().as_str().into())
    };
    match recognize(page, &place, &names, stage) {
        Seen::Response(field) => {
            put("seen", "response".into());
            put("value", field.value.expose().into());
        }
        Seen::Astray(to) => {
            put("seen", "astray".into());
            put("to", to.into());
        }
        Seen::SignIn { form, user, password } => {
            put("seen", "sign-in".into());
            put("action", action(form));
            put("sent", sent(form, &[(user, "USER"), (password, "PASSWORD")]));
            put("user", user.map_or(Value::Null, |field| field.name.clone().into()));
            put("password", password.map_or(Value::Null, |field| field.name.clone().into()));
        }
        Seen::Code { form, code } => {
            put("seen", "code".into());
            put("action", action(form));
            put("code", code.name.clone().into());
            put("label", code.label.clone().into());
            put("sent", sent(form, &[(Some(code), "CODE")]));
        }
        Seen::NewPassword => drop(put("seen", "new-password".into())),
        Seen::Denied => drop(put("seen", "denied".into())),
        Seen::Onward(form) => {
            put("seen", "onward".into());
            put("action", action(form));
            put("sent", sent(form, &[]));
            put("text", quote::text(&form.text, &[]).into());
        }
        Seen::Choice(form) => {
            put("seen", "choice".into());
            put("action", action(form));
            put("ways", json!(page.ways));
        }
        Seen::Later(seconds, url) => {
            put("seen", "later".into());
            put("seconds", seconds.into());
            put("url", url.into());
        }
        Seen::Unknown => drop(put("seen", "unknown".into())),
    }
    found
}

#[test]
fn every_page_is_taken_for_what_its_case_says() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/pages");
    let folders: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    let wrong: Vec<String> = folders
        .iter()
        .filter_map(|folder| check(folder).err().map(|wrong| format!("{}: {wrong}", folder.display())))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(folders.len() >= 30, "only {} cases were found", folders.len());
}

#[test]
fn no_page_makes_more_than_is_looked_at() {
    for piece in [
        "<form><input name=a>",
        "<div class=error>",
        "<label for=a>",
        "<select><option>",
        "<",
        "<a b=",
        "&#x",
        "<!--",
        "</form>",
    ] {
        let page = page::read(&piece.repeat(1024 * 1024 / piece.len()));
        assert!(page.forms.len() <= 32 && page.forms.iter().all(|form| form.fields.len() <= 256), "{piece}");
        assert!(page.errors.iter().map(String::len).sum::<usize>() < 1024 * 1024);
    }
}

proptest::proptest! {
    #[test]
    fn any_page_is_taken_for_something(
        pieces in proptest::collection::vec(
            proptest::sample::select(vec![
                "<form method=post action=/x>", "</form>", "<input type=password name=p>", "<input name=u>",
                "<input type=hidden name=SAMLResponse value=x>", "<input type=submit>", "<select name=s>", "<option>",
                "</select>", "<div class=error>", "</div>", "<label for=a>", "<script>", "</script>", "<title>", "&#x1b;", "<form id=options>",
                "<a onclick=\"SelectOption('x')\">",
                "<textarea name=otp>", "<meta http-equiv=refresh content=5>", "<!--", "-->", "\"", "'", "<", ">", "\u{0}",
            ]),
            0..40,
        ),
        text in ".{0,60}",
    ) {
        let place = Place::parse(PLACE).unwrap();
        for html in [pieces.concat(), text.clone(), pieces.join(&text)] {
            let page = page::read(&html);
            for stage in [Stage::Before, Stage::After] {
                recognize(&page, &place, &FieldNames::default(), stage);
            }
            page.forms.iter().for_each(|form| drop(form.filled(&[])));
        }
    }
}
