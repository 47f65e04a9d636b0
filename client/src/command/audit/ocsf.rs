//! Lines of the audit in the Open Cybersecurity Schema Framework, version 1.1.0: that is what data lakes take.
//!
//! A request is an API Activity (6003): somebody on this machine has called the daemon. It is no Authentication, since most
//! requests hand out a session that is there already. A line about the audit itself is a Base Event (0).

use super::cloudevents;
use crate::platform;
use keyfob_audit::{Line, Outcome, Program, program_name, program_path};
use serde_json::{Map, Value, json};

const VERSION: &str = "1.1.0";
const API_ACTIVITY: u32 = 6003;
const APPLICATION_ACTIVITY: u32 = 6;
const OTHER: u32 = 99;
const INFORMATIONAL: u32 = 1;
const REGULAR_FILE: u32 = 1;
/// The longest name of a file, by the schema.
const LONGEST_NAME: usize = 255;

/// The format, and the machine whose audit it is.
pub(super) struct Format {
    endpoint: Value,
}

impl Format {
    pub(super) fn new() -> Self {
        Self { endpoint: endpoint(&platform::machine()) }
    }
}

impl super::Format for Format {
    fn event<'a>(&'a self, line: &'a Line) -> impl serde::Serialize {
        let (activity, name) = activity(&line.request);
        let mut event = if line.is_about_the_audit() {
            class(0, 0, OTHER, &line.request)
        } else {
            let mut event = class(API_ACTIVITY, APPLICATION_ACTIVITY, activity, name);
            event.insert("api".into(), json!({ "operation": line.request, "service": { "name": "keyfob" } }));
            event.insert("actor".into(), actor(line));
            event.insert("src_endpoint".into(), self.endpoint.clone());
            let resources = resources(line);
            if !resources.is_empty() {
                event.insert("resources".into(), resources.into());
            }
            event
        };
        event.insert("time".into(), line.time.millis().into());
        event.insert("count".into(), i32::try_from(line.requests()).unwrap_or(i32::MAX).into());
        event.insert("severity_id".into(), INFORMATIONAL.into());
        let (status, word) = status(line.outcome);
        event.insert("status_id".into(), status.into());
        event.insert("status".into(), word.into());
        event.insert("status_code".into(), cloudevents::outcome(line.outcome).into());
        event.extend(line.reason.as_deref().map(|reason| ("status_detail".to_owned(), reason.into())));
        event.insert("metadata".into(), metadata(line));
        event.insert("unmapped".into(), unmapped(line));
        event
    }
}

fn class(class: u32, category: u32, activity: u32, name: &str) -> Map<String, Value> {
    let mut event = Map::new();
    event.insert("class_uid".into(), class.into());
    event.insert("category_uid".into(), category.into());
    event.insert("activity_id".into(), activity.into());
    event.insert("activity_name".into(), name.into());
    event.insert("type_uid".into(), (class * 100 + activity).into());
    event
}

/// Answers what a request does, in the four words that the class knows for it, or as another.
fn activity(request: &str) -> (u32, &str) {
    match request {
        "key-add" | "key-import" => (1, "Create"),
        "get" | "endpoint" | "exec" | "console" | "discover" | "status" | "profiles" | "check" | "doctor"
        | "key-list" => (2, "Read"),
        "key-remove" => (4, "Delete"),
        other => (OTHER, other),
    }
}

const fn status(outcome: Outcome) -> (u32, &'static str) {
    match outcome {
        Outcome::Served => (1, "Success"),
        Outcome::Failed | Outcome::Refused => (2, "Failure"),
    }
}

/// Names the machine; what is no host name is a name.
fn endpoint(machine: &str) -> Value {
    let is_label = |label: &str| {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty() && label.bytes().all(is_letter) && !label.starts_with('-') && !label.ends_with('-')
    };
    let key = if machine.split('.').all(is_label) { "hostname" } else { "name" };
    json!({ key: machine })
}

fn actor(line: &Line) -> Value {
    let mut actor = json!({ "user": { "uid": line.uid.to_string() } });
    // Without a number it is in another namespace, and cannot be named.
    if line.pid > 0 {
        let parent = line
            .parents
            .iter()
            .rev()
            .fold(None, |parent, Program { pid, program }| Some(process(*pid, Some(program), parent)));
        actor["process"] = process(line.pid, line.program.as_deref(), parent);
    }
    actor
}

fn process(pid: u32, program: Option<&str>, parent: Option<Value>) -> Value {
    let mut process = json!({ "pid": pid });
    if let Some(program) = program {
        let path = program_path(program);
        let name: String = program_name(program).chars().take(LONGEST_NAME).collect();
        process["name"] = name.as_str().into();
        if path.starts_with('/') {
            process["file"] = json!({ "name": name, "path": path, "type_id": REGULAR_FILE });
        }
    }
    if let Some(parent) = parent {
        process["parent_process"] = parent;
    }
    process
}

/// Lists what was asked for, and what was handed out.
fn resources(line: &Line) -> Vec<Value> {
    let asked =
        line.profile.as_deref().map(|profile| json!({ "type": "profile or identity", "name": profile }));
    let handed_out = line.access_key_id.as_deref().map(|key| {
        let mut resource = json!({ "type": "AWS access key", "uid": key });
        if let Some(session) = line.session_name.as_deref() {
            resource["name"] = session.into();
        }
        resource
    });
    asked.into_iter().chain(handed_out).collect()
}

fn metadata(line: &Line) -> Value {
    let product = json!({ "name": "keyfob", "vendor_name": "keyfob", "version": env!("CARGO_PKG_VERSION") });
    json!({
        "version": VERSION,
        "product": product,
        "log_name": "audit",
        "uid": line.hash,
        "original_time": line.time.to_string(),
    })
}

/// What the schema has no place for.
fn unmapped(line: &Line) -> Value {
    let mut unmapped = json!({ "seq": line.seq, "previous": line.previous });
    if let Some(socket) = line.socket.as_deref() {
        unmapped["socket"] = socket.into();
    }
    unmapped
}

#[cfg(test)]
mod tests {
    use super::super::Format as _;
    use super::*;

    fn event(line: &str) -> Value {
        let line = format!(r#"{{"seq":1,"time":"2026-01-01T00:00:00Z",{line},"previous":"","hash":"h"}}"#);
        let line: Line = serde_json::from_str(&line).unwrap();
        serde_json::to_value(Format { endpoint: endpoint("host") }.event(&line)).unwrap()
    }

    #[test]
    fn a_request_is_an_activity_of_whoever_asked() {
        let event = event(
            r#""request":"get","profile":"p","outcome":"failed","reason":"why","times":3,"uid":1000,"pid":7,"program":"/bin/keyfob","parents":[{"pid":6,"program":"sh"},{"pid":5,"program":"/opt/tf (deleted)"}]"#,
        );
        assert_eq!((&event["class_uid"], &event["type_uid"]), (&6003.into(), &600_302.into()));
        assert_eq!((&event["count"], &event["status_id"]), (&3.into(), &2.into()));
        let process = &event["actor"]["process"];
        assert_eq!(process["file"]["path"], "/bin/keyfob");
        assert_eq!(process["parent_process"]["name"], "sh");
        assert_eq!(process["parent_process"]["parent_process"]["pid"], 5);
        assert_eq!(process["parent_process"]["parent_process"]["file"]["path"], "/opt/tf");
        assert_eq!((&event["status"], &event["status_code"]), (&"Failure".into(), &"failed".into()));
        assert_eq!(event["src_endpoint"]["hostname"], "host");
    }

    #[test]
    fn what_is_not_known_is_not_told() {
        let event = event(r#""request":"rotate","outcome":"served","uid":0,"pid":0"#);
        assert_eq!((&event["activity_id"], &event["activity_name"]), (&99.into(), &"rotate".into()));
        assert!(event["actor"].get("process").is_none() && event.get("resources").is_none());
        assert_eq!(endpoint("a_b")["name"], "a_b");
        assert_eq!(endpoint("a-1.b")["hostname"], "a-1.b");
        for none in ["", "-a", "a..b", "a.-"] {
            assert!(endpoint(none).get("name").is_some(), "{none}");
        }
    }

    #[test]
    fn a_line_about_the_audit_is_no_activity() {
        let event = event(r#""request":"lost","outcome":"failed","reason":"3 lines","uid":0,"pid":0"#);
        assert_eq!((&event["class_uid"], &event["type_uid"]), (&0.into(), &99.into()));
        assert!(event.get("actor").is_none() && event["status_detail"] == "3 lines");
    }
}
