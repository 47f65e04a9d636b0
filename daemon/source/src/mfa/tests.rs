//! Commands that print a code, and commands that misbehave.

use super::*;

fn command(script: &str) -> Vec<String> {
    ["sh", "-c", script].map(str::to_owned).to_vec()
}

#[test]
fn the_code_is_found_among_other_words() {
    let found = |text: &str| find_code(text).map(|code| code.expose().to_owned());
    assert_eq!(found("aws:alice  123456\n").as_deref(), Some("123456"));
    assert_eq!(found("1234567"), None);
    assert_eq!(found("123456 654321"), None);
    assert_eq!(found("a123456"), None);
}

#[tokio::test]
async fn a_command_prints_the_code() {
    assert_eq!(mfa_code(&command("echo 123456")).await.unwrap().expose(), "123456");
}

#[tokio::test]
async fn what_goes_wrong_is_told_without_the_output() {
    for script in ["echo 12345; false", "echo none", "echo 111111 222222", "exit 3", "printf '\\377 111111'"]
    {
        let failure = mfa_code(&command(script)).await.unwrap_err();
        assert!(
            !failure.message.contains("111111") && failure.message.starts_with("run mfa_command sh: "),
            "{failure}"
        );
    }
    assert!(mfa_code(&["/nonexistent".to_owned()]).await.unwrap_err().message.contains("/nonexistent"));
    assert!(mfa_code(&[]).await.is_err());
}

#[tokio::test]
async fn endless_output_ends_the_command_at_once() {
    for script in ["yes 123456", "trap '' PIPE; while :; do echo 123456; done"] {
        let ran = tokio::time::timeout(Duration::from_secs(5), mfa_code(&command(script))).await;
        let failure = ran.expect("it ends").unwrap_err();
        assert!(failure.message.ends_with("more than 1024 bytes"), "{failure}");
    }
}

#[tokio::test]
async fn an_agent_that_is_left_behind_delays_nothing() {
    let ran = tokio::time::timeout(Duration::from_secs(5), mfa_code(&command("sleep 8 & echo 123456"))).await;
    assert_eq!(ran.expect("it ends").unwrap().expose(), "123456");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_command_that_hangs_is_killed_with_its_children_and_leaves_no_zombie() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ids");
    let script =
        format!("trap '' TERM; sleep 600 & echo $$ $! >{0}.new; mv {0}.new {0}; wait", file.display());
    let failure = run(&command(&script), Duration::from_secs(3)).await.unwrap_err();
    assert!(failure.message.ends_with("more than 3 s"), "{failure}");
    let ids = std::fs::read_to_string(&file).unwrap();
    let ids: Vec<&str> = ids.split_whitespace().collect();
    assert!(!std::path::Path::new("/proc").join(ids[0]).exists(), "a zombie is left");
    assert!(ends(ids[1]).await, "its child lives");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_wait_that_is_given_up_ends_the_command() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("id");
    let script = format!("echo $$ >{0}.new; mv {0}.new {0}; exec sleep 600", file.display());
    let task = tokio::spawn(async move { mfa_code(&command(&script)).await });
    let mut id = String::new();
    for _ in 0..500 {
        id = std::fs::read_to_string(&file).unwrap_or_default();
        if !id.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!id.is_empty(), "it never ran");
    task.abort();
    assert!(ends(id.trim()).await, "it lives");
}

/// Waits until a process is gone or waits for whoever has adopted it.
#[cfg(target_os = "linux")]
async fn ends(id: &str) -> bool {
    for _ in 0..500 {
        let state = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        if state.is_empty() || state.contains(") Z ") {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}
