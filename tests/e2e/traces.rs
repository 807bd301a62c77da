//! A collector beside a delivery: what it is told, and that a delivery does not care whether it is
//! there.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use model::StreamTime;

use crate::harness::collector::{Collector, Span};
use crate::harness::event::Entry;
use crate::harness::stack::{
    CONFIG_STORE, CONTROLLER, SERVICES, STATUS_VIEW, STUB_EXECUTOR, Stack,
};
use crate::harness::stream::Stream;
use crate::harness::wait;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const SECOND: &str = "shipyard-controller-2";
/// Spans of one delivery: itself, two sequences, four tasks.
const SPANS: usize = 7;

/// A delivery that goes from dev to hardening by itself, and one that fails.
const SHIPYARD: &str = r"
apiVersion: spec.keptn.sh/0.2.3
kind: Shipyard
metadata: {name: traced}
spec:
  stages:
    - name: dev
      sequences:
        - {name: artifact-delivery, tasks: [{name: deployment}, {name: test}]}
    - name: hardening
      sequences:
        - name: artifact-delivery
          triggeredOn: [{event: dev.artifact-delivery.finished}]
          tasks: [{name: deployment}, {name: evaluation}]
";
const UNIFORM: &str = "
version: 0.1.2
type: Uniform
spec:
  services:
    - {name: deployer, events: [deployment.triggered], stub: [{delay: 20ms}]}
    - {name: tester, events: [test.triggered], stub: [{delay: 20ms}]}
    - name: judge
      events: [evaluation.triggered]
      stub: [{artifact: 'carts:bad', result: fail, message: too slow}]
";

fn create_project(stack: &Stack) {
    stack.user.write("shipyard.yaml", SHIPYARD);
    stack.user.write("uniform.yaml", UNIFORM);
    let files = ["--shipyard=shipyard.yaml", "--uniform=uniform.yaml"];
    stack.user.keptn(&["create", "project", "p", files[0], files[1]]).done();
    stack.user.keptn(&["create", "service", "carts", "--project=p"]).done();
}

/// Delivers an artifact through both stages; returns its context.
fn deliver(stack: &Stack, stream: &mut Stream, artifact: &str) -> String {
    let artifact = format!("--artifact={artifact}");
    let trigger = ["trigger", "artifact-delivery", "--project=p", "--service=carts", &artifact];
    let context = stack.user.keptn(&trigger).done().trim().to_owned();
    stream.wait_for_end(&context, "hardening");
    context
}

/// Waits for the root, which is sent last, and returns the spans of a delivery.
fn spans_of(collector: &Collector, context: &str) -> Vec<Span> {
    let trace = context.replace('-', "");
    wait::until("the delivery's root is exported", || {
        let spans = collector.spans_of(&trace);
        let has_root = spans.iter().any(|span| span.text("name") == "delivery");
        if has_root { Ok(spans) } else { Err(format!("{} spans", spans.len())) }
    })
}

/// Draws a tree: each span below its parent, in the order of their beginnings.
fn tree(spans: &[Span]) -> Vec<String> {
    let mut below: BTreeMap<&str, Vec<&Span>> = BTreeMap::new();
    for span in spans {
        below.entry(span.text("parentSpanId")).or_default().push(span);
    }
    let mut lines = Vec::new();
    draw(&below, "", 0, &mut lines);
    lines
}

fn draw(below: &BTreeMap<&str, Vec<&Span>>, parent: &str, depth: usize, lines: &mut Vec<String>) {
    let mut spans = below.get(parent).cloned().unwrap_or_default();
    spans.sort_by_key(|span| span.nanos("startTimeUnixNano"));
    for span in spans {
        let word = if span.is_error() { " failed" } else { "" };
        lines.push(format!("{}{}{word}", "  ".repeat(depth), span.text("name")));
        draw(below, span.text("spanId"), depth + 1, lines);
    }
}

fn with_id<'a>(spans: &'a [Span], id: &str) -> &'a Span {
    let found = spans.iter().find(|span| span.text("spanId") == id);
    found.unwrap_or_else(|| panic!("no span {id} in {spans:?}"))
}

/// Returns trace and span of a `traceparent`.
fn traceparent(entry: &Entry) -> (&str, &str) {
    let mut parts = entry.attribute("traceparent").split('-').skip(1);
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

#[test]
fn a_delivery_is_one_tree_of_spans_with_the_ids_and_times_of_its_events() {
    let collector = Collector::start();
    let stack = Stack::bare()
        .with_setting(ENDPOINT, &collector.url())
        .with_setting("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20key")
        .with_all_services();
    create_project(&stack);
    let mut stream = stack.stream();
    let context = deliver(&stack, &mut stream, "carts:1");
    let spans = spans_of(&collector, &context);
    let expected = [
        "delivery",
        "  dev.artifact-delivery",
        "    deployment",
        "    test",
        "  hardening.artifact-delivery",
        "    deployment",
        "    evaluation",
    ];
    assert_eq!(tree(&spans), expected);

    let trace = context.replace('-', "");
    let of_delivery = stream.entries().iter().filter(|entry| entry.context() == context);
    let tasks = of_delivery.clone().filter(|entry| entry.is_task());
    let mut answers = 0;
    for entry in tasks.clone() {
        let (named, id) = traceparent(entry);
        assert_eq!(named, trace, "{}", entry.event);
        let span = with_id(&spans, id);
        assert_eq!(span.attribute("keptn.task"), entry.short().split('.').next().unwrap_or(""));
        assert_eq!(span.attribute("keptn.stage"), entry.text("/stage"));
        assert_eq!(span.attribute("keptn.result"), "pass");
        answers += usize::from(entry.short().ends_with(".finished"));
    }
    assert_eq!(answers, 4, "an executor's own spans hang below its task");
    // An end says when its cause was stored: that is where the last task ends.
    for end in of_delivery.filter(|entry| entry.short().ends_with("artifact-delivery.finished")) {
        let stage = end.text("/stage");
        let sequence = with_id(&spans, traceparent(end).1);
        let own = spans.iter().filter(|span| span.text("parentSpanId") == sequence.text("spanId"));
        let last = own.map(|span| span.nanos("endTimeUnixNano")).max();
        let cause = StreamTime::parse(end.attribute("time")).expect("a time is RFC 3339");
        assert_eq!(last, Some(cause.as_nanos()), "{stage}");
    }
    for span in &spans {
        let (start, end) = (span.nanos("startTimeUnixNano"), span.nanos("endTimeUnixNano"));
        assert!(start < end, "{span:?}");
        let parent = span.text("parentSpanId");
        if !parent.is_empty() {
            let parent = with_id(&spans, parent);
            let is_within = parent.nanos("startTimeUnixNano") <= start
                && end <= parent.nanos("endTimeUnixNano");
            assert!(is_within, "{span:?} is not within {parent:?}");
        }
        assert_eq!(span.attribute("keptn.context"), context);
        assert_eq!(span.attribute("keptn.project"), "p");
    }
    let heads = collector.heads();
    assert!(heads.iter().all(|head| head.starts_with("POST /v1/traces ")), "{heads:?}");
    assert!(heads.iter().all(|head| head.contains("api-key: a key")), "{heads:?}");

    let failed = deliver(&stack, &mut stream, "carts:bad");
    let spans = spans_of(&collector, &failed);
    let failures: Vec<&str> =
        spans.iter().filter(|span| span.is_error()).map(|span| span.text("name")).collect();
    assert_eq!(failures.len(), 3, "task, sequence and delivery: {failures:?}");
    let evaluation = spans.iter().find(|span| span.text("name") == "evaluation");
    assert_eq!(evaluation.map(|span| span.attribute("keptn.message")), Some("too slow"));
}

/// The span ids, in order.
fn ids(spans: &[Span]) -> Vec<&str> {
    let mut ids: Vec<&str> = spans.iter().map(|span| span.text("spanId")).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn a_controller_that_starts_again_exports_what_is_new_and_nothing_old() {
    let collector = Collector::start();
    let mut stack = Stack::bare().with_setting(ENDPOINT, &collector.url()).with_all_services();
    create_project(&stack);
    let mut stream = stack.stream();
    let first = deliver(&stack, &mut stream, "carts:1");
    assert_eq!(spans_of(&collector, &first).len(), SPANS);
    assert_eq!(stack.service(CONTROLLER).stop(), Some(0));
    stack.run(CONTROLLER);
    stack.wait_until_ready(&[CONTROLLER]);
    let second = deliver(&stack, &mut stream, "carts:2");
    assert_eq!(spans_of(&collector, &second).len(), SPANS);
    assert_eq!(spans_of(&collector, &first).len(), SPANS, "the past is not exported again");
}

#[test]
fn of_two_controllers_one_exports_and_the_other_when_that_one_is_killed() {
    let collector = Collector::start();
    let mut stack = Stack::bare().with_setting(ENDPOINT, &collector.url()).with_all_services();
    stack.run_as(SECOND, CONTROLLER);
    create_project(&stack);
    let mut stream = stack.stream();
    let context = deliver(&stack, &mut stream, "carts:1");
    let spans = spans_of(&collector, &context);
    let mut once = ids(&spans);
    once.dedup();
    assert_eq!((once.len(), spans.len()), (SPANS, SPANS), "nothing is exported twice");
    stack.kill(CONTROLLER);
    // It ends while the lease still is the dead one's.
    let context = deliver(&stack, &mut stream, "carts:2");
    let spans = spans_of(&collector, &context);
    let mut once = ids(&spans);
    once.dedup();
    assert_eq!(once.len(), SPANS, "nothing is missing");
}

#[test]
fn a_delivery_does_not_wait_for_a_collector_that_hangs() {
    let collector = Collector::that_hangs();
    let mut stack = Stack::bare().with_setting(ENDPOINT, &collector.url()).with_all_services();
    create_project(&stack);
    let mut stream = stack.stream();
    deliver(&stack, &mut stream, "carts:1");
    wait::until("the collector hangs", || {
        if collector.unanswered() > 0 { Ok(()) } else { Err("no request".to_owned()) }
    });
    let asked = collector.unanswered();
    for version in 2..=5 {
        deliver(&stack, &mut stream, &format!("carts:{version}"));
    }
    // On a slow machine one more may have been tried; a loop that waits would need many.
    assert!(collector.unanswered() <= asked + 1, "four deliveries went on while one request hung");
    assert_eq!(stack.service(CONTROLLER).stop(), Some(0), "neither does the end of a process");
}

/// Returns a figure of the controller.
fn figure(port: u16, name: &str) -> u64 {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the controller listens");
    let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("a request is taken");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer is text");
    let line = answer.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.and_then(|value| value.trim().parse().ok()).unwrap_or_else(|| panic!("{name}: {answer}"))
}

#[test]
fn a_collector_that_is_away_is_told_once_and_counted_and_used_when_it_is_there() {
    let address = Collector::nowhere();
    let mut stack = Stack::bare().with_setting(ENDPOINT, &format!("http://{address}"));
    for service in [CONFIG_STORE, STATUS_VIEW, STUB_EXECUTOR] {
        stack.run(service);
    }
    let free = TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr());
    let port = free.expect("a port is free").port();
    let health = [("HEALTH_ENDPOINT_PORT", &*port.to_string())];
    stack.run_with(CONTROLLER, CONTROLLER, &health);
    stack.wait_until_ready(&SERVICES);
    create_project(&stack);
    let mut stream = stack.stream();
    let mut dropped = 0;
    for version in 1..=2 {
        deliver(&stack, &mut stream, &format!("carts:{version}"));
        dropped = wait::until("the spans are dropped", || {
            let now = figure(port, "slipway_spans_dropped_total");
            if now > dropped { Ok(now) } else { Err(format!("{now} dropped")) }
        });
    }
    let warned = |stack: &mut Stack| stack.service(CONTROLLER).lines_with("spans are dropped");
    assert_eq!(warned(&mut stack).len(), 1, "{:?}", warned(&mut stack));

    let collector = Collector::at(address);
    let context = deliver(&stack, &mut stream, "carts:3");
    assert_eq!(spans_of(&collector, &context).len(), SPANS);
    let exported = figure(port, "slipway_spans_exported_total");
    assert!(exported >= SPANS as u64, "{exported}");
    let again = stack.service(CONTROLLER).lines_with("spans are exported again");
    assert_eq!((again.len(), warned(&mut stack).len()), (1, 1), "{again:?}");
}
