//! What a sync would take is what a sync takes.

use model::view::{PlannedChange, StageQuery, SyncPlan};
use status_view::answers;

use crate::stream::{Stream, pass};

fn plan(stream: &Stream, stage: &str) -> SyncPlan {
    let query = StageQuery {
        project: "sockshop".to_owned(),
        stage: stage.to_owned(),
        from: None,
        at_least: None,
    };
    answers::plan(&stream.view, &query).unwrap()
}

fn changes(plan: &SyncPlan) -> Vec<(&str, PlannedChange)> {
    plan.services.iter().map(|one| (one.service.as_str(), one.change)).collect()
}

#[test]
fn a_plan_names_what_a_sync_then_takes() {
    let mut stream = Stream::behind();
    let before = plan(&stream, "hardening");
    assert_eq!(
        changes(&before),
        [
            ("carts", PlannedChange::Changed),
            ("carts-db", PlannedChange::Changed),
            ("catalogue", PlannedChange::Unchanged),
        ]
    );
    assert_eq!(before.sequence.as_ref().unwrap().as_str(), "artifact-delivery");
    assert_eq!(before.follows[0].stage.as_str(), "production");
    assert_eq!(before.command, stream.status("hardening").command);
    assert!(before.services[0].not_eligible.is_some(), "carts:0.10.18 failed");

    let context = stream.sync("hardening");
    let run = &stream.delivery(&context).sequences[0];
    let taken: Vec<_> = run.services.iter().map(|one| (&one.service, &one.artifact)).collect();
    let planned = before.services.iter().filter(|one| one.is_taken());
    let planned: Vec<_> = planned.map(|one| (&one.service, &one.artifact)).collect();
    assert_eq!(taken, planned);

    let during = plan(&stream, "hardening");
    assert_eq!(during.services[0].change, PlannedChange::UnderWay);
    assert_eq!(during.services[0].under_way.as_ref(), Some(&context));
    assert_eq!((during.command, during.follows), (None, Vec::new()));

    stream.play(pass);
    let after = plan(&stream, "hardening");
    assert!(after.services.iter().all(|one| one.change == PlannedChange::Unchanged), "{after:?}");
}

#[test]
fn the_first_stage_has_no_plan() {
    let stream = Stream::behind();
    let query = StageQuery {
        project: "sockshop".to_owned(),
        stage: "dev".to_owned(),
        from: None,
        at_least: None,
    };
    let refused = answers::plan(&stream.view, &query).unwrap_err();
    assert!(refused.message.contains("first stage"), "{refused:?}");
}
