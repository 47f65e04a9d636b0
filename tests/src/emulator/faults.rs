//! The ways in which an STS can fail.

/// How answers of STS that would give out a session are spoilt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not at all.
    None,
    /// Nobody listens.
    Refuse,
    /// Connections are taken and never answered.
    Hang,
    /// A server error with a body that is no XML.
    ServerError,
    /// `Throttling`.
    Throttle,
    /// Status 200 with a body that is no XML.
    Malformed,
    /// A document that ends half way.
    Torn,
    /// A body that never ends, for all the client can tell.
    Oversized,
    /// An error of STS by its code and message, with status 400 or 403.
    Error(&'static str, &'static str),
}
