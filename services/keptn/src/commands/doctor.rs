//! `keptn doctor`: what is wrong with NATS, the components, the projects and what runs, and the way
//! out of each. It reads and changes nothing.
//!
//! Reading order: [`finding`] (what a check says), [`server`] (NATS and the stream), [`components`],
//! [`projects`] (their documents and services), [`runs`] (what is open), [`reports`] (what could
//! not be read).

mod components;
mod finding;
mod projects;
mod reports;
mod runs;
mod server;

use std::time::Duration;

use clap::Args;
use tokio::time::{Instant, timeout};

use self::finding::Finding;
use crate::{
    arguments::{ConnectionArgs, Document},
    client::Client,
    failure::{Exit, Failure},
    render::document,
    terminal,
};

/// Longest time for everything; what was not looked at by then is said to be so.
const LOOK_WAIT: Duration = Duration::from_millis(4_700);
/// Longest time until NATS lets us in; the rest is for the checks.
const CONNECT_WAIT: Duration = Duration::from_secs(2);
/// How the stack is started.
const HINT_START: &str = "start it with `keptn dev` or `docker compose up -d`";

/// Arguments of `doctor`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Each line says ok, warning or problem, what was looked at, and what was found; a hint says the way out.
Nothing is changed. It takes at most 5 s.

Exit codes: 0 no problem (warnings are none), 5 at least one problem.")]
pub(crate) struct DoctorArgs {
    /// Print a document instead of text
    #[arg(short, long, value_name = "FORM")]
    output: Option<Document>,
}

/// Carries out all checks at the same time, and prints what they found.
///
/// # Errors
/// Only if standard output cannot be written.
pub(crate) async fn run(
    arguments: DoctorArgs,
    connection: &ConnectionArgs,
) -> Result<Exit, Failure> {
    let findings = Box::pin(look(connection, Instant::now() + LOOK_WAIT)).await;
    let text = match arguments.output {
        Some(Document::Json) => document::json(&findings)?,
        Some(Document::Yaml) => document::yaml(&findings)?,
        None => finding::text(&findings, terminal::paint()),
    };
    terminal::data(&text)?;
    let has_problem = findings.iter().any(Finding::is_problem);
    Ok(if has_problem { Exit::Refused } else { Exit::Done })
}

async fn look(connection: &ConnectionArgs, until: Instant) -> Vec<Finding> {
    let client = match timeout(CONNECT_WAIT, Client::connect(connection)).await {
        Ok(Ok(client)) => client,
        Ok(Err(failure)) => return vec![Finding::problem_of("nats", failure)],
        Err(_) => {
            let secs = CONNECT_WAIT.as_secs();
            let found = Finding::problem("nats", format!("does not let us in within {secs} s"));
            return vec![found.hint("start one with `keptn dev`, or look at its log")];
        }
    };
    let (server, components, documents, view) = tokio::join!(
        server::look(&client, until),
        components::look(&client, until),
        projects::look_at_documents(&client, until),
        look_through_view(&client, until),
    );
    [server, components, documents, view].concat()
}

/// Carries out what status-view must answer for.
async fn look_through_view(client: &Client, until: Instant) -> Vec<Finding> {
    let projects = match projects::known(client, until).await {
        Ok(projects) => projects,
        Err(reason) => {
            let found = Finding::warning("runs", format!("not looked at: {reason}"));
            return vec![found.hint("look again when status-view is ready")];
        }
    };
    let (runs, reports) =
        tokio::join!(runs::look(client, &projects, until), reports::look(client, until));
    [vec![projects::services(&projects)], runs, vec![reports]].concat()
}
