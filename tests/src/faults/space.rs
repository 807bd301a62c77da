//! R10 and R11: there is no room: the stream is full, the disk is full.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::outcome::{Outcome, Scale};
use super::power::run;
use super::scene::Scene;
use crate::harness::nats_client::NatsClient;
use crate::harness::nats_server::NatsServer;
use crate::harness::stack::Stack;

/// Bytes of a stream that is full within seconds.
const STREAM_BYTES: u64 = 1 << 20;
/// Bytes that are added: less than the controller wants to see free in a large stream.
const ROOM_STEP: u64 = 1 << 19;
/// Nothing was stored for so long: it is full.
const FULL_AFTER: Duration = Duration::from_secs(3);
/// Longest wait until it is full.
const FULL_LIMIT: Duration = Duration::from_mins(1);
/// From room that is there again until something is stored; pauses grow to five seconds.
const RESUME_LIMIT: Duration = Duration::from_secs(10);

/// R10: the stream is full, and is given room again.
pub fn full_stream(scale: Scale) -> Result<Outcome, String> {
    let bytes = STREAM_BYTES.to_string();
    let stack = Stack::bare().with_setting("KEPTN_STREAM_BYTES_MAX", &bytes);
    let scene = Scene::on(stack.with_all_services(), super::scene::ENDLESS);
    let mut resumed = Vec::new();
    let mut room = STREAM_BYTES;
    for _ in 0..scale.of(1, 5) {
        wait_until_full(&scene)?;
        room += ROOM_STEP;
        give_room(&scene, room)?;
        resumed.push(wait_until_resumed(&scene)?);
    }
    wait_until_full(&scene)?;
    give_room(&scene, 1 << 33)?;
    resumed.push(wait_until_resumed(&scene)?);
    let figures = scene.end(resumed.len())?;
    Ok(Outcome::Pass(figures.with_times("room to first event", &resumed)))
}

/// R11: the disk is full; room is made and the server started again, as the operator is told to.
pub fn full_disk(scale: Scale) -> Result<Outcome, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mounted = folder.path().to_string_lossy().into_owned();
    if let Err(why) = run("mount", &["-t", "tmpfs", "-o", "size=24m", "tmpfs", &mounted]) {
        return Ok(Outcome::LeftOut(why));
    }
    let store = format!("store_dir: \"{mounted}/store\", max_file_store: 16G, sync_interval: 1s");
    let nats = NatsServer::start_with(&format!("jetstream {{ {store} }}"));
    let mut scene = Scene::on_server(nats);
    // Most of the room goes to a file of somebody else, so that the disk is full soon.
    let left = scale.of("14", "4");
    let filler = format!("of={mounted}/filler");
    run("dd", &["if=/dev/zero", &filler, "bs=1M", &format!("count={left}"), "status=none"])?;
    wait_until_full(&scene)?;
    run("mount", &["-o", "remount,size=1g", &mounted])?;
    scene.stack.nats.kill();
    scene.stack.nats.restart();
    let resumed = wait_until_resumed(&scene)?;
    let figures = scene.end(1)?;
    Ok(Outcome::Pass(figures.with("room to first event", format!("{} ms", resumed.as_millis()))))
}

fn wait_until_full(scene: &Scene) -> Result<(), String> {
    let deadline = Instant::now() + FULL_LIMIT;
    while Instant::now() < deadline {
        let position = scene.watch.seen().position;
        if !scene.watch.wait(FULL_AFTER, |seen| seen.position > position) {
            return Ok(());
        }
        scene.go_on(Duration::from_millis(50));
    }
    Err(format!("there is still room after {FULL_LIMIT:?}"))
}

fn wait_until_resumed(scene: &Scene) -> Result<Duration, String> {
    let begin = Instant::now();
    let position = scene.watch.seen().position;
    if scene.watch.wait(RESUME_LIMIT, |seen| seen.position > position) {
        return Ok(begin.elapsed());
    }
    Err(format!("nothing was stored in {RESUME_LIMIT:?} after there was room again"))
}

fn give_room(scene: &Scene, bytes: u64) -> Result<(), String> {
    let client = NatsClient::connect(scene.stack.nats.port()).map_err(|error| error.to_string())?;
    let mut info: Value = client.request("$JS.API.STREAM.INFO.keptn", b"")?;
    info["config"]["max_bytes"] = bytes.into();
    let body = info["config"].to_string();
    let answer = client.request("$JS.API.STREAM.UPDATE.keptn", body.as_bytes())?;
    if answer["error"].is_null() { Ok(()) } else { Err(answer["error"].to_string()) }
}
