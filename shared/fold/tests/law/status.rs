//! The stage status: what is released and evaluated, and what a sync takes over.

use fold::{plan, stage::Delivered};
use model::{KeptnContext, ServiceName, StageName, TaskResult, view::ServiceState};
use serde_json::{Value, json};

use crate::stream::{Stream, carts, pass, shipyard, verdict};

fn stream() -> Stream {
    let documents = shipyard(&[
        "{name: dev, sequences: [
          {name: d, tasks: [{name: deployment}, {name: evaluation}, {name: release}]},
          {name: twice, tasks: [{name: deployment}, {name: evaluation}, {name: test}, {name: evaluation}]},
          {name: build, tasks: [{name: build}, {name: deployment}, {name: evaluation}]},
          {name: check, tasks: [{name: evaluation}]},
          {name: quality, tasks: [{name: test}]}]}",
        "{name: hard, sequences: [{name: d, tasks: [{name: deployment}, {name: evaluation}, {name: release}]},
          {name: quality, tasks: [{name: test}]}]}",
        "{name: plain, sequences: [{name: d, tasks: [{name: deployment}]}]}",
    ]);
    Stream::with_project(&documents, &["carts", "db"])
}

/// Runs a sequence for `carts`; tasks named in `bad` end so, all others pass.
fn run(
    stream: &mut Stream,
    kind: &str,
    version: &str,
    bad: &[(&str, &'static str)],
) -> KeptnContext {
    let (context, _) = stream.trigger(kind, carts(version));
    stream.play(|task| {
        let name = task.event_type.to_string();
        bad.iter().find(|(task, _)| name.contains(task)).map_or("pass", |(_, result)| result)
    });
    context
}

fn delivered(stream: &Stream, stage: &str) -> Delivered {
    let project = stream.world.catalog.project("p").unwrap();
    let stage = StageName::new(stage).unwrap();
    let service = ServiceName::new("carts").unwrap();
    let found = stream.world.stages.delivered(&project.name, &stage, &service);
    found.cloned().unwrap_or_default()
}

/// Returns `released evaluated` of `carts` in a stage.
fn marks(stream: &Stream, stage: &str) -> String {
    let here = delivered(stream, stage);
    let released = here.released.as_ref().map_or("-", |one| &one.artifact);
    let evaluated = here.evaluated().map_or("-", |one| &one.artifact);
    format!("{released} {evaluated}").replace("carts:", "")
}

/// Returns how `carts` in `hard` stands to `dev`.
fn state(stream: &Stream) -> (ServiceState, bool, Option<String>) {
    let project = stream.world.catalog.project("p").unwrap();
    let (dev, hard) = (StageName::new("dev").unwrap(), StageName::new("hard").unwrap());
    let rows = plan::compare(&stream.world.stages, project, &hard, Some(&dev));
    let row = &rows[0];
    let newer = row.not_eligible.as_ref().map(|one| one.artifact.replace("carts:", ""));
    (row.state, row.differs(), newer)
}

#[test]
fn a_run_that_passes_releases_and_is_evaluated() {
    let mut stream = stream();
    let context = run(&mut stream, "dev.d", "1", &[]);
    assert_eq!(marks(&stream, "dev"), "1 1");
    let here = delivered(&stream, "dev");
    let evaluated = here.evaluated().unwrap();
    assert_eq!((&evaluated.context, evaluated.result), (&context, TaskResult::Pass));
    let said = &stream.events[usize::try_from(evaluated.position).unwrap() - 1];
    assert_eq!(
        &*said.subject, "sh.keptn.event.evaluation.finished",
        "it names the event that says so"
    );
    assert_eq!(evaluated.at, said.time);
    let released =
        stream.events.iter().rfind(|stored| stored.subject.ends_with("release.finished"));
    assert_eq!(here.released.unwrap().at, released.unwrap().time);
}

#[test]
fn a_warning_counts_and_is_known_as_one() {
    let mut stream = stream();
    run(&mut stream, "dev.d", "1", &[("evaluation", "warning")]);
    assert_eq!(marks(&stream, "dev"), "1 1");
    assert_eq!(delivered(&stream, "dev").evaluated().unwrap().result, TaskResult::Warning);
}

#[test]
fn the_mark_of_an_evaluation_stays_when_the_release_fails() {
    let mut stream = stream();
    run(&mut stream, "dev.d", "1", &[("release", "fail")]);
    assert_eq!(marks(&stream, "dev"), "- 1");
}

#[test]
fn a_failed_evaluation_of_the_same_artifact_takes_the_mark_away_and_the_one_before_counts() {
    let mut stream = stream();
    run(&mut stream, "dev.d", "1", &[]);
    run(&mut stream, "dev.d", "2", &[]);
    assert_eq!(marks(&stream, "dev"), "2 2");
    run(&mut stream, "dev.d", "3", &[("evaluation", "fail")]);
    assert_eq!(marks(&stream, "dev"), "2 2", "another artifact");
    run(&mut stream, "dev.d", "2", &[("evaluation", "fail")]);
    assert_eq!(marks(&stream, "dev"), "2 1");
    run(&mut stream, "dev.d", "1", &[("evaluation", "fail")]);
    assert_eq!(marks(&stream, "dev"), "2 -");
    run(&mut stream, "dev.d", "2", &[]);
    assert_eq!(marks(&stream, "dev"), "2 2", "and it can be earned again");
}

#[test]
fn the_stack_of_evaluated_artifacts_is_bounded() {
    let mut stream = stream();
    for version in 0..300 {
        run(&mut stream, "dev.d", &version.to_string(), &[]);
    }
    let here = delivered(&stream, "dev");
    assert!(!here.was_evaluated("carts:43"));
    assert!(here.was_evaluated("carts:44"));
    for _ in 0..300 {
        run(&mut stream, "dev.d", "299", &[]);
    }
    assert!(delivered(&stream, "dev").was_evaluated("carts:44"), "each artifact stands once");
}

#[test]
fn only_the_last_evaluation_of_a_sequence_counts() {
    let mut stream = stream();
    let (context, _) = stream.trigger("dev.twice", carts("1"));
    stream.settle();
    for _ in 0..3 {
        assert_eq!(marks(&stream, "dev"), "- -");
        stream.finish(&context, pass());
    }
    assert_eq!(marks(&stream, "dev"), "- -");
    stream.finish(&context, pass());
    assert_eq!(marks(&stream, "dev"), "1 1", "without a release task the end releases");
}

#[test]
fn in_a_stage_without_evaluations_a_run_that_succeeds_is_evaluated() {
    let mut stream = stream();
    run(&mut stream, "plain.d", "1", &[]);
    assert_eq!(marks(&stream, "plain"), "1 1");
    run(&mut stream, "plain.d", "2", &[("deployment", "fail")]);
    assert_eq!(marks(&stream, "plain"), "1 1");
}

#[test]
fn a_run_that_only_evaluates_marks_what_is_released() {
    let mut stream = stream();
    run(&mut stream, "dev.check", "9", &[]);
    assert_eq!(marks(&stream, "dev"), "- -", "nothing is released");
    run(&mut stream, "dev.d", "1", &[]);
    run(&mut stream, "dev.check", "9", &[("evaluation", "fail")]);
    assert_eq!(marks(&stream, "dev"), "1 -", "its own image is ignored");
    run(&mut stream, "dev.check", "9", &[("evaluation", "warning")]);
    assert_eq!(marks(&stream, "dev"), "1 1");
}

#[test]
fn a_run_that_neither_delivers_nor_evaluates_marks_nothing() {
    let mut stream = stream();
    run(&mut stream, "dev.quality", "1", &[]);
    assert_eq!(marks(&stream, "dev"), "- -");
}

#[test]
fn a_run_without_an_artifact_marks_nothing_and_a_build_marks_what_it_brought() {
    let mut stream = stream();
    stream.trigger("dev.d", json!({"project": "p", "service": "carts"}));
    stream.play(|_| "pass");
    assert_eq!(marks(&stream, "dev"), "- -");
    let (context, _) = stream.trigger("dev.build", json!({"project": "p", "service": "carts"}));
    stream.settle();
    let mut built = pass();
    built["configurationChange"] = json!({"values": {"image": "carts:7"}});
    stream.finish(&context, built);
    let newest = delivered(&stream, "dev").newest.unwrap();
    assert_eq!((&*newest.artifact, newest.outcome), ("carts:7", None), "under way");
    stream.play(|_| "pass");
    assert_eq!(marks(&stream, "dev"), "7 7");
}

#[test]
fn the_newest_artifact_is_that_of_the_newest_run() {
    let mut stream = stream();
    let (first, _) = stream.trigger("dev.build", json!({"project": "p", "service": "carts"}));
    stream.trigger("dev.d", carts("8"));
    stream.settle();
    let mut built = pass();
    built["configurationChange"] = json!({"values": {"image": "carts:7"}});
    stream.finish(&first, built);
    let newest = |stream: &Stream| {
        let newest = delivered(stream, "dev").newest.unwrap();
        (newest.artifact, newest.outcome.is_some())
    };
    assert_eq!(newest(&stream), ("carts:8".into(), false), "it is queued");
    stream.finish(&first, verdict("succeeded", "fail"));
    assert!(stream.run(&first).is_none());
    assert_eq!(newest(&stream), ("carts:8".into(), false), "the end of another run");
}

#[test]
fn an_aborted_run_marks_nothing_more() {
    let mut stream = stream();
    let (context, _) = stream.trigger("dev.d", carts("1"));
    stream.settle();
    stream.finish(&context, pass());
    stream.control(&context, "abort", json!({"project": "p"}));
    stream.settle();
    stream.finish(&context, pass());
    assert_eq!(marks(&stream, "dev"), "- -");
}

#[test]
fn a_service_is_behind_ahead_new_not_eligible_or_in_sync() {
    let mut stream = stream();
    run(&mut stream, "dev.d", "1", &[("evaluation", "fail")]);
    assert_eq!(state(&stream), (ServiceState::NotEligible, false, Some("1".into())));
    run(&mut stream, "dev.d", "2", &[]);
    assert_eq!(state(&stream), (ServiceState::New, true, None));
    run(&mut stream, "hard.d", "hotfix", &[]);
    assert_eq!(state(&stream), (ServiceState::Ahead, true, None));
    run(&mut stream, "hard.d", "2", &[]);
    assert_eq!(state(&stream), (ServiceState::InSync, false, None));
    run(&mut stream, "dev.d", "3", &[]);
    assert_eq!(state(&stream), (ServiceState::Behind, true, None));
    run(&mut stream, "dev.d", "4", &[("evaluation", "fail")]);
    assert_eq!(
        state(&stream),
        (ServiceState::Behind, true, Some("4".into())),
        "and says why 4 does not count"
    );
}

#[test]
fn what_is_being_evaluated_does_not_count_yet() {
    let mut stream = stream();
    run(&mut stream, "dev.d", "1", &[]);
    let (context, _) = stream.trigger("dev.d", carts("2"));
    stream.settle();
    stream.finish(&context, pass());
    assert_eq!(state(&stream), (ServiceState::New, true, Some("2".into())));
    assert_eq!(marks(&stream, "dev"), "1 1");
}

#[test]
fn a_service_only_here_is_left_alone() {
    let mut stream = stream();
    run(&mut stream, "hard.d", "1", &[]);
    assert_eq!(state(&stream), (ServiceState::OnlyHere, false, None));
}

/// Triggers a sync of `hard`; returns its context and the services that it takes over.
fn sync(stream: &mut Stream, data: &Value) -> (KeptnContext, Vec<String>) {
    let mut all = json!({"project": "p"});
    for (key, value) in data.as_object().unwrap() {
        all[key] = value.clone();
    }
    let (context, _) = stream.trigger("hard.d", all);
    let services = stream.run(&context).unwrap().services.iter();
    let names = services.map(|one| format!("{}={}", one.name, one.artifact.as_deref().unwrap()));
    let names = names.collect();
    (context, names)
}

fn two_new() -> Stream {
    let mut stream = stream();
    run(&mut stream, "dev.d", "1", &[]);
    stream.trigger("dev.d", json!({"project": "p", "service": "db", "configurationChange": {"values": {"image": "db:1"}}}));
    stream.play(|_| "pass");
    stream
}

#[test]
fn a_sync_takes_over_exactly_what_differs() {
    let mut stream = two_new();
    let (context, services) = sync(&mut stream, &json!({}));
    assert_eq!(services, ["carts=carts:1", "db=db:1"]);
    stream.play(|_| "pass");
    let sent = stream.data_of(&context, "deployment.triggered");
    assert_eq!(sent["sync"]["from"], "dev");
    let origin = &sent["sync"]["candidates"]["carts"];
    let position = usize::try_from(origin["evaluated"].as_u64().unwrap()).unwrap();
    assert_eq!(origin["image"], "carts:1");
    assert_eq!(&*stream.events[position - 1].subject, "sh.keptn.event.evaluation.finished");
    run(&mut stream, "dev.d", "2", &[]);
    let (_, services) = sync(&mut stream, &json!({}));
    assert_eq!(services, ["carts=carts:2"], "db is the same");
}

#[test]
fn a_sync_can_be_narrowed_and_can_name_its_source() {
    let stream = two_new();
    let of = |data: Value| sync(&mut stream.clone(), &data).1;
    assert_eq!(of(json!({"sync": {"services": ["db"]}})), ["db=db:1"]);
    assert_eq!(of(json!({"sync": {"from": "dev"}, "service": "carts"})), ["carts=carts:1"]);
    assert_eq!(of(json!({"sync": {"from": "plain"}})), Vec::<String>::new(), "nothing is there");
    assert_eq!(of(json!({"sync": {}})), ["carts=carts:1", "db=db:1"]);
}

#[test]
fn a_queued_sync_does_not_change_its_plan() {
    let mut stream = two_new();
    let (blocker, _) = stream.trigger("hard.d", carts("hotfix"));
    let (context, services) = sync(&mut stream, &json!({}));
    assert_eq!(services, ["carts=carts:1", "db=db:1"]);
    run_dev_only(&mut stream, "2");
    assert!(stream.run(&context).unwrap().is_in_line());
    while stream.run(&blocker).is_some() {
        stream.finish(&blocker, pass());
    }
    let sent = stream.data_of(&context, "deployment.triggered");
    assert_eq!(sent["services"]["carts"]["values"]["image"], "carts:1");
}

/// Delivers to dev while something in hard stays open.
fn run_dev_only(stream: &mut Stream, version: &str) {
    let (context, _) = stream.trigger("dev.d", carts(version));
    stream.settle();
    while stream.run(&context).is_some() {
        stream.finish(&context, pass());
    }
}

#[test]
fn of_two_people_who_sync_at_once_the_second_is_told_who_has_it() {
    let mut stream = two_new();
    let (first, _) = sync(&mut stream, &json!({}));
    let (second, services) = sync(&mut stream, &json!({}));
    assert!(services.is_empty());
    stream.settle();
    let end = stream.data_of(&second, "hard.d.finished");
    assert_eq!((&end["nothingToDo"], &end["result"]), (&json!(true), &json!("pass")));
    assert!(end["message"].as_str().unwrap().contains(first.as_str()), "{end}");
    assert_eq!(stream.told(&second), ["hard.d.finished succeeded/pass"]);
}

#[test]
fn the_second_sync_gets_what_is_left_and_queues() {
    let mut stream = two_new();
    let (first, services) = sync(&mut stream, &json!({"sync": {"services": ["db"]}}));
    assert_eq!(services, ["db=db:1"]);
    let (second, services) = sync(&mut stream, &json!({}));
    assert_eq!(services, ["carts=carts:1"]);
    run_dev_only(&mut stream, "2");
    let (third, services) = sync(&mut stream, &json!({}));
    assert_eq!(services, ["carts=carts:2"], "another artifact is on its way");
    stream.settle();
    assert!(stream.run(&third).unwrap().is_in_line());
    for context in [first, second, third] {
        while stream.run(&context).is_some() {
            stream.finish(&context, pass());
        }
    }
    assert_eq!(state(&stream), (ServiceState::InSync, false, None));
}

#[test]
fn only_runs_that_deliver_and_are_not_aborted_are_under_way() {
    let mut stream = two_new();
    let (check, _) = stream.trigger("hard.quality", carts("1"));
    let (_, services) = sync(&mut stream.clone(), &json!({}));
    assert_eq!(services, ["carts=carts:1", "db=db:1"], "a test delivers nothing");
    let (first, _) = sync(&mut stream, &json!({}));
    stream.control(&first, "abort", json!({"project": "p"}));
    let (_, services) = sync(&mut stream, &json!({}));
    assert_eq!(services, ["carts=carts:1", "db=db:1"], "an aborted run delivers nothing");
    assert!(stream.run(&check).is_some());
}

#[test]
fn a_newer_run_that_delivers_nothing_does_not_hide_one_that_does() {
    let mut stream = two_new();
    let (first, _) = sync(&mut stream, &json!({}));
    stream.trigger("hard.quality", carts("1"));
    let (second, services) = sync(&mut stream, &json!({}));
    assert!(services.is_empty());
    stream.settle();
    let end = stream.data_of(&second, "hard.d.finished");
    assert!(end["message"].as_str().unwrap().contains(first.as_str()), "{end}");
}

#[test]
fn a_sync_that_fails_leaves_the_stage_out_of_sync() {
    let mut stream = two_new();
    let (context, _) = sync(&mut stream, &json!({}));
    stream.settle();
    stream.finish(&context, verdict("succeeded", "fail"));
    assert_eq!(state(&stream), (ServiceState::New, true, None));
    let (_, services) = sync(&mut stream, &json!({}));
    assert_eq!(services, ["carts=carts:1", "db=db:1"], "and it can be tried again");
}

#[test]
fn nothing_to_do_takes_no_slot_and_leads_nowhere() {
    let documents = shipyard(&[
        "{name: dev, sequences: [{name: d, tasks: [{name: deployment}]}]}",
        "{name: hard, sequences: [{name: d, tasks: [{name: deployment}]}]}",
        "{name: prod, sequences: [{name: d, tasks: [{name: deployment}], triggeredOn: [{event: hard.d.finished}]}]}",
    ]);
    let mut stream = Stream::with_project(&documents, &["carts"]);
    let (context, _) = stream.trigger("hard.d", json!({"project": "p"}));
    stream.settle();
    assert_eq!(stream.told(&context), ["hard.d.finished succeeded/pass"]);
    assert!(stream.is_empty());
    assert_eq!(marks(&stream, "hard"), "- -");
}
