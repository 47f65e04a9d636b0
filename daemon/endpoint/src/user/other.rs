//! Platforms without a table that everyone may read: who knows the token is taken for this user.

use super::User;
use std::net::{SocketAddr, TcpListener};

pub(super) fn is_here(_: &TcpListener) -> bool {
    true
}

pub(super) fn user_of(_: SocketAddr, _: SocketAddr) -> User {
    User::Own
}
