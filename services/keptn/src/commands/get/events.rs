//! `keptn get event`: stored events, those that are open for approval, and those that come.

use std::collections::VecDeque;

use clap::Args;
use model::{
    Position, ProjectName, ServiceName, StageName,
    view::{EVENTS, EVENTS_PAGE, EVENTS_PAGE_MAX, EventEntry, Events, EventsQuery, SequencesQuery},
};
use serde_json::Value;

use super::{FormArg, listed};
use crate::{
    approvals,
    arguments::{Document, FollowArgs, ListForm},
    client::Client,
    failure::{Exit, Failure},
    follow::{Follow, Turn},
    render::{self, document, table::Growing},
    terminal, wire,
};

/// Questions for one list: 50,000 events, or 200,000 that are read to find those of a stage.
const ASKS_MAX: usize = 100;
/// The type of which Keptn lists what is open.
const APPROVAL_TRIGGERED: &str = "approval.triggered";
/// What may be left out of a type.
const TYPE_PREFIX: &str = "sh.keptn.event.";

/// Arguments of `get event`.
#[derive(Clone, Debug, Args)]
pub(crate) struct GetEventArgs {
    /// Only of this type, such as `test.finished`; of `approval.triggered` in a --stage those that are open
    #[arg(value_name = "TYPE")]
    event_type: Option<String>,
    /// Only of this project
    #[arg(short, long, value_name = "PROJECT")]
    project: Option<ProjectName>,
    /// Only of this delivery: its Keptn context, or at least 8 characters of its beginning
    #[arg(short = 'c', long = "keptn-context", value_name = "CONTEXT")]
    context: Option<String>,
    /// Only in this stage
    #[arg(short, long, value_name = "STAGE")]
    stage: Option<StageName>,
    /// Only of this service
    #[arg(long, value_name = "SERVICE")]
    service: Option<ServiceName>,
    /// Most events to list [default: 100]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    limit: usize,
    /// Keptn's form of --limit: events of a page …
    #[arg(long, value_name = "N", conflicts_with = "limit")]
    page_size: Option<usize>,
    /// … and pages
    #[arg(long, value_name = "N", conflicts_with = "limit")]
    num_of_pages: Option<usize>,
    /// Only events behind this position; without it the newest
    #[arg(long, value_name = "POSITION")]
    after: Option<Position>,
    /// Only events before this position
    #[arg(long, value_name = "POSITION", conflicts_with_all = ["after", "watch"])]
    before: Option<Position>,
    #[command(flatten)]
    follow: FollowArgs,
    #[command(flatten)]
    form: FormArg,
}

impl GetEventArgs {
    fn query(&self) -> EventsQuery {
        EventsQuery {
            project: self.project.clone().map(String::from),
            stage: self.stage.clone().map(String::from),
            service: self.service.clone().map(String::from),
            keptn_context: self.context.clone(),
            event_type: self.event_type.clone(),
            after: self.after,
            before: self.before,
            limit: 0,
            at_least: None,
        }
    }

    /// Returns how many events to list.
    fn wanted(&self) -> usize {
        if self.limit > 0 {
            return self.limit;
        }
        self.page_size.unwrap_or(EVENTS_PAGE).saturating_mul(self.num_of_pages.unwrap_or(1))
    }

    /// Tells whether Keptn's list of open approvals is meant.
    fn is_about_open_approvals(&self) -> bool {
        let kind = self.event_type.as_deref().unwrap_or_default();
        kind.strip_prefix(TYPE_PREFIX).unwrap_or(kind) == APPROVAL_TRIGGERED
            && self.stage.is_some()
            && self.context.is_none()
            && self.after.is_none()
            && self.before.is_none()
            && !self.follow.watch
    }
}

/// Lists events, and goes on with what comes if that is asked.
///
/// # Errors
/// Exit code 2 for unknown names, 3 if the view does not answer.
pub(super) async fn run(client: &Client, arguments: GetEventArgs) -> Result<Exit, Failure> {
    if arguments.is_about_open_approvals() {
        let events = open_approvals(client, &arguments).await?;
        return show(&events, arguments.form.output);
    }
    let found = fetch(client, arguments.query(), arguments.wanted()).await?;
    if arguments.follow.watch {
        return go_on(client, &arguments, found).await;
    }
    if let Some(after) = found.next_after {
        terminal::talk(&format!("note: there are more: --after={after}"));
    }
    if let Some(before) = found.next_before {
        terminal::talk(&format!("note: there are older ones: --before={before}"));
    }
    show(&found.events.into_iter().collect::<Vec<_>>(), arguments.form.output)
}

fn show(events: &[EventEntry], form: ListForm) -> Result<Exit, Failure> {
    let text = listed(form, false, events, |_| {
        render::events::text(&mut Growing::default(), events, terminal::paint())
    })?;
    terminal::data(&text)?;
    Ok(Exit::Done)
}

/// Events of several answers, oldest first.
struct Fetched {
    /// Position of the first answer: of what is newer nothing was listed.
    position: Position,
    events: VecDeque<EventEntry>,
    next_after: Option<Position>,
    next_before: Option<Position>,
}

/// Asks page by page: from `after` on, or back from the newest.
async fn fetch(client: &Client, mut query: EventsQuery, wanted: usize) -> Result<Fetched, Failure> {
    let mut fetched =
        Fetched { position: 0, events: VecDeque::new(), next_after: None, next_before: None };
    for number in 0..ASKS_MAX {
        query.limit = (wanted - fetched.events.len()).clamp(1, EVENTS_PAGE_MAX);
        let page: Events = client.ask(EVENTS, &query).await?;
        if number == 0 {
            fetched.position = page.position;
        }
        if query.after.is_some() {
            fetched.events.extend(page.events);
        } else {
            page.events.into_iter().rev().for_each(|event| fetched.events.push_front(event));
        }
        (fetched.next_after, fetched.next_before) = (page.next_after, page.next_before);
        let has_more = page.next_after.or(page.next_before).is_some();
        if !has_more || fetched.events.len() >= wanted {
            break;
        }
        // An answer continues in the direction in which it was asked.
        if query.after.is_some() {
            query.after = page.next_after;
        } else {
            query.before = page.next_before;
        }
    }
    Ok(fetched)
}

/// Prints what there is, then each event as it comes.
async fn go_on(client: &Client, arguments: &GetEventArgs, found: Fetched) -> Result<Exit, Failure> {
    let mut printed = Printed::new(arguments.form.output);
    let first: Vec<EventEntry> = found.events.into_iter().collect();
    terminal::data(&printed.text(&first)?)?;
    let mut follow = Follow::behind(found.position, arguments.follow.watch_time);
    let begin = arguments.after.unwrap_or(0).max(found.position);
    let (mut after, mut has_more) = next(found.next_after, begin);
    loop {
        let query = |newer| EventsQuery {
            after: Some(after),
            limit: EVENTS_PAGE_MAX,
            // What is left of the last answer is there already.
            at_least: (!has_more).then_some(newer),
            ..arguments.query()
        };
        match follow.next::<Events, _>(client, EVENTS, query).await? {
            Turn::Newer(page) => {
                terminal::data(&printed.text(&page.events)?)?;
                (after, has_more) = next(page.next_after, page.position.max(after));
            }
            Turn::Idle => {}
            Turn::Over => return Ok(Exit::Done),
        }
    }
}

/// Returns behind which position to go on, and whether something is known to stand there.
fn next(next_after: Option<Position>, position: Position) -> (Position, bool) {
    (next_after.unwrap_or(position), next_after.is_some())
}

/// The form in which events are printed one after the other.
struct Printed {
    form: ListForm,
    table: Growing,
}

impl Printed {
    fn new(form: ListForm) -> Self {
        Self { form, table: Growing::default() }
    }

    fn text(&mut self, events: &[EventEntry]) -> Result<String, Failure> {
        let each = |form| -> Result<String, Failure> {
            let texts: Result<Vec<String>, _> =
                events.iter().map(|event| document::one_of_many(form, event)).collect();
            Ok(texts?.concat())
        };
        match self.form {
            ListForm::Table | ListForm::Wide => {
                Ok(render::events::text(&mut self.table, events, terminal::paint()))
            }
            ListForm::Json => each(Document::Json),
            ListForm::Yaml => each(Document::Yaml),
        }
    }
}

/// Returns the `approval.triggered` of what waits for a person, longest waiting first.
async fn open_approvals(
    client: &Client,
    arguments: &GetEventArgs,
) -> Result<Vec<EventEntry>, Failure> {
    let query = SequencesQuery {
        project: arguments.project.clone().map(String::from),
        stage: arguments.stage.clone().map(String::from),
        service: arguments.service.clone().map(String::from),
        ..SequencesQuery::default()
    };
    let mut events = Vec::new();
    let runs = approvals::runs(client, query).await?;
    for open in runs.iter().filter_map(wire::OpenApproval::of).take(arguments.wanted()) {
        let query = EventsQuery {
            keptn_context: Some(open.context.to_string()),
            event_type: Some(APPROVAL_TRIGGERED.to_owned()),
            limit: EVENTS_PAGE_MAX,
            ..EventsQuery::default()
        };
        let page: Events = client.ask(EVENTS, &query).await?;
        let id = open.triggered_id.as_str();
        events.extend(page.events.into_iter().find(|entry| has_id(entry, id)));
    }
    Ok(events)
}

fn has_id(entry: &EventEntry, id: &str) -> bool {
    let event: Value = serde_json::from_str(entry.event.get()).unwrap_or_default();
    event.get("id").and_then(Value::as_str) == Some(id)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::{
        arguments::{Arguments, Command, TopCommand},
        commands::get::GetCommand,
    };

    fn read(line: &str) -> GetEventArgs {
        let words = ["keptn", "get", "event"].into_iter().chain(line.split(' '));
        let command = Arguments::try_parse_from(words).unwrap().command;
        let TopCommand::Waiting(Command::Get(GetCommand::Event(arguments))) = command else {
            panic!("{command:?}");
        };
        *arguments
    }

    #[test]
    fn keptns_pages_are_a_number_of_events() {
        assert_eq!(read("--project=p").wanted(), EVENTS_PAGE);
        assert_eq!(read("--limit=7").wanted(), 7);
        assert_eq!(read("--page-size=20 --num-of-pages=3").wanted(), 60);
        assert_eq!(read("--num-of-pages=2").wanted(), 2 * EVENTS_PAGE);
    }

    #[test]
    fn approvals_of_a_stage_are_those_that_are_open() {
        assert!(read("approval.triggered -p p -s hardening").is_about_open_approvals());
        assert!(read("sh.keptn.event.approval.triggered -p p -s s").is_about_open_approvals());
        for line in ["approval.triggered -p p", "approval.triggered -s s -w", "test.triggered -s s"]
        {
            assert!(!read(line).is_about_open_approvals(), "{line}");
        }
    }

    #[test]
    fn events_are_printed_one_by_one() {
        let event = serde_json::value::RawValue::from_string("{\"id\":\"a\"}".to_owned()).unwrap();
        let entry = EventEntry { position: 1, time: model::StreamTime::default(), event };
        assert!(has_id(&entry, "a") && !has_id(&entry, "b"));
        let mut lines = Printed::new(ListForm::Json);
        let text = lines.text(&[entry.clone(), entry.clone()]).unwrap();
        assert_eq!(text.lines().count(), 2, "{text}");
        let mut table = Printed::new(ListForm::Table);
        assert_eq!(table.text(std::slice::from_ref(&entry)).unwrap().lines().count(), 2);
        assert_eq!(table.text(&[entry]).unwrap().lines().count(), 1);
    }

    #[test]
    fn it_goes_on_behind_what_was_printed() {
        assert_eq!(next(Some(5), 90), (5, true));
        assert_eq!(next(None, 90), (90, false));
    }
}
