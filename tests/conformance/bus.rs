//! The bus, executors, and what a crash leaves: over a real nats-server, with the real services.

use std::thread;

use serde_json::{Value, json};
use testing::{Stream as Fold, encoded, pass, shipyard};
use tests::harness::{
    event::Entry,
    nats_client::NatsClient,
    stack::{CONFIG_STORE, CONTROLLER, SERVICES, STUB_EXECUTOR, Stack},
    stream::Stream,
    wait,
};

use crate::support::{begin, project};

const STAGE: &str = "{name: dev, sequences: [{name: d, tasks: [{name: a}, {name: b}]}]}";
/// The name of a second process of a service.
const SECOND: &str = "second";

/// Starts these services and creates a project `p`.
fn started(services: &[&str], stage: &str, uniform: Option<&str>) -> (Stack, Stream) {
    let mut stack = Stack::bare();
    for service in services {
        stack.run(service);
    }
    stack.wait_until_ready(services);
    let stream = stack.stream();
    let mut project = json!({"project": "p", "shipyard": encoded(&shipyard(&[stage]))});
    if let Some(uniform) = uniform {
        project["uniform"] = encoded(uniform).into();
    }
    // Triggers wait for the answers, so nobody else has to.
    let client = stream.client();
    publish(client, "project.create.triggered", ("p", "p"), &json!({"data": project}));
    for service in ["s1", "s2", "s3", "s4"] {
        let data = json!({"data": {"project": "p", "service": service}});
        publish(client, "service.create.triggered", (service, service), &data);
    }
    (stack, stream)
}

/// Publishes an event as an executor or a user does: plain NATS, no header, no acknowledgement.
fn publish(client: &NatsClient, kind: &str, (context, id): (&str, &str), more: &Value) {
    let subject = format!("sh.keptn.event.{kind}");
    let mut event = json!({
        "specversion": "1.0", "id": id, "source": "a-test", "type": subject,
        "shkeptncontext": context,
    });
    for (key, value) in more.as_object().unwrap() {
        event[key] = value.clone();
    }
    client.publish(&subject, event.to_string().as_bytes());
}

/// Triggers a sequence in dev; the context is the id, too.
fn trigger(stream: &Stream, sequence: &str, service: &str, context: &str) {
    let data = json!({"data": {"project": "p", "stage": "dev", "service": service}});
    publish(stream.client(), &format!("dev.{sequence}.triggered"), (context, context), &data);
}

/// Answers a task.
fn answer(client: &NatsClient, task: &Entry, kind: &str, source: &str) {
    let name = task.short().trim_end_matches(".triggered");
    let id = format!("{}-{source}-{kind}", task.attribute("id"));
    let more = json!({"source": source, "triggeredid": task.attribute("id"), "data": pass()});
    publish(client, &format!("{name}.{kind}"), (task.context(), &id), &more);
}

#[track_caller]
fn wait_for(stream: &mut Stream, context: &str, kind: &str) -> Entry {
    stream.wait_for(kind, |entry| entry.context() == context && entry.short() == kind)
}

/// Waits for a task and passes it.
#[track_caller]
fn pass_task(stream: &mut Stream, context: &str, task: &str) {
    let task = wait_for(stream, context, &format!("{task}.triggered"));
    answer(stream.client(), &task, "started", "executor");
    answer(stream.client(), &task, "finished", "executor");
}

/// Passes both tasks and waits for the end.
#[track_caller]
fn pass_all(stream: &mut Stream, context: &str) {
    pass_task(stream, context, "a");
    pass_task(stream, context, "b");
    let end = wait_for(stream, context, "dev.d.finished");
    assert_eq!((end.text("/status"), end.text("/result")), ("succeeded", "pass"), "{end:?}");
}

/// Returns the sources of all events of a type in a context.
fn sources<'a>(stream: &'a Stream, context: &str, kind: &str) -> Vec<&'a str> {
    let fits = |entry: &&Entry| entry.context() == context && entry.short() == kind;
    stream.entries().iter().filter(fits).map(|entry| entry.attribute("source")).collect()
}

/// Case 16, differs: an evaluation is triggered and its context returned. Because: it is a command of
/// the command line, `keptn trigger evaluation`, and not an HTTP route.
#[test]
fn case_16_an_evaluation_is_triggered_by_a_command_that_returns_its_context() {
    let (stack, mut stream) = started(&SERVICES, STAGE, None);
    // The command line looks the names up.
    wait_for(&mut stream, "s4", "service.create.finished");
    let line = ["trigger", "evaluation", "--project=p", "--stage=dev", "--service=s1"];
    let context = stack.user.keptn(&line).done();
    let trigger = wait_for(&mut stream, context.trim(), "dev.evaluation.triggered");
    assert_eq!(trigger.text("/service"), "s1");
    wait_for(&mut stream, context.trim(), "evaluation.triggered");
}

/// Case 29, same: executors that answer at the same time, with two controllers: exactly one
/// continuation.
#[test]
fn case_29_answers_at_the_same_time_are_followed_by_one_task() {
    let (mut stack, mut stream) = started(&[CONFIG_STORE, CONTROLLER], STAGE, None);
    stack.run_as(SECOND, CONTROLLER);
    trigger(&stream, "d", "s1", "c");
    let task = wait_for(&mut stream, "c", "a.triggered");
    let port = stack.nats.port();
    let names: Vec<String> = (0..8).map(|n| format!("executor-{n}")).collect();
    for kind in ["started", "finished"] {
        thread::scope(|scope| {
            for name in &names {
                scope.spawn(|| {
                    let client = NatsClient::connect(port).unwrap();
                    answer(&client, &task, kind, name);
                    // The connection is closed behind what it sent.
                    client.request("$JS.API.INFO", b"").unwrap();
                });
            }
        });
    }
    pass_task(&mut stream, "c", "b");
    wait_for(&mut stream, "c", "dev.d.finished");
    assert_eq!(sources(&stream, "c", "a.finished").len(), names.len());
    assert_eq!(sources(&stream, "c", "b.triggered"), [CONTROLLER], "{}", stream.tail());
}

/// Case 74, same: a controller that is started again between `started` and `finished` goes on with
/// the run.
#[test]
fn case_74_a_run_goes_on_when_the_controller_is_started_again() {
    let (mut stack, mut stream) = started(&[CONFIG_STORE, CONTROLLER], STAGE, None);
    trigger(&stream, "d", "s1", "c");
    let task = wait_for(&mut stream, "c", "a.triggered");
    answer(stream.client(), &task, "started", "executor");
    wait_for(&mut stream, "c", "a.started");
    stack.kill_and_restart(CONTROLLER);
    answer(stream.client(), &task, "finished", "executor");
    pass_task(&mut stream, "c", "b");
    wait_for(&mut stream, "c", "dev.d.finished");
    assert_eq!(stream.tasks("c", "dev").len(), 2, "each once: {}", stream.tail());
}

/// Case 75, differs: a controller that is killed right behind the trigger starts the run when it is
/// back. Because: Keptn acknowledges an event before it has handled it, and loses it; here it is read
/// again.
#[test]
fn case_75_a_run_starts_although_the_controller_was_killed_behind_its_trigger() {
    let (mut stack, mut stream) = started(&[CONFIG_STORE, CONTROLLER], STAGE, None);
    for service in ["s1", "s2", "s3"] {
        trigger(&stream, "d", service, service);
        wait_for(&mut stream, service, "dev.d.triggered");
        stack.kill_and_restart(CONTROLLER);
        pass_all(&mut stream, service);
        assert_eq!(sources(&stream, service, "a.triggered"), [CONTROLLER]);
    }
}

/// Case 91, same: an event that was published before the controller subscribes is delivered to it.
#[test]
fn case_91_what_was_published_before_the_start_is_handled() {
    let (mut stack, mut stream) = started(&[CONFIG_STORE], STAGE, None);
    trigger(&stream, "d", "s1", "c");
    wait_for(&mut stream, "c", "dev.d.triggered");
    stack.run(CONTROLLER);
    pass_all(&mut stream, "c");
}

/// Case 92, same: a stream that exists with wrong subjects is corrected at the start.
#[test]
fn case_92_a_stream_with_wrong_subjects_is_corrected() {
    let mut stack = Stack::bare();
    let client = NatsClient::connect(stack.nats.port()).unwrap();
    let wrong = json!({"name": "keptn", "subjects": ["elsewhere.>"], "storage": "file"});
    let created = client.request("$JS.API.STREAM.CREATE.keptn", wrong.to_string().as_bytes());
    assert!(created.unwrap()["error"].is_null());
    stack.run(CONTROLLER);
    wait::until("the subjects are corrected", || {
        let info = client.request("$JS.API.STREAM.INFO.keptn", b"")?;
        let subjects = &info["config"]["subjects"];
        if *subjects == json!(["sh.keptn.>"]) { Ok(()) } else { Err(subjects.to_string()) }
    });
}

/// Case 93, same: with two controllers each event is processed once.
#[test]
fn case_93_two_controllers_process_each_event_once() {
    let (mut stack, mut stream) = started(&[CONFIG_STORE, CONTROLLER], STAGE, None);
    stack.run_as(SECOND, CONTROLLER);
    for context in ["c1", "c2", "c3", "c4", "c5"] {
        trigger(&stream, "d", "s1", context);
        pass_all(&mut stream, context);
        for kind in ["a.triggered", "b.triggered", "dev.d.finished"] {
            assert_eq!(sources(&stream, context, kind), [CONTROLLER], "{}", stream.tail());
        }
    }
    let mut ids: Vec<&str> = stream.entries().iter().map(|entry| entry.attribute("id")).collect();
    let stored = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), stored, "{}", stream.tail());
}

/// Case 94, same: a malformed message is skipped, and the next one is handled.
#[test]
fn case_94_a_malformed_message_is_skipped() {
    let (_stack, mut stream) = started(&[CONFIG_STORE, CONTROLLER], STAGE, None);
    stream.client().publish("sh.keptn.event.dev.d.triggered", b"hello");
    trigger(&stream, "d", "s1", "c");
    pass_all(&mut stream, "c");
}

/// Case 95, differs: NATS is not there at the start, or its address is empty. Because: a command ends
/// with an error, but a service waits until NATS is there; an empty address is the default one.
#[test]
fn case_95_a_service_waits_for_nats_and_a_command_does_not_hang() {
    let mut stack = Stack::bare();
    stack.nats.kill();
    stack.run(CONTROLLER);
    let said = stack.user.keptn(&["get", "project"]);
    assert_eq!((said.code, said.stderr.starts_with("error: ")), (3, true), "{said:?}");
    stack.nats.restart();
    stack.wait_until_ready(&[CONTROLLER]);
    let empty = bus::ConnectOptions::read("test", |_| Some(String::new())).unwrap();
    assert_eq!(empty.shown_urls(), "nats://127.0.0.1:4222");
}

/// Returns who is awaited by the first task of a new run.
fn awaited(stream: &mut Fold) -> Vec<String> {
    let context = begin(stream, "dev.d");
    let task = stream.run(&context).unwrap().open.clone().unwrap();
    let awaited: Vec<String> = task.awaited().map(ToString::to_string).collect();
    let sent = stream.open_task(&context);
    for source in &awaited {
        stream.answer(&sent, source, "finished", pass());
    }
    stream.play(|_| "pass");
    awaited
}

/// Case 96, differs: executors register, change their subscriptions, ping, and are removed. Because:
/// an executor only subscribes to NATS; who is waited for stands in the uniform of the project, which
/// is created, changed and taken out by commands.
#[test]
fn case_96_the_uniform_of_a_project_says_who_is_waited_for() {
    let uniform = |name: &str| {
        encoded(&format!("spec: {{services: [{{name: {name}, events: [a.triggered]}}]}}"))
    };
    let mut stream = project(&shipyard(&[STAGE]));
    assert_eq!(awaited(&mut stream), [""; 0]);
    for (document, expected) in [
        (json!(uniform("one")), vec!["one"]),
        (json!(uniform("one")), vec!["one"]),
        (json!(uniform("two")), vec!["two"]),
        (Value::Null, vec![]),
    ] {
        let answer = stream.command("project.update", json!({"project": "p", "uniform": document}));
        assert_eq!(answer["status"], "succeeded", "{answer}");
        assert_eq!(awaited(&mut stream), expected);
    }
}

/// Case 97, differs: only executors whose filter fits answer, and of several processes of one executor
/// only one. Because: a filter is a selector over the properties of the task; the stub executors share
/// a consumer for each name instead of a queue group.
#[test]
fn case_97_who_fits_answers_and_of_two_processes_one() {
    let stage = "{name: dev, sequences: [{name: d, tasks: [{name: a, properties: {kind: fast}}]}]}";
    let uniform = "
spec:
  services:
    - {name: fits, events: [a.triggered], selector: {matchLabels: {kind: fast}}}
    - {name: other, events: [a.triggered], selector: {matchLabels: {kind: slow}}}
";
    let services = [CONFIG_STORE, CONTROLLER, STUB_EXECUTOR];
    let (mut stack, mut stream) = started(&services, stage, Some(uniform));
    stack.run_as(SECOND, STUB_EXECUTOR);
    for context in ["c1", "c2", "c3", "c4", "c5"] {
        trigger(&stream, "d", "s1", context);
        wait_for(&mut stream, context, "dev.d.finished");
        for kind in ["a.started", "a.finished"] {
            assert_eq!(sources(&stream, context, kind), ["fits"], "{}", stream.tail());
        }
    }
}

/// Case 98, differs: an executor answers started and finished by itself, errored when it fails, and
/// not at all when it has nothing to say or nothing fits. Because: there is no library for executors;
/// stub-executor answers as the rules of the uniform say.
#[test]
fn case_98_an_executor_answers_by_itself() {
    let stage = "{name: dev, sequences: [
      {name: d, tasks: [{name: work}]}, {name: lonely, tasks: [{name: nobody}]}]}";
    let uniform = "
spec:
  services:
    - name: worker
      events: [work.triggered]
      stub:
        - {service: s1, silent: true}
        - {service: s2, status: errored, result: fail, message: no disk left}
";
    let services = [CONFIG_STORE, CONTROLLER, STUB_EXECUTOR];
    let (_stack, mut stream) = started(&services, stage, Some(uniform));
    trigger(&stream, "d", "s1", "silent");
    wait_for(&mut stream, "silent", "work.triggered");
    trigger(&stream, "lonely", "s4", "lonely");
    wait_for(&mut stream, "lonely", "nobody.triggered");
    trigger(&stream, "d", "s2", "failing");
    trigger(&stream, "d", "s3", "passing");
    let failed = wait_for(&mut stream, "failing", "dev.d.finished");
    let told = (failed.text("/status"), failed.text("/result"), failed.text("/message"));
    assert_eq!(told, ("errored", "fail", "no disk left"));
    let passed = wait_for(&mut stream, "passing", "dev.d.finished");
    assert_eq!((passed.text("/status"), passed.text("/result")), ("succeeded", "pass"));
    for context in ["failing", "passing"] {
        assert_eq!(sources(&stream, context, "work.started"), ["worker"], "{context}");
        assert_eq!(sources(&stream, context, "work.finished"), ["worker"], "{context}");
    }
    // The tasks of one executor are handled in order, so the silent one has been.
    for (context, task) in [("silent", "work"), ("lonely", "nobody")] {
        for kind in ["started", "finished"] {
            assert_eq!(sources(&stream, context, &format!("{task}.{kind}")), [""; 0], "{context}");
        }
    }
}
