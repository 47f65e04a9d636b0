//! Orders and what is written for each tool: one folder of `cases` is one case, and adding one needs no code.
//!
//! A case has `why.txt`, `order.json`, and what is expected: `cloudformation.json`, `terraform.tf.json`, `cli.sh`.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use keyfob_governance::role::{Format, Marks, MaxSession, Order, ServiceRoles, Template, Trust, Trusted};
use keyfob_shared::JobFunction;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

const LEAST_WHY: usize = 20;
const FILES: [(Format, &str); 3] = [
    (Format::CloudFormation, "cloudformation.json"),
    (Format::Terraform, "terraform.tf.json"),
    (Format::Cli, "cli.sh"),
];

fn folders() -> Vec<PathBuf> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let mut folders: Vec<PathBuf> = fs::read_dir(cases).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

fn read<T: FromStr<Err: std::fmt::Debug>>(value: &Value) -> T {
    value.as_str().unwrap().parse().unwrap()
}

fn optional<T: FromStr<Err: std::fmt::Debug>>(value: &Value) -> Option<T> {
    value.as_str().map(|text| text.parse().unwrap())
}

fn order(text: &str) -> Order {
    let order: Value = serde_json::from_str(text).unwrap();
    let trusted = if let Some(saml) = order.get("saml") {
        Trusted::Saml { provider: read(&saml["provider"]), audience: optional(&saml["audience"]) }
    } else if let Some(oidc) = order.get("oidc") {
        let (provider, audience) = (read(&oidc["provider"]), read(&oidc["audience"]));
        Trusted::Oidc { provider, audience, subject: optional(&oidc["subject"]) }
    } else {
        let aws = &order["aws"];
        let (principal, external_id) = (read(&aws["principal"]), optional(&aws["external_id"]));
        Trusted::Aws { principal, external_id, mfa: aws["mfa"] == true }
    };
    let marks = Marks {
        session_tags: order["session_tags"] == true,
        source_identity: order["source_identity"] == true,
    };
    let seconds = order["seconds"].as_u64().map(|seconds| MaxSession::from_seconds(seconds).unwrap());
    Order {
        function: read(&order["function"]),
        name: optional(&order["name"]),
        trust: Trust { trusted, marks },
        partition: None,
        max_session: seconds.unwrap_or(MaxSession::DEFAULT),
        service_roles: match order["service_roles"].as_array().map(Vec::as_slice) {
            None => ServiceRoles::All,
            Some([]) => ServiceRoles::None,
            Some(names) => ServiceRoles::Some(names.iter().map(read).collect()),
        },
        suffix: optional(&order["suffix"]).unwrap_or_else(|| "keyfob".parse().unwrap()),
    }
}

#[test]
fn every_case_is_written_as_expected() {
    for folder in folders() {
        let text = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(text("why.txt").trim().len() >= LEAST_WHY, "{}: say why", folder.display());
        let template = Template::new(&order(&text("order.json"))).unwrap();
        for (format, file) in FILES {
            let found = template.write(format);
            assert!(found == text(file), "{}/{file}: found\n{found}", folder.display());
        }
    }
}

#[test]
fn every_job_function_has_a_case() {
    for function in JobFunction::ALL {
        let of_it = |folder: &PathBuf| folder.ends_with(function.name());
        assert!(folders().iter().any(of_it), "{function}");
    }
}
