//! The pure core: decoding, and the controller's fold over whole deliveries.

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

criterion_group!(benches, decode, beside_open);
criterion_main!(benches);
