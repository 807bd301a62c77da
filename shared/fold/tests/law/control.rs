//! Commands on runs: abort, pause, resume, and what is refused.

use fold::Owes as _;
use model::KeptnContext;
use serde_json::{Value, json};

use crate::stream::{Stream, carts, pass, shipyard, short};

fn documents() -> String {
    shipyard(&[
        "{name: dev, sequences: [
          {name: d, tasks: [{name: a}, {name: b}]},
          {name: gate, tasks: [{name: approval}, {name: b}]},
          {name: lead, tasks: [{name: a}]}]}",
        "{name: hard, sequences: [{name: d, tasks: [{name: a}], triggeredOn: [{event: dev.lead.finished}]}]}",
        "{name: prod, sequences: [{name: d, tasks: [{name: a}], triggeredOn: [{event: dev.lead.finished}]}]}",
    ])
}

fn run(sequence: &str) -> (Stream, KeptnContext) {
    let mut stream = Stream::with_project(&documents(), &["carts"]);
    let (context, _) = stream.trigger(&format!("dev.{sequence}"), carts("1"));
    stream.settle();
    (stream, context)
}

/// A delivery whose run in dev has ended and whose two follow-ups are owed.
fn led() -> (Stream, KeptnContext) {
    let (mut stream, context) = run("lead");
    let task = stream.open_task(&context);
    stream.answer(&task, "executor", "finished", pass());
    let end = stream.owed_in(&context).remove(0);
    stream.store(end);
    assert_eq!(stream.owed_in(&context).len(), 2);
    (stream, context)
}

fn project() -> Value {
    json!({"project": "p"})
}

fn open_stages(stream: &Stream) -> Vec<String> {
    stream.open_tasks().iter().map(|task| task.data.head().stage.unwrap().into_owned()).collect()
}

#[test]
fn an_abort_ends_the_run_and_tells_the_executors_of_its_open_task() {
    let (mut stream, context) = run("d");
    let task = stream.open_task(&context);
    let answer = stream.control(&context, "abort", project());
    assert_eq!(
        (&answer["status"], &answer["message"]),
        (&json!("succeeded"), &json!("1 sequence aborted"))
    );
    stream.settle();
    assert_eq!(
        stream.told(&context),
        [
            "a.triggered",
            "sequence.abort.finished succeeded/pass",
            "dev.d.finished aborted/pass",
            "a.status.changed"
        ]
    );
    let told = stream.said().last().unwrap();
    assert_eq!(told.triggered_id.as_ref(), Some(&task.id));
    assert_eq!(told.data.head().status.as_deref(), Some("aborted"));
    stream.answer(&task, "executor", "finished", pass());
    assert!(stream.is_empty(), "no next task, nothing follows");
}

#[test]
fn executors_need_not_be_told_once_they_have_finished() {
    let (mut stream, context) = run("d");
    stream.control(&context, "abort", project());
    let task = stream.open_task(&context);
    stream.answer(&task, "executor", "finished", pass());
    let owed: Vec<String> = stream.owed_in(&context).iter().map(short).collect();
    assert_eq!(owed, ["dev.d.finished aborted/pass"]);
}

#[test]
fn an_abort_closes_an_approval_at_once() {
    let (mut stream, context) = run("gate");
    stream.control(&context, "abort", project());
    stream.settle();
    assert!(stream.is_empty());
    let told = stream.told(&context);
    assert!(!told.contains(&"approval.status.changed".to_owned()), "{told:?}");
}

#[test]
fn an_approval_that_was_said_before_the_abort_is_closed_when_it_is_seen() {
    let mut stream = Stream::with_project(&documents(), &["carts"]);
    let (context, _) = stream.trigger("dev.gate", carts("1"));
    let late = stream.owed_in(&context).remove(0);
    stream.control(&context, "abort", project());
    stream.store(late);
    assert!(stream.run(&context).unwrap().open.is_none());
    let owed: Vec<String> = stream.owed_in(&context).iter().map(short).collect();
    assert_eq!(owed, ["dev.gate.finished aborted/pass"]);
    stream.settle();
    assert!(stream.is_empty());
}

#[test]
fn an_end_that_was_said_before_the_abort_leads_nowhere() {
    let (mut stream, context) = run("lead");
    let task = stream.open_task(&context);
    stream.answer(&task, "executor", "finished", pass());
    let late = stream.owed_in(&context).remove(0);
    stream.control(&context, "abort", project());
    stream.store(late);
    assert!(stream.is_empty());
}

#[test]
fn a_pause_lets_the_open_task_finish_and_sends_no_other() {
    let (mut stream, context) = run("d");
    let answer = stream.control(&context, "pause", project());
    assert_eq!(answer["message"], "1 sequence paused");
    stream.finish(&context, pass());
    assert!(stream.open_tasks().is_empty());
    assert!(stream.owed_events().is_empty());
    let answer = stream.control(&context, "resume", project());
    assert_eq!(answer["message"], "1 sequence resumed");
    stream.settle();
    assert_eq!(short(&stream.open_task(&context)), "b.triggered");
}

#[test]
fn a_second_pause_and_a_resume_without_one_change_nothing_and_say_so() {
    let (mut stream, context) = run("d");
    let answer = stream.control(&context, "resume", project());
    assert_eq!(answer["message"], "nothing changed: no sequence to be resumed there");
    stream.control(&context, "pause", project());
    let answer = stream.control(&context, "pause", project());
    assert_eq!(answer["message"], "nothing changed: no sequence to be paused there");
    assert_eq!(answer["status"], "succeeded");
}

#[test]
fn a_pause_during_an_approval_holds_what_comes_behind_it() {
    let (mut stream, context) = run("gate");
    stream.control(&context, "pause", project());
    let approval = stream.open_task(&context);
    stream.answer(&approval, "tim", "finished", pass());
    assert!(stream.owed_in(&context).is_empty());
    stream.control(&context, "resume", project());
    assert_eq!(short(&stream.owed_in(&context)[0]), "b.triggered");
}

#[test]
fn what_follows_a_paused_delivery_is_paused_until_it_is_resumed() {
    let (mut stream, context) = led();
    let answer = stream.control(&context, "pause", project());
    assert_eq!(answer["message"], "1 sequence paused");
    stream.settle();
    assert!(open_stages(&stream).is_empty());
    assert_eq!(stream.world.sequences.runs().filter(|run| run.is_paused).count(), 2);
    stream.control(&context, "resume", json!({"project": "p", "stage": "prod"}));
    stream.settle();
    assert_eq!(open_stages(&stream), ["prod"]);
    stream.control(&context, "resume", project());
    stream.play(|_| "pass");
    assert!(stream.is_empty());
}

#[test]
fn a_resume_before_what_follows_is_seen_takes_the_pause_back() {
    let (mut stream, context) = led();
    stream.control(&context, "pause", project());
    stream.control(&context, "resume", project());
    stream.settle();
    assert_eq!(open_stages(&stream), ["hard", "prod"]);
}

#[test]
fn a_pause_of_one_stage_and_its_resume_are_for_what_follows_there() {
    let (mut stream, context) = led();
    let hard = json!({"project": "p", "stage": "hard"});
    stream.control(&context, "pause", hard.clone());
    let mut resumed = stream.clone();
    stream.settle();
    assert_eq!(open_stages(&stream), ["prod"]);
    resumed.control(&context, "resume", hard);
    resumed.settle();
    assert_eq!(open_stages(&resumed), ["hard", "prod"]);
}

#[test]
fn the_time_of_an_aborted_end_is_that_of_the_abort() {
    let mut stream = Stream::with_project(&documents(), &["carts"]);
    let (context, _) = stream.trigger("dev.d", carts("1"));
    let number = stream.world.owed_after(0)[0].number;
    stream.pass(60);
    stream.control(&context, "abort", project());
    let at = stream.run(&context).unwrap().aborted.as_ref().unwrap().at.to_string();
    assert_eq!(stream.owed_in(&context)[0].time.as_deref(), Some(at.as_str()));
    assert_eq!(stream.world.owed_after(0)[0].number, number, "it is not said a second time");
}

#[test]
fn what_follows_an_aborted_delivery_ends_aborted() {
    let (mut stream, context) = led();
    stream.control(&context, "abort", project());
    stream.settle();
    let told = stream.told(&context);
    assert!(told.contains(&"hard.d.finished aborted/pass".to_owned()), "{told:?}");
    assert!(told.contains(&"prod.d.finished aborted/pass".to_owned()), "{told:?}");
    assert!(stream.is_empty());
}

#[test]
fn what_follows_can_be_aborted_while_it_waits_for_a_command() {
    let (mut stream, context) = led();
    let command = stream.make("service.create.triggered", json!({"project": "p", "service": "x"}));
    stream.store(command);
    for _ in 0..2 {
        let trigger = stream.owed_in(&context).remove(0);
        stream.store(trigger);
    }
    stream.control(&context, "abort", project());
    for _ in 0..2 {
        let end = stream.owed_in(&context).remove(0);
        assert!(short(&end).ends_with(".d.finished aborted/pass"));
        stream.store(end);
    }
    assert_eq!(stream.world.sequences.runs().count(), 0, "nor does the run that they follow stay");
}

#[test]
fn an_abort_of_one_stage_leaves_the_others_alone() {
    let (mut stream, context) = led();
    stream.control(&context, "abort", json!({"project": "p", "stage": "hard"}));
    stream.settle();
    assert_eq!(open_stages(&stream), ["prod"]);
    assert!(stream.told(&context).contains(&"hard.d.finished aborted/pass".to_owned()));

    let (mut stream, context) = led();
    let answer = stream.control(&context, "abort", json!({"project": "p", "stage": "dev"}));
    assert_eq!(answer["code"], "notFound", "dev has ended");
    stream.settle();
    assert_eq!(open_stages(&stream), ["hard", "prod"]);

    stream.control(&context, "abort", json!({"project": "p", "stage": "prod"}));
    stream.play(|_| "pass");
    let told = stream.told(&context);
    assert!(told.contains(&"hard.d.finished succeeded/pass".to_owned()), "{told:?}");
    assert!(told.contains(&"prod.d.finished aborted/pass".to_owned()), "{told:?}");
}

#[test]
fn a_second_abort_changes_nothing() {
    let (mut stream, context) = run("d");
    stream.control(&context, "abort", project());
    let answer = stream.control(&context, "abort", project());
    assert_eq!(answer["message"], "nothing changed: no sequence to be aborted there");
}

#[test]
fn a_paused_run_can_be_aborted_when_one_of_two_executors_has_finished() {
    let (mut stream, context) = run("d");
    let task = stream.open_task(&context);
    for source in ["one", "two"] {
        stream.answer(&task, source, "started", json!({}));
    }
    stream.answer(&task, "one", "finished", pass());
    stream.control(&context, "pause", project());
    stream.control(&context, "abort", project());
    stream.settle();
    assert!(stream.run(&context).unwrap().is_ended());
    stream.answer(&task, "two", "finished", pass());
    assert!(stream.is_empty());
}

#[test]
fn what_cannot_be_done_is_refused_with_code_and_hint() {
    let (mut stream, context) = run("d");
    let unknown = KeptnContext::new("unknown").unwrap();
    let cases = [
        (&unknown, "abort", project(), "notFound", "no open sequence in context unknown"),
        (&context, "abort", json!({"project": "q"}), "notFound", "no open sequence in context"),
        (
            &context,
            "pause",
            json!({"project": "p", "stage": "hard"}),
            "notFound",
            "in stage `hard`",
        ),
        (
            &context,
            "pause",
            json!({"project": "p", "stage": "Not A Name"}),
            "invalid",
            "stage name `Not A Name` must be",
        ),
        (&context, "destroy", project(), "invalid", "`sequence.destroy` is no command"),
        (&context, "repeat", project(), "invalid", "`sequence.repeat` is no command"),
    ];
    let before: Vec<_> = stream.world.sequences.runs().cloned().collect();
    for (context, verb, data, code, message) in cases {
        let answer = stream.control(context, verb, data);
        assert_eq!(
            (&answer["status"], &answer["result"]),
            (&json!("errored"), &json!("fail")),
            "{verb}"
        );
        assert_eq!(answer["code"], code, "{answer}");
        assert!(answer["message"].as_str().unwrap().contains(message), "{answer}");
        assert_ne!(answer["hint"].as_str().unwrap(), "");
    }
    let after: Vec<_> = stream.world.sequences.runs().cloned().collect();
    assert_eq!(before, after);
}

#[test]
fn a_command_without_a_context_is_refused_under_one_of_its_own() {
    let mut stream = Stream::with_project(&documents(), &["carts"]);
    let event = stream.make("sequence.abort.triggered", project());
    let answer = stream.command_event(event);
    assert_eq!(
        (&answer["code"], &answer["message"]),
        (&json!("invalid"), &json!("`shkeptncontext` is missing"))
    );
}

#[test]
fn a_repeated_command_is_answered_once() {
    let (mut stream, context) = run("d");
    let mut event = stream.make("sequence.pause.triggered", project());
    event.context = Some(context.clone());
    stream.command_event(event.clone());
    stream.control(&context, "resume", project());
    let applied = stream.store(event);
    assert_eq!(applied.notes[0].to_string(), "this command was seen already");
    assert!(stream.owed_events().is_empty());
    assert!(!stream.run(&context).unwrap().is_paused);
}

#[test]
fn the_answer_to_a_command_names_what_it_answers() {
    let (mut stream, context) = run("d");
    let mut event =
        stream.make("sequence.pause.triggered", json!({"project": "p", "stage": "dev"}));
    event.context = Some(context.clone());
    let id = event.id.clone();
    stream.store(event);
    let answer = stream.owed_events().remove(0);
    assert_eq!(answer.event_type.to_string(), "sh.keptn.event.sequence.pause.finished");
    assert_eq!((answer.triggered_id, answer.context), (Some(id), Some(context)));
    let data = answer.data.to_map();
    assert_eq!((&data["project"], &data["stage"]), (&json!("p"), &json!("dev")));
}

#[test]
fn an_answer_under_the_id_of_a_step_takes_nothing_away() {
    let mut stream = Stream::with_project(&documents(), &["carts"]);
    let (context, _) = stream.trigger("dev.d", carts("1"));
    let step = stream.owed_in(&context).remove(0);
    for kind in [
        "sequence.abort.finished",
        "a.status.changed",
        "hard.d.finished",
        "dev.d.finished",
        "a.triggered",
    ] {
        let mut forged = stream.make(kind, project());
        forged.id = step.id.clone();
        forged.source = fold::sequence::SOURCE.into();
        if kind == "hard.d.finished" {
            forged.context = Some(context.clone());
        }
        let applied = stream.store(forged);
        assert_eq!(applied.notes.len(), 1, "{kind}");
        assert_eq!(stream.owed_in(&context), std::slice::from_ref(&step), "{kind}");
    }
}
