//! The happy path and the shape of events.

use model::KeptnContext;
use serde_json::{Value, json};
use testing::{Stream, carts, encoded, pass, shipyard, short};

use crate::support::{begin, bring, delivery, open_stages, project, states, viewed};

const DELIVERY: &str = "{name: dev, sequences: [{name: delivery, tasks: [
  {name: deployment, properties: {deploymentstrategy: direct}}, {name: test}, {name: release}]}]}";
const FOLLOWING: &str =
    "{name: hardening, sequences: [{name: delivery, tasks: [{name: deployment}],
  triggeredOn: [{event: dev.delivery.finished}]}]}";

fn started() -> (Stream, KeptnContext) {
    let mut stream = project(&shipyard(&[DELIVERY, FOLLOWING]));
    let context = begin(&mut stream, "dev.delivery");
    (stream, context)
}

/// Returns what `test` is sent when the trigger brought `given` and `deployment` answers `brought`.
fn merged(given: &Value, brought: &Value) -> Value {
    let mut stream = project(&shipyard(&[DELIVERY]));
    let mut data = carts("1");
    for (key, value) in given.as_object().unwrap() {
        data[key] = value.clone();
    }
    let (context, _) = stream.trigger("dev.delivery", data);
    stream.settle();
    stream.finish(&context, bring(brought));
    stream.data_of(&context, "test.triggered")
}

/// Case 1, same: a trigger is followed by exactly one event, the first task's `triggered`, in the
/// same context, from `shipyard-controller`, without a `triggeredid`, with the data of the trigger.
#[test]
fn case_1_a_trigger_is_followed_by_the_triggered_of_its_first_task() {
    let mut stream = project(&shipyard(&[DELIVERY]));
    let mut data = carts("1");
    data["extra"] = json!({"n": 1});
    let (context, _) = stream.trigger("dev.delivery", data);
    stream.settle();
    assert_eq!(stream.told(&context), ["deployment.triggered"]);
    let task = stream.open_task(&context);
    assert_eq!(task.event_type.to_string(), "sh.keptn.event.deployment.triggered");
    assert_eq!((&*task.source, task.triggered_id), ("shipyard-controller", None));
    let data = task.data.to_map();
    let scope = (&data["project"], &data["stage"], &data["service"], &data["extra"]);
    assert_eq!(scope, (&json!("p"), &json!("dev"), &json!("carts"), &json!({"n": 1})));
}

/// Case 2, same: `started` and `finished` with pass are followed by the next task under a new id.
#[test]
fn case_2_a_task_that_passes_is_followed_by_the_next_one_under_a_new_id() {
    let (mut stream, context) = started();
    let first = stream.open_task(&context);
    stream.finish(&context, pass());
    let second = stream.open_task(&context);
    assert_eq!(short(&second), "test.triggered");
    assert_ne!(second.id, first.id);
}

/// Case 3, same: behind the last task that passes comes `<stage>.<sequence>.finished` with the id of
/// the trigger as `triggeredid`, status succeeded and result pass.
#[test]
fn case_3_the_last_task_is_followed_by_the_end_of_the_sequence() {
    let mut stream = project(&shipyard(&[DELIVERY]));
    let (context, trigger) = stream.trigger("dev.delivery", carts("1"));
    stream.play(|_| "pass");
    assert_eq!(stream.told(&context).last().unwrap(), "dev.delivery.finished succeeded/pass");
    let end = stream.said().last().unwrap();
    assert_eq!((&end.context, &end.triggered_id), (&Some(context), &Some(trigger)));
}

/// Case 4, same: a `triggeredOn` carries the delivery into the next stage, with that stage in the
/// data and the same context.
#[test]
fn case_4_a_delivery_goes_on_into_the_stage_that_listens() {
    let (mut stream, context) = started();
    stream.play(|_| "pass");
    let trigger = stream.data_of(&context, "hardening.delivery.triggered");
    assert_eq!((&trigger["stage"], &trigger["service"]), (&json!("hardening"), &json!("carts")));
    assert_eq!(stream.told(&context).last().unwrap(), "hardening.delivery.finished succeeded/pass");
}

/// Case 5, same: the image that the trigger gave is in every `triggered` of a task, those of the
/// second stage included.
#[test]
fn case_5_the_image_of_the_trigger_is_in_every_task_of_every_stage() {
    let (mut stream, context) = started();
    stream.play(|_| "pass");
    let tasks = stream.said().filter(|event| {
        event.context.as_ref() == Some(&context)
            && event.triggered_id.is_none()
            && matches!(event.event_type, model::EventType::Task(..))
    });
    let images: Vec<Value> =
        tasks.map(|task| task.data.to_map()["configurationChange"]["values"].clone()).collect();
    assert_eq!(images, vec![json!({"image": "carts:1"}); 4]);
}

/// Case 6, same: the properties of a task are in its `triggered` under the name of the task.
#[test]
fn case_6_the_properties_of_a_task_stand_under_its_name() {
    let (stream, context) = started();
    let sent = stream.data_of(&context, "deployment.triggered");
    assert_eq!(sent["deployment"], json!({"deploymentstrategy": "direct"}));
}

/// Case 7, same: what the first task's `finished` brings is merged into what the second is sent.
#[test]
fn case_7_what_a_task_brings_is_sent_to_the_next_one() {
    let brought = json!({"deployment": {"deploymentURIsPublic": ["http://carts"]}});
    let sent = merged(&json!({"given": "yes"}), &brought);
    assert_eq!(sent["given"], "yes");
    assert_eq!(sent["deployment"]["deploymentURIsPublic"], json!(["http://carts"]));
}

/// Case 8, same: of a text that two tasks bring, the later one wins.
#[test]
fn case_8_of_two_texts_the_later_one_wins() {
    let (mut stream, context) = started();
    stream.finish(&context, bring(&json!({"uri": "first", "other": "kept"})));
    stream.finish(&context, bring(&json!({"uri": "second"})));
    let sent = stream.data_of(&context, "release.triggered");
    assert_eq!((&sent["uri"], &sent["other"]), (&json!("second"), &json!("kept")));
}

/// Case 9, differs: arrays are joined, newer items first. Because: an array equal to the one that
/// was sent is an echo and leaves it unchanged, where Keptn appends it again with every task.
#[test]
fn case_9_arrays_are_joined_newer_items_first() {
    let given = json!({"list": [1, 2], "echo": [1, 2]});
    let sent = merged(&given, &json!({"list": [3, 4], "echo": [1, 2]}));
    assert_eq!((&sent["list"], &sent["echo"]), (&json!([3, 4, 1, 2]), &json!([1, 2])));
}

/// Case 10, same: where the kinds of two values differ, the newer one replaces the older one, and
/// null gives way.
#[test]
fn case_10_of_values_of_different_kinds_the_newer_one_stays() {
    let rows = [
        (json!({"a": 1}), json!("text")),
        (json!(["a"]), json!("text")),
        (json!("text"), json!(["a"])),
        (json!("text"), json!({"a": 1})),
        (json!(null), json!({"a": 1})),
        (json!(null), json!("text")),
    ];
    for (older, newer) in rows {
        let sent = merged(&json!({"x": older}), &json!({"x": newer}));
        assert_eq!(sent["x"], newer, "{older} then {newer}");
    }
}

/// Case 11, same: the message of the executor before is empty in the next `triggered`.
#[test]
fn case_11_the_message_of_an_executor_is_not_sent_on() {
    let (mut stream, context) = started();
    stream.finish(&context, bring(&json!({"message": "all is well"})));
    assert_eq!(stream.data_of(&context, "test.triggered")["message"], "");
}

/// Case 12, same: the labels of the trigger are in each task's `triggered` and in the end.
#[test]
fn case_12_labels_are_in_every_task_and_in_the_end() {
    let mut stream = project(&shipyard(&[DELIVERY]));
    let mut data = carts("1");
    data["labels"] = json!({"build": "17"});
    let (context, _) = stream.trigger("dev.delivery", data);
    stream.play(|_| "pass");
    let kinds =
        ["deployment.triggered", "test.triggered", "release.triggered", "dev.delivery.finished"];
    for kind in kinds {
        assert_eq!(stream.data_of(&context, kind)["labels"], json!({"build": "17"}), "{kind}");
    }
}

/// Returns the `gitcommitid` of all events of a type.
fn commits(stream: &Stream, kind: &str) -> Vec<String> {
    let of_kind = stream.said().filter(|event| short(event) == kind);
    of_kind.map(|event| event.git_commit_id.clone().unwrap_or_default().into()).collect()
}

/// Case 13, differs: a `gitcommitid` of the trigger is on every task; without one the run is pinned.
/// Because: there is no Git below a stage; the id is the hash of the configuration that the run has,
/// 40 hex digits as a commit id.
#[test]
fn case_13_every_task_names_the_configuration_that_it_runs_with() {
    let mut stream = project(&shipyard(&[DELIVERY]));
    let mut event = stream.make("dev.delivery.triggered", carts("1"));
    event.git_commit_id = Some("abc".into());
    stream.store(event);
    stream.play(|_| "pass");
    for task in ["deployment", "test", "release"] {
        assert_eq!(commits(&stream, &format!("{task}.triggered")), ["abc"], "{task}");
    }
    let (mut stream, _) = started();
    stream.play(|_| "pass");
    let [first, _] = &commits(&stream, "deployment.triggered")[..] else { panic!("two stages") };
    assert!(first.len() == 40 && first.bytes().all(|byte| byte.is_ascii_hexdigit()), "{first}");
    assert_eq!(commits(&stream, "test.triggered"), [first.as_str()]);
}

/// Case 14, same: the second stage is pinned anew, to a configuration of its own.
#[test]
fn case_14_the_second_stage_is_pinned_to_its_own_configuration() {
    let mut stream = project(&shipyard(&[DELIVERY, FOLLOWING]));
    let mut event = stream.make("dev.delivery.triggered", carts("1"));
    event.git_commit_id = Some("abc".into());
    stream.store(event);
    stream.play(|_| "pass");
    assert_eq!(commits(&stream, "hardening.delivery.triggered"), [""], "not carried on");
    let pinned = commits(&stream, "deployment.triggered");
    assert_eq!(pinned[0], "abc");
    assert_eq!(pinned[1].len(), 40);
}

/// Case 15, same: every stage has a sequence `evaluation` of one task `evaluation`; one that the
/// shipyard defines wins.
#[test]
fn case_15_evaluation_is_built_in_and_the_shipyards_own_one_wins() {
    let own = "{name: own, sequences: [{name: evaluation, tasks: [{name: monitor}]}]}";
    let mut stream = project(&shipyard(&[DELIVERY, own]));
    for (stage, task) in [("dev", "evaluation.triggered"), ("own", "monitor.triggered")] {
        let context = begin(&mut stream, &format!("{stage}.evaluation"));
        stream.play(|_| "pass");
        let end = format!("{stage}.evaluation.finished succeeded/pass");
        assert_eq!(stream.told(&context), [task, end.as_str()]);
    }
}

/// Case 17, same: a sequence with two tasks of the same name runs both, under ids of their own.
#[test]
fn case_17_two_tasks_of_the_same_name_are_both_executed() {
    let twice = "{name: dev, sequences: [{name: d, tasks: [{name: test}, {name: test}]}]}";
    let mut stream = project(&shipyard(&[twice]));
    let context = begin(&mut stream, "dev.d");
    let first = stream.open_task(&context);
    stream.finish(&context, pass());
    let second = stream.open_task(&context);
    assert_eq!((short(&second), second.id != first.id), (short(&first), true));
    stream.finish(&context, pass());
    let told = ["test.triggered", "test.triggered", "dev.d.finished succeeded/pass"];
    assert_eq!(stream.told(&context), told);
}

/// Case 18, same: two stages that listen to the same end run side by side, and the view shows one
/// delivery with both.
#[test]
fn case_18_two_stages_that_listen_run_side_by_side_in_one_delivery() {
    let other = FOLLOWING.replace("name: hardening", "name: canary");
    let mut stream = viewed(&shipyard(&[DELIVERY, FOLLOWING, &other]));
    let context = begin(&mut stream, "dev.delivery");
    for _ in 0..3 {
        stream.finish(&context, pass());
    }
    assert_eq!(open_stages(&stream), ["hardening", "canary"]);
    assert_eq!(states(&stream, &context), ["dev finished", "hardening started", "canary started"]);
}

/// Case 19, differs: the deliveries of several projects are found by context. Because: a query names
/// one delivery, by its whole context or by an unambiguous beginning; who wants two asks twice.
#[test]
fn case_19_deliveries_of_several_projects_are_found_by_their_contexts() {
    let mut stream = viewed(&shipyard(&[DELIVERY]));
    stream.command(
        "project.create",
        json!({"project": "q", "shipyard": encoded(&shipyard(&[DELIVERY]))}),
    );
    stream.command("service.create", json!({"project": "q", "service": "carts"}));
    let one = begin(&mut stream, "dev.delivery");
    let (two, _) = stream.trigger("dev.delivery", json!({"project": "q", "service": "carts"}));
    stream.settle();
    for (context, project) in [(&one, "p"), (&two, "q")] {
        let found = delivery(&stream, context);
        let projects: Vec<&str> = found.sequences.iter().map(|run| run.project.as_str()).collect();
        assert_eq!((projects.as_slice(), &found.keptn_context), ([project].as_slice(), context));
    }
}
