//! Resources: the files of a project, a stage or a service, as config-store answers for them. The
//! names of members are those of Keptn's resource-service (1.4.5, `models/resource.go`).

use serde::{Deserialize, Serialize};

use crate::Position;

/// Most bytes of the content of a resource; in base64 and with the rest of its event it fits into
/// a message.
pub const RESOURCE_BYTES_MAX: usize = 512 * 1024;

/// Asks for the content of a resource on exactly one level.
/// Shape: `{"project":"p","stage":"dev","service":"carts","resourceURI":"slo.yaml"}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceQuery {
    /// The project.
    pub project: String,
    /// The stage; none = a resource of the project.
    #[serde(default)]
    pub stage: Option<String>,
    /// The service; none = a resource of the stage or the project.
    #[serde(default)]
    pub service: Option<String>,
    /// Its relative path.
    #[serde(rename = "resourceURI")]
    pub resource_uri: String,
    /// A version, or the beginning of one; none = the newest.
    #[serde(default)]
    pub version: Option<String>,
    /// Position that the answer must have reached.
    #[serde(default)]
    pub at_least: Option<Position>,
}

/// A resource with its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// How far config-store has read.
    pub position: Position,
    /// Its relative path.
    #[serde(rename = "resourceURI")]
    pub resource_uri: String,
    /// Its content in base64.
    pub resource_content: String,
    /// First 40 hex digits of the SHA-256 of the content.
    pub version: String,
    /// What is known beside the content.
    pub metadata: ResourceMetadata,
}

/// What is known of a resource beside its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceMetadata {
    /// The version that was asked for.
    pub version: ResourceVersion,
    /// Those before the newest that can still be asked for, newest first.
    pub earlier: Vec<ResourceVersion>,
}

/// One version of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceVersion {
    /// First 40 hex digits of the SHA-256 of the content.
    pub version: String,
    /// Bytes of the content.
    pub bytes: u64,
    /// Position of the event that holds the content.
    pub position: Position,
}

/// Asks for the resources of one level.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourcesQuery {
    /// The project.
    pub project: String,
    /// The stage; none = the resources of the project.
    #[serde(default)]
    pub stage: Option<String>,
    /// The service; none = the resources of the stage or the project.
    #[serde(default)]
    pub service: Option<String>,
    /// Most resources to list; 0 = as many as a page holds.
    #[serde(default)]
    pub page_size: usize,
    /// Only those behind this path: `nextPageKey` of the page before.
    #[serde(default)]
    pub next_page_key: Option<String>,
    /// Position that the answer must have reached.
    #[serde(default)]
    pub at_least: Option<Position>,
}

/// A page of the resources of one level, by path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resources {
    /// How far config-store has read.
    pub position: Position,
    /// Without contents.
    pub resources: Vec<ResourceEntry>,
    /// What to ask for the next page with; none on the last one.
    pub next_page_key: Option<String>,
    /// How many the level has.
    pub total_count: usize,
}

/// A resource in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceEntry {
    /// Its relative path.
    #[serde(rename = "resourceURI")]
    pub resource_uri: String,
    /// Its newest version.
    pub metadata: ResourceVersion,
}
