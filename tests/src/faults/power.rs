//! R3: the power fails below nats-server: what was not written to the disk is gone.
//!
//! The store lies on an image. The server is stopped where it stands, the image is copied as it is
//! on the disk below, and the server goes on with the copy.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use super::outcome::{Figures, Outcome, Scale};
use super::publisher::Publisher;
use super::scene::Scene;
use crate::harness::nats_client::NatsClient;
use crate::harness::nats_server::NatsServer;

const PAUSE_MILLIS: std::ops::Range<u64> = 500..2_000;
/// Events of the control that must be lost with the default interval.
const CONTROL_EVENTS: usize = 300;
/// What the image holds; a short load needs a few megabytes.
const IMAGE_SIZE: &str = "256M";

/// Cuts under load with `sync_interval: always`, and the control without it.
pub fn cuts(scale: Scale) -> Result<Outcome, String> {
    let disk = match Disk::new() {
        Ok(disk) => disk,
        Err(why) => return Ok(Outcome::LeftOut(why)),
    };
    let control = control()?;
    let nats = NatsServer::start_with(&disk.configuration("sync_interval: always"));
    let mut scene = Scene::on_server(nats);
    let cuts = scale.of(3, 50);
    for _ in 0..cuts {
        scene.go_on(Duration::from_millis(fastrand::u64(PAUSE_MILLIS)));
        disk.cut(&mut scene.stack.nats)?;
    }
    let figures: Figures = scene.end(cuts)?;
    let lost = format!("{control} of {CONTROL_EVENTS}");
    Ok(Outcome::Pass(figures.with("control without `always` lost", lost)))
}

/// With the default interval, acknowledged events must be lost; returns how many were.
fn control() -> Result<usize, String> {
    let disk = Disk::new()?;
    let mut nats = NatsServer::start_with(&disk.configuration("sync_interval: 2m"));
    let client = NatsClient::connect(nats.port()).map_err(|error| error.to_string())?;
    let stream = json!({"name": "keptn", "subjects": ["sh.keptn.>"], "storage": "file"});
    client.request("$JS.API.STREAM.CREATE.keptn", stream.to_string().as_bytes())?;
    let mut publisher = Publisher::new(nats.port());
    for _ in 0..CONTROL_EVENTS {
        publisher.try_once("sh.keptn.event.control", b"{}")?;
    }
    disk.cut(&mut nats)?;
    let client = NatsClient::connect(nats.port()).map_err(|error| error.to_string())?;
    let info = client.request("$JS.API.STREAM.INFO.keptn", b"")?;
    let kept = info["state"]["messages"].as_u64().unwrap_or_default();
    let lost = CONTROL_EVENTS - usize::try_from(kept).unwrap_or_default().min(CONTROL_EVENTS);
    if lost == 0 {
        return Err("the control lost nothing: a cut does not take what was not written".to_owned());
    }
    Ok(lost)
}

/// A file system on an image, mounted where nobody else sees it.
struct Disk {
    folder: tempfile::TempDir,
}

impl Disk {
    fn new() -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let disk = Self { folder };
        std::fs::create_dir(disk.mounted()).map_err(|error| error.to_string())?;
        run("truncate", &["-s", IMAGE_SIZE, text(&disk.image())?])?;
        run("mkfs.ext4", &["-q", "-F", text(&disk.image())?])?;
        disk.mount()?;
        Ok(disk)
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join("image")
    }

    fn mounted(&self) -> PathBuf {
        self.folder.path().join("mounted")
    }

    fn mount(&self) -> Result<(), String> {
        run("mount", &["-o", "loop", text(&self.image())?, text(&self.mounted())?])
    }

    fn configuration(&self, sync: &str) -> String {
        let store = self.mounted().join("store");
        format!("jetstream {{ store_dir: \"{}\", {sync} }}", store.display())
    }

    /// The power fails and comes back.
    fn cut(&self, nats: &mut NatsServer) -> Result<(), String> {
        let copy = self.folder.path().join("copy");
        nats.pause();
        run("cp", &["--sparse=always", text(&self.image())?, text(&copy)?])?;
        nats.kill();
        run("umount", &[text(&self.mounted())?])?;
        std::fs::rename(&copy, self.image()).map_err(|error| error.to_string())?;
        self.mount()?;
        nats.restart();
        Ok(())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // A server may still have it open; the mounts end with the row's own namespace.
        drop(run("umount", &["--lazy", &self.mounted().to_string_lossy()]));
    }
}

fn text(path: &Path) -> Result<&str, String> {
    path.to_str().ok_or_else(|| format!("{} is no UTF-8", path.display()))
}

/// Runs a program of the system.
pub fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(arguments).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}
