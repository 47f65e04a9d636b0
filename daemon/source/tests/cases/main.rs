//! One folder = one answer of STS, or of what stands in its place; adding a case needs no code.
//!
//! `why.txt` says why the case is there, `request.json` what is asked, `answer.http` what the server does (see
//! `server.rs`), `expected.json` what must come of it (see `expect.rs`). All cases run at once. In the end their
//! secrets are looked for in every result, log line and panic.

mod expect;
mod logs;
mod request;
mod server;

use keyfob_source::Sts;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::task::JoinSet;

/// The call ends after 4 s; the rest is the patience of a test.
const LONGEST_CASE: Duration = Duration::from_secs(20);

struct Outcome {
    name: String,
    wrong: Vec<String>,
    secrets: Vec<String>,
}

#[tokio::test]
async fn every_answer_comes_out_as_its_case_says() {
    let logs = logs::capture();
    let sts = Sts::new(keyfob_aws::Connections::default());
    let mut running = JoinSet::new();
    for folder in folders() {
        let sts = sts.clone();
        running.spawn(async move { run(&sts, &folder).await });
    }
    let mut wrong = Vec::new();
    let (mut cases, mut secrets) = (0, Vec::new());
    while let Some(ended) = running.join_next().await {
        cases += 1;
        match ended {
            Ok(outcome) => {
                wrong.extend(outcome.wrong.iter().map(|text| format!("{}: {text}", outcome.name)));
                secrets.extend(outcome.secrets.into_iter().map(|secret| (outcome.name.clone(), secret)));
            }
            Err(_) => wrong.push(format!("a case has panicked: {}", logs.text())),
        }
    }
    let logged = logs.text();
    for (name, secret) in secrets {
        if logged.contains(&secret) {
            wrong.push(format!("{name}: a secret is in the log"));
        }
    }
    assert!(wrong.is_empty(), "{} cases, wrong:\n{}", cases, wrong.join("\n"));
    assert!(cases >= 35, "only {cases} cases were found");
    assert!(logged.contains(logs::MARK), "nothing was captured");
}

fn folders() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let entries = fs::read_dir(directory).expect("the cases are there");
    entries.map(|entry| entry.expect("a readable directory").path()).filter(|path| path.is_dir()).collect()
}

async fn run(sts: &Sts, folder: &Path) -> Outcome {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut outcome = Outcome { name, wrong: Vec::new(), secrets: Vec::new() };
    match tokio::time::timeout(LONGEST_CASE, check(sts, folder, &mut outcome)).await {
        Ok(Ok(())) => {}
        Ok(Err(text)) => outcome.wrong.push(text),
        Err(_) => outcome.wrong.push("the call does not end".into()),
    }
    outcome
}

async fn check(sts: &Sts, folder: &Path, outcome: &mut Outcome) -> Result<(), String> {
    let read = |name: &str| fs::read(folder.join(name)).map_err(|error| format!("{name}: {error}"));
    if read("why.txt")?.trim_ascii().len() < 20 {
        return Err("why.txt does not say why".into());
    }
    let request = request::read(&read("request.json")?)?;
    let expected = expect::read(&read("expected.json")?)?;
    let server = server::start(read("answer.http")?).await;
    let result = sts.mint(&request, Some(&server.url)).await;
    let seen = server.end().await;
    outcome.secrets = request::secrets(&request);
    outcome.secrets.extend(expected.secrets());
    outcome.wrong = expected.compare(&result, &seen);
    let told = format!("{result:?} {}", expect::told(&result));
    if outcome.secrets.iter().any(|secret| told.contains(secret)) {
        outcome.wrong.push("a secret is in the result".into());
    }
    Ok(())
}
