//! What one profile asks of STS by itself: the call, and its parameters within the limits of the API.

use super::flatten::Flattener;
use super::raw::RawProfile;
use super::{Identity, IdentityKind, check, partition, session};
use crate::plan::{AssumeRole, FederationToken, PortalRole, Proof, SessionToken, Step};
use keyfob_shared::RoleArn;
use toml::Spanned;

const ROLE_SECONDS: (u32, u32) = (900, 43_200);
const TOKEN_SECONDS: (u32, u32) = (900, 129_600);

/// A key of a profile, and where its value is.
type Key = (&'static str, Option<usize>);

impl Flattener<'_> {
    /// Answers the step of a profile; `identity` is the one that it names itself, in the partition `home`.
    pub(super) fn step(
        &mut self,
        name: &str,
        raw: &RawProfile,
        identity: Option<&Identity>,
        home: Option<&'static str>,
        region: Option<&str>,
    ) -> Option<Step> {
        if raw.federation_token.as_ref().is_some_and(|wanted| *wanted.get_ref()) {
            return self.federation_token(name, raw, identity, home, region);
        }
        let kind = identity.map(|identity| &identity.kind);
        if let Some(IdentityKind::IdentityCenter(_)) = kind {
            return self.portal_role(name, raw);
        }
        let place = |value: &Option<Spanned<String>>| value.as_ref().map(|value| value.span().start);
        let portal = [("account_id", place(&raw.account_id)), ("role_name", place(&raw.role_name))];
        self.refuse(name, &portal, "is for identities of type identity-center: write role_arn");
        let proof = match kind {
            Some(IdentityKind::WebIdentity(_) | IdentityKind::Oidc(_)) => Some(Proof::WebIdentity),
            Some(IdentityKind::Saml(_)) => Some(Proof::Saml),
            Some(IdentityKind::IamUser | IdentityKind::Process(_) | IdentityKind::IdentityCenter(_))
            | None => None,
        };
        match (proof, kind, &raw.role_arn) {
            (Some(proof), _, Some(_)) => {
                self.refuse(name, &in_token(raw, proof), "comes with the sign-in and can't be set here");
                let mut role = self.role(raw, home, region)?;
                if proof == Proof::Saml {
                    // AWS takes it from the assertion.
                    role.session_name = None;
                }
                Some(Step::Federated(proof, role))
            }
            (Some(_), _, None) => {
                let place = raw.identity.as_ref().map_or(0, |identity| identity.span().start);
                self.wrong(place, format!("profile {name:?}: with this identity it needs a role_arn"));
                None
            }
            (None, _, Some(_)) => Some(Step::AssumeRole(self.role(raw, home, region)?)),
            (None, Some(IdentityKind::Process(_)), None) => {
                self.refuse(name, &of_role(raw), "needs a role_arn");
                let duration = [("duration", raw.duration.as_ref().map(|span| span.span().start))];
                self.refuse(name, &duration, "is what its command grants, unless it has a role_arn");
                Some(Step::Process)
            }
            (None, _, None) => self.session_token(name, raw, identity, home, region),
        }
    }

    /// A role of IAM Identity Center; its session has no parameters.
    fn portal_role(&mut self, name: &str, raw: &RawProfile) -> Option<Step> {
        let place = raw.identity.as_ref().map_or(0, |identity| identity.span().start);
        self.refuse(name, &of_role(raw), "has no place in a session of IAM Identity Center");
        let others = [
            ("role_arn", raw.role_arn.as_ref().map(|value| value.span().start)),
            ("duration", raw.duration.as_ref().map(|value| value.span().start)),
        ];
        self.refuse(name, &others, "is not taken by IAM Identity Center: write account_id and role_name");
        if raw.account_id.is_none() || raw.role_name.is_none() {
            self.wrong(
                place,
                format!("profile {name:?}: with this identity it needs account_id and role_name"),
            );
        }
        let account_id = self.text("account_id", raw.account_id.as_ref(), |text| {
            check::is_account(text)
                .then_some(())
                .ok_or_else(|| format!("{text:?} has not the 12 digits of an account"))
        })?;
        let role_name =
            self.text("role_name", raw.role_name.as_ref(), |text| check::letters(text, 1, 32, "+=,.@-"))?;
        Some(Step::PortalRole(PortalRole { account_id, role_name }))
    }

    fn refuse(&mut self, name: &str, keys: &[Key], why: &str) {
        for (key, place) in keys {
            if let Some(place) = place {
                self.wrong(*place, format!("profile {name:?}: {key} {why}"));
            }
        }
    }

    fn session_token(
        &mut self,
        name: &str,
        raw: &RawProfile,
        identity: Option<&Identity>,
        home: Option<&'static str>,
        region: Option<&str>,
    ) -> Option<Step> {
        self.refuse(name, &of_role(raw), "needs a role_arn");
        let opted_out = raw.mfa.as_ref().is_some_and(|mfa| !mfa.get_ref());
        let shared = !opted_out && identity.is_some_and(|found| found.mfa_serial.is_some());
        if let (true, Some(duration)) = (shared, &raw.duration) {
            let message = "one MFA session serves every profile of the identity: without a role_arn there is no duration of its own";
            self.wrong(duration.span().start, format!("profile {name:?}: {message}"));
        }
        let duration = self.token_duration(raw, "an IAM user's session");
        let region = region.unwrap_or_else(|| partition::default_region(home.unwrap_or("aws")));
        Some(Step::SessionToken(SessionToken { duration, mfa_serial: None, region: Some(region.to_owned()) }))
    }

    fn token_duration(&mut self, raw: &RawProfile, what: &str) -> Option<u32> {
        let (least, most) = TOKEN_SECONDS;
        self.take("duration", raw.duration.as_ref(), |text| check::duration_within(text, least, most, what))
    }

    /// A federation broker's session: of a long-term key, and never with MFA.
    fn federation_token(
        &mut self,
        name: &str,
        raw: &RawProfile,
        identity: Option<&Identity>,
        home: Option<&'static str>,
        region: Option<&str>,
    ) -> Option<Step> {
        let place = raw.federation_token.as_ref().map_or(0, |wanted| wanted.span().start);
        let opted_out = raw.mfa.as_ref().is_some_and(|mfa| !mfa.get_ref());
        let wrong = match identity {
            None => Some("federation_token needs an identity of its own: AWS takes long-term keys only"),
            Some(identity) if identity.kind != IdentityKind::IamUser => {
                Some("federation_token needs an identity of type iam-user: AWS takes long-term keys only")
            }
            Some(identity) if identity.mfa_serial.is_some() && !opted_out => {
                Some("federation_token is granted without MFA only: say so with mfa = false")
            }
            Some(_) if raw.policy.is_none() && raw.policy_arns.is_none() && raw.job_function.is_none() => {
                Some(
                    "federation_token without policy, policy_arns or job_function would have no permissions at all",
                )
            }
            Some(_) => None,
        };
        if let Some(wrong) = wrong {
            self.wrong(place, format!("profile {name:?}: {wrong}"));
            return None;
        }
        let place = |span: Option<std::ops::Range<usize>>| span.map(|span| span.start);
        let others = [
            ("role_arn", place(raw.role_arn.as_ref().map(Spanned::span))),
            ("external_id", place(raw.external_id.as_ref().map(Spanned::span))),
            ("source_identity", place(raw.source_identity.as_ref().map(Spanned::span))),
            ("transitive_tags", place(raw.transitive_tags.as_ref().map(Spanned::span))),
        ];
        self.refuse(name, &others, "has no meaning with federation_token");
        let (around, home) = (self.around, home.unwrap_or("aws"));
        let user =
            self.text("session_name", raw.session_name.as_ref(), |text| check::letters(text, 2, 32, "=,.@-"));
        let tags = self.take("session_tags", raw.session_tags.as_ref(), |tags| {
            session::tags(tags).map(|()| tags.clone())
        });
        let usual = || check::default_user_name(around.user);
        Some(Step::FederationToken(Box::new(FederationToken {
            duration: self.token_duration(raw, "a federated user's session"),
            name: user.unwrap_or_else(usual),
            policy: self.take("policy", raw.policy.as_ref(), |text| session::policy(text, around)),
            policy_arns: self.policy_arns(raw, home, None),
            session_tags: tags.unwrap_or_default(),
            region: Some(region.unwrap_or(partition::default_region(home)).to_owned()),
        })))
    }

    /// Answers the managed policies of a profile, that of its job function among them.
    fn policy_arns(&mut self, raw: &RawProfile, partition: &str, account: Option<&str>) -> Vec<String> {
        let mut arns = self
            .take("policy_arns", raw.policy_arns.as_ref(), |arns| {
                session::policy_arns(arns, partition, account).map(|()| arns.clone())
            })
            .unwrap_or_default();
        let function = self.take("job_function", raw.job_function.as_ref(), |name| {
            let arn = session::job_function(name, partition)?;
            session::policy_arns(&[arns.clone(), vec![arn.clone()]].concat(), partition, account)
                .map(|()| arn)
        });
        arns.extend(function.filter(|arn| !arns.contains(arn)));
        arns
    }

    fn role(
        &mut self,
        raw: &RawProfile,
        home: Option<&'static str>,
        region: Option<&str>,
    ) -> Option<Box<AssumeRole>> {
        let role_arn = self.take("role_arn", raw.role_arn.as_ref(), |text| {
            let arn = text.parse::<RoleArn>().map_err(|wrong| wrong.to_string())?;
            let here = partition::of_arn(arn.as_str())?;
            match home {
                Some(home) if home != here => {
                    Err(format!("the role is in {here}, and the identity in {home}"))
                }
                Some(_) | None => Ok(arn),
            }
        })?;
        let around = self.around;
        let (least, most) = ROLE_SECONDS;
        let session_tags = self.take("session_tags", raw.session_tags.as_ref(), |tags| {
            session::tags(tags).map(|()| tags.clone())
        });
        let are_wrong = raw.session_tags.is_some() && session_tags.is_none();
        let session_tags = session_tags.unwrap_or_default();
        let transitive_tags = self
            .take("transitive_tags", raw.transitive_tags.as_ref().filter(|_| !are_wrong), |keys| {
                session::transitive_tags(keys, &session_tags).map(|()| keys.clone())
            })
            .unwrap_or_default();
        let policy_arns = self.policy_arns(raw, role_arn.partition(), Some(role_arn.account_id()));
        let default_region = partition::default_region(role_arn.partition());
        Some(Box::new(AssumeRole {
            duration: self.take("duration", raw.duration.as_ref(), |text| {
                check::duration_within(text, least, most, "a role session")
            }),
            external_id: self.text("external_id", raw.external_id.as_ref(), |text| {
                check::letters(text, 2, 1224, "+=,.@:/-")
            }),
            session_tags,
            transitive_tags,
            source_identity: self.text("source_identity", raw.source_identity.as_ref(), check::session_name),
            session_name: self
                .text("session_name", raw.session_name.as_ref(), check::session_name)
                .or_else(|| Some(check::default_session_name(around.user, around.host))),
            policy: self.take("policy", raw.policy.as_ref(), |text| session::policy(text, around)),
            policy_arns,
            region: Some(region.unwrap_or(default_region).to_owned()),
            role_arn,
        }))
    }
}

/// Answers the keys that say something of a role.
fn of_role(raw: &RawProfile) -> [Key; 8] {
    let place = |span: Option<std::ops::Range<usize>>| span.map(|span| span.start);
    [
        ("external_id", place(raw.external_id.as_ref().map(Spanned::span))),
        ("session_name", place(raw.session_name.as_ref().map(Spanned::span))),
        ("source_identity", place(raw.source_identity.as_ref().map(Spanned::span))),
        ("session_tags", place(raw.session_tags.as_ref().map(Spanned::span))),
        ("transitive_tags", place(raw.transitive_tags.as_ref().map(Spanned::span))),
        ("policy", place(raw.policy.as_ref().map(Spanned::span))),
        ("policy_arns", place(raw.policy_arns.as_ref().map(Spanned::span))),
        ("job_function", place(raw.job_function.as_ref().map(Spanned::span))),
    ]
}

/// Answers the keys that AWS takes from a token or an assertion only.
fn in_token(raw: &RawProfile, proof: Proof) -> Vec<Key> {
    of_role(raw)
        .into_iter()
        .filter(|(key, _)| match *key {
            "external_id" | "source_identity" | "session_tags" | "transitive_tags" => true,
            "session_name" => proof == Proof::Saml,
            _ => false,
        })
        .collect()
}
