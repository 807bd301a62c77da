//! `keptn add-resource`, `keptn get resource` and `keptn delete resource`: files of a project, a
//! stage or a service.

use std::{
    fmt,
    io::Read as _,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use clap::Args;
use model::{
    Event, Payload, ProjectName, ResourceUri, ServiceName, StageName,
    view::{
        RESOURCE, RESOURCE_BYTES_MAX, RESOURCES, Resource, ResourceEntry, ResourceQuery, Resources,
        ResourcesQuery,
    },
};

use crate::{
    arguments::{ConnectionArgs, ListForm},
    client::Client,
    failure::{Exit, Failure},
    lookup,
    render::{self, document},
    stamp, terminal, wire,
};

/// Characters of a version in talk.
const VERSION_CHARS: usize = 8;

/// The level that a resource belongs to.
#[derive(Clone, Debug, Args)]
pub(crate) struct LevelArgs {
    /// The project
    #[arg(short, long, value_name = "PROJECT")]
    pub(crate) project: ProjectName,
    /// The stage; without it the resource belongs to the project
    #[arg(short, long, value_name = "STAGE")]
    pub(crate) stage: Option<StageName>,
    /// The service in the stage
    #[arg(long, value_name = "SERVICE")]
    pub(crate) service: Option<ServiceName>,
}

/// Arguments of `add-resource`, as Keptn has them.
#[derive(Clone, Debug, Args)]
pub(crate) struct AddResourceArgs {
    #[command(flatten)]
    level: LevelArgs,
    /// Add it to every stage of the project
    #[arg(long, conflicts_with = "stage")]
    all_stages: bool,
    /// The file
    #[arg(short, long, value_name = "FILE")]
    resource: PathBuf,
    /// Its path in the project; without it the path of the file as it is given
    #[arg(long = "resourceUri", alias = "resource-uri", value_name = "URI")]
    resource_uri: Option<ResourceUri>,
}

/// Arguments of `get resource`.
#[derive(Clone, Debug, Args)]
pub(crate) struct GetResourceArgs {
    /// Print the content of this one
    #[arg(value_name = "URI")]
    uri: Option<ResourceUri>,
    #[command(flatten)]
    level: LevelArgs,
    /// This version of it, or at least 7 characters of its beginning
    #[arg(long, value_name = "VERSION", requires = "uri")]
    version: Option<String>,
    /// Form of the list; json and yaml of one resource hold its content in base64
    #[arg(short, long, value_name = "FORM", default_value = "table")]
    output: ListForm,
}

/// Arguments of `delete resource`.
#[derive(Clone, Debug, Args)]
pub(crate) struct DeleteResourceArgs {
    /// The resource
    #[arg(value_name = "URI")]
    uri: ResourceUri,
    #[command(flatten)]
    level: LevelArgs,
}

/// Adds a file to a project, or replaces it there.
///
/// # Errors
/// Exit code 2 for a file that cannot be read and unknown names, 5 if config-store refuses.
pub(crate) async fn add(
    arguments: AddResourceArgs,
    connection: &ConnectionArgs,
) -> Result<Exit, Failure> {
    let AddResourceArgs { level, all_stages, resource, resource_uri } = arguments;
    let uri = match resource_uri {
        Some(uri) => uri,
        None => ResourceUri::new(&resource.to_string_lossy()).map_err(|error| {
            Failure::usage(error.to_string()).hint("name its path in the project: --resourceUri")
        })?,
    };
    let content = BASE64.encode(read(&resource)?);
    let client = Client::connect(connection).await?;
    let stages: Vec<Option<StageName>> = if all_stages {
        let project = lookup::project(&client, &level.project).await?;
        project.stages.into_iter().map(|stage| Some(stage.stage)).collect()
    } else {
        vec![level.stage.clone()]
    };
    for stage in stages {
        let level = LevelArgs { stage, ..level.clone() };
        let command = level.command("update", &uri, Some(&content))?;
        let answer = client.carry_out(&command).await?;
        let version = version_of(&answer.data);
        terminal::talk(&format!("added resource {uri} to {level}{version}"));
    }
    Ok(Exit::Done)
}

/// Prints the content of a resource, or the list of a level.
///
/// # Errors
/// Exit code 2 for what is unknown, 3 if config-store does not answer.
pub(crate) async fn get(client: &Client, arguments: GetResourceArgs) -> Result<(), Failure> {
    let GetResourceArgs { uri, level, version, output } = arguments;
    let (project, stage) = (level.project.to_string(), level.stage.map(String::from));
    let service = level.service.map(String::from);
    let Some(uri) = uri else {
        let found = list(client, ResourcesQuery { project, stage, service, ..Default::default() });
        let found = found.await?;
        return terminal::data(&match output {
            ListForm::Table | ListForm::Wide => render::resources::text(&found, terminal::paint()),
            ListForm::Json => document::json(&found)?,
            ListForm::Yaml => document::yaml(&found)?,
        });
    };
    let resource_uri = uri.to_string();
    let query = ResourceQuery { project, stage, service, resource_uri, version, at_least: None };
    let resource: Resource = client.ask(RESOURCE, &query).await?;
    match output {
        ListForm::Json => terminal::data(&document::json(&resource)?),
        ListForm::Yaml => terminal::data(&document::yaml(&resource)?),
        ListForm::Table | ListForm::Wide => {
            let content = BASE64.decode(&resource.resource_content).map_err(|error| {
                Failure::unreachable(format!("the content must be base64: {error}"))
            })?;
            terminal::data_bytes(&content)
        }
    }
}

/// Deletes a resource.
///
/// # Errors
/// Exit code 2 for what is unknown.
pub(crate) async fn delete(client: &Client, arguments: DeleteResourceArgs) -> Result<(), Failure> {
    let DeleteResourceArgs { uri, level } = arguments;
    client.carry_out(&level.command("delete", &uri, None)?).await?;
    terminal::talk(&format!("deleted resource {uri} from {level}"));
    Ok(())
}

/// Reads all pages of a list.
async fn list(client: &Client, mut query: ResourcesQuery) -> Result<Vec<ResourceEntry>, Failure> {
    let mut found = Vec::new();
    loop {
        let page: Resources = client.ask(RESOURCES, &query).await?;
        found.extend(page.resources);
        if page.next_page_key.is_none() {
            return Ok(found);
        }
        query.next_page_key = page.next_page_key;
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let shown = path.display();
    let unreadable =
        |error: std::io::Error| Failure::usage(format!("file `{shown}` must be readable: {error}"));
    let limit = u64::try_from(RESOURCE_BYTES_MAX).unwrap_or(u64::MAX);
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut content = Vec::new();
    file.take(limit + 1).read_to_end(&mut content).map_err(unreadable)?;
    if content.len() > RESOURCE_BYTES_MAX {
        let message = format!("file `{shown}` must have at most {RESOURCE_BYTES_MAX} bytes");
        return Err(Failure::usage(message).hint("keep what is large where executors can fetch it"));
    }
    Ok(content)
}

impl LevelArgs {
    fn command(
        &self,
        verb: &str,
        uri: &ResourceUri,
        content: Option<&str>,
    ) -> Result<Event, Failure> {
        let level = (&self.project, self.stage.as_ref(), self.service.as_ref());
        Ok(wire::resource(verb, level, (uri, content), stamp::stamp()?))
    }
}

impl fmt::Display for LevelArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(service) = &self.service {
            write!(f, "service {service} in ")?;
        }
        if let Some(stage) = &self.stage {
            write!(f, "stage {stage} of ")?;
        }
        write!(f, "project {}", self.project)
    }
}

/// Returns ` (version 1a2b3c4d)` from the data of an answer.
fn version_of(data: &Payload) -> String {
    let data = data.to_map();
    let version = data.get("version").and_then(serde_json::Value::as_str).unwrap_or_default();
    version.get(..VERSION_CHARS).map_or_else(String::new, |start| format!(" (version {start})"))
}
