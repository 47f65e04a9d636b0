//! Windows: the command itself is ended by its owner; what it has started goes on.

use std::fs::OpenOptions;
use tokio::process::{Child, Command};

pub(crate) fn own_group(_command: &mut Command) {}

pub(crate) fn end_group(_child: &Child) {}

pub(crate) fn do_not_wait(_options: &mut OpenOptions) {}
