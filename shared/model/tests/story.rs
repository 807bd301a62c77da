//! The forms in which the story writes its documents, read to the end.
#![cfg(test)]

use model::{Shipyard, TaskName, Uniform};
use serde_json::{Value, json};

/// Returns each sequence as `stage.sequence <- causes: tasks`.
fn lines(text: &str) -> Vec<String> {
    let reading = Shipyard::read(text);
    assert_eq!((&reading.errors, &reading.warnings), (&vec![], &vec![]));
    let mut lines = Vec::new();
    for stage in reading.value.unwrap().stages {
        for sequence in &stage.sequences {
            let causes: Vec<&str> =
                sequence.triggered_on.iter().map(|cause| cause.event.as_str()).collect();
            let tasks: Vec<String> =
                (0..sequence.tasks.len()).filter_map(|at| sequence.task_label(at)).collect();
            let causes = causes.join(" ");
            lines.push(format!(
                "{}.{} <- {causes}: {}",
                stage.name,
                sequence.name,
                tasks.join(", ")
            ));
        }
    }
    lines
}

/// Returns the executors of a task with these properties.
fn executors(text: &str, task: &str, properties: &Value) -> Vec<String> {
    let uniform = Uniform::read(text).into_result().unwrap();
    let task = TaskName::new(task).unwrap();
    let found = uniform.executors(&task, properties.as_object().unwrap());
    found.map(|service| service.name.to_string()).collect()
}

#[test]
fn workflows_become_sequences_in_order() {
    assert_eq!(
        lines(include_str!("documents/story-1.yaml")),
        [
            "dev.artifact-delivery <- : deployment, test, evaluation, release",
            "hardening.artifact-delivery <- : deployment, test (functional), test (performance), evaluation, release",
            "production.artifact-delivery <- : update, deployment, approval, release",
            "production.problem-remediation <- : remediation, test",
        ]
    );
}

#[test]
fn pull_follows_the_preceding_stage_and_starts_only_the_sequence_it_names() {
    assert_eq!(
        lines(include_str!("documents/story-2.yaml")),
        [
            "dev.artifact-delivery <- : update, deployment, release",
            "hardening.artifact-delivery <- dev.artifact-delivery.finished: update, release",
            "production.artifact-delivery <- hardening.artifact-delivery.finished: release",
            "production.problem-remediation <- : remediation, test",
        ]
    );
}

#[test]
fn the_properties_of_a_task_map_are_kept() {
    let shipyard = Shipyard::read(include_str!("documents/story-1.yaml")).into_result().unwrap();
    let approval = &shipyard.stages[2].sequences[0].tasks[2];
    let properties = Value::Object(approval.properties.clone());
    assert_eq!(properties, json!({"pass": "automatic", "warning": "manual"}));
    assert_eq!(shipyard.version, "0.1.1");
}

#[test]
fn an_executor_is_chosen_by_the_properties_of_the_task() {
    let first = include_str!("documents/uniform-1.yaml");
    let second = include_str!("documents/uniform-2.yaml");
    let approval = json!({"pass": "automatic", "warning": "manual"});
    for text in [first, second] {
        assert_eq!(executors(text, "test", &json!({"kind": "performance"})), ["jmeter-service"]);
        assert_eq!(executors(text, "approval", &approval), ["approval-service"]);
        assert_eq!(executors(text, "approval", &json!({"pass": "manual"})), [""; 0]);
        assert_eq!(
            executors(text, "deployment", &json!({"strategy": "direct"})),
            ["deployment-service"]
        );
    }
    assert_eq!(executors(first, "test", &json!({"kind": "real_user"})), ["wait-service"]);
    assert_eq!(executors(first, "evaluation", &json!({"any": 1})), ["evaluation-service"]);
    assert_eq!(executors(second, "update", &json!({})), ["update-service"]);
}

#[test]
fn a_task_with_two_keys_is_refused_with_its_place() {
    let text = "version: 0.1.2\nspec:\n  stages:\n  - name: dev\n    workflows:\n      a:\n      - x:\n        y: 1\n";
    let errors = Shipyard::read(text).errors;
    assert_eq!(
        errors[0].to_string(),
        "line 7, column 9: a task must be a mapping with one key, its name, has 2"
    );
}

#[test]
fn a_pull_without_effect_is_warned_of() {
    let text = "version: 0.1.2\nspec:\n  stages:\n  - name: dev\n    pull: [a]\n    workflows: {a: [t]}\n  \
                - name: prod\n    pull: [b, c]\n    workflows: {a: [t], c: [t]}\n";
    let warnings: Vec<String> =
        Shipyard::read(text).warnings.iter().map(|warning| warning.message.clone()).collect();
    assert_eq!(
        warnings,
        [
            "`pull` has no effect: there is nothing to follow",
            "`pull: b` has no effect: this stage has no such workflow",
            "triggeredOn `dev.c.finished` never happens: stage `dev` has no sequence `c`",
        ]
    );
}
