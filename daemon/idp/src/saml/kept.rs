//! What is kept between sign-ins, and for whom: it is never used at another service, nor for another person.

use crate::web::{Jar, Place};
use keyfob_shared::Secret;
use serde::{Deserialize, Serialize};

/// Cookies of a provider, and a password if it is to be remembered.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    /// The only service that they are sent to.
    origin: String,
    pub(super) user: Option<String>,
    pub(super) cookies: Jar,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) password: Option<Secret>,
}

impl Kept {
    /// Keeps what belongs to a service.
    pub(super) fn new(place: &Place, user: Option<String>, cookies: Jar, password: Option<Secret>) -> Self {
        Self { origin: place.origin(), user, cookies, password }
    }

    /// Reads what the vault has; `None` if it is of no use.
    pub(super) fn read(secret: &Secret) -> Option<Self> {
        serde_json::from_str(secret.expose()).ok()
    }

    /// Writes it for the vault.
    pub(super) fn secret(&self) -> Secret {
        Secret::new(serde_json::to_string(self).unwrap_or_default())
    }

    /// Answers it for a person at a place; of another it says nothing.
    pub(super) fn of(self, place: &Place, user: Option<&str>) -> Option<Self> {
        let is_same = user.is_none_or(|user| self.user.as_deref() == Some(user));
        (self.origin == place.origin() && is_same).then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_of_one_service_and_one_person() {
        let place = Place::parse("https://adfs.corp.example/adfs/ls/").unwrap();
        let kept = || {
            let kept = Kept::new(&place, Some("alice".into()), Jar::default(), Some(Secret::new("hunter2")));
            assert!(!format!("{kept:?}").contains("hunter2"));
            Kept::read(&kept.secret()).unwrap()
        };
        assert!(kept().of(&place, Some("alice")).is_some_and(|kept| kept.password.is_some()));
        assert!(kept().of(&place, None).is_some());
        assert!(kept().of(&place, Some("bob")).is_none());
        for other in ["https://evil.example/", "https://adfs.corp.example:8443/"] {
            assert!(kept().of(&Place::parse(other).unwrap(), Some("alice")).is_none(), "{other}");
        }
        assert!(Kept::read(&Secret::default()).is_none());
    }
}
