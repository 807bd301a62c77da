//! Slots: one run at a time per project, stage and service, in the order of the stream.

use model::{Event, KeptnContext};
use serde_json::{Value, json};

use crate::stream::{Stream, encoded, pass, shipyard, short, verdict};

fn documents() -> String {
    shipyard(&[
        "{name: dev, sequences: [
          {name: d, tasks: [{name: a}, {name: b}]},
          {name: gate, tasks: [{name: approval}, {name: b}]},
          {name: risky, tasks: [{name: a}]},
          {name: rollback, tasks: [{name: undo}],
           triggeredOn: [{event: dev.risky.finished, selector: {match: {result: fail}}}]}]}",
        "{name: hard, sequences: [{name: d, tasks: [{name: a}]}]}",
    ])
}

fn stream() -> Stream {
    Stream::with_project(&documents(), &["x", "y", "z"])
}

/// Triggers a sequence for services: one plainly, several as a bracket.
fn trigger(stream: &mut Stream, kind: &str, services: &[&str]) -> KeptnContext {
    let data = if let [service] = services {
        json!({"project": "p", "service": service})
    } else {
        let members: serde_json::Map<String, Value> =
            services.iter().map(|name| ((*name).to_owned(), json!({}))).collect();
        json!({"project": "p", "services": members})
    };
    stream.trigger(kind, data).0
}

/// Returns who has an open task, by their place in `all`.
fn open(stream: &Stream, all: &[&KeptnContext]) -> Vec<usize> {
    let open: Vec<KeptnContext> =
        stream.open_tasks().into_iter().map(|task| task.context.unwrap()).collect();
    (0..all.len()).filter(|at| open.contains(all[*at])).collect()
}

/// Passes every task of a run.
fn end(stream: &mut Stream, context: &KeptnContext) {
    while stream.run(context).is_some_and(|run| run.open.is_some()) {
        stream.finish(context, pass());
    }
}

#[test]
fn a_second_run_starts_when_the_first_has_ended_and_not_before() {
    let mut stream = stream();
    let first = trigger(&mut stream, "dev.d", &["x"]);
    let second = trigger(&mut stream, "dev.d", &["x"]);
    stream.settle();
    assert_eq!(open(&stream, &[&first, &second]), [0]);
    stream.finish(&first, pass());
    assert_eq!(open(&stream, &[&first, &second]), [0], "task b");
    let task = stream.open_task(&first);
    stream.answer(&task, "executor", "finished", pass());
    assert!(stream.run(&second).unwrap().is_in_line(), "the end of the first is owed");
    let owed = stream.owed_in(&first).remove(0);
    stream.store(owed);
    assert_eq!(short(&stream.owed_in(&second)[0]), "a.triggered", "the event that frees the slot");
}

#[test]
fn ten_runs_run_in_the_order_of_their_triggers() {
    let mut stream = stream();
    let runs: Vec<KeptnContext> =
        (0..10).map(|_| trigger(&mut stream, "dev.risky", &["x"])).collect();
    let all: Vec<&KeptnContext> = runs.iter().collect();
    for (at, context) in runs.iter().enumerate() {
        stream.settle();
        assert_eq!(open(&stream, &all), [at]);
        stream.finish(context, pass());
    }
    assert!(stream.is_empty());
}

#[test]
fn other_services_stages_and_projects_do_not_wait() {
    let mut stream = stream();
    stream.command("project.create", json!({"project": "q", "shipyard": encoded(&documents())}));
    stream.command("service.create", json!({"project": "q", "service": "x"}));
    let one = trigger(&mut stream, "dev.d", &["x"]);
    let two = trigger(&mut stream, "dev.d", &["y"]);
    let three = trigger(&mut stream, "hard.d", &["x"]);
    let (four, _) = stream.trigger("dev.d", json!({"project": "q", "service": "x"}));
    stream.settle();
    assert_eq!(open(&stream, &[&one, &two, &three, &four]), [0, 1, 2, 3]);
}

#[test]
fn a_bracket_takes_all_its_services_or_none_and_nobody_overtakes_it() {
    let mut stream = stream();
    let first = trigger(&mut stream, "dev.d", &["x"]);
    let bracket = trigger(&mut stream, "dev.d", &["x", "y"]);
    let behind = trigger(&mut stream, "dev.d", &["y"]);
    let other = trigger(&mut stream, "dev.d", &["z"]);
    let all = [&first, &bracket, &behind, &other];
    stream.settle();
    assert_eq!(open(&stream, &all), [0, 3], "y is free, but the bracket stands before");
    end(&mut stream, &first);
    assert_eq!(open(&stream, &all), [1, 3]);
    end(&mut stream, &bracket);
    assert_eq!(open(&stream, &all), [2, 3]);
}

#[test]
fn an_abort_of_a_queued_run_lets_the_next_one_pass() {
    let mut stream = stream();
    let first = trigger(&mut stream, "dev.d", &["x"]);
    let bracket = trigger(&mut stream, "dev.d", &["x", "y"]);
    let behind = trigger(&mut stream, "dev.d", &["y"]);
    stream.settle();
    stream.control(&bracket, "abort", json!({"project": "p"}));
    stream.settle();
    assert_eq!(open(&stream, &[&first, &bracket, &behind]), [0, 2]);
    assert!(stream.run(&bracket).is_none());
    let told = stream.told(&bracket);
    assert_eq!(told, ["sequence.abort.finished succeeded/pass", "dev.d.finished aborted/pass"]);
}

#[test]
fn waiting_for_an_approval_is_not_wanting_and_its_place_is_kept() {
    let mut stream = stream();
    let gate = trigger(&mut stream, "dev.gate", &["x"]);
    let second = trigger(&mut stream, "dev.d", &["x"]);
    let third = trigger(&mut stream, "dev.d", &["x"]);
    let all = [&gate, &second, &third];
    stream.settle();
    assert_eq!(open(&stream, &all), [0, 1], "the approval, and the second run");
    let approval = stream.open_task(&gate);
    stream.answer(&approval, "tim", "finished", pass());
    stream.settle();
    assert_eq!(open(&stream, &all), [1], "it takes nothing from a run that holds");
    end(&mut stream, &second);
    assert_eq!(open(&stream, &all), [0], "but stands before the third");
}

#[test]
fn a_declined_approval_ends_the_run_without_waiting() {
    let mut stream = stream();
    let gate = trigger(&mut stream, "dev.gate", &["x"]);
    let second = trigger(&mut stream, "dev.d", &["x"]);
    stream.settle();
    let approval = stream.open_task(&gate);
    stream.answer(&approval, "tim", "finished", json!({"result": "pass"}));
    stream.settle();
    assert!(stream.told(&gate).contains(&"dev.gate.finished unknown/fail".to_owned()));
    assert_eq!(open(&stream, &[&gate, &second]), [1]);
}

#[test]
fn a_paused_run_lets_others_pass_and_takes_its_place_again() {
    let mut stream = stream();
    let first = trigger(&mut stream, "dev.d", &["x"]);
    let second = trigger(&mut stream, "dev.d", &["x"]);
    let third = trigger(&mut stream, "dev.d", &["x"]);
    let all = [&first, &second, &third];
    stream.settle();
    stream.control(&first, "pause", json!({"project": "p"}));
    stream.settle();
    assert_eq!(open(&stream, &all), [0], "it holds until its open task is done");
    stream.finish(&first, pass());
    assert_eq!(open(&stream, &all), [1]);
    stream.control(&first, "resume", json!({"project": "p"}));
    stream.settle();
    assert_eq!(open(&stream, &all), [1]);
    end(&mut stream, &second);
    assert_eq!(open(&stream, &all), [0]);
    assert_eq!(short(&stream.open_task(&first)), "b.triggered");
}

#[test]
fn a_rollback_runs_before_what_was_waiting() {
    let mut stream = stream();
    let risky = trigger(&mut stream, "dev.risky", &["x"]);
    let second = trigger(&mut stream, "dev.d", &["x"]);
    stream.settle();
    stream.finish(&risky, verdict("succeeded", "fail"));
    assert_eq!(open(&stream, &[&risky, &second]), [0]);
    assert_eq!(short(&stream.open_task(&risky)), "undo.triggered");
    end(&mut stream, &risky);
    assert_eq!(open(&stream, &[&risky, &second]), [1]);
}

#[test]
fn the_slot_is_kept_until_the_rollback_has_it() {
    let mut stream = stream();
    let risky = trigger(&mut stream, "dev.risky", &["x"]);
    let second = trigger(&mut stream, "dev.d", &["x"]);
    stream.settle();
    let task = stream.open_task(&risky);
    stream.answer(&task, "executor", "finished", verdict("succeeded", "fail"));
    for kind in ["dev.risky.finished", "dev.rollback.triggered", "undo.triggered"] {
        assert!(stream.owed_in(&second).is_empty(), "before {kind}");
        let owed = stream.owed_in(&risky).remove(0);
        assert!(short(&owed).starts_with(kind));
        stream.store(owed);
    }
    assert!(stream.owed_in(&second).is_empty());
}

#[test]
fn a_rollback_that_is_refused_gives_the_slot_back() {
    let mut stream = stream();
    let risky = trigger(&mut stream, "dev.risky", &["x"]);
    let second = trigger(&mut stream, "dev.d", &["x"]);
    stream.settle();
    let task = stream.open_task(&risky);
    stream.answer(&task, "executor", "finished", verdict("succeeded", "fail"));
    let end = stream.owed_in(&risky).remove(0);
    stream.store(end);
    let delete = stream.make("service.delete.triggered", json!({"project": "p", "service": "x"}));
    stream.store(delete);
    stream.settle();
    assert!(stream.told(&risky).contains(&"dev.rollback.finished errored/fail".to_owned()));
    assert_eq!(open(&stream, &[&risky, &second]), [1]);
}

#[test]
fn a_task_that_was_said_before_a_pause_was_seen_opens_and_counts() {
    let mut stream = stream();
    let first = trigger(&mut stream, "dev.d", &["x"]);
    let second = trigger(&mut stream, "dev.d", &["x"]);
    let late: Event = stream.owed_in(&first).remove(0);
    stream.control(&first, "pause", json!({"project": "p"}));
    stream.settle();
    assert_eq!(open(&stream, &[&first, &second]), [1]);
    stream.store(late);
    assert_eq!(open(&stream, &[&first, &second]), [0, 1], "both: what is in the stream stands");
    stream.finish(&first, pass());
    let run = stream.run(&first).unwrap();
    assert_eq!((run.tasks_done, run.is_paused, run.holds()), (1, true, false));
    end(&mut stream, &second);
    stream.control(&first, "resume", json!({"project": "p"}));
    stream.play(|_| "pass");
    assert!(stream.is_empty());
}

#[test]
fn a_task_that_was_said_before_an_abort_was_seen_opens_and_executors_are_told() {
    let mut stream = stream();
    let run = trigger(&mut stream, "dev.d", &["x"]);
    let late = stream.owed_in(&run).remove(0);
    stream.control(&run, "abort", json!({"project": "p"}));
    let first_end = stream.owed_in(&run).remove(0);
    stream.store(late.clone());
    let owed: Vec<String> = stream.owed_in(&run).iter().map(short).collect();
    assert_eq!(owed, ["dev.d.finished aborted/pass", "a.status.changed"]);
    let end = stream.owed_in(&run).remove(0);
    assert_eq!(first_end.id, late.id, "the step has one id");
    assert_ne!(end.id, first_end.id, "and the end takes the next number");
    stream.settle();
    stream.finish(&run, pass());
    assert!(stream.is_empty());
}

#[test]
fn an_end_that_was_said_before_an_abort_was_seen_is_the_end() {
    let mut stream = stream();
    let run = trigger(&mut stream, "dev.risky", &["x"]);
    stream.settle();
    let task = stream.open_task(&run);
    stream.answer(&task, "executor", "finished", pass());
    let late = stream.owed_in(&run).remove(0);
    assert_eq!(short(&late), "dev.risky.finished succeeded/pass");
    stream.control(&run, "abort", json!({"project": "p"}));
    let applied = stream.store(late);
    let fold::What::Ended(outcome) = &applied.facts[0].what else { panic!("{applied:?}") };
    assert!(outcome.is_success());
    assert!(stream.is_empty());
}

#[test]
fn fifty_services_and_a_deleted_project_leave_nothing_behind() {
    let names: Vec<String> = (0..50).map(|n| format!("s{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut stream = Stream::with_project(&documents(), &names);
    for name in &names {
        trigger(&mut stream, "dev.d", &[name]);
        trigger(&mut stream, "dev.d", &[name]);
    }
    stream.settle();
    assert_eq!(stream.open_tasks().len(), 50);
    stream.command("project.delete", json!({"project": "p"}));
    stream.play(|_| "pass");
    assert!(stream.is_empty());
    assert!(stream.world.sequences.is_idle());
}

#[test]
fn a_run_without_an_artifact_is_legal() {
    let mut stream = stream();
    let run = trigger(&mut stream, "dev.d", &["x"]);
    stream.play(|_| "pass");
    assert_eq!(stream.told(&run).last().unwrap(), "dev.d.finished succeeded/pass");
    assert_eq!(stream.data_of(&run, "a.triggered").get("configurationChange"), None);
}
