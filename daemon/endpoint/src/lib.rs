//! Credentials over HTTP on loopback, for one program and its children: `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
//!
//! Every endpoint belongs to one grant: one profile, one token, one port. Security: a web page, another user or a
//! program that only knows the port gets an error and no more; see [`rules`](crate). It holds no credentials: each
//! request is answered by the [`Owner`] of the grant, from memory.

mod answer;
mod door;
mod rules;
mod server;
mod user;

pub use door::Door;
pub use server::serve;
pub use user::is_in_this_network;

use keyfob_shared::{Failure, Secret};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// Connections of this user to one endpoint at a time; further ones wait until one has ended.
pub const MAX_CONNECTIONS: usize = 64;
/// Connections of other users to one endpoint at a time; further ones are closed at once.
pub(crate) const MAX_STRANGERS: usize = 2;
/// Connections of this user that an endpoint may have whatever the others have; for further ones there is a pool.
pub(crate) const OWN_CONNECTIONS: usize = 2;
/// Descriptors that an endpoint needs beside the pool: its connections, one that waits and one that is looked at, its
/// listener, the two ends that stop its thread, a question to the kernel, and the client.
pub const DESCRIPTORS: usize = OWN_CONNECTIONS + MAX_STRANGERS + 7;
/// The time in which the place of a stranger is not given to the next one: to refuse them costs the loop little.
pub(crate) const STRANGER_TIME: Duration = Duration::from_millis(100);
/// The time in which the head of a request must have come.
pub const HEAD_TIME: Duration = Duration::from_secs(2);
/// The time that a connection has as a whole.
pub const CONNECTION_TIME: Duration = Duration::from_secs(10);
/// How long an answer is waited for. SDKs wait 1 s (JavaScript) to 5 s (Rust), three times; one that comes too late is
/// worth less than an error in time.
pub const ANSWER_TIME: Duration = Duration::from_millis(800);

/// Whoever has granted an endpoint.
pub trait Owner: Clone + Send + Sync + 'static {
    /// Answers the reply to a `get` of the profile: the document behind [`keyfob_shared::wire::DOCUMENT_PREFIX`].
    fn credentials(&self) -> impl Future<Output = Result<Arc<Secret>, Failure>> + Send;

    /// Takes note of a request that was turned away, and of the user who sent it, where known.
    fn refused(&self, user: Option<u32>, why: &'static str);
}
