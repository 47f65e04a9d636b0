//! Platforms without a table that everyone may read: who knows the token is taken for this user.

use super::User;
use std::net::SocketAddr;

pub(super) fn user_of(_: SocketAddr, _: SocketAddr) -> User {
    User::Own
}
