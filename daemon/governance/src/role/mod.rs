//! Roles for the job functions of AWS: what they are for, whom they may let services act as, and templates of them.
//!
//! A template is worked out once, as a list of roles, and then written for a tool. Every value of the command line is
//! a type that has checked it.

mod arn;
mod facts;
mod input;
mod service_role;
mod template;
mod trust;

pub use arn::{AwsPrincipal, OidcProvider, SamlProvider};
pub use facts::{Facts, SOURCE, facts};
pub use input::{Claim, ExternalId, InvalidInput, MaxSession, RoleName, Suffix};
pub use service_role::{Permissions, Service, ServiceRole};
pub use template::{Format, Order, ServiceRoles, Template};
pub use trust::{Marks, Trust, Trusted};
