//! Asks STS who it is, again and again for some seconds, with one client of the AWS SDK for Rust.
//!
//! Usage: client IGNORED SECONDS. The endpoint, the profile and the region come from the environment. It ends with the
//! first request that is refused. The SDK's S3 client would take minutes to build; the credentials are the same.

use aws_config::BehaviorVersion;
use std::time::{Duration, Instant};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let seconds = std::env::args().nth(2).ok_or("how many seconds?")?.parse()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(Duration::from_secs(seconds)))
}

async fn run(duration: Duration) -> Result<(), Failure> {
    let http = aws_smithy_http_client::Builder::new().build_http();
    let settings = aws_config::defaults(BehaviorVersion::latest()).http_client(http).load().await;
    let client = aws_sdk_sts::Client::new(&settings);
    let end = Instant::now() + duration;
    while Instant::now() < end {
        client.get_caller_identity().send().await?;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Ok(())
}
