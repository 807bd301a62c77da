//! `keptn get approvals`: what waits for a person, in all projects.

use clap::Args;
use model::{ProjectName, ServiceName, StageName, view::SequencesQuery};

use super::{FormArg, listed};
use crate::{
    approvals::{self, Approval},
    arguments::ListForm,
    client::Client,
    failure::{Exit, Failure},
    render, terminal,
};

/// Arguments of `get approvals`.
#[derive(Clone, Debug, Args)]
pub(crate) struct GetApprovalsArgs {
    /// Only of this project
    #[arg(short, long, value_name = "PROJECT")]
    project: Option<ProjectName>,
    /// Only in this stage
    #[arg(short, long, value_name = "STAGE")]
    stage: Option<StageName>,
    /// Only of this service
    #[arg(long, value_name = "SERVICE")]
    service: Option<ServiceName>,
    #[command(flatten)]
    form: FormArg,
}

/// Lists open approvals, longest waiting first, and tells how to answer them.
///
/// # Errors
/// Exit code 2 for unknown names, 3 if the view does not answer.
pub(super) async fn run(client: &Client, arguments: GetApprovalsArgs) -> Result<Exit, Failure> {
    let query = SequencesQuery {
        project: arguments.project.map(String::from),
        stage: arguments.stage.map(String::from),
        service: arguments.service.map(String::from),
        ..SequencesQuery::default()
    };
    let runs = approvals::runs(client, query).await?;
    let found: Vec<Approval> = runs.iter().filter_map(Approval::of).collect();
    let (form, now) = (arguments.form.output, client.now());
    terminal::data(&listed(form, false, &found, |width| {
        render::approvals::text(&found, now, width, terminal::paint())
    })?)?;
    match form {
        ListForm::Table | ListForm::Wide => {
            for line in render::approvals::commands(&found) {
                terminal::talk(&line);
            }
        }
        ListForm::Json | ListForm::Yaml => {}
    }
    Ok(Exit::Done)
}
