//! The pure core: decoding, the controller's fold over whole deliveries, and the memory of what is open.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use criterion_benches::{fold, history};
use fold::World;

/// Deliveries of a stream that is folded.
const DELIVERIES: usize = 200;
/// Deliveries that are open beside those that are measured.
const OPEN: usize = 10_000;

fn decode(criterion: &mut Criterion) {
    let messages = history(DELIVERIES, 0);
    let mut group = criterion.benchmark_group("events");
    group.throughput(Throughput::Elements(messages.len() as u64));
    group.bench_function("decoded", |bench| {
        bench.iter(|| messages.iter().map(|message| message.stored()).for_each(|one| drop(black_box(one))));
    });
    group.bench_function("decoded and folded", |bench| bench.iter(|| fold(black_box(&messages))));
    let decoded: Vec<_> = messages.iter().map(|message| message.stored()).collect();
    group.bench_function("folded", |bench| {
        bench.iter_batched(
            World::default,
            |mut world| {
                for stored in &decoded {
                    world.apply(black_box(stored));
                }
                world
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

fn beside_open(criterion: &mut Criterion) {
    let full = fold(&history(0, OPEN));
    let empty = fold(&history(0, 0));
    let mut group = criterion.benchmark_group("a copy for a snapshot");
    for (name, world) in [("of nothing open", &empty), ("of 10,000 open", &full)] {
        group.bench_function(name, |bench| bench.iter(|| black_box(world).clone()));
    }
    group.finish();
}

/// Worlds that take what the making of the stream has given back.
const WORLDS_BEFORE: usize = 3;
/// Worlds that take memory of their own behind that.
const WORLDS: usize = 4;

/// Prints what an open sequence takes, as far as the system tells. Nearly all of them wait in line.
fn memory(_: &mut Criterion) {
    let messages = history(0, OPEN);
    let mut worlds: Vec<World> = (0..WORLDS_BEFORE).map(|_| fold(&messages)).collect();
    let before = resident_kilobytes();
    worlds.extend((0..WORLDS).map(|_| fold(&messages)));
    if let (Some(before), Some(after)) = (before, resident_kilobytes()) {
        let bytes = after.saturating_sub(before) * 1024 / (WORLDS * OPEN);
        println!("{bytes} bytes of memory for each of {OPEN} open sequences");
    }
    drop(worlds);
}

fn resident_kilobytes() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

criterion_group!(benches, memory, decode, beside_open);
criterion_main!(benches);
