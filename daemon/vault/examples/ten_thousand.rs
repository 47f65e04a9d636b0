//! Writes ten thousand sessions to a file vault, or reads them back; the shell's `time` measures.
//!
//! `cargo build --release -p keyfob-vault --example ten_thousand`, then `time target/release/examples/ten_thousand write
//! DIRECTORY` and the same with `read`. The directory says which disk is measured.

#![expect(clippy::print_stdout, reason = "it tells what it has done")]

use keyfob_shared::Secret;
use keyfob_vault::{Choice, Item, ItemKind, ItemName, Keeper, Settings};
use std::error::Error;
use std::path::PathBuf;

const COUNT: usize = 10_000;
/// A session with its token.
const LENGTH: usize = 2_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let usage = "usage: ten_thousand write|read DIRECTORY";
    let mut arguments = std::env::args_os().skip(1);
    let job = arguments.next().ok_or(usage)?;
    let directory = PathBuf::from(arguments.next().ok_or(usage)?);
    std::fs::create_dir_all(&directory)?;
    let keeper = Keeper::start(Settings {
        choice: Choice::File,
        key_file: Some(directory.join("key")),
        passphrase_command: None,
        state_directory: directory,
    });
    if job == "write" {
        for number in 0..COUNT {
            let name = ItemName { kind: ItemKind::Session, name: format!("profile-{number}") };
            keeper.put(Item { name, generation: 1, value: Secret::new("x".repeat(LENGTH)) }).await?;
        }
        println!("{COUNT} sessions were written");
        return Ok(());
    }
    println!("{} sessions were read", keeper.sessions().await?.len());
    Ok(())
}
