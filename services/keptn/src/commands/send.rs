//! `keptn send event`: publishes an event from a file, with what is missing filled in, or answers an
//! approval.

mod approval;

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand, ValueEnum};
use model::{Event, KeptnContext};
use serde_json::{Map, Value};

use self::approval::ApprovalArgs;
use crate::{
    arguments::ConnectionArgs,
    client::Client,
    documents,
    failure::{Exit, Failure},
    stamp, terminal, values,
    wire::Stamp,
};

/// Stands for standard input.
const STANDARD_INPUT: &str = "-";

/// What can be sent.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum SendCommand {
    /// Send an event
    Event(SendEventArgs),
}

/// Arguments of `send event`.
#[derive(Clone, Debug, Args)]
pub(crate) struct SendEventArgs {
    /// What to say without a file: the answer to an open approval, which is asked for
    #[arg(value_name = "TYPE", requires_all = ["project", "stage"])]
    event_type: Option<Said>,
    /// The event as JSON; `-` is standard input
    #[arg(
        short,
        long,
        value_name = "FILE",
        required_unless_present = "event_type",
        conflicts_with = "event_type"
    )]
    file: Option<PathBuf>,
    #[command(flatten)]
    approval: ApprovalArgs,
}

/// Types that need no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Said {
    /// The answer to an open approval.
    #[value(name = "approval.finished", alias = "sh.keptn.event.approval.finished")]
    Approval,
}

/// Publishes the event and prints its context.
///
/// # Errors
/// Exit code 2 for what is no event.
pub(crate) async fn run(
    command: SendCommand,
    connection: &ConnectionArgs,
) -> Result<Exit, Failure> {
    let SendCommand::Event(SendEventArgs { event_type: _, file, approval }) = command;
    let Some(file) = file else {
        let labels = values::parse_labels(&approval.labels)
            .map_err(|error| Failure::usage(error.to_string()))?;
        let client = Client::connect(connection).await?;
        return approval::run(&client, approval, labels).await;
    };
    let text = read(&file)?;
    let (event, json) = complete(&text, stamp::stamp()?)
        .map_err(|reason| Failure::usage(format!("file `{}`: {reason}", file.display())))?;
    let client = Client::connect(connection).await?;
    let position = client.store_json(&event, json).await?;
    terminal::talk(&format!("stored {} at position {position}", event.event_type));
    let context = event.context.unwrap_or_else(|| KeptnContext::of_trigger(&event.id));
    terminal::data_line(context.as_str())?;
    Ok(Exit::Done)
}

fn read(file: &Path) -> Result<String, Failure> {
    if file.as_os_str() != STANDARD_INPUT {
        return documents::read_file(file);
    }
    let mut text = String::new();
    let bytes_max = u64::try_from(model::event::MESSAGE_BYTES_MAX).unwrap_or(u64::MAX);
    std::io::stdin()
        .lock()
        .take(bytes_max)
        .read_to_string(&mut text)
        .map_err(|error| Failure::usage(format!("standard input must be readable: {error}")))?;
    Ok(text)
}

/// Fills in what is missing, replaces nothing, and keeps unknown members.
fn complete(text: &str, stamp: Stamp) -> Result<(Event, String), String> {
    let value: Value =
        serde_json::from_str(text).map_err(|error| format!("must be JSON: {error}"))?;
    let Value::Object(mut members) = value else {
        return Err("must be one JSON object".to_owned());
    };
    let mut fill = |name: &str, value: String| {
        fill_in(&mut members, name, value);
    };
    fill("specversion", "1.0".to_owned());
    fill("id", stamp.id.to_string());
    fill("source", stamp.source.to_owned());
    fill("time", stamp.time);
    if !members.contains_key("contenttype") {
        fill_in(&mut members, "datacontenttype", "application/json".to_owned());
    }
    let decode = |members: &Map<String, Value>| {
        let json = Value::Object(members.clone()).to_string();
        Event::from_json(json.as_bytes()).map(|event| (event, json)).map_err(|why| why.to_string())
    };
    let (event, json) = decode(&members)?;
    if event.context.is_some() {
        return Ok((event, json));
    }
    fill_in(&mut members, "shkeptncontext", KeptnContext::of_trigger(&event.id).to_string());
    decode(&members)
}

/// An empty text is as missing as none.
fn fill_in(members: &mut Map<String, Value>, name: &str, value: String) {
    let is_missing = match members.get(name) {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.is_empty(),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => false,
    };
    if is_missing {
        members.insert(name.to_owned(), Value::String(value));
    }
}

#[cfg(test)]
mod tests {
    use model::EventId;

    use super::*;

    fn completed(text: &str) -> Result<Value, String> {
        let stamp = Stamp {
            id: EventId::new("8e273904-d0d6-11eb-a902-784f43552794").unwrap(),
            time: "2026-11-23T12:00:00Z".to_owned(),
            source: stamp::SOURCE,
        };
        complete(text, stamp).map(|(_, json)| serde_json::from_str(&json).unwrap())
    }

    #[test]
    fn what_is_missing_is_filled_in() {
        let event = completed(r#"{"type":"sh.keptn.event.test.finished","data":{"a":1.10}}"#);
        let expected = serde_json::from_str::<Value>(
            r#"{"type":"sh.keptn.event.test.finished","data":{"a":1.10},"specversion":"1.0",
                "id":"8e273904-d0d6-11eb-a902-784f43552794","source":"keptn-cli",
                "time":"2026-11-23T12:00:00Z","datacontenttype":"application/json",
                "shkeptncontext":"8e273904-d0d6-11eb-a902-784f43552794"}"#,
        );
        assert_eq!(event.unwrap(), expected.unwrap());
    }

    #[test]
    fn what_is_there_is_not_replaced() {
        let given = r#"{"contenttype":"application/json","id":"mine","source":"ci","specversion":"1.0","time":"2020-01-01T00:00:00Z","type":"sh.keptn.event.test.finished","shkeptncontext":"c","extra":{"x":[1]},"data":{}}"#;
        assert_eq!(completed(given).unwrap(), serde_json::from_str::<Value>(given).unwrap());
    }

    #[test]
    fn what_is_no_event_is_refused() {
        assert!(completed("hello").unwrap_err().contains("must be JSON"));
        assert!(completed("[]").unwrap_err().contains("one JSON object"));
        assert!(completed("{}").unwrap_err().contains("`type`"));
    }
}
