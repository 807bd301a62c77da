//! Sequences that follow others: `triggeredOn`, its selectors, loops, and the built-in sequence.

use fold::sequence::FOLLOW_UPS_MAX;
use serde_json::json;

use crate::stream::{Stream, carts, pass, shipyard, verdict};

/// Runs `dev.d` with tasks `a` and `b`, which end as given, and tells whether a sequence with this
/// `triggeredOn` runs behind it.
fn follows(selector: &str, a: &'static str, b: &'static str) -> bool {
    let documents = shipyard(&[
        "{name: dev, sequences: [{name: d, tasks: [{name: a}, {name: b}]}]}",
        &format!(
            "{{name: hard, sequences: [{{name: d, tasks: [{{name: c}}],
            triggeredOn: [{{event: dev.d.finished{selector}}}]}}]}}"
        ),
    ]);
    let mut stream = Stream::with_project(&documents, &["carts"]);
    let (context, _) = stream.trigger("dev.d", carts("1"));
    stream.play(|task| match task.event_type.to_string().as_str() {
        "sh.keptn.event.a.triggered" => a,
        "sh.keptn.event.b.triggered" => b,
        _ => "pass",
    });
    let told = stream.told(&context);
    assert!(stream.is_empty());
    told.contains(&"hard.d.finished succeeded/pass".to_owned())
}

#[test]
fn without_a_selector_pass_and_warning_go_on() {
    assert!(follows("", "pass", "pass"));
    assert!(follows("", "pass", "warning"));
    assert!(!follows("", "pass", "fail"));
}

#[test]
fn a_selector_names_a_result_of_the_sequence() {
    let of = |result: &str| format!(", selector: {{match: {{result: {result}}}}}");
    assert!(follows(&of("pass"), "pass", "pass"));
    assert!(!follows(&of("pass"), "pass", "warning"));
    assert!(follows(&of("warning"), "pass", "warning"));
    assert!(follows(&of("fail"), "pass", "fail"));
    assert!(follows(&of("fail"), "fail", "pass"));
    assert!(!follows(&of("fail"), "pass", "pass"));
}

#[test]
fn failed_is_read_as_fail() {
    assert!(follows(", selector: {match: {result: failed}}", "pass", "fail"));
    assert!(!follows(", selector: {match: {result: failed}}", "pass", "pass"));
}

#[test]
fn a_selector_may_name_the_result_of_any_task() {
    assert!(follows(", selector: {match: {b.result: fail}}", "pass", "fail"));
    assert!(follows(", selector: {match: {a.result: warning}}", "warning", "pass"));
    assert!(!follows(", selector: {match: {a.result: warning}}", "pass", "warning"));
    assert!(!follows(", selector: {match: {b.result: pass}}", "fail", "pass"), "b did not run");
}

#[test]
fn one_of_several_keys_suffices_and_an_unknown_one_never_fits() {
    assert!(follows(", selector: {match: {result: warning, b.result: pass}}", "pass", "pass"));
    assert!(!follows(", selector: {match: {colour: pass}}", "pass", "pass"));
    assert!(!follows(", selector: {match: {c.result: pass}}", "pass", "pass"));
}

#[test]
fn an_errored_sequence_starts_its_rollback() {
    let documents = shipyard(&["{name: dev, sequences: [{name: d, tasks: [{name: a}]},
        {name: rollback, tasks: [{name: undo}],
         triggeredOn: [{event: dev.d.finished, selector: {match: {result: fail}}}]}]}"]);
    let mut stream = Stream::with_project(&documents, &["carts"]);
    let (context, _) = stream.trigger("dev.d", carts("1"));
    stream.settle();
    stream.finish(&context, verdict("errored", "fail"));
    stream.play(|_| "pass");
    assert_eq!(
        stream.told(&context),
        [
            "a.triggered",
            "dev.d.finished errored/fail",
            "dev.rollback.triggered",
            "undo.triggered",
            "dev.rollback.finished succeeded/pass"
        ]
    );
}

#[test]
fn an_executor_that_says_aborted_does_not_stop_the_delivery() {
    let documents = shipyard(&[
        "{name: dev, sequences: [{name: d, tasks: [{name: a}]}]}",
        "{name: hard, sequences: [{name: d, tasks: [{name: a}], triggeredOn: [{event: dev.d.finished}]}]}",
    ]);
    let mut stream = Stream::with_project(&documents, &["carts"]);
    let (context, _) = stream.trigger("dev.d", carts("1"));
    stream.settle();
    stream.finish(&context, verdict("aborted", "pass"));
    assert!(stream.told(&context).contains(&"hard.d.triggered".to_owned()));
}

#[test]
fn a_sequence_that_did_not_start_leads_nowhere() {
    let documents = shipyard(&[
        "{name: dev, sequences: [{name: d, tasks: []}]}",
        "{name: hard, sequences: [{name: d, tasks: [{name: a}],
          triggeredOn: [{event: dev.d.finished, selector: {match: {result: fail}}}]}]}",
    ]);
    let mut stream = Stream::with_project(&documents, &["carts"]);
    let (context, _) = stream.trigger("dev.d", carts("1"));
    stream.settle();
    assert_eq!(stream.told(&context), ["dev.d.finished errored/fail"]);
}

#[test]
fn two_sequences_that_follow_run_side_by_side_and_each_entry_counts() {
    let documents = shipyard(&[
        "{name: dev, sequences: [{name: d, tasks: [{name: a}]}]}",
        "{name: hard, sequences: [{name: d, tasks: [{name: a}], triggeredOn: [{event: dev.d.finished}]}]}",
        "{name: prod, sequences: [{name: d, tasks: [{name: a}],
          triggeredOn: [{event: dev.d.finished}, {event: dev.d.finished}]}]}",
    ]);
    let mut stream = Stream::with_project(&documents, &["carts"]);
    let (context, _) = stream.trigger("dev.d", carts("1"));
    stream.settle();
    stream.finish(&context, pass());
    let stages: Vec<String> = stream
        .open_tasks()
        .iter()
        .map(|task| task.data.head().stage.unwrap().into_owned())
        .collect();
    assert_eq!(stages, ["hard", "prod"], "the second run in prod is queued");
    assert_eq!(stream.world.sequences.runs().count(), 3);
    stream.play(|_| "pass");
    assert!(stream.is_empty());
}

#[test]
fn the_next_sequence_comes_from_the_shipyard_as_it_is_and_this_one_from_what_it_was() {
    let documents = |next: &str| {
        shipyard(&[
            &format!(
                "{{name: dev, sequences: [{{name: d, tasks: [{{name: a}}, {{name: {next}}}]}}]}}"
            ),
            &format!(
                "{{name: hard, sequences: [{{name: {next}, tasks: [{{name: c}}], triggeredOn: [{{event: dev.d.finished}}]}}]}}"
            ),
        ])
    };
    let mut stream = Stream::with_project(&documents("old"), &["carts"]);
    let (context, _) = stream.trigger("dev.d", carts("1"));
    stream.settle();
    let answer = stream.command(
        "project.update",
        json!({"project": "p",
        "shipyard": crate::stream::encoded(&documents("new"))}),
    );
    assert_eq!(answer["status"], "succeeded", "{answer}");
    stream.play(|_| "pass");
    assert_eq!(
        stream.told(&context),
        [
            "a.triggered",
            "old.triggered",
            "dev.d.finished succeeded/pass",
            "hard.new.triggered",
            "c.triggered",
            "hard.new.finished succeeded/pass"
        ]
    );
}

#[test]
fn a_loop_ends_errored_after_a_hundred() {
    let documents = shipyard(&["{name: dev, sequences: [{name: d, tasks: [{name: a}],
        triggeredOn: [{event: dev.d.finished}]}]}"]);
    let mut stream = Stream::with_project(&documents, &["carts"]);
    let (context, _) = stream.trigger("dev.d", carts("1"));
    stream.play(|_| "pass");
    let told = stream.told(&context);
    let count = |text: &str| told.iter().filter(|one| *one == text).count();
    let runs = usize::try_from(FOLLOW_UPS_MAX).unwrap() + 1;
    assert_eq!(count("dev.d.finished succeeded/pass"), runs, "the first and a hundred behind it");
    assert_eq!(count("dev.d.finished errored/fail"), 1);
    let end = stream.said().rfind(|event| event.event_type.to_string().ends_with("dev.d.finished"));
    let data = end.unwrap().data.to_map();
    assert_eq!(data["code"], "refused");
    assert!(data["hint"].as_str().unwrap().contains("triggeredOn"));
    assert!(stream.is_empty());
}

#[test]
fn a_loop_that_a_person_starts_again_begins_anew() {
    let documents = shipyard(&["{name: dev, sequences: [{name: d, tasks: [{name: a}],
        triggeredOn: [{event: dev.d.finished, selector: {match: {result: fail}}}]}]}"]);
    let mut stream = Stream::with_project(&documents, &["carts"]);
    for _ in 0..2 {
        let (context, _) = stream.trigger("dev.d", carts("1"));
        for _ in 0..60 {
            stream.settle();
            stream.finish(&context, verdict("succeeded", "fail"));
        }
        stream.play(|_| "pass");
        let told = stream.told(&context);
        assert_eq!(told.last().unwrap(), "dev.d.finished succeeded/pass");
    }
}

#[test]
fn every_stage_has_the_sequence_evaluation_and_its_own_one_wins() {
    let documents = shipyard(&[
        "{name: dev, sequences: []}",
        "{name: hard, sequences: [{name: evaluation, tasks: [{name: a}]}]}",
    ]);
    let mut stream = Stream::with_project(&documents, &["carts"]);
    for (stage, task) in [("dev", "evaluation.triggered"), ("hard", "a.triggered")] {
        let (context, _) = stream.trigger(&format!("{stage}.evaluation"), carts("1"));
        stream.play(|_| "pass");
        let end = format!("{stage}.evaluation.finished succeeded/pass");
        assert_eq!(stream.told(&context), [task, end.as_str()]);
    }
}

#[test]
fn a_trigger_under_the_id_of_a_follow_up_is_one_only_if_it_is_that_sequence() {
    let documents = shipyard(&[
        "{name: dev, sequences: [{name: d, tasks: [{name: a}]}]}",
        "{name: hard, sequences: [{name: d, tasks: [{name: a}], triggeredOn: [{event: dev.d.finished}]}]}",
    ]);
    let mut stream = Stream::with_project(&documents, &["carts"]);
    let (context, _) = stream.trigger("dev.d", carts("1"));
    stream.settle();
    let task = stream.open_task(&context);
    stream.answer(&task, "executor", "finished", pass());
    let end = stream.owed_in(&context).remove(0);
    stream.store(end);
    let follow_up = stream.owed_in(&context).remove(0);
    let mut forged = stream.make("hard.d.triggered", carts("9"));
    forged.id = follow_up.id.clone();
    stream.store(forged);
    let mut forged = stream.make("hard.evaluation.triggered", carts("9"));
    forged.id = follow_up.id.clone();
    forged.context = Some(context.clone());
    stream.store(forged);
    let owed = stream.owed_in(&context);
    assert!(owed.contains(&follow_up), "another delivery or sequence takes nothing away");
    stream.play(|_| "pass");
    assert!(stream.told(&context).contains(&"hard.d.finished succeeded/pass".to_owned()));
    assert!(stream.world.sequences.is_idle());
}
