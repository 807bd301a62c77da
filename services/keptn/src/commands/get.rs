//! `keptn get project|stage|service|sequence|event`.

use clap::{Args, Subcommand};
use model::{
    Position, ProjectName, ServiceName, StageName,
    view::{
        Delivery, EVENTS, Events, EventsQuery, Project, ProjectStage, SEQUENCES, Sequence,
        Sequences, SequencesQuery,
    },
};
use serde::Serialize;

use crate::{
    arguments::{ConnectionArgs, ListForm, ProjectArg},
    client::Client,
    failure::{Exit, Failure},
    lookup,
    render::{
        self, document,
        live::{self, Columns},
        sequences::Width,
    },
    terminal,
};

/// What can be listed.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum GetCommand {
    /// List projects
    #[command(visible_alias = "projects")]
    Project(GetProjectArgs),
    /// List the stages of a project
    #[command(visible_alias = "stages")]
    Stage(GetStageArgs),
    /// List the services of a project, stage by stage
    #[command(visible_alias = "services")]
    Service(GetServiceArgs),
    /// List runs, newest first
    #[command(visible_alias = "sequences")]
    Sequence(GetSequenceArgs),
    /// List stored events, oldest first
    #[command(visible_alias = "events")]
    Event(GetEventArgs),
}

/// Form of the list.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct FormArg {
    /// Form of the list
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    output: ListForm,
}

/// Arguments of `get project`.
#[derive(Clone, Debug, Args)]
pub(crate) struct GetProjectArgs {
    /// Only this one
    #[arg(value_name = "PROJECT")]
    name: Option<ProjectName>,
    #[command(flatten)]
    form: FormArg,
}

/// Arguments of `get stage`.
#[derive(Clone, Debug, Args)]
pub(crate) struct GetStageArgs {
    /// Only this one
    #[arg(value_name = "STAGE")]
    name: Option<StageName>,
    #[command(flatten)]
    project: ProjectArg,
    #[command(flatten)]
    form: FormArg,
}

/// Arguments of `get service`.
#[derive(Clone, Debug, Args)]
pub(crate) struct GetServiceArgs {
    /// Only this one
    #[arg(value_name = "SERVICE")]
    name: Option<ServiceName>,
    #[command(flatten)]
    project: ProjectArg,
    /// Only in this stage
    #[arg(short, long, value_name = "STAGE")]
    stage: Option<StageName>,
    #[command(flatten)]
    form: FormArg,
}

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
    form: FormArg,
}

/// Arguments of `get event`.
#[derive(Clone, Debug, Args)]
pub(crate) struct GetEventArgs {
    /// Only of this type, such as `test.finished`
    #[arg(value_name = "TYPE")]
    event_type: Option<String>,
    /// Only of this project
    #[arg(short, long, value_name = "PROJECT")]
    project: Option<ProjectName>,
    /// Only of this delivery: its Keptn context, or at least 8 characters of its beginning
    #[arg(short = 'c', long = "keptn-context", value_name = "CONTEXT")]
    context: Option<String>,
    /// Most events to list
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    limit: usize,
    /// Only events behind this position; without it the newest
    #[arg(long, value_name = "POSITION")]
    after: Option<Position>,
    #[command(flatten)]
    form: FormArg,
}

/// Lists.
///
/// # Errors
/// Exit code 2 for unknown names, 3 if the view does not answer.
pub(crate) async fn run(command: GetCommand, connection: &ConnectionArgs) -> Result<Exit, Failure> {
    let client = Client::connect(connection).await?;
    let text = match command {
        GetCommand::Project(arguments) => projects(&client, arguments).await,
        GetCommand::Stage(arguments) => stages(&client, arguments).await,
        GetCommand::Service(arguments) => services(&client, arguments).await,
        GetCommand::Sequence(arguments) => sequences(&client, arguments).await,
        GetCommand::Event(arguments) => events(&client, arguments).await,
    }?;
    terminal::data(&text)?;
    Ok(Exit::Done)
}

/// Writes a list: a table, or one document, which is one object if one was named.
fn listed<T: Serialize>(
    form: ListForm,
    is_named: bool,
    items: &[T],
    table: impl FnOnce(Width) -> String,
) -> Result<String, Failure> {
    let one = items.first().filter(|_| is_named);
    Ok(match (form, one) {
        (ListForm::Table, _) => table(Width::Normal),
        (ListForm::Wide, _) => table(Width::Wide),
        (ListForm::Json, Some(one)) => document::json(one)?,
        (ListForm::Json, None) => document::json(&items)?,
        (ListForm::Yaml, Some(one)) => document::yaml(one)?,
        (ListForm::Yaml, None) => document::yaml(&items)?,
    })
}

async fn projects(client: &Client, arguments: GetProjectArgs) -> Result<String, Failure> {
    let found: Vec<Project> = match &arguments.name {
        Some(name) => vec![lookup::project(client, name).await?],
        None => lookup::projects(client).await?,
    };
    listed(arguments.form.output, arguments.name.is_some(), &found, |_| {
        render::projects::projects(&found, client.now(), terminal::paint())
    })
}

async fn stages(client: &Client, arguments: GetStageArgs) -> Result<String, Failure> {
    let project = lookup::project(client, &arguments.project.project).await?;
    let found: Vec<&ProjectStage> = match &arguments.name {
        Some(name) => vec![lookup::stage(&project, name)?],
        None => project.stages.iter().collect(),
    };
    listed(arguments.form.output, arguments.name.is_some(), &found, |_| {
        render::projects::stages(&project, &found, terminal::paint())
    })
}

async fn services(client: &Client, arguments: GetServiceArgs) -> Result<String, Failure> {
    let project = lookup::project(client, &arguments.project.project).await?;
    if let Some(name) = &arguments.name {
        lookup::service(&project, name)?;
    }
    let stages: Vec<&StageName> = match &arguments.stage {
        Some(name) => vec![&lookup::stage(&project, name)?.stage],
        None => project.stages.iter().map(|one| &one.stage).collect(),
    };
    let mut statuses = Vec::with_capacity(stages.len());
    for stage in stages {
        let mut status = lookup::stage_status(client, &project.project, stage, None).await?;
        status.services.retain(|one| arguments.name.as_ref().is_none_or(|it| one.service == *it));
        statuses.push(status);
    }
    let found = render::services::list(statuses);
    // A service stands in several stages, so one object only if the stage is named, too.
    let is_named = arguments.name.is_some() && arguments.stage.is_some();
    listed(arguments.form.output, is_named, &found, |_| {
        render::services::text(&found, terminal::paint())
    })
}

async fn sequences(client: &Client, arguments: GetSequenceArgs) -> Result<String, Failure> {
    let context = arguments.name.or(arguments.context);
    if let Some(context) = context {
        let delivery = lookup::delivery(client, &context).await?;
        lookup::project_of(&delivery, arguments.project.as_ref())?;
        return one_delivery(client, &delivery, arguments.form.output);
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
    let answer: Sequences = client.ask(SEQUENCES, &query).await?;
    if let Some(before) = answer.next_before {
        terminal::talk(&format!("note: there are older ones: --before={before}"));
    }
    let now = client.now();
    listed(arguments.form.output, false, &answer.sequences, |width| {
        render::sequences::text(&answer.sequences, now, width, terminal::paint())
    })
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

async fn events(client: &Client, arguments: GetEventArgs) -> Result<String, Failure> {
    let query = EventsQuery {
        project: arguments.project.map(String::from),
        keptn_context: arguments.context,
        event_type: arguments.event_type,
        after: arguments.after,
        limit: arguments.limit,
        at_least: None,
    };
    let answer: Events = client.ask(EVENTS, &query).await?;
    if let Some(after) = answer.next_after {
        terminal::talk(&format!("note: there are more: --after={after}"));
    }
    listed(arguments.form.output, false, &answer.events, |_| {
        render::events::text(&answer.events, terminal::paint())
    })
}
