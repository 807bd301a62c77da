//! The rows.

use super::*;

/// Declares the cells of a row: the name of what is asserted, the input, what it comes to.
macro_rules! row {
    ($row:ident, $scene:expr, $($name:ident: $input:ident => $expected:expr,)*) => {
        mod $row {
            use super::*;

            fn scene() -> Scene {
                $scene
            }

            $(
                #[test]
                fn $name() {
                    check(&scene(), Input::$input, $expected);
                }
            )*
        }
    };
}

row! { undecided, undecided(),
    a_repeated_trigger_changes_nothing: TriggerAgain => "nothing",
    its_step_opens_the_task: Step => "undecided, holds, a open (0)",
    its_end_ends_it: End => "gone",
    started_changes_nothing: Started => "nothing",
    finished_changes_nothing: FirstFinished => "nothing",
    all_finished_change_nothing: LastFinished => "nothing",
    no_deadline_stands: Deadline => "nothing",
    a_pause_is_noted: Pause => "undecided, paused",
    a_resume_changes_nothing: Resume => "nothing",
    an_abort_owes_the_end: Abort => "undecided, aborted, owes dev.d.finished aborted/pass",
}

row! { queued, queued(),
    a_repeated_trigger_changes_nothing: TriggerAgain => "nothing",
    its_step_opens_the_task: Step => "0 done, holds, a open (0)",
    its_end_ends_it: End => "gone",
    started_changes_nothing: Started => "nothing",
    finished_changes_nothing: FirstFinished => "nothing",
    all_finished_change_nothing: LastFinished => "nothing",
    no_deadline_stands: Deadline => "nothing",
    a_pause_takes_it_out_of_the_line: Pause => "0 done, paused",
    a_resume_changes_nothing: Resume => "nothing",
    an_abort_owes_the_end: Abort => "0 done, aborted, owes dev.d.finished aborted/pass",
}

row! { holding, Scene::new("d"),
    a_repeated_trigger_changes_nothing: TriggerAgain => "nothing",
    its_step_opens_the_task: Step => "0 done, holds, a open (0)",
    its_end_ends_it: End => "gone",
    started_changes_nothing: Started => "nothing",
    finished_changes_nothing: FirstFinished => "nothing",
    all_finished_change_nothing: LastFinished => "nothing",
    no_deadline_stands: Deadline => "nothing",
    a_pause_frees_the_slot: Pause => "0 done, paused",
    a_resume_changes_nothing: Resume => "nothing",
    an_abort_owes_the_end: Abort => "0 done, aborted, holds, owes dev.d.finished aborted/pass",
}

row! { delayed, Scene::new("slow"),
    a_repeated_trigger_changes_nothing: TriggerAgain => "nothing",
    its_step_opens_the_task: Step => "0 done, holds, a open (0)",
    its_end_ends_it: End => "gone",
    started_changes_nothing: Started => "nothing",
    finished_changes_nothing: FirstFinished => "nothing",
    all_finished_change_nothing: LastFinished => "nothing",
    its_deadline_owes_the_task: Deadline => "0 done, holds, owes a.triggered",
    a_pause_frees_the_slot: Pause => "0 done, paused",
    a_resume_changes_nothing: Resume => "nothing",
    an_abort_owes_the_end: Abort => "0 done, aborted, holds, owes dev.slow.finished aborted/pass",
}

row! { task_open, Scene::new("d").settled().started(),
    a_repeated_trigger_changes_nothing: TriggerAgain => "nothing",
    its_step_closes_the_task_and_opens_the_next: Step => "1 done, holds, b open (0)",
    its_end_ends_it: End => "ended, holds, a open (2)",
    started_is_noted: Started => "0 done, holds, a open (3)",
    the_first_finished_of_two_is_noted: FirstFinished => "0 done, holds, a open (3)",
    the_last_finished_closes_the_task_and_owes_the_next: LastFinished => "1 done, holds, owes b.triggered",
    its_deadline_closes_the_task_as_failed_and_owes_the_end: Deadline => "1 done, timed out, holds, owes dev.d.finished errored/fail",
    a_pause_is_noted_and_keeps_the_slot: Pause => "0 done, paused, holds, a open (2)",
    a_resume_changes_nothing: Resume => "nothing",
    an_abort_tells_executors_and_owes_the_end_and_keeps_the_slot: Abort => "0 done, aborted, holds, a open (2), owes dev.d.finished aborted/pass, owes a.status.changed",
}

row! { paused_with_its_task_open, Scene::new("d").settled().started().control("pause"),
    a_repeated_trigger_changes_nothing: TriggerAgain => "nothing",
    its_step_closes_the_task_and_opens_the_next: Step => "1 done, paused, holds, b open (0)",
    its_end_ends_it: End => "ended, paused, holds, a open (2)",
    started_is_noted: Started => "0 done, paused, holds, a open (3)",
    the_first_finished_of_two_is_noted: FirstFinished => "0 done, paused, holds, a open (3)",
    the_last_finished_closes_the_task_and_frees_the_slot: LastFinished => "1 done, paused",
    its_deadline_closes_the_task_as_failed_and_owes_the_end: Deadline => "1 done, paused, timed out, holds, owes dev.d.finished errored/fail",
    a_pause_changes_nothing: Pause => "nothing",
    a_resume_is_noted: Resume => "0 done, holds, a open (2)",
    an_abort_tells_executors_and_owes_the_end_and_keeps_the_slot: Abort => "0 done, paused, aborted, holds, a open (2), owes dev.d.finished aborted/pass, owes a.status.changed",
}

row! { aborted_with_its_task_open, Scene::new("d").settled().started().control("abort"),
    a_repeated_trigger_changes_nothing: TriggerAgain => "nothing",
    its_step_closes_the_task_and_opens_the_next: Step => "0 done, aborted, holds, b open (0), owes dev.d.finished aborted/pass, owes b.status.changed",
    its_end_ends_it: End => "ended, aborted, holds, a open (2), owes a.status.changed",
    started_is_noted: Started => "0 done, aborted, holds, a open (3), owes dev.d.finished aborted/pass, owes a.status.changed",
    the_first_finished_of_two_is_noted: FirstFinished => "0 done, aborted, holds, a open (3), owes dev.d.finished aborted/pass, owes a.status.changed",
    the_last_finished_closes_the_task_and_frees_the_slot: LastFinished => "0 done, aborted, holds, owes dev.d.finished aborted/pass",
    no_deadline_stands_before_its_end: Deadline => "nothing",
    a_pause_changes_nothing: Pause => "nothing",
    a_resume_changes_nothing: Resume => "nothing",
    an_abort_changes_nothing: Abort => "nothing",
}

row! { waiting_for_approval, Scene::new("gate").settled(),
    a_repeated_trigger_changes_nothing: TriggerAgain => "nothing",
    its_step_closes_the_approval_and_opens_the_task: Step => "1 done, holds, b open (0)",
    its_end_ends_it: End => "gone",
    started_is_noted: Started => "0 done, approval open (1)",
    the_first_finished_closes_it_and_wants_the_slot: FirstFinished => "1 done, holds, owes b.triggered",
    a_second_finished_changes_nothing: LastFinished => "1 done, holds, owes b.triggered",
    no_deadline_stands: Deadline => "nothing",
    a_pause_is_noted: Pause => "0 done, paused, approval open (0)",
    a_resume_changes_nothing: Resume => "nothing",
    an_abort_closes_it_and_owes_the_end: Abort => "0 done, aborted, owes dev.gate.finished aborted/pass",
}

row! { paused, Scene::new("d").settled().finished().control("pause"),
    a_repeated_trigger_changes_nothing: TriggerAgain => "nothing",
    its_step_opens_the_task_and_it_stays_paused: Step => "1 done, paused, holds, b open (0)",
    its_end_ends_it: End => "gone",
    started_changes_nothing: Started => "nothing",
    finished_changes_nothing: FirstFinished => "nothing",
    all_finished_change_nothing: LastFinished => "nothing",
    no_deadline_stands: Deadline => "nothing",
    a_pause_changes_nothing: Pause => "nothing",
    a_resume_takes_the_slot_again: Resume => "1 done, holds, owes b.triggered",
    an_abort_owes_the_end: Abort => "1 done, paused, aborted, owes dev.d.finished aborted/pass",
}

row! { aborted, Scene::new("d").control("abort"),
    a_repeated_trigger_changes_nothing: TriggerAgain => "nothing",
    its_step_opens_the_task_and_it_stays_aborted: Step => "0 done, aborted, holds, a open (0), owes dev.d.finished aborted/pass, owes a.status.changed",
    its_end_ends_it: End => "gone",
    started_changes_nothing: Started => "nothing",
    finished_changes_nothing: FirstFinished => "nothing",
    all_finished_change_nothing: LastFinished => "nothing",
    no_deadline_stands: Deadline => "nothing",
    a_pause_changes_nothing: Pause => "nothing",
    a_resume_changes_nothing: Resume => "nothing",
    an_abort_changes_nothing: Abort => "nothing",
}

row! { declined, Scene::new("unknown"),
    a_repeated_trigger_changes_nothing: TriggerAgain => "nothing",
    its_step_opens_the_task: Step => "declined, holds, a open (0), owes dev.unknown.finished errored/fail",
    its_end_ends_it: End => "gone",
    started_changes_nothing: Started => "nothing",
    finished_changes_nothing: FirstFinished => "nothing",
    all_finished_change_nothing: LastFinished => "nothing",
    no_deadline_stands: Deadline => "nothing",
    a_pause_changes_nothing: Pause => "nothing",
    a_resume_changes_nothing: Resume => "nothing",
    an_abort_changes_nothing: Abort => "nothing",
}

row! { all_done, all_done(),
    a_repeated_trigger_changes_nothing: TriggerAgain => "nothing",
    its_step_opens_the_task: Step => "2 done, holds, b open (0)",
    its_end_ends_it: End => "gone",
    started_changes_nothing: Started => "nothing",
    finished_changes_nothing: FirstFinished => "nothing",
    all_finished_change_nothing: LastFinished => "nothing",
    no_deadline_stands: Deadline => "nothing",
    a_pause_is_noted_and_it_ends: Pause => "2 done, paused, holds, owes dev.d.finished succeeded/pass",
    a_resume_changes_nothing: Resume => "nothing",
    an_abort_owes_the_end_as_aborted: Abort => "2 done, aborted, holds, owes dev.d.finished aborted/pass",
}

row! { ended_with_its_task_open, Scene::new("d").settled().started().control("abort").ended(),
    a_repeated_trigger_changes_nothing: TriggerAgain => "nothing",
    another_step_changes_nothing: Step => "nothing",
    another_end_changes_nothing: End => "nothing",
    started_is_noted: Started => "ended, aborted, holds, a open (3), owes a.status.changed",
    the_first_finished_of_two_is_noted: FirstFinished => "ended, aborted, holds, a open (3), owes a.status.changed",
    the_last_finished_closes_the_task_and_it_is_gone: LastFinished => "gone",
    its_deadline_closes_the_task_and_it_is_gone: Deadline => "gone",
    a_pause_changes_nothing: Pause => "nothing",
    a_resume_changes_nothing: Resume => "nothing",
    an_abort_changes_nothing: Abort => "nothing",
}

row! { ended_with_a_follow_up_owed, all_done_of("lead").said(),
    a_repeated_trigger_changes_nothing: TriggerAgain => "nothing",
    another_step_changes_nothing: Step => "nothing",
    another_end_changes_nothing: End => "nothing",
    started_changes_nothing: Started => "nothing",
    finished_changes_nothing: FirstFinished => "nothing",
    all_finished_change_nothing: LastFinished => "nothing",
    no_deadline_stands: Deadline => "nothing",
    a_pause_is_for_what_follows: Pause => "ended, holds, owes dev.led.triggered",
    a_resume_is_for_what_follows: Resume => "ended, holds, owes dev.led.triggered",
    an_abort_is_for_what_follows: Abort => "ended, holds, owes dev.led.triggered",
}

row! { gone, all_done().said(),
    a_repeated_trigger_changes_nothing: TriggerAgain => "nothing",
    another_step_changes_nothing: Step => "nothing",
    another_end_changes_nothing: End => "nothing",
    started_changes_nothing: Started => "nothing",
    finished_changes_nothing: FirstFinished => "nothing",
    all_finished_change_nothing: LastFinished => "nothing",
    no_deadline_stands: Deadline => "nothing",
    a_pause_changes_nothing: Pause => "nothing",
    a_resume_changes_nothing: Resume => "nothing",
    an_abort_changes_nothing: Abort => "nothing",
}

/// A command on the project is not answered yet.
fn undecided() -> Scene {
    let mut stream = Stream::with_project(&documents(), &["carts"]);
    let command = stream.make("service.create.triggered", json!({"project": "p", "service": "x"}));
    stream.store(command);
    Scene::triggered(stream, "d")
}

/// Another run took the slot while this one was paused.
fn queued() -> Scene {
    let mut scene = Scene::new("d").control("pause");
    scene.stream.trigger("dev.d", carts("2"));
    scene.settled().control("resume")
}

/// Every task is closed and the end is owed.
fn all_done() -> Scene {
    all_done_of("d")
}

fn all_done_of(sequence: &str) -> Scene {
    let mut scene = Scene::new(sequence).settled();
    while scene.run.open.is_some() {
        scene = scene.finished();
        if scene
            .stream
            .owed_in(&scene.context)
            .iter()
            .any(|event| short(event).contains("finished"))
        {
            break;
        }
        scene = scene.said();
    }
    scene
}

impl Scene {
    /// Says the end of an aborted run, and nothing else.
    fn ended(mut self) -> Self {
        let owed = self.stream.owed_in(&self.context);
        let end = owed.into_iter().find(|event| short(event).starts_with("dev.")).unwrap();
        self.stream.store(end);
        self.seen()
    }
}
