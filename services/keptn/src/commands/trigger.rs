//! `keptn trigger SEQUENCE`: brings a stage up to date, delivers one artifact, or just runs.

mod request;

use std::{collections::BTreeSet, time::Duration};

use clap::Args;
use model::{
    KeptnContext, Position, ProjectName, SequenceName, ServiceName, StageName, duration,
    view::{Delivery, SEQUENCE, Sequence, SequenceQuery},
};
use tokio::time::{Instant, sleep};

use self::request::Plan;
use crate::{
    arguments::ConnectionArgs,
    client::Client,
    failure::{Exit, Failure},
    lookup,
    render::{outcome::Outcome, plan},
    stamp, terminal, values,
    watch::{self, Watched},
    wire::{self, Request, Trigger},
};

/// Longest time in which the run must show in the view.
const RUN_WAIT: Duration = Duration::from_secs(5);
/// Pause between two looks for the run.
const LOOK_PAUSE: Duration = Duration::from_millis(20);

/// Arguments of `trigger`.
#[derive(Clone, Debug, Args)]
pub(crate) struct TriggerArgs {
    /// The sequence
    #[arg(value_name = "SEQUENCE")]
    sequence: SequenceName,
    /// The project
    #[arg(short, long, value_name = "PROJECT")]
    project: ProjectName,
    /// The stage; with --service the first one if left out
    #[arg(short, long, value_name = "STAGE", required_unless_present = "service")]
    stage: Option<StageName>,
    /// Take over from this stage instead of the preceding one
    #[arg(long, value_name = "STAGE", conflicts_with = "artifact")]
    from: Option<StageName>,
    /// Only this service; several with commas
    #[arg(long, value_name = "SERVICE", value_delimiter = ',')]
    service: Vec<ServiceName>,
    /// Deliver this artifact of the service
    #[arg(long, value_name = "ARTIFACT", visible_alias = "image", requires = "service")]
    artifact: Option<String>,
    /// One run per service instead of one for all
    #[arg(long, conflicts_with = "artifact")]
    separately: bool,
    /// A value on top of the stage's own, for this run; dots nest, JSON or else text
    #[arg(long = "set", value_name = "KEY=VALUE", visible_alias = "values")]
    set: Vec<String>,
    /// Labels of the delivery
    #[arg(short, long, value_name = "KEY=VALUE,…")]
    labels: Vec<String>,
    /// Watch until the delivery has ended, and end with its exit code
    #[arg(short, long)]
    wait: bool,
    /// Longest time to watch
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration::parse)]
    timeout: Duration,
}

/// Triggers, and watches if asked to.
///
/// # Errors
/// Exit code 2 for what cannot be asked, 6 to 8 for how a watched delivery ends.
pub(crate) async fn run(
    arguments: TriggerArgs,
    connection: &ConnectionArgs,
) -> Result<Exit, Failure> {
    let since = Instant::now();
    let values = values::parse(&arguments.set)
        .map_err(|error| Failure::usage(error.to_string()).hint("--artifact=ARTIFACT"))?;
    let labels = values::parse_labels(&arguments.labels)
        .map_err(|error| Failure::usage(error.to_string()))?;
    let client = Client::connect(connection).await?;
    let project = lookup::project(&client, &arguments.project).await?;
    let plan = request::plan(&arguments, &project, values)?;
    let requests = separated(&client, &arguments, &plan).await?;
    let (context, position) = publish(&client, &arguments, &plan, requests.clone(), labels).await?;
    let watched = Watched { context, position, runs_min: requests.len() };
    if arguments.wait {
        return watch::until_ended(&client, &watched, arguments.timeout, since).await;
    }
    show(&client, &watched).await
}

/// Splits a sync into one per service that differs, if that is asked.
async fn separated(
    client: &Client,
    arguments: &TriggerArgs,
    plan: &Plan,
) -> Result<Vec<Request>, Failure> {
    let Request::Sync { from, services } = &plan.request else {
        return Ok(vec![plan.request.clone()]);
    };
    if !arguments.separately {
        return Ok(vec![plan.request.clone()]);
    }
    let status =
        lookup::stage_status(client, &arguments.project, &plan.stage, from.as_ref()).await?;
    let wanted: BTreeSet<&ServiceName> = services.iter().collect();
    let one = |service: &ServiceName| Request::Sync {
        from: from.clone(),
        services: vec![service.clone()],
    };
    let requests: Vec<Request> = status
        .services
        .iter()
        .filter(|one| one.differs && (wanted.is_empty() || wanted.contains(&one.service)))
        .map(|status| one(&status.service))
        .collect();
    // With nothing to do there is still an answer that says so.
    Ok(if requests.is_empty() { vec![plan.request.clone()] } else { requests })
}

/// Publishes one trigger per request, all under one context; returns the last position.
async fn publish(
    client: &Client,
    arguments: &TriggerArgs,
    plan: &Plan,
    requests: Vec<Request>,
    labels: serde_json::Map<String, serde_json::Value>,
) -> Result<(KeptnContext, Position), Failure> {
    let context = KeptnContext::of_trigger(&stamp::new_id()?);
    let mut last = 0;
    for request in requests {
        let trigger = Trigger {
            project: arguments.project.clone(),
            stage: plan.stage.clone(),
            sequence: arguments.sequence.clone(),
            request,
            labels: labels.clone(),
        };
        last = client.store(&wire::trigger(&trigger, &context, stamp::stamp()?)).await?;
    }
    Ok((context, last))
}

/// Prints the context on standard output, and the plan on standard error.
async fn show(client: &Client, watched: &Watched) -> Result<Exit, Failure> {
    let found = find_runs(client, watched).await;
    terminal::data_line(watched.context.as_str())?;
    let Some(delivery) = found else {
        terminal::talk(&format!(
            "warning: stored at position {}, but the view shows no run yet",
            watched.position
        ));
        terminal::talk(&format!("hint: keptn get sequence {}", watched.context.short()));
        return Ok(Exit::Done);
    };
    let runs = &delivery.sequences;
    if let Some(refused) = runs.iter().find(|run| is_refused(run)) {
        let message = refused.message.as_deref().unwrap_or("the trigger was refused");
        return Err(Failure::refused(message).hint_if(refused.hint.clone()));
    }
    terminal::talk(&plan::line(runs));
    for line in plan::queued(runs) {
        terminal::talk(&line);
    }
    Ok(Exit::Done)
}

/// Asks the view for the runs until all are there and decided.
async fn find_runs(client: &Client, watched: &Watched) -> Option<Delivery> {
    let query = SequenceQuery {
        keptn_context: watched.context.to_string(),
        at_least: Some(watched.position),
    };
    let until = Instant::now() + RUN_WAIT;
    let mut found = None;
    while Instant::now() < until {
        if let Ok(delivery) = client.ask::<Delivery>(SEQUENCE, &query).await {
            let is_complete = delivery.sequences.len() >= watched.runs_min
                && delivery.sequences.iter().all(is_decided);
            found = Some(delivery);
            if is_complete {
                return found;
            }
        }
        sleep(LOOK_PAUSE).await;
    }
    found.filter(|delivery| !delivery.sequences.is_empty())
}

/// A run is decided once it is known what it delivers, or that it has ended, or why it waits.
fn is_decided(run: &Sequence) -> bool {
    run.state.is_ended() || !run.services.is_empty() || run.waiting_for.is_some()
}

/// A trigger is refused if its run failed before any task.
fn is_refused(run: &Sequence) -> bool {
    Outcome::of(run) == Outcome::Failed && run.started_at.is_none()
}
