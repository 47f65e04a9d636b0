//! Listings in frames: as many items as fit, then the next page.

use keyfob_shared::frame::MAX_FRAME;
use serde::Serialize;

/// What the items of one page may take, in bytes; the rest of a frame is for what stands around them.
const ROOM: usize = MAX_FRAME * 3 / 4;

/// Cuts a list into pages that fit into frames; at least one, which may be empty.
pub(super) fn pages<T: Serialize>(items: Vec<T>) -> Vec<Vec<T>> {
    let mut pages = vec![Vec::new()];
    let mut used = 0;
    for item in items {
        let size = serde_json::to_vec(&item).map_or(0, |text| text.len() + 1);
        if used + size > ROOM && used > 0 {
            pages.push(Vec::new());
            used = 0;
        }
        used += size;
        if let Some(page) = pages.last_mut() {
            page.push(item);
        }
    }
    pages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_fits_into_a_frame_and_nothing_is_lost() {
        let items: Vec<String> = (0..1_000).map(|number| format!("{number:>500}")).collect();
        let pages = pages(items.clone());
        assert!(pages.len() > 1);
        assert!(pages.iter().all(|page| serde_json::to_vec(page).unwrap().len() < MAX_FRAME));
        assert_eq!(pages.concat(), items);
        assert_eq!(super::pages::<String>(Vec::new()).len(), 1);
    }
}
