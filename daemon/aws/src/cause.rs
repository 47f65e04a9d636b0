//! Why a connection failed, in one line.

/// Answers the last cause of a chain: "connection refused" instead of the library's way there, and whether it was
/// on the way to a proxy.
#[must_use]
pub fn cause_of(error: &(dyn std::error::Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    let told: Vec<String> = chain.map(ToString::to_string).collect();
    let last = told.last().cloned().unwrap_or_default();
    match told.iter().find(|text| text.starts_with("tunnel error") && **text != last) {
        Some(tunnel) => format!("{tunnel}: {last}"),
        None => last,
    }
}
