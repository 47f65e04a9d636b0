//! Platforms without a table that everyone may read.

use super::User;
use std::net::SocketAddr;

pub(super) fn user_of(_: SocketAddr, _: SocketAddr) -> User {
    User::Unknowable
}
