//! Errors of the two services, sorted by what can be done about them.

use super::http;
use super::{Settings, login};
use crate::quote;
use crate::trouble::Trouble;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use keyfob_shared::Secret;

pub(super) type Error<E> = SdkError<E, HttpResponse>;

/// What a service said.
#[derive(Debug)]
pub(super) struct Refusal {
    /// The name of the error, where it is one of the service.
    pub(super) code: String,
    pub(super) trouble: Trouble,
}

impl Refusal {
    /// Answers whether trying again changes nothing.
    pub(super) fn is_final(&self) -> bool {
        matches!(self.trouble, Trouble::Lasting(_))
    }

    /// Answers whether what was sent as a grant is worth nothing any more.
    pub(super) fn is_about_grant(&self) -> bool {
        ["InvalidGrantException", "ExpiredTokenException", "AccessDeniedException"]
            .contains(&self.code.as_str())
    }

    /// Answers whether fewer questions are asked for.
    pub(super) fn is_about_pace(&self) -> bool {
        ["TooManyRequestsException", "ThrottlingException"].contains(&self.code.as_str())
    }

    /// Answers whether the registration is not known.
    pub(super) fn is_about_client(&self) -> bool {
        self.code == "InvalidClientException"
    }
}

/// Reads an error; secrets are not repeated where it is quoted.
pub(super) fn read<E: ProvideErrorMetadata>(
    error: &Error<E>,
    settings: &Settings,
    secrets: &[&Secret],
) -> Refusal {
    match error {
        SdkError::ServiceError(refused) => {
            let status = refused.raw().status().as_u16();
            let (code, message) = (refused.err().code(), refused.err().message());
            sort(status, code.unwrap_or_default(), message.unwrap_or_default(), settings, secrets)
        }
        SdkError::DispatchFailure(failure) => {
            let trouble = failure.as_connector_error().and_then(http::carried);
            let trouble = trouble.unwrap_or_else(|| Trouble::passing("it can't be reached"));
            Refusal { code: String::new(), trouble }
        }
        SdkError::ConstructionFailure(_) => {
            Refusal { code: String::new(), trouble: Trouble::useless("a request that AWS does not have") }
        }
        // TimeoutError, ResponseError, and what later versions of the SDK may add.
        _ => Refusal { code: String::new(), trouble: Trouble::passing("an answer that is not understood") },
    }
}

fn sort(status: u16, code: &str, message: &str, settings: &Settings, secrets: &[&Secret]) -> Refusal {
    let mut said = quote::text(code, secrets);
    if !message.is_empty() {
        said = format!("{said}: {}", quote::text(message, secrets));
    }
    let trouble = match code {
        "SlowDownException"
        | "TooManyRequestsException"
        | "InternalServerException"
        | "ThrottlingException" => Trouble::passing(format!("it says {said}")),
        "InvalidGrantException"
        | "ExpiredTokenException"
        | "AccessDeniedException"
        | "UnauthorizedException"
        | "InvalidClientException" => Trouble::person(format!("it says {said}")).hint(login(settings)),
        // A success that is none: the page of a hotel.
        _ if status < 400 => Trouble::passing("an answer that is not understood"),
        _ if status >= 500 || status == 429 || status == 408 => {
            Trouble::passing(format!("it answers with status {status}"))
        }
        "" => Trouble::useless(format!("it answers with status {status}, and no reason")),
        _ => Trouble::useless(format!("it says {said}")),
    };
    Refusal { code: code.to_owned(), trouble }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::Flow;
    use super::*;

    pub(in super::super) fn settings() -> Settings {
        Settings {
            identity: "sso".parse().unwrap(),
            start_url: "https://d-1.awsapps.example/start".into(),
            region: "eu-west-1".into(),
            flow: Flow::Device,
            sso_endpoint: None,
            sso_oidc_endpoint: None,
        }
    }

    #[test]
    fn what_passes_is_told_from_what_needs_a_person() {
        for (status, code) in [
            (400, "SlowDownException"),
            (429, "TooManyRequestsException"),
            (500, "InternalServerException"),
            (503, ""),
            (502, "Bad"),
            (429, ""),
            (200, ""),
        ] {
            assert!(!sort(status, code, "", &settings(), &[]).is_final(), "{status} {code}");
        }
        for code in ["InvalidGrantException", "ExpiredTokenException", "InvalidClientException"] {
            let refusal = sort(400, code, "r3fresh\n expired", &settings(), &[&Secret::new("r3fresh")]);
            let failure = refusal.trouble.into_failure();
            assert_eq!(failure.message, format!("it says {code}: [secret] expired"));
            assert_eq!(failure.hint.as_deref(), Some("keyfob login sso"));
        }
        assert!(sort(400, "InvalidRequestException", "", &settings(), &[]).is_final());
        assert!(sort(404, "", "", &settings(), &[]).is_final());
    }
}
