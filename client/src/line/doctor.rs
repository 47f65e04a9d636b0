//! The words of `keyfob doctor` and `keyfob help`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Write a file for whoever helps you, without secrets; it must not be there yet
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub(crate) bundle: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Help {
    /// What to explain; without it, the commands
    #[arg(value_enum)]
    pub(crate) topic: Option<Topic>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Topic {
    /// Exit codes, and what AWS answers
    Errors,
}
