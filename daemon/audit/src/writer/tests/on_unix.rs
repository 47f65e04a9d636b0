//! Files that are none, and rights.

use super::*;
use std::os::unix::fs::PermissionsExt;

#[test]
fn what_is_no_file_is_put_aside_and_not_written_through_or_waited_for() {
    let place = Place::new();
    place.write(2);
    std::fs::remove_file(place.newest()).unwrap();
    std::os::unix::fs::symlink("/dev/null", place.newest()).unwrap();
    assert!(place.why().contains("audit.jsonl: it can't be read"), "{}", place.why());
    place.write(1);
    assert!(place.newest().symlink_metadata().unwrap().is_file());
    assert!(place.path().join("audit.aside").symlink_metadata().unwrap().is_symlink());
    assert!(place.why().contains("audit.jsonl:1: the lines 1 to 2 before it are missing"), "{}", place.why());
    std::fs::remove_file(place.newest()).unwrap();
    pipe(&place.newest());
    place.write(1);
    assert!(place.newest().is_file());
}

fn pipe(path: &Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn an_older_file_that_is_none_is_neither_waited_for_nor_read_for_ever() {
    let place = Place::new();
    let path = file(place.path(), 3);
    for make in [|path: &Path| std::fs::create_dir(path).unwrap(), pipe] {
        make(&path);
        assert!(Audit::open(place.path(), Retention::default()).is_ok());
        assert!(place.why().contains("audit.3.jsonl: it can't be read"), "{}", place.why());
        let unread =
            History::open(place.path()).unwrap().each(&Default::default(), None, |_| Ok::<(), ()>(()));
        assert_eq!(unread.unwrap()[0].file, path);
        if path.is_dir() {
            std::fs::remove_dir(&path).unwrap();
        }
    }
}

#[test]
fn files_that_others_may_read_are_made_private() {
    let place = Place::new();
    drop(place.rotated());
    let paths: Vec<PathBuf> = (0..FILES).map(|number| file(place.path(), number)).collect();
    for path in &paths {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
    }
    place.write(1);
    for path in paths.iter().chain([&crate::mark::path(place.path())]) {
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
