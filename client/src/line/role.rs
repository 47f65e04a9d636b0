//! The words of `keyfob role`.

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use keyfob_governance::role::{
    AwsPrincipal, Claim, ExternalId, InvalidInput, MaxSession, OidcProvider, RoleName, SamlProvider, Suffix,
};
use keyfob_shared::JobFunction;

#[derive(Debug, Subcommand)]
pub(crate) enum Role {
    /// List the job functions: what they are for, and the managed policies of AWS
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a job function, and the roles that it may hand to services
    Show {
        /// administrator, billing, security-auditor, power-user, system-administrator or database-administrator
        function: JobFunction,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a template of a role for a job function, with its service roles
    Template(Box<RoleTemplate>),
    /// Show how long sessions of the role of a profile may last, and change it
    MaxDuration {
        profile: String,
        /// 1h to 12h
        #[arg(value_parser = max_session)]
        duration: MaxSession,
        /// Change the role
        #[arg(long)]
        write: bool,
        /// Ask IAM with the session of another profile, which may read and update the role
        #[arg(long, value_name = "PROFILE")]
        with: Option<String>,
    },
    /// Show what the role of a profile accepts of what the profile asks for: duration, tags, source identity
    Check {
        profile: String,
        /// Ask IAM with the session of another profile, which may read the role
        #[arg(long, value_name = "PROFILE")]
        with: Option<String>,
    },
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("trust").required(true)))]
pub(crate) struct RoleTemplate {
    /// administrator, billing, security-auditor, power-user, system-administrator or database-administrator
    pub(crate) function: JobFunction,
    /// For which tool
    #[arg(long, value_enum)]
    pub(crate) format: TemplateFormat,
    /// The name of the role; the default is keyfob- and the job function
    #[arg(long)]
    pub(crate) name: Option<RoleName>,
    /// How long its sessions may last (1h to 12h); the default is 1h, or what the profile asks for
    #[arg(long, value_name = "DURATION", value_parser = max_session)]
    pub(crate) max_duration: Option<MaxSession>,
    /// The partition (aws, aws-cn, aws-us-gov, …), where the trusted one does not tell it
    #[arg(long, conflicts_with = "profile")]
    pub(crate) partition: Option<String>,
    /// Trust a SAML 2.0 provider
    #[arg(long, value_name = "PROVIDER_ARN", group = "trust")]
    pub(crate) trust_saml: Option<SamlProvider>,
    /// Trust an OIDC provider
    #[arg(long, value_name = "PROVIDER_ARN", group = "trust", requires = "audience")]
    pub(crate) trust_oidc: Option<OidcProvider>,
    /// Trust an account, or a user or a role in one
    #[arg(long, value_name = "ID_OR_ARN", group = "trust")]
    pub(crate) trust_account: Option<AwsPrincipal>,
    /// Trust whoever this profile comes from
    #[arg(long, group = "trust")]
    pub(crate) profile: Option<String>,
    /// For whom tokens are; for SAML the Recipient of assertions, where it is not the sign-in address of AWS
    #[arg(long, conflicts_with_all = ["trust_account", "profile"])]
    pub(crate) audience: Option<Claim>,
    /// Whose tokens; with * for several
    #[arg(long, conflicts_with_all = ["trust_saml", "trust_account", "profile"])]
    pub(crate) subject: Option<Claim>,
    /// What has to be given with the call
    #[arg(long, conflicts_with_all = ["trust_saml", "trust_oidc", "profile"])]
    pub(crate) external_id: Option<ExternalId>,
    /// Ask for a code of an MFA device
    #[arg(long, conflicts_with_all = ["trust_saml", "trust_oidc", "profile"])]
    pub(crate) mfa: bool,
    /// Let sessions have tags
    #[arg(long)]
    pub(crate) session_tags: bool,
    /// Let sessions have a source identity
    #[arg(long)]
    pub(crate) source_identity: bool,
    /// Only this service role, by its name or pattern (several times: several)
    #[arg(long = "service-role", value_name = "NAME")]
    pub(crate) service_roles: Vec<String>,
    /// No service roles
    #[arg(long, conflicts_with = "service_roles")]
    pub(crate) no_service_roles: bool,
    /// What stands for the * in names of service roles
    #[arg(long, default_value = "keyfob")]
    pub(crate) suffix: Suffix,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TemplateFormat {
    /// A template in JSON; deploy it with --capabilities CAPABILITY_NAMED_IAM
    Cloudformation,
    /// A configuration in JSON syntax, for a file that ends in .tf.json
    Terraform,
    /// A script for bash that calls the AWS CLI
    Cli,
}

fn max_session(text: &str) -> Result<MaxSession, InvalidInput> {
    // What is no duration is as wrong as one that is too long.
    MaxSession::from_seconds(humantime::parse_duration(text).map_or(0, |duration| duration.as_secs()))
}
