//! What people ask about an account: its users, its roles, and what sessions did in it.
//!
//! Everything is asked with the session of a profile, which the engine renews meanwhile.

mod activity;
mod report;
mod role;

pub(super) use activity::activity;
pub(super) use report::report;
pub(super) use role::role;

use super::grants::{Question, ask, ending};
use super::{Event, Runtime};
use keyfob_aws::ServerDate;
use keyfob_engine::config::Config;
use keyfob_engine::engine::Answer;
use keyfob_iam::{Access, Iam, Refusal, RefusalKind};
use keyfob_shared::credentials::Document;
use keyfob_shared::{Credentials, Failure, FailureKind, ProfileName};
use std::time::Duration;
use tokio::sync::mpsc;

/// Attempts of a call that finds AWS busy, or not at all.
const MAX_ATTEMPTS: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// Calls AWS with the session of a profile.
pub(super) struct Clerk {
    iam: Iam,
    profile: ProfileName,
    events: mpsc::UnboundedSender<Event>,
    place: Place,
}

/// Where AWS is.
struct Place {
    region: String,
    /// Where services are that have one place in a partition.
    home: String,
    skew: i64,
    iam: Option<String>,
    sts: Option<String>,
    cloudtrail: Option<String>,
}

impl Runtime {
    /// Answers somebody who calls AWS with the session of a profile.
    pub(super) fn clerk(&self, profile: &ProfileName) -> Result<Clerk, Failure> {
        let config = self.engine.config();
        let Some(plan) = config.profiles.get(profile) else {
            return Err(Failure::new(FailureKind::Usage, format!("there is no profile {profile}"))
                .hint("keyfob profile list"));
        };
        let home = home_of(config, &plan.identity);
        let endpoints = &config.endpoints;
        let place = Place {
            region: plan.region.clone().unwrap_or_else(|| home.clone()),
            home,
            skew: self.engine.skew(),
            iam: endpoints.iam.clone(),
            sts: endpoints.sts.clone(),
            cloudtrail: endpoints.cloudtrail.clone(),
        };
        let (iam, events) = (self.shared.iam.clone(), self.shared.events.clone());
        Ok(Clerk { iam, profile: profile.clone(), events, place })
    }
}

/// Answers the region that stands for the partition of an identity.
fn home_of(config: &Config, identity: &keyfob_shared::IdentityName) -> String {
    let partition = config.identities.get(identity).map_or("aws", |identity| identity.partition.as_str());
    keyfob_shared::partition::default_region(partition).to_owned()
}

impl Clerk {
    /// Answers what signs a call now.
    async fn access(&self, region: &str) -> Result<Access, Refusal> {
        let failed = |failure| Refusal { kind: RefusalKind::Other, failure };
        Ok(Access {
            key: session(&self.events, &self.profile).await.map_err(failed)?,
            region: region.to_owned(),
            skew: self.place.skew,
            iam: self.place.iam.clone(),
            sts: self.place.sts.clone(),
            cloudtrail: self.place.cloudtrail.clone(),
            date: ServerDate::default(),
        })
    }

    /// Makes a call of IAM, again and again while AWS is busy or can't be reached.
    async fn call<T, F>(&self, call: impl Fn(Iam, Access) -> F) -> Result<T, Refusal>
    where
        F: Future<Output = Result<T, Refusal>>,
    {
        self.call_in(&self.place.home, call).await
    }

    async fn call_in<T, F>(&self, region: &str, call: impl Fn(Iam, Access) -> F) -> Result<T, Refusal>
    where
        F: Future<Output = Result<T, Refusal>>,
    {
        let mut pause = FIRST_PAUSE;
        let mut attempt = 1;
        loop {
            let access = self.access(region).await?;
            match call(self.iam.clone(), access).await {
                Err(refusal) if refusal.kind == RefusalKind::Transient && attempt < MAX_ATTEMPTS => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    attempt += 1;
                }
                result => return result,
            }
        }
    }
}

/// Answers the session of a profile, as the engine serves it.
pub(super) async fn session(
    events: &mpsc::UnboundedSender<Event>,
    profile: &ProfileName,
) -> Result<Credentials, Failure> {
    let credentials = |answer| Question::Credentials { profile: profile.clone(), reader: None, answer };
    let reply = match ask(events, credentials).await? {
        Answer::Served { reply, .. } => reply,
        Answer::Failed(failure) => return Err(failure),
        Answer::SignedIn { .. } => return Err(ending()),
    };
    let Some(document) = Document::of_reply(reply.expose()) else {
        return Err(Failure::new(FailureKind::Upstream, "the session can't be read").hint("keyfob doctor"));
    };
    let Document { access_key_id, secret_access_key, session_token, account_id, .. } = document;
    Ok(Credentials { access_key_id, secret_access_key, session_token, account_id })
}
