//! Commands that print credentials, and commands that misbehave.

use super::*;

const NOW: i64 = 1_767_225_600_000;

async fn printed(script: &str) -> Result<Minted, MintError> {
    let command = ["sh", "-c", script].map(str::to_owned).to_vec();
    process(&command, &"helper".parse().unwrap(), Timestamp::from_millis(NOW)).await
}

fn document(expiration: &str) -> String {
    format!(
        r#"echo '{{"Version":1,"AccessKeyId":"ASIAIOSFODNN7EXAMPLE","SecretAccessKey":"canary","SessionToken":"canary-token"{expiration}}}'"#
    )
}

#[tokio::test]
async fn a_document_is_a_session() {
    let minted = printed(&document(r#","Expiration":"2026-01-01T01:00:00Z","AccountId":"111122223333""#))
        .await
        .unwrap();
    assert_eq!(minted.expires.millis(), NOW + 3_600_000);
    assert_eq!(minted.credentials.account_id.as_deref(), Some("111122223333"));
    let minted = printed(&document("")).await.unwrap();
    assert_eq!(minted.expires.millis(), NOW + NO_EXPIRATION, "asked for again after an hour");
}

#[tokio::test]
async fn what_is_no_session_is_told_without_a_byte_of_it() {
    let scripts = [
        ("echo canary".to_owned(), "no document"),
        ("echo '{\"Version\":1,\"SecretAccessKey\":\"canary\"}'".into(), "no document"),
        (document("").replace("\"Version\":1", "\"Version\":2"), "version 2"),
        (document(r#","Expiration":"2025-01-01T00:00:00Z""#), "have ended"),
        (document(r#","Expiration":"soon""#), "no time"),
        (document("").replace("canary-token", "canary token"), "no credentials of AWS"),
        (format!("{}; echo canary >&2; exit 1", document("")), "exit status: 1"),
        ("head -c 10000000 /dev/zero | tr '\\0' c".into(), "more than 64000 bytes"),
    ];
    for (script, why) in scripts {
        let wrong = printed(&script).await.unwrap_err();
        let told = format!("{wrong:?}");
        assert!(told.contains(why) && !told.contains("canary"), "{script}: {told}");
    }
    assert!(process(&["/nowhere".into()], &"h".parse().unwrap(), Timestamp::from_millis(NOW)).await.is_err());
}

#[tokio::test]
async fn a_command_knows_whose_credentials_it_makes_and_no_shell_reads_its_words() {
    let script = document("").replace("canary-token", "'\"$KEYFOB_WITHIN\"'");
    let minted = printed(&script).await.unwrap();
    assert_eq!(minted.credentials.session_token.unwrap().expose(), "helper");
}
