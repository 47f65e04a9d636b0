//! What STS has granted, checked before anything relies on it.

use aws_sdk_sts::types::Credentials as Granted;
use keyfob_shared::frame::MAX_FRAME;
use keyfob_shared::{Credentials, Secret, Timestamp};

/// 9999-12-31T23:59:59Z in milliseconds, the last moment that RFC 3339 can write.
const LATEST: i64 = 253_402_300_799_000;

/// Takes the keys and their end out of an answer; `None` if they can't be what STS gives.
pub(crate) fn take(granted: &Granted, account_id: Option<String>) -> Option<(Credentials, Timestamp)> {
    let id = granted.access_key_id();
    // AccessKeyId of the STS API reference: 16 to 128 characters.
    let is_id = (16..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_id || !is_visible(granted.secret_access_key()) || !is_visible(granted.session_token()) {
        return None;
    }
    let expires = granted.expiration().to_millis().ok().filter(|millis| (0..=LATEST).contains(millis))?;
    let expires = Timestamp::from_millis(expires);
    let credentials = Credentials {
        access_key_id: id.to_owned(),
        secret_access_key: Secret::new(granted.secret_access_key()),
        session_token: Some(Secret::new(granted.session_token())),
        account_id,
    };
    fits(&credentials, expires).then_some((credentials, expires))
}

// Security: both become HTTP headers and lines of shell exports.
fn is_visible(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Answers whether credentials that AWS did not give us itself can be passed on as they are.
pub(crate) fn are_usable(credentials: &Credentials, expires: Timestamp) -> bool {
    let id = &credentials.access_key_id;
    let is_id = (16..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let secret = credentials.secret_access_key.expose();
    let token = credentials.session_token.as_ref().is_none_or(|token| is_visible(token.expose()));
    let is_account = credentials.account_id.as_ref().is_none_or(|account| is_visible(account));
    is_id && is_visible(secret) && token && is_account && fits(credentials, expires)
}

/// Answers whether the reply to a client can carry it: the token has no promised maximum, a frame has.
fn fits(credentials: &Credentials, expires: Timestamp) -> bool {
    credentials.reply(expires).expose().len() <= MAX_FRAME
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_smithy_types::DateTime;

    const ID: &str = "ASIAIOSFODNN7EXAMPLE";

    fn taken(id: &str, secret: &str, token: &str, seconds: i64) -> bool {
        let granted = Granted::builder().access_key_id(id).secret_access_key(secret).session_token(token);
        let granted = granted.expiration(DateTime::from_secs(seconds)).build().unwrap();
        take(&granted, Some("111122223333".into())).is_some()
    }

    #[test]
    fn keys_as_sts_gives_them_are_taken() {
        assert!(taken(ID, "wJalrXUtnFEMI/K7MDENG+bPxRfiCY=", "IQoJb3JpZ2luX2VjE==", 1_767_225_601));
        assert!(taken(&"A".repeat(16), "s", "t", 0) && taken(&"9".repeat(128), "s", "t", LATEST / 1_000));
    }

    #[test]
    fn fields_that_sts_never_gives_are_refused() {
        for id in
            ["", "ASIA", &"A".repeat(15), &"A".repeat(129), "ASIAIOSFODNN7 EXAMPLE", "ASIAIOSFODNN7EXÄMPLE"]
        {
            assert!(!taken(id, "s", "t", 1), "{id}");
        }
        for text in ["", "a b", "a\nb", "a\tb", "a\u{1b}b", "a\u{0}b", "a\u{202e}b", " "] {
            assert!(!taken(ID, text, "t", 1), "{text:?}");
            assert!(!taken(ID, "s", text, 1), "{text:?}");
        }
        assert!(!taken(ID, "s", "t", -1) && !taken(ID, "s", "t", LATEST / 1_000 + 1));
    }

    #[test]
    fn a_token_is_as_long_as_a_reply_can_carry() {
        let around = |token: usize| taken(ID, "s", &"t".repeat(token), 1);
        let longest = (1..=MAX_FRAME).rev().find(|token| around(*token)).unwrap();
        assert!((MAX_FRAME - 300..MAX_FRAME).contains(&longest), "{longest}");
        // JSON writes a quote as two bytes.
        assert!(!taken(ID, "s", &"\"".repeat(longest / 2 + 1), 1));
    }
}
