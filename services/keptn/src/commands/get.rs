//! `keptn get project|stage|service|sequence|approvals|event|resource`.

mod approvals;
mod events;
mod sequences;

use clap::{Args, Subcommand};
use model::{
    ProjectName, ServiceName, StageName,
    view::{Project, ProjectStage},
};
use serde::Serialize;

use self::{approvals::GetApprovalsArgs, events::GetEventArgs, sequences::GetSequenceArgs};

use crate::{
    arguments::{ConnectionArgs, ListForm, ProjectArg},
    client::Client,
    commands::resource,
    failure::{Exit, Failure},
    lookup,
    render::{self, document, sequences::Width},
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
    /// List what waits for approval, longest waiting first
    #[command(visible_alias = "approval")]
    Approvals(GetApprovalsArgs),
    /// List stored events, oldest first
    #[command(visible_alias = "events")]
    Event(Box<GetEventArgs>),
    /// List the resources of a level, or print the content of one
    #[command(visible_alias = "resources", disable_version_flag = true)]
    Resource(resource::GetResourceArgs),
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
    /// Only of this project
    #[arg(short, long, value_name = "PROJECT")]
    project: Option<ProjectName>,
    /// Only in this stage
    #[arg(short, long, value_name = "STAGE")]
    stage: Option<StageName>,
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
        GetCommand::Approvals(arguments) => return approvals::run(&client, arguments).await,
        GetCommand::Sequence(arguments) => return sequences::run(&client, arguments).await,
        GetCommand::Event(arguments) => return events::run(&client, *arguments).await,
        GetCommand::Resource(arguments) => {
            resource::get(&client, arguments).await?;
            return Ok(Exit::Done);
        }
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
    let projects = match &arguments.project {
        Some(name) => vec![lookup::project(client, name).await?],
        None => lookup::projects(client).await?,
    };
    let (service, stage) = (arguments.name.as_ref(), arguments.stage.as_ref());
    let mut statuses = Vec::new();
    for (project, stage) in wanted_stages(&projects, service, stage)? {
        let mut status = lookup::stage_status(client, &project.project, stage, None).await?;
        status.services.retain(|one| service.is_none_or(|it| one.service == *it));
        statuses.push(status);
    }
    let found = render::services::list(statuses);
    // A service stands in several stages, so one object only if the stage is named, too.
    let is_named = arguments.project.is_some() && service.is_some() && stage.is_some();
    listed(arguments.form.output, is_named, &found, |_| {
        render::services::text(&found, arguments.project.is_none(), terminal::paint())
    })
}

/// Returns the stages to look at, in all projects that have the service and the stage.
fn wanted_stages<'a>(
    projects: &'a [Project],
    service: Option<&ServiceName>,
    stage: Option<&StageName>,
) -> Result<Vec<(&'a Project, &'a StageName)>, Failure> {
    let mut wanted = Vec::new();
    let mut refused = None;
    for project in projects {
        match stages_of(project, service, stage) {
            Ok(stages) => wanted.extend(stages.into_iter().map(|stage| (project, stage))),
            Err(failure) => refused = Some(failure),
        }
    }
    refused.filter(|_| wanted.is_empty()).map_or(Ok(wanted), Err)
}

fn stages_of<'a>(
    project: &'a Project,
    service: Option<&ServiceName>,
    stage: Option<&StageName>,
) -> Result<Vec<&'a StageName>, Failure> {
    if let Some(name) = service {
        lookup::service(project, name)?;
    }
    Ok(match stage {
        Some(name) => vec![&lookup::stage(project, name)?.stage],
        None => project.stages.iter().map(|one| &one.stage).collect(),
    })
}
