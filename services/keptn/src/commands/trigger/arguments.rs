//! What can be typed behind `keptn trigger`, in our form and in Keptn's.

use std::time::Duration;

use clap::Args;
use model::{ProjectName, SequenceName, ServiceName, StageName, duration};

use super::window::WindowArgs;
use crate::{
    arguments::{Document, watch_time},
    failure::Failure,
};

/// Keptn's word before the name of any sequence.
const SEQUENCE: &str = "sequence";
/// Keptn's word for a delivery, whose sequence can be another one.
const DELIVERY: &str = "delivery";
/// Longest text that names a commit.
const COMMIT_CHARS_MAX: usize = 64;

/// Arguments of `trigger`.
#[derive(Clone, Debug, Args)]
pub(crate) struct TriggerArgs {
    /// The sequence
    #[arg(value_name = "SEQUENCE")]
    pub(super) sequence: SequenceName,
    /// Keptn's form: the sequence, after the word `sequence`; it runs for --service and syncs nothing
    #[arg(value_name = "NAME")]
    name: Option<SequenceName>,
    /// Keptn's form: the sequence, after the word `delivery`
    #[arg(long = "sequence", value_name = "SEQUENCE", conflicts_with = "name")]
    instead: Option<SequenceName>,
    /// The project
    #[arg(short, long, value_name = "PROJECT")]
    pub(super) project: ProjectName,
    /// The stage; with --service the first one if left out
    #[arg(short, long, value_name = "STAGE", required_unless_present = "service")]
    pub(super) stage: Option<StageName>,
    /// Take over from this stage instead of the preceding one
    #[arg(long, value_name = "STAGE", conflicts_with = "artifact")]
    pub(super) from: Option<StageName>,
    /// Only this service; several with commas
    #[arg(long, value_name = "SERVICE", value_delimiter = ',')]
    pub(super) service: Vec<ServiceName>,
    /// Deliver this artifact of the service
    #[arg(long, value_name = "ARTIFACT", visible_alias = "image", requires = "service")]
    pub(super) artifact: Option<String>,
    /// One run per service instead of one for all
    #[arg(long, conflicts_with = "artifact")]
    pub(super) separately: bool,
    /// A value on top of the stage's own, for this run; dots nest, JSON or else text
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(super) set: Vec<String>,
    /// The same, several with commas
    #[arg(long, value_name = "KEY=VALUE,…")]
    pub(super) values: Vec<String>,
    /// A member of the event's data; dots nest, JSON or else text; several with commas
    #[arg(short, long, value_name = "KEY=VALUE,…")]
    pub(super) data: Vec<String>,
    /// Labels of the delivery
    #[arg(short, long, value_name = "KEY=VALUE,…")]
    pub(super) labels: Vec<String>,
    /// Commit of the configuration that the run is for
    #[arg(long, value_name = "COMMIT", value_parser = commit)]
    pub(super) git_commit_id: Option<String>,
    #[command(flatten)]
    pub(super) window: WindowArgs,
    #[command(flatten)]
    pub(super) watching: WatchingArgs,
    /// A plain run for one service, whatever its tasks are.
    #[arg(skip)]
    pub(super) is_plain: bool,
}

/// Whether to watch the run, and how it is shown.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct WatchingArgs {
    /// Watch until the delivery has ended, and end with its exit code
    #[arg(short, long, visible_alias = "watch")]
    pub(super) wait: bool,
    /// Longest time to watch
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration::parse)]
    timeout: Duration,
    /// The same; a number alone is seconds
    #[arg(long, value_name = "DURATION", value_parser = watch_time, conflicts_with = "timeout")]
    watch_time: Option<Duration>,
    /// Print the delivery as a document instead of its context or drawing
    #[arg(short, long, value_name = "FORM")]
    pub(super) output: Option<Document>,
}

impl WatchingArgs {
    /// Returns the longest time to watch.
    pub(super) fn limit(&self) -> Duration {
        self.watch_time.unwrap_or(self.timeout)
    }
}

impl TriggerArgs {
    /// Puts Keptn's forms into ours.
    ///
    /// # Errors
    /// Exit code 2 for a second name, or `--sequence`, where neither belongs.
    pub(super) fn resolved(self) -> Result<Self, Failure> {
        let Self { sequence: first, name, instead, .. } = &self;
        let (sequence, is_plain) = match (first.as_str(), name, instead) {
            (_, None, None) => return Ok(self),
            (SEQUENCE, Some(name), _) => (name.clone(), self.is_for_service()),
            (DELIVERY, None, Some(instead)) => (instead.clone(), false),
            (_, Some(name), _) => {
                let message = format!("one sequence must be named, `{first}` and `{name}` are two");
                return Err(Failure::usage(message)
                    .hint(format!("keptn trigger {first} …, or keptn trigger sequence {name} …")));
            }
            (_, None, Some(instead)) => {
                let message = "--sequence must stand behind `keptn trigger delivery`";
                return Err(Failure::usage(message).hint(format!("keptn trigger {instead} …")));
            }
        };
        Ok(Self { sequence, is_plain, name: None, instead: None, ..self })
    }

    fn is_for_service(&self) -> bool {
        !self.service.is_empty() && self.from.is_none() && !self.separately
    }
}

/// Checks that a commit can stand in an attribute of an event.
fn commit(text: &str) -> Result<String, String> {
    let is_commit = (1..=COMMIT_CHARS_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let rule = || format!("must be 1 to {COMMIT_CHARS_MAX} letters and digits");
    if is_commit { Ok(text.to_owned()) } else { Err(rule()) }
}
