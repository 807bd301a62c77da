//! What many cases share: a stream that a view sees, and short forms of what they compare.

use model::{
    KeptnContext,
    view::{Delivery, SequenceQuery},
};
use serde_json::{Value, json};
use status_view::{View, answers};
use testing::{Stream, carts, pass};

/// A stream that is seen by a view.
pub(crate) type Viewed = Stream<View>;

/// Starts with a project `p` that a view sees, with the services `carts` and `db`.
pub(crate) fn viewed(shipyard: &str) -> Viewed {
    let mut stream = Stream::seen_by(View::default(), |view, stored| {
        view.apply(stored);
    });
    stream.create_project("p", (shipyard, None), &["carts", "db"]);
    stream
}

/// Starts with a project `p` and the service `carts`.
pub(crate) fn project(shipyard: &str) -> Stream {
    Stream::with_project(shipyard, &["carts"])
}

/// Triggers a sequence for `carts` and says what is owed.
pub(crate) fn begin<V>(stream: &mut Stream<V>, sequence: &str) -> KeptnContext {
    let (context, _) = stream.trigger(sequence, carts("1"));
    stream.settle();
    context
}

/// Returns what the view says about a delivery.
pub(crate) fn delivery(stream: &Viewed, context: &KeptnContext) -> Delivery {
    let query = SequenceQuery { keptn_context: context.to_string(), at_least: None };
    answers::delivery(&stream.view, &query).unwrap()
}

/// Returns stage and state of each run of a delivery, as the view says.
pub(crate) fn states(stream: &Viewed, context: &KeptnContext) -> Vec<String> {
    let runs = delivery(stream, context).sequences;
    runs.iter().map(|run| format!("{} {}", run.stage, run.state.as_str())).collect()
}

/// Returns the stages in which tasks are open, in the order of the stream.
pub(crate) fn open_stages<V>(stream: &Stream<V>) -> Vec<String> {
    stream.open_tasks().iter().map(|task| task.data.head().stage.unwrap().into_owned()).collect()
}

/// Returns the places in `contexts` of those that have an open task.
pub(crate) fn open<V>(stream: &Stream<V>, contexts: &[&KeptnContext]) -> Vec<usize> {
    let tasks = stream.open_tasks();
    let has_task =
        |context: &KeptnContext| tasks.iter().any(|task| task.context.as_ref() == Some(context));
    (0..contexts.len()).filter(|at| has_task(contexts[*at])).collect()
}

/// Passes, and brings these members.
pub(crate) fn bring(members: &Value) -> Value {
    let mut data = pass();
    for (key, value) in members.as_object().unwrap() {
        data[key] = value.clone();
    }
    data
}

/// The data of a command on a delivery of the project.
pub(crate) fn command() -> Value {
    json!({"project": "p"})
}
