//! Resources: files of a project, a stage or a service. The stream holds the contents; the catalog
//! knows of each version where it stands.

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use imbl::OrdMap;
use model::{
    CommandObject, Payload, Position, ResourceUri, ServiceName, StageName, nearest::hint,
    view::RESOURCE_BYTES_MAX,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Catalog, Command, Project, known_service, known_stage};
use crate::{
    refusal::{Code, Refusal},
    values::{Object, content_version, text},
};

/// Most resources of one level: of the project, of one stage, or of one service in a stage.
pub const RESOURCES_PER_LEVEL_MAX: usize = 1_000;
/// Most resources of a project on all levels together, so that a catalog stays small.
pub const RESOURCES_PER_PROJECT_MAX: usize = 10_000;
/// Versions before the newest that can be asked for; older ones are forgotten.
pub const EARLIER_VERSIONS_MAX: usize = 16;
/// Most known paths that a hint is looked up in.
const PATHS_COMPARED_MAX: usize = 100;
/// Fewest characters of a version that may stand for all of it.
const VERSION_CHARS_MIN: usize = 7;

/// The member of a command that holds the content.
const CONTENT: &str = "resourceContent";
/// The member that names the resource.
const URI: &str = "resourceURI";

/// Whom a resource belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Level {
    /// The stage; none = the project.
    pub stage: Option<StageName>,
    /// The service in the stage; none = the stage or the project.
    pub service: Option<ServiceName>,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.stage, &self.service) {
            (Some(stage), Some(service)) => write!(f, "service `{service}` in stage `{stage}`"),
            (Some(stage), None) => write!(f, "stage `{stage}`"),
            (None, _) => f.write_str("project level"),
        }
    }
}

/// One version of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// First 40 hex digits of the SHA-256 of the content.
    pub hash: Arc<str>,
    /// Bytes of the content.
    pub bytes: u64,
    /// Position of the command that holds the content.
    pub position: Position,
}

/// A resource: what is now, and what was before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// The newest version.
    pub newest: Version,
    /// Versions before it, newest first.
    pub earlier: Vec<Version>,
}

/// All resources of a project.
pub(super) type Resources = OrdMap<Level, OrdMap<ResourceUri, Arc<Resource>>>;

impl Resource {
    /// Finds a version by its beginning; none = the newest.
    fn version(&self, wanted: Option<&str>) -> Option<&Version> {
        let Some(wanted) = wanted else { return Some(&self.newest) };
        let mut versions = std::iter::once(&self.newest).chain(&self.earlier);
        versions
            .find(|version| wanted.len() >= VERSION_CHARS_MIN && version.hash.starts_with(wanted))
    }

    /// Takes a new version. The same content again only moves to where it was said last.
    fn replace(&mut self, version: Version) {
        let before = std::mem::replace(&mut self.newest, version);
        if before.hash != self.newest.hash {
            self.earlier.insert(0, before);
            self.earlier.truncate(EARLIER_VERSIONS_MAX);
        }
    }
}

/// Replaces the content in the data of a command by what is kept of it, so that a command that
/// waits does not hold it: `{"version":"…","bytes":5}`, or `{"refused":"why"}`.
pub(super) fn without_content(data: &Payload) -> Payload {
    let mut data = data.to_map();
    if let Some(content) = data.get_mut(CONTENT) {
        *content = match content.as_str().ok_or("`resourceContent` must be text").and_then(digest) {
            Ok((hash, bytes)) => json!({"version": hash, "bytes": bytes}),
            Err(why) => json!({ "refused": why }),
        };
    }
    Payload::from_map(&data)
}

/// Returns the version of a content in base64, and how many bytes it has.
///
/// # Errors
/// A sentence if it is too large or no base64.
pub fn digest(encoded: &str) -> Result<(String, u64), &'static str> {
    const TOO_LARGE: &str = "a resource must have at most 524288 bytes";
    let encoded = encoded.trim();
    if encoded.len() > RESOURCE_BYTES_MAX.div_ceil(3) * 4 {
        return Err(TOO_LARGE);
    }
    let content = BASE64.decode(encoded).map_err(|_| "could not decode `resourceContent`")?;
    if content.len() > RESOURCE_BYTES_MAX {
        return Err(TOO_LARGE);
    }
    Ok((content_version(&content), content.len() as u64))
}

impl Catalog {
    /// Decides a command on a resource.
    pub(super) fn decide_resource(&self, verb: &str, data: &Object) -> Result<Object, Refusal> {
        let project = self.known(data)?;
        let level = level(project, text(data, "stage"), text(data, "service"))?;
        let uri = resource_uri(text(data, URI).unwrap_or_default())?;
        let mut answer = Object::new();
        answer.insert(URI.to_owned(), uri.as_str().into());
        let existing = project.resources.get(&level).and_then(|level| level.get(&uri));
        match (verb, existing) {
            ("delete", Some(_)) => return Ok(answer),
            ("delete", None) => return Err(project.no_resource(&level, &uri)),
            ("create", Some(_)) => {
                return Err(Refusal::new(
                    Code::Exists,
                    format!("resource `{uri}` exists already at {level}"),
                    "replace it: `resource.update`, or `keptn add-resource`",
                ));
            }
            (_, Some(_)) => {}
            (_, None) => project.has_room_at(&level)?,
        }
        let (hash, _) = content(data).map_err(|why| {
            let how = "send at most 512 KiB, in base64";
            Refusal::new(Code::Invalid, why.to_owned(), how)
        })?;
        answer.insert("version".to_owned(), hash.into());
        Ok(answer)
    }

    /// Makes true what the answer to a command on a resource says.
    pub(super) fn resource_effect(&mut self, command: &Command, data: &Object) -> Option<()> {
        let project = Arc::make_mut(self.projects.get_mut(text(data, "project")?)?);
        let level = level(project, text(data, "stage"), text(data, "service")).ok()?;
        let uri = ResourceUri::new(text(data, URI)?).ok()?;
        if command.verb.as_ref() == "delete" {
            let resources = project.resources.get_mut(&level)?;
            resources.remove(&uri);
            if resources.is_empty() {
                project.resources.remove(&level);
            }
            return Some(());
        }
        let sent = command.data.to_map();
        let (hash, bytes) = content(&sent).ok()?;
        let version = Version { hash: hash.into(), bytes, position: command.position };
        let resources = project.resources.entry(level).or_default();
        if let Some(resource) = resources.get_mut(&uri) {
            Arc::make_mut(resource).replace(version);
        } else {
            let resource = Resource { newest: version, earlier: Vec::new() };
            resources.insert(uri, Arc::new(resource));
        }
        Some(())
    }

    /// Finds a resource on exactly one level, and the version of it that was asked for.
    ///
    /// # Errors
    /// What is unknown; for a path that is known elsewhere the hint says where.
    pub fn resource(
        &self,
        (project, stage, service): (&str, Option<&str>, Option<&str>),
        uri: &str,
        version: Option<&str>,
    ) -> Result<(&Arc<Resource>, &Version), Refusal> {
        let project = self.named(project)?;
        let level = level(project, stage, service)?;
        let uri = resource_uri(uri)?;
        let found = project.resources.get(&level).and_then(|resources| resources.get(&uri));
        let resource = found.ok_or_else(|| project.no_resource(&level, &uri))?;
        let version = resource.version(version).ok_or_else(|| {
            let known = std::iter::once(&resource.newest).chain(&resource.earlier);
            let known = known.map(|version| version.hash.as_ref()).collect::<Vec<_>>().join(", ");
            Refusal::new(
                Code::NotFound,
                format!("resource `{uri}` at {level} has no such version"),
                format!("there is {known}; at least {VERSION_CHARS_MIN} characters of one"),
            )
        })?;
        Ok((resource, version))
    }

    /// Returns the resources of exactly one level, by path.
    ///
    /// # Errors
    /// What is unknown.
    pub fn resources(
        &self,
        project: &str,
        stage: Option<&str>,
        service: Option<&str>,
    ) -> Result<OrdMap<ResourceUri, Arc<Resource>>, Refusal> {
        let project = self.named(project)?;
        let level = level(project, stage, service)?;
        Ok(project.resources.get(&level).cloned().unwrap_or_default())
    }

    /// Returns the lowest position whose message a resource, or a command that is not answered yet,
    /// still needs; none if nothing is needed. Looks at every version there is.
    pub fn oldest_resource_position(&self) -> Option<Position> {
        let levels = self.projects.values().flat_map(|project| project.resources.values());
        let resources = levels.flat_map(OrdMap::values);
        let held = resources.flat_map(|resource| {
            std::iter::once(&resource.newest).chain(&resource.earlier).map(|one| one.position)
        });
        let commands = self.lines.values().flatten();
        let waiting = commands
            .filter(|command| command.object == CommandObject::Resource)
            .map(|command| command.position);
        held.chain(waiting).min()
    }
}

impl Project {
    /// Forgets the resources that a service has in all stages.
    pub(super) fn forget_resources_of(&mut self, service: &ServiceName) {
        let is_of_it = |level: &&Level| level.service.as_ref() == Some(service);
        let levels: Vec<Level> = self.resources.keys().filter(is_of_it).cloned().collect();
        for level in levels {
            self.resources.remove(&level);
        }
    }

    fn has_room_at(&self, level: &Level) -> Result<(), Refusal> {
        let here = self.resources.get(level).map_or(0, OrdMap::len);
        let all: usize = self.resources.values().map(OrdMap::len).sum();
        let (what, most) = if here >= RESOURCES_PER_LEVEL_MAX {
            (level.to_string(), RESOURCES_PER_LEVEL_MAX)
        } else if all >= RESOURCES_PER_PROJECT_MAX {
            ("a project on all its levels".to_owned(), RESOURCES_PER_PROJECT_MAX)
        } else {
            return Ok(());
        };
        let message = format!("{what} must have at most {most} resources");
        Err(Refusal::new(Code::Refused, message, "delete some, or put several into an archive"))
    }

    /// Says that a resource is unknown, and where else its path is known.
    fn no_resource(&self, level: &Level, uri: &ResourceUri) -> Refusal {
        let above =
            [level.clone(), Level { stage: level.stage.clone(), service: None }, Level::default()];
        let has = |level: &&Level| {
            self.resources.get(*level).is_some_and(|resources| resources.contains_key(uri))
        };
        let hint = if let Some(elsewhere) = above.iter().find(has) {
            format!("there is one of this name at {elsewhere}")
        } else {
            let paths = self.resources.get(level).into_iter().flat_map(OrdMap::keys);
            let known: Vec<&str> =
                paths.take(PATHS_COMPARED_MAX).map(ResourceUri::as_str).collect();
            hint(uri.as_str(), known)
        };
        let message =
            format!("resource `{uri}` does not exist at {level}, project `{}`", self.name);
        Refusal::new(Code::NotFound, message, hint)
    }
}

/// Reads what is kept of a content: its version and its bytes.
fn content(data: &Object) -> Result<(&str, u64), &str> {
    let kept =
        data.get(CONTENT).and_then(Value::as_object).ok_or("`resourceContent` is missing")?;
    match (text(kept, "version"), kept.get("bytes").and_then(Value::as_u64)) {
        (Some(hash), Some(bytes)) => Ok((hash, bytes)),
        _ => Err(text(kept, "refused").unwrap_or_default()),
    }
}

fn level(project: &Project, stage: Option<&str>, service: Option<&str>) -> Result<Level, Refusal> {
    let is_named = |name: &&str| !name.is_empty();
    let (stage, service) = (stage.filter(is_named), service.filter(is_named));
    if stage.is_none() && service.is_some() {
        let message = "a resource of a service must name the stage, too";
        return Err(Refusal::new(Code::Invalid, message, "name the stage"));
    }
    Ok(Level {
        stage: stage.map(|name| known_stage(project, name)).transpose()?,
        service: service.map(|name| known_service(project, name)).transpose()?,
    })
}

fn resource_uri(text: &str) -> Result<ResourceUri, Refusal> {
    ResourceUri::new(text).map_err(|error| {
        Refusal::new(Code::Invalid, error.to_string(), "for instance `helm/carts.tgz`")
    })
}
