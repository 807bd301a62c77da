//! `keptn demo`: plays the demo's history on a running stack.

use bus::names;

use crate::{
    arguments::ConnectionArgs,
    client::Client,
    demo::{self, Played},
    failure::{Exit, Failure},
    terminal,
};

/// What to try when the history is there.
pub(crate) const TRY: [&str; 3] = [
    "keptn view status --project=sockshop --stage=hardening",
    "keptn trigger artifact-delivery --project=sockshop --stage=hardening --wait",
    "keptn get sequence --project=sockshop",
];

/// Waits for the services, and plays the history unless it is there already.
///
/// # Errors
/// Exit code 3 if a service is not ready in time or does not go on.
pub(crate) async fn run(connection: &ConnectionArgs) -> Result<Exit, Failure> {
    let client = Client::connect(connection).await?;
    demo::wait_until_ready(&client, &names::COMPONENTS).await?;
    tell(demo::play(&client).await?);
    terminal::talk("\nTry:");
    for line in TRY {
        terminal::talk(&format!("  {line}"));
    }
    Ok(Exit::Done)
}

/// Says what was done.
pub(crate) fn tell(played: Played) {
    terminal::talk(&match played {
        Played::Now { runs } => format!("project sockshop is there, with {runs} runs"),
        Played::Before => "project sockshop exists already, nothing is changed".to_owned(),
    });
}
