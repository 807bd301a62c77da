//! `keptn configure service`: a service's own values in a stage, which stay there.

use clap::{Args, Subcommand};
use serde_json::{Map, Value};

use crate::{
    arguments::{ConnectionArgs, ServiceArg, StageArgs},
    client::Client,
    failure::{Exit, Failure},
    stamp, terminal, values, wire,
};

/// What can be configured.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ConfigureCommand {
    /// Set a service's own values in a stage
    Service(ConfigureServiceArgs),
}

/// Arguments of `configure service`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ConfigureServiceArgs {
    #[command(flatten)]
    service: ServiceArg,
    #[command(flatten)]
    stage: StageArgs,
    /// A value; dots nest, JSON or else text, `null` deletes
    #[arg(long = "set", value_name = "KEY=VALUE", required = true)]
    set: Vec<String>,
}

/// Changes the values, and says on standard error what they are then.
///
/// # Errors
/// What config-store refuses, or that nobody answers.
pub(crate) async fn run(
    command: ConfigureCommand,
    connection: &ConnectionArgs,
) -> Result<Exit, Failure> {
    let ConfigureCommand::Service(arguments) = command;
    let values = values::parse(&arguments.set).map_err(|error| match error {
        values::ValueError::Artifact => Failure::usage(error.to_string()).hint(format!(
            "keptn trigger SEQUENCE --project={} --service={} --artifact=ARTIFACT",
            arguments.stage.project, arguments.service.service
        )),
        values::ValueError::Form(_)
        | values::ValueError::Flag(_)
        | values::ValueError::EmptyPart(_)
        | values::ValueError::Conflict(_) => Failure::usage(error.to_string()),
    })?;
    let StageArgs { project, stage } = &arguments.stage;
    let service = &arguments.service.service;
    let client = Client::connect(connection).await?;
    let event = wire::configuration_change(project, stage, service, &values, stamp::stamp()?);
    let answer = client.carry_out(&event).await?;
    let own = own_values(&answer.data.to_map());
    terminal::talk(&format!("configured {service} in {stage}: {own}"));
    Ok(Exit::Done)
}

/// Returns the stage's own values as the answer has them.
fn own_values(data: &Map<String, Value>) -> String {
    let values = data.get("configurationChange").and_then(|change| change.get("values"));
    let pairs: Vec<String> = values
        .and_then(Value::as_object)
        .map(|values| values.iter().map(|(key, value)| format!("{key}={value}")).collect())
        .unwrap_or_default();
    if pairs.is_empty() { "no values of its own".to_owned() } else { pairs.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_values_are_listed() {
        let data = serde_json::json!({"configurationChange":{"values":{"b":"x","a":3}}});
        assert_eq!(own_values(data.as_object().unwrap()), "a=3, b=\"x\"");
        assert_eq!(own_values(&Map::new()), "no values of its own");
    }
}
