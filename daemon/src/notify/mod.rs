//! Telling the person at the desktop that a sign-in is needed. Where there is no desktop, `keyfob status` tells it.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux::show;

#[cfg(target_os = "macos")]
mod macos;
#[cfg(target_os = "macos")]
use macos::show;

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
mod other;
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
use other::show;

use keyfob_shared::{IdentityName, Timestamp};

/// Tells that an identity needs a sign-in, and until when its sessions still live.
pub(crate) fn sign_in_needed(identity: &IdentityName, by: Option<Timestamp>) {
    let title = format!("Sign in to AWS as {identity}");
    let by = by.map_or_else(String::new, |by| format!(" by {by}"));
    let text = format!("The identity provider asks for you{by}: keyfob login {identity}");
    tell(title, text);
}

/// Shows something at the desktop, where there is one.
pub(crate) fn tell(title: String, text: String) {
    // A desktop that hangs must not hold up anybody.
    let shown = std::thread::Builder::new().name("notify".into()).spawn(move || {
        if let Err(error) = show(&title, &text) {
            tracing::debug!(%error, "tell the person at the desktop");
        }
    });
    if let Err(error) = shown {
        tracing::debug!(%error, "tell the person at the desktop");
    }
}
