//! Measures a file vault with ten thousand sessions: `cargo run --release -p keyfob-vault --example ten_thousand DIRECTORY`.
//!
//! The directory is made, and says which disk is measured.

#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "it measures and tells")]

use keyfob_shared::Secret;
use keyfob_vault::{Choice, Item, ItemKind, ItemName, Keeper, Settings};
use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

const COUNT: usize = 10_000;
/// A session with its token.
const LENGTH: usize = 2_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: ten_thousand DIRECTORY")?);
    std::fs::create_dir(&directory)?;
    let settings = Settings {
        choice: Choice::File,
        key_file: Some(directory.join("key")),
        passphrase_command: None,
        state_directory: directory,
    };
    let keeper = Keeper::start(settings.clone());
    let start = Instant::now();
    for number in 0..COUNT {
        let name = ItemName { kind: ItemKind::Session, name: format!("profile-{number}") };
        keeper.put(Item { name, generation: 1, value: Secret::new("x".repeat(LENGTH)) }).await?;
    }
    println!("written in {:?}", start.elapsed());
    drop(keeper);
    let keeper = Keeper::start(settings);
    let start = Instant::now();
    let names = keeper.names(ItemKind::Session).await?.len();
    println!("{names} listed in {:?}", start.elapsed());
    let start = Instant::now();
    let sessions = keeper.sessions().await?.len();
    println!("{sessions} listed and read in {:?}", start.elapsed());
    Ok(())
}
