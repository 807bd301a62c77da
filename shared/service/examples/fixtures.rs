//! Writes the snapshots of the fixed stream in the formats of this version, into the folder of the
//! fixtures: `cargo run -p service --example fixtures`.

use std::{fs, io, path::Path};

use fold::{Catalog, World};
use serde::Serialize;
use service::State;
use testing::history;

fn main() -> io::Result<()> {
    let stream = history::fixed();
    write("world", <World as State>::FORMAT, &stream.world)?;
    write("catalog", <Catalog as State>::FORMAT, &stream.config)
}

fn write(name: &str, format: u32, state: &impl Serialize) -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    fs::create_dir_all(&folder)?;
    let bytes = postcard::to_allocvec(state).map_err(io::Error::other)?;
    fs::write(folder.join(format!("{name}-{format}.bin")), bytes)
}
