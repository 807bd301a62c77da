//! `keptn trigger SEQUENCE`: brings a stage up to date, delivers one artifact, or just runs.

mod arguments;
mod request;
mod window;

use std::{collections::BTreeSet, time::Duration};

use model::{
    KeptnContext, Position, ServiceName,
    view::{Delivery, SEQUENCE, Sequence, SequenceQuery, WaitingReason},
};
use serde_json::{Map, Value, json};
use tokio::time::{Instant, sleep};

pub(crate) use self::arguments::TriggerArgs;
use self::request::Plan;
use crate::{
    arguments::{ConnectionArgs, Document},
    client::Client,
    failure::{Exit, Failure},
    lookup,
    render::{document, outcome::Outcome, plan},
    stamp, terminal,
    values::{self, ValueError},
    watch::{self, Watched},
    wire::{self, Request, Trigger},
};

/// Longest time in which the run must show in the view.
const RUN_WAIT: Duration = Duration::from_secs(5);
/// Pause between two looks for the run.
const LOOK_PAUSE: Duration = Duration::from_millis(20);

/// Triggers, and watches if asked to.
///
/// # Errors
/// Exit code 2 for what cannot be asked, 6 to 8 for how a watched delivery ends.
pub(crate) async fn run(
    arguments: TriggerArgs,
    connection: &ConnectionArgs,
) -> Result<Exit, Failure> {
    let since = Instant::now();
    let arguments = arguments.resolved()?;
    let given = Given::read(&arguments)?;
    let client = Client::connect(connection).await?;
    let project = lookup::project(&client, &arguments.project).await?;
    let plan = request::plan(&arguments, &project, given.values.clone())?;
    let requests = separated(&client, &arguments, &plan).await?;
    let runs_min = requests.len();
    let (context, position) = publish(&client, &arguments, &plan, requests, given).await?;
    let watched = Watched { context, position, runs_min };
    let (watching, limit) = (arguments.watching, arguments.watching.limit());
    match watching.output {
        None if watching.wait => watch::until_ended(&client, &watched, limit, since).await,
        None => show(&client, &watched).await,
        Some(form) if watching.wait => {
            let ended = watch::silently_until_ended(&client, &watched, limit, since).await?;
            terminal::data(&document::text(form, &ended.delivery)?)?;
            Ok(ended.exit)
        }
        Some(form) => show_document(&client, &watched, form).await,
    }
}

/// What flags say besides what is triggered where.
#[derive(Clone, Debug)]
struct Given {
    values: Map<String, Value>,
    labels: Map<String, Value>,
    data: Map<String, Value>,
}

impl Given {
    fn read(arguments: &TriggerArgs) -> Result<Self, Failure> {
        let listed = |lists: &[String]| -> Vec<String> {
            lists.iter().flat_map(|list| values::split_pairs(list)).collect()
        };
        let pairs = [arguments.set.clone(), listed(&arguments.values)].concat();
        let values = values::parse(&pairs)
            .map_err(|error| Failure::usage(error.to_string()).hint("--artifact=ARTIFACT"))?;
        let usage = |error: ValueError| Failure::usage(error.to_string());
        let labels = values::parse_labels(&arguments.labels).map_err(usage)?;
        let mut data = values::parse_data(&listed(&arguments.data)).map_err(usage)?;
        data.extend(window::data(&arguments.window, &arguments.sequence, stamp::now())?);
        Ok(Self { values, labels, data })
    }
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
    given: Given,
) -> Result<(KeptnContext, Position), Failure> {
    let context = KeptnContext::of_trigger(&stamp::new_id()?);
    let mut last = 0;
    for request in requests {
        let trigger = Trigger {
            project: arguments.project.clone(),
            stage: plan.stage.clone(),
            sequence: arguments.sequence.clone(),
            request,
            labels: given.labels.clone(),
            data: given.data.clone(),
            git_commit_id: arguments.git_commit_id.clone(),
        };
        last = client.store(&wire::trigger(&trigger, &context, stamp::stamp()?)).await?;
    }
    Ok((context, last))
}

/// Prints the context on standard output, and the plan on standard error.
async fn show(client: &Client, watched: &Watched) -> Result<Exit, Failure> {
    let found = find_runs(client, watched).await;
    terminal::data_line(watched.context.as_str())?;
    tell(found.as_ref(), watched)
}

/// Prints the delivery as a document on standard output, and the plan on standard error.
async fn show_document(
    client: &Client,
    watched: &Watched,
    form: Document,
) -> Result<Exit, Failure> {
    let found = find_runs(client, watched).await;
    terminal::data(&match &found {
        Some(delivery) => document::text(form, delivery)?,
        None => document::text(form, &json!({ "keptnContext": watched.context }))?,
    })?;
    tell(found.as_ref(), watched)
}

/// Says on standard error what is going to be done.
fn tell(found: Option<&Delivery>, watched: &Watched) -> Result<Exit, Failure> {
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

/// A run is decided once it is known what it delivers, or that it has ended, or why it waits; not
/// while the controller is about to end it.
fn is_decided(run: &Sequence) -> bool {
    let waits =
        run.waiting_for.as_ref().is_some_and(|wait| wait.reason != WaitingReason::Controller);
    run.state.is_ended() || !run.services.is_empty() || waits
}

/// A trigger is refused if its run failed before any task.
fn is_refused(run: &Sequence) -> bool {
    Outcome::of(run) == Outcome::Failed && run.started_at.is_none()
}
