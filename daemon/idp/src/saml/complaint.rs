//! What a provider complains of. It says so in words, which are asked for in English.

/// What keeps a person out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Complaint {
    /// User name, password or code.
    Wrong,
    Locked,
    Disabled,
    /// The password has to be changed first.
    Expired,
    /// It says something else.
    Other,
}

impl Complaint {
    /// Says it in our words.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Wrong => "wrong user name or password",
            Self::Locked => "the account is locked",
            Self::Disabled => "the account is disabled",
            Self::Expired => "the password has expired",
            Self::Other => "it was not accepted",
        }
    }

    /// Says what has to be done first, outside of keyfob.
    pub(super) const fn first(self) -> Option<&'static str> {
        match self {
            Self::Wrong | Self::Other => None,
            Self::Locked => Some("have the account unlocked"),
            Self::Disabled => Some("have the account enabled"),
            Self::Expired => Some("change the password in a browser"),
        }
    }
}

/// Names a complaint by its words; none at all about a password means that it is wrong.
pub(super) fn of(said: &str) -> Complaint {
    let said = said.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if has(&["locked", "lockout", "too many", "temporarily disabled", "blocked"]) {
        Complaint::Locked
    } else if has(&["disabled", "inactive", "deactivated"]) {
        Complaint::Disabled
    } else if said.contains("password")
        && has(&["expired", "must change", "must be changed", "change your password", "update your password"])
    {
        Complaint::Expired
    } else if said.is_empty()
        || has(&["incorrect", "invalid", "wrong", "not valid", "not match", "not recogni", "not be found"])
        || has(&["unknown user", "cannot be identified", "login failed", "authentication failed"])
    {
        Complaint::Wrong
    } else {
        Complaint::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_are_told_apart() {
        for (said, complaint) in [
            (
                "Incorrect user ID or password. Type the correct user ID and password, and try again",
                Complaint::Wrong,
            ),
            ("Invalid username or password.", Complaint::Wrong),
            ("", Complaint::Wrong),
            ("The username you entered cannot be identified.", Complaint::Wrong),
            ("Your account has been LOCKED. Contact your administrator.", Complaint::Locked),
            ("Account is temporarily disabled, contact admin or try again later.", Complaint::Locked),
            ("Account is disabled, contact admin.", Complaint::Disabled),
            ("Your password has expired.", Complaint::Expired),
            ("You must update your password because it has expired.", Complaint::Expired),
            ("Your login attempt timed out. Login will start from the beginning.", Complaint::Other),
        ] {
            assert_eq!(of(said), complaint, "{said}");
        }
    }
}
