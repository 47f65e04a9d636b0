//! What can't be written is counted, and told.

use super::*;

#[test]
fn a_file_that_can_not_be_rotated_takes_no_lines_and_its_mark_is_not_ahead() {
    let place = Place::new();
    let mut writer = place.rotated();
    let in_the_way = place.path().join("audit.new");
    std::fs::create_dir_all(in_the_way.join("x")).unwrap();
    assert_eq!(one(&mut writer, "a"), 1);
    assert_eq!(place.counts(), (FILES as u64, 0));
    std::fs::remove_dir_all(in_the_way).unwrap();
    assert_eq!(one(&mut writer, "b"), 0);
    writer.set_mark();
    assert_eq!(place.counts(), (FILES as u64 + 1, 0));
}

#[test]
fn what_could_not_be_written_is_cut_off_and_counted() {
    let place = Place::new();
    let mut writer = place.writer();
    assert_eq!(one(&mut writer, "a"), 0);
    let good = std::mem::replace(&mut writer.output.file, File::open(place.newest()).unwrap());
    let lost = AtomicU64::new(0);
    writer.batch(&entry("b"), [entry("b"), entry("c")].into_iter(), &lost);
    place.set_text(&(place.text() + "{\"half"));
    writer.batch(&entry("d"), [entry("d")].into_iter(), &lost);
    assert_eq!(lost.load(Ordering::Relaxed), 3);
    assert!(writer.output.is_ragged, "a handle for reading can't cut");
    writer.output.file = good;
    writer.batch(&entry("e"), [entry("e")].into_iter(), &lost);
    writer.set_mark();
    assert_eq!(lost.load(Ordering::Relaxed), 0);
    assert_eq!(place.counts(), (3, 0));
    assert!(place.text().contains("3 lines were not written"));
}

#[test]
fn what_is_written_while_there_is_no_directory_is_counted_as_lost() {
    let place = Place::new();
    let mut writer = place.writer();
    let (state, aside) = (place.path().join("state"), place.path().join("aside"));
    std::fs::create_dir(&state).unwrap();
    writer.output = output::Output::open(&state, Arc::default()).unwrap().0;
    assert_eq!(one(&mut writer, "a"), 0);
    std::fs::rename(&state, &aside).unwrap();
    assert_eq!(one(&mut writer, "b"), 1);
    std::fs::rename(&aside, &state).unwrap();
    assert_eq!(one(&mut writer, "c"), 0);
    assert_eq!(std::fs::read_to_string(state.join("audit.jsonl")).unwrap().lines().count(), 2);
}

#[test]
fn what_was_lost_is_told_without_a_further_request_too() {
    let place = Place::new();
    let mut writer = place.writer();
    writer.batch(&entry("a"), std::iter::empty(), &AtomicU64::new(2));
    assert!(place.text().contains("2 lines were not written"));
}
