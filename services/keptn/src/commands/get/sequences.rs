//! `keptn get sequence`: runs, one delivery, and what becomes of them.

use std::{collections::BTreeMap, time::Duration};

use clap::Args;
use model::{
    Position, ProjectName, ServiceName, StageName, StreamTime,
    view::{Delivery, SEQUENCES, SEQUENCES_PAGE_MAX, Sequence, Sequences, SequencesQuery},
};
use tokio::time::Instant;

use super::{FormArg, listed};
use crate::{
    arguments::{Document, FollowArgs, ListForm},
    client::Client,
    failure::{Exit, Failure},
    follow::{Follow, Turn},
    lookup,
    render::{
        self, document,
        live::{self, Columns},
        sequences::Width,
        table::{Cell, Growing},
    },
    screen::{Line, Screen},
    terminal,
    watch::{self, Watched},
};

/// Last line of a list that is still redrawn.
const FAREWELL: &str = "Ctrl-C stops watching, not the runs.";

/// Arguments of `get sequence`.
#[derive(Clone, Debug, Args)]
pub(crate) struct GetSequenceArgs {
    /// Only of this delivery: its Keptn context, or at least 8 characters of its beginning
    #[arg(value_name = "CONTEXT", conflicts_with = "context")]
    name: Option<String>,
    /// The same as a flag
    #[arg(short = 'c', long = "keptn-context", value_name = "CONTEXT")]
    context: Option<String>,
    /// Only of this project
    #[arg(short, long, value_name = "PROJECT")]
    project: Option<ProjectName>,
    /// Only in this stage
    #[arg(short, long, value_name = "STAGE")]
    stage: Option<StageName>,
    /// Only of this service
    #[arg(long, value_name = "SERVICE")]
    service: Option<ServiceName>,
    /// Only runs that have not ended
    #[arg(long)]
    open: bool,
    /// Most runs to list
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    limit: usize,
    /// Only runs triggered before this position
    #[arg(long, value_name = "POSITION")]
    before: Option<Position>,
    #[command(flatten)]
    follow: FollowArgs,
    #[command(flatten)]
    form: FormArg,
}

/// Lists runs or shows one delivery, and goes on with what becomes of them if that is asked. One
/// delivery is watched until it has ended, and ends with its exit code.
///
/// # Errors
/// Exit code 2 for unknown names, 3 if the view does not answer.
pub(super) async fn run(client: &Client, arguments: GetSequenceArgs) -> Result<Exit, Failure> {
    let (follow, form) = (arguments.follow, arguments.form.output);
    if let Some(context) = arguments.name.as_ref().or(arguments.context.as_ref()) {
        let delivery = lookup::delivery(client, context).await?;
        lookup::project_of(&delivery, arguments.project.as_ref())?;
        if follow.watch {
            return watch_delivery(client, delivery, follow.watch_time, form).await;
        }
        terminal::data(&one_delivery(client, &delivery, form)?)?;
        return Ok(Exit::Done);
    }
    let query = SequencesQuery {
        project: arguments.project.map(String::from),
        stage: arguments.stage.map(String::from),
        service: arguments.service.map(String::from),
        open_only: arguments.open,
        limit: arguments.limit,
        before: arguments.before,
        ..SequencesQuery::default()
    };
    if follow.watch {
        return watch_list(client, query, follow.watch_time, form).await;
    }
    let answer: Sequences = client.ask(SEQUENCES, &query).await?;
    if let Some(before) = answer.next_before {
        terminal::talk(&format!("note: there are older ones: --before={before}"));
    }
    let now = client.now();
    terminal::data(&listed(form, false, &answer.sequences, |width| {
        render::sequences::text(&answer.sequences, now, width, terminal::paint())
    })?)?;
    Ok(Exit::Done)
}

/// Shows one delivery: its runs, and with `-o wide` also their tasks.
fn one_delivery(client: &Client, delivery: &Delivery, form: ListForm) -> Result<String, Failure> {
    let now = client.now();
    let runs: &[Sequence] = &delivery.sequences;
    Ok(match form {
        ListForm::Table => render::sequences::text(runs, now, Width::Normal, terminal::paint()),
        ListForm::Wide => {
            let paint = terminal::paint();
            let table = render::sequences::text(runs, now, Width::Wide, paint);
            let rows = live::rows(delivery, now);
            let columns = Columns::fit(&rows);
            let drawn: String =
                rows.iter().map(|row| live::draw(row, columns, false, paint) + "\n").collect();
            format!("{table}\n{drawn}")
        }
        ListForm::Json => document::json(delivery)?,
        ListForm::Yaml => document::yaml(delivery)?,
    })
}

async fn watch_delivery(
    client: &Client,
    delivery: Delivery,
    limit: Option<Duration>,
    form: ListForm,
) -> Result<Exit, Failure> {
    let (since, limit) = (Instant::now(), limit.unwrap_or(Duration::MAX));
    let watched = Watched {
        context: delivery.keptn_context,
        position: delivery.position,
        runs_min: delivery.sequences.len(),
    };
    let Some(form) = document_form(form) else {
        return watch::until_ended(client, &watched, limit, since).await;
    };
    let ended = watch::silently_until_ended(client, &watched, limit, since).await?;
    terminal::data(&document::text(form, &ended.delivery)?)?;
    Ok(ended.exit)
}

const fn document_form(form: ListForm) -> Option<Document> {
    match form {
        ListForm::Table | ListForm::Wide => None,
        ListForm::Json => Some(Document::Json),
        ListForm::Yaml => Some(Document::Yaml),
    }
}

async fn watch_list(
    client: &Client,
    mut query: SequencesQuery,
    limit: Option<Duration>,
    form: ListForm,
) -> Result<Exit, Failure> {
    let mut changing = Changing::new(form, terminal::is_interactive());
    if query.limit == 0 && !changing.is_redrawn() {
        query.limit = SEQUENCES_PAGE_MAX;
    }
    let mut answer: Sequences = client.ask(SEQUENCES, &query).await?;
    let mut follow = Follow::behind(answer.position, limit);
    loop {
        terminal::data(&changing.show(&answer.sequences, client.now(), false)?)?;
        let newer = |at_least| SequencesQuery { at_least: Some(at_least), ..query.clone() };
        match follow.next(client, SEQUENCES, newer).await? {
            Turn::Newer(newer) => answer = newer,
            // The times of a drawing go on.
            Turn::Idle => {}
            Turn::Over => break,
        }
    }
    if changing.is_redrawn() {
        terminal::data(&changing.show(&answer.sequences, client.now(), true)?)?;
    }
    Ok(Exit::Done)
}

/// A list that changes: drawn again on a terminal; in a pipe, and as documents, only the runs that
/// say something else than before.
struct Changing {
    form: ListForm,
    is_interactive: bool,
    screen: Screen,
    table: Growing,
    /// What was told of each run in the list.
    told: BTreeMap<Position, Told>,
}

/// What was told of a run: a row without its times, or all of it.
#[derive(PartialEq)]
enum Told {
    Row(Vec<Cell>),
    Run(Box<Sequence>),
}

impl Changing {
    fn new(form: ListForm, is_interactive: bool) -> Self {
        let (screen, table) = (Screen::default(), Growing::default());
        Self { form, is_interactive, screen, table, told: BTreeMap::new() }
    }

    fn is_redrawn(&self) -> bool {
        self.is_interactive && document_form(self.form).is_none()
    }

    /// Returns what to write for the present moment.
    fn show(
        &mut self,
        runs: &[Sequence],
        now: StreamTime,
        is_last: bool,
    ) -> Result<String, Failure> {
        if self.is_redrawn() {
            return Ok(self.redraw(runs, now, is_last));
        }
        let changed = self.changed(runs);
        Ok(match document_form(self.form) {
            None => render::sequences::changes(&mut self.table, &changed, now, terminal::paint()),
            Some(form) => {
                let each = changed.iter().map(|run| document::one_of_many(form, run));
                each.collect::<Result<Vec<String>, _>>()?.concat()
            }
        })
    }

    fn redraw(&mut self, runs: &[Sequence], now: StreamTime, is_last: bool) -> String {
        let width = if self.form == ListForm::Wide { Width::Wide } else { Width::Normal };
        let draw = |paint| render::sequences::text(runs, now, width, paint);
        let (plain, painted) = (draw(render::Paint::new(false)), draw(terminal::paint()));
        let mut lines: Vec<Line> = plain
            .lines()
            .zip(painted.lines())
            .map(|(plain, painted)| Line::new(plain.to_owned(), painted.to_owned()))
            .collect();
        if !is_last {
            lines.extend([Line::plain(""), Line::plain(FAREWELL)]);
        }
        self.screen.redraw(lines, terminal::size(), is_last)
    }

    /// Returns the runs that changed, oldest first, and remembers what is told of all.
    fn changed<'a>(&mut self, runs: &'a [Sequence]) -> Vec<&'a Sequence> {
        let told = |run: &Sequence| match document_form(self.form) {
            None => Told::Row(render::sequences::substance(run)),
            Some(_) => Told::Run(Box::new(run.clone())),
        };
        let now: BTreeMap<Position, Told> =
            runs.iter().map(|run| (run.position, told(run))).collect();
        let is_changed = |run: &&Sequence| self.told.get(&run.position) != now.get(&run.position);
        let changed = runs.iter().rev().filter(is_changed).collect();
        self.told = now;
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing::{passed_run, run, time_at};

    #[test]
    fn a_pipe_gets_a_line_for_each_run_that_changed() {
        let mut changing = Changing::new(ListForm::Table, false);
        let mut other = run();
        other.position += 1;
        let show = |changing: &mut Changing, runs: &[Sequence], at| {
            changing.show(runs, time_at(at), false).unwrap()
        };
        let runs = [other.clone(), run()];
        assert_eq!(show(&mut changing, &runs, 48).lines().count(), 3);
        assert_eq!(show(&mut changing, &runs, 90), "", "time alone is no change");
        let told = show(&mut changing, &[other, passed_run()], 91);
        assert!(told.contains("finished (pass)") && told.lines().count() == 1, "{told}");
    }

    #[test]
    fn as_documents_each_change_is_one() {
        let mut changing = Changing::new(ListForm::Json, true);
        let text = changing.show(&[run()], time_at(1), false).unwrap();
        let back: Sequence = serde_json::from_str(text.trim_end()).unwrap();
        assert_eq!((text.lines().count(), back), (1, run()));
        assert_eq!(changing.show(&[run()], time_at(2), false).unwrap(), "");
    }

    #[test]
    fn a_terminal_is_drawn_again() {
        let mut changing = Changing::new(ListForm::Table, true);
        let first = changing.show(&[run()], time_at(48), false).unwrap();
        assert!(first.ends_with(&format!("\n\n{FAREWELL}\n")), "{first}");
        let last = changing.show(&[run()], time_at(49), true).unwrap();
        assert!(last.starts_with("\u{1b}[4A\u{1b}[J") && !last.contains(FAREWELL), "{last}");
    }
}
