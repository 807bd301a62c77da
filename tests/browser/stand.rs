//! What is looked at: the services with the page, the project of the story, a run that does not end.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::event::Entry;
use crate::harness::stack::{STATUS_VIEW, STUB_EXECUTOR, Stack};
use crate::harness::stream::Stream;
use crate::harness::{story, wait};

/// How long each task of a run takes, so that it has a length on the time line.
const TASKS_TAKE: [Duration; 2] = [Duration::from_millis(1200), Duration::from_millis(800)];

/// Services whose page listens on a port that stays the same over a restart.
pub(crate) struct Stand {
    /// The services.
    pub(crate) stack: Stack,
    /// What happens.
    pub(crate) stream: Stream,
    page: u16,
    said: u32,
}

impl Stand {
    /// Starts the services on an empty stream.
    pub(crate) fn start() -> Self {
        let mut stack = Stack::bare();
        let page = stack.start_all_with_pages();
        let stream = stack.stream();
        Self { stack, stream, page, said: 0 }
    }

    /// Starts the services and plays the story: hardening has fallen behind dev.
    pub(crate) fn with_story() -> Self {
        let mut stand = Self::start();
        stand.stack.user.keptn(&["demo"]).done();
        stand.wait_until_shown();
        stand
    }

    /// Starts status-view, on the port that it had before.
    pub(crate) fn start_view(&mut self) {
        self.stack.run_view_at(self.page);
    }

    /// Waits until status-view has read all that is stored.
    #[track_caller]
    pub(crate) fn wait_until_shown(&mut self) {
        let end = self.stream.read_to_end();
        wait::until("status-view has read everything", || {
            let ready = self.stream.client().request(&format!("{STATUS_VIEW}.ready"), b"")?;
            if ready["position"].as_u64() >= Some(end) { Ok(()) } else { Err(ready.to_string()) }
        });
    }

    /// Returns the address of a page.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.page)
    }

    /// Returns the delivery that brought an artifact.
    #[track_caller]
    pub(crate) fn delivery_of(&self, artifact: &str) -> String {
        let brings = |entry: &&Entry| entry.text("/configurationChange/values/image") == artifact;
        let trigger = self.stream.entries().iter().find(brings);
        trigger.unwrap_or_else(|| panic!("nothing brings {artifact}")).context().to_owned()
    }

    /// Publishes an event as any client could, and returns its position.
    #[track_caller]
    pub(crate) fn say(&mut self, kind: &str, attributes: &Value, data: &Value) -> u64 {
        self.said += 1;
        let mut event = json!({
            "specversion": "1.0", "id": format!("said-{}", self.said), "source": "a-browser-test",
            "type": format!("sh.keptn.event.{kind}"), "data": data,
        });
        let all = event.as_object_mut().expect("an event is an object");
        all.extend(attributes.as_object().cloned().unwrap_or_default());
        let subject = format!("sh.keptn.event.{kind}");
        self.store(&subject, &event)
    }

    /// Publishes what may be no event on a subject, and returns its position.
    #[track_caller]
    pub(crate) fn store(&self, subject: &str, event: &Value) -> u64 {
        let stored = self.stream.client().request(subject, event.to_string().as_bytes());
        let stored = stored.expect("JetStream answers");
        stored["seq"].as_u64().unwrap_or_else(|| panic!("{event} is stored: {stored}"))
    }

    /// Answers a task as its executor would.
    #[track_caller]
    pub(crate) fn answer(&mut self, task: &Entry, kind: &str, source: &str, data: &Value) {
        let mut whole = json!({
            "project": task.text("/project"), "stage": task.text("/stage"),
            "status": "succeeded", "result": "pass",
        });
        let all = whole.as_object_mut().expect("data is an object");
        all.extend(data.as_object().cloned().unwrap_or_default());
        let name = task.short().split('.').next().unwrap_or_default();
        let attributes = json!({
            "source": source, "shkeptncontext": task.context(),
            "triggeredid": task.attribute("id"),
        });
        self.say(&format!("{name}.{kind}"), &attributes, &whole);
    }

    /// Starts the story's sync and brings it to its performance test, which nobody ends.
    #[track_caller]
    pub(crate) fn begin_sync(&mut self) -> String {
        self.stack.kill(STUB_EXECUTOR);
        let context = story::start_sync(&self.stack.user);
        let mut position = 0;
        let tasks = [("deployment", "deployment-service"), ("test", "jmeter-service")];
        for ((name, executor), takes) in tasks.into_iter().zip(TASKS_TAKE) {
            let task = self.task(position, &context, name);
            self.answer(&task, "started", executor, &Value::Null);
            wait::pass(takes);
            self.answer(&task, "finished", executor, &Value::Null);
            position = task.position;
        }
        let task = self.task(position, &context, "test");
        self.answer(&task, "started", "jmeter-service", &Value::Null);
        context
    }

    #[track_caller]
    fn task(&mut self, after: u64, context: &str, name: &str) -> Entry {
        let triggered = format!("{name}.triggered");
        self.stream.wait_for_after(after, &triggered, |entry| {
            entry.context() == context && entry.short() == triggered
        })
    }
}
