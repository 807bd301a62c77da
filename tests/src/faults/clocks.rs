//! R16: the clock of one service is wrong, and jumps.

use std::path::Path;
use std::time::Duration;

use super::outcome::{Outcome, Scale};
use super::scene::{ENDLESS, Scene};
use crate::harness::stack::{CONFIG_STORE, CONTROLLER, SERVICES, STUB_EXECUTOR, Stack};

/// Where Debian puts the library that lies about the time.
const LIBRARIES: [&str; 2] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
];
/// How far off the clock is, one after the other.
const OFFSETS: [&str; 5] = ["+3600s", "-7200s", "+400d", "+5s", "-5s"];

/// Each of three services in turn has a clock that jumps.
pub fn clocks(scale: Scale) -> Result<Outcome, String> {
    let Some(library) = LIBRARIES.into_iter().find(|path| Path::new(path).exists()) else {
        return Ok(Outcome::LeftOut("libfaketime is not installed (package faketime)".to_owned()));
    };
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let services = [CONTROLLER, CONFIG_STORE, STUB_EXECUTOR];
    let file = |service: &str| folder.path().join(service);
    let set = |service: &str, offset: &str| {
        std::fs::write(file(service), offset).map_err(|error| error.to_string())
    };
    let mut stack = Stack::bare();
    for service in SERVICES {
        set(service, "+0s")?;
        let path = file(service).to_string_lossy().into_owned();
        stack.run_with(
            service,
            service,
            &[
                ("LD_PRELOAD", library),
                ("FAKETIME_TIMESTAMP_FILE", &path),
                ("FAKETIME_NO_CACHE", "1"),
                ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ],
        );
    }
    stack.wait_until_ready(&SERVICES);
    let scene = Scene::on(stack, ENDLESS);
    let mut jumps = 0;
    for _ in 0..scale.of(1, 5) {
        for service in services {
            for offset in OFFSETS {
                set(service, offset)?;
                scene.go_on(Duration::from_millis(600));
                jumps += 1;
            }
            set(service, "+0s")?;
        }
    }
    scene.end(jumps).map(Outcome::Pass)
}
