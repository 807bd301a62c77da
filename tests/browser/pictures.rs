//! Pictures: of every page below `target`, for who looks at a failure, and two for the README.

use std::path::{Path, PathBuf};

use crate::browser::Browser;

/// Width of a page on a desk, in pixels.
pub(crate) const DESK: u32 = 1160;
/// Width of a page on a phone, in pixels.
pub(crate) const PHONE: u32 = 400;
/// Set, the pictures of the README are written anew.
const UPDATE: &str = "UPDATE_PICTURES";
/// What a picture of the README may weigh, in bytes: it is loaded with the text around it.
const BYTES_MAX: usize = 150 * 1024;
/// Pages that stand in the README.
const SHOWN: [&str; 2] = ["matrix", "run"];

/// Takes a page as it looks on a desk and on a phone, in light and dark.
#[track_caller]
pub(crate) fn take(browser: &Browser, name: &str) {
    for (look, scheme, width) in
        [("light", "light", DESK), ("dark", "dark", DESK), ("phone", "light", PHONE)]
    {
        browser.prefer(scheme);
        browser.widen(width);
        let picture = browser.picture();
        assert!(picture.starts_with(b"\x89PNG"), "{name} is no picture");
        write(&below_target(), &format!("{name}-{look}.png"), &picture);
        if look == "light" && SHOWN.contains(&name) && std::env::var_os(UPDATE).is_some() {
            write(&of_readme(), &format!("{name}.png"), &picture);
        }
    }
    browser.prefer("light");
    browser.widen(DESK);
}

fn write(folder: &Path, name: &str, picture: &[u8]) {
    std::fs::create_dir_all(folder).expect("the folder of pictures can be made");
    std::fs::write(folder.join(name), picture).expect("a picture can be written");
}

/// Tests lie in `target/PROFILE/deps`.
fn below_target() -> PathBuf {
    let own = std::env::current_exe().expect("a program knows its own path");
    own.ancestors().nth(3).expect("tests lie in target/PROFILE/deps").join("browser")
}

fn of_readme() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    root.expect("`tests` has a parent").join("docs/pictures")
}

#[test]
fn pictures_of_the_readme_are_there_and_small() {
    for name in SHOWN {
        let file = of_readme().join(format!("{name}.png"));
        let size = std::fs::metadata(&file).map_or(0, |found| found.len());
        let is_small = (1..=BYTES_MAX as u64).contains(&size);
        assert!(is_small, "{}: {size} bytes; write it with {UPDATE}=1", file.display());
    }
}
