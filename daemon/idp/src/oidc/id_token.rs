//! What an id token says (OpenID Connect Core, 2). Its signature is for STS to verify.

use crate::quote;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use keyfob_shared::{Secret, Timestamp};
use serde::Deserialize;
use zeroize::Zeroizing;

/// `WebIdentityToken` of the STS API reference, in characters.
const LONGEST: usize = 20_000;
/// 9999-12-31T23:59:59Z in seconds, the last moment that RFC 3339 can write.
const LATEST: f64 = 253_402_300_799.0;

/// What is read from it.
#[derive(Debug)]
pub(super) struct Claims {
    pub(super) subject: String,
    pub(super) expires: Timestamp,
}

#[derive(Deserialize)]
struct Body {
    iss: String,
    sub: String,
    aud: Audience,
    exp: f64,
    azp: Option<String>,
    nonce: Option<Secret>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// Reads it, if it is the answer to our question.
///
/// # Errors
/// Says what is wrong with it, without quoting a secret.
pub(super) fn read(
    token: &Secret,
    issuer: &str,
    client_id: &str,
    nonce: Option<&Secret>,
    subject: Option<&str>,
) -> Result<Claims, String> {
    let token = token.expose();
    if token.len() > LONGEST {
        return Err(format!("its id token has more than the {LONGEST} characters that AWS takes"));
    }
    let parts: Vec<&str> = token.split('.').collect();
    let [_, body, _] = parts[..] else {
        let encrypted = if parts.len() == 5 { "encrypted, which AWS does not read" } else { "no JWT" };
        return Err(format!("its id token is {encrypted}"));
    };
    let unread = || "its id token can't be read".to_owned();
    let body = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.decode(body).map_err(|_| unread())?);
    let body: Body = serde_json::from_slice(&body).map_err(|_| unread())?;
    if body.iss != issuer {
        return Err(format!("its id token is of another issuer, {:?}", quote::text(&body.iss, &[])));
    }
    let (is_ours, is_shared) = match &body.aud {
        Audience::One(audience) => (audience == client_id, false),
        Audience::Many(audiences) => (audiences.iter().any(|one| one == client_id), audiences.len() > 1),
    };
    // 3.1.3.7, numbers 3 to 5.
    if !is_ours || body.azp.as_ref().map_or(is_shared, |party| party != client_id) {
        return Err(format!("its id token is not for the client {client_id:?}"));
    }
    // Security: an id token of another sign-in was slipped in.
    if nonce.is_some() && body.nonce.as_ref() != nonce {
        return Err("its id token does not belong to this sign-in".into());
    }
    if subject.is_some_and(|subject| subject != body.sub) {
        return Err("its new id token is of another person".into());
    }
    if !(0.0..=LATEST).contains(&body.exp) {
        return Err("its id token expires at no time".into());
    }
    let expires = Timestamp::from_millis(body.exp as i64 * 1_000);
    Ok(Claims { subject: body.sub, expires })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn token(more: &Value) -> Secret {
        let mut body = json!({ "iss": "https://idp.example", "sub": "alice", "aud": "keyfob", "exp": 1_767_225_601, "nonce": "n" });
        for (key, value) in more.as_object().unwrap() {
            body[key] = value.clone();
        }
        Secret::new(format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(body.to_string())))
    }

    fn check(more: &Value) -> Result<Claims, String> {
        read(&token(more), "https://idp.example", "keyfob", Some(&Secret::new("n")), Some("alice"))
    }

    #[test]
    fn the_end_and_the_person_are_read() {
        for more in [
            json!({}),
            json!({ "aud": ["keyfob"] }),
            json!({ "aud": ["keyfob", "other"], "azp": "keyfob" }),
            json!({ "exp": 1_767_225_601.5 }),
        ] {
            let claims = check(&more).unwrap();
            assert_eq!(
                (claims.subject.as_str(), claims.expires.to_string().as_str()),
                ("alice", "2026-01-01T00:00:01Z")
            );
        }
    }

    #[test]
    fn tokens_of_others_and_for_others_are_refused() {
        for more in [
            json!({ "iss": "https://idp.example/" }),
            json!({ "aud": "other" }),
            json!({ "aud": [] }),
            json!({ "aud": ["keyfob", "other"] }),
            json!({ "azp": "other" }),
            json!({ "nonce": "m" }),
            json!({ "nonce": null }),
            json!({ "sub": "mallory" }),
            json!({ "exp": -1 }),
            json!({ "exp": 1e300 }),
            json!({ "exp": "soon" }),
        ] {
            assert!(check(&more).is_err(), "{more}");
        }
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for text in ["", "a.b", "a.b.c.d.e", "e30.e30.c2ln", "e30.!.c2ln", &"x".repeat(LONGEST + 1)] {
            let read = read(&Secret::new(text), "https://idp.example", "keyfob", None, None);
            assert!(read.is_err(), "{text}");
        }
    }
}
