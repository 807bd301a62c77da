//! What a query about resources is answered, from the catalog as it is. Contents are read from
//! the stream, by whoever asks here.

use std::sync::Arc;

use fold::{Catalog, catalog, refusal::Code};
use model::{
    Event, Position, ResourceUri,
    view::{
        QueryError, QueryErrorCode, Resource, ResourceEntry, ResourceMetadata, ResourceQuery,
        ResourceVersion, Resources, ResourcesQuery,
    },
};
use serde::Deserialize;

/// Most resources of a page; with the longest paths it stays far below a message.
pub const PAGE_SIZE_MAX: usize = 1_000;

/// A resource that was found and whose content is still to be read.
#[derive(Debug)]
pub(crate) struct Found {
    uri: String,
    metadata: ResourceMetadata,
}

/// Finds a resource.
pub(crate) fn find(catalog: &Catalog, query: &ResourceQuery) -> Result<Found, QueryError> {
    let level = (query.project.as_str(), query.stage.as_deref(), query.service.as_deref());
    let wanted = query.version.as_deref();
    let (resource, version) =
        catalog.resource(level, &query.resource_uri, wanted).map_err(refused)?;
    let earlier = resource.earlier.iter().map(said).collect();
    let metadata = ResourceMetadata { version: said(version), earlier };
    Ok(Found { uri: query.resource_uri.clone(), metadata })
}

impl Found {
    /// Returns the position of the event that holds the content.
    pub(crate) fn position(&self) -> Position {
        self.metadata.version.position
    }

    /// Puts the content to it, if `event` is the one that holds it.
    pub(crate) fn with_content(
        self,
        event: Option<&Event>,
        position: Position,
    ) -> Option<Resource> {
        /// The part of a command that is needed.
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Data {
            resource_content: String,
        }
        let Data { resource_content } = event?.data.parse().ok()?;
        let (version, _) = catalog::digest(&resource_content).ok()?;
        let resource_content = resource_content.trim().to_owned();
        if version != self.metadata.version.version {
            return None;
        }
        let Self { uri: resource_uri, metadata } = self;
        Some(Resource { position, resource_uri, resource_content, version, metadata })
    }
}

/// Lists the resources of a level.
pub(crate) fn list(
    catalog: &Catalog,
    position: Position,
    query: &ResourcesQuery,
) -> Result<Resources, QueryError> {
    let (stage, service) = (query.stage.as_deref(), query.service.as_deref());
    let all = catalog.resources(&query.project, stage, service).map_err(refused)?;
    let size = match query.page_size {
        0 => PAGE_SIZE_MAX,
        size => size.min(PAGE_SIZE_MAX),
    };
    let after = query.next_page_key.as_deref();
    let entry = |(uri, resource): (&ResourceUri, &Arc<catalog::Resource>)| ResourceEntry {
        resource_uri: uri.to_string(),
        metadata: said(&resource.newest),
    };
    let behind = all.iter().filter(|(uri, _)| after.is_none_or(|after| uri.as_str() > after));
    let mut resources: Vec<ResourceEntry> = behind.take(size + 1).map(entry).collect();
    let is_last = resources.len() <= size;
    resources.truncate(size);
    let next_page_key =
        resources.last().filter(|_| !is_last).map(|entry| entry.resource_uri.clone());
    Ok(Resources { position, resources, next_page_key, total_count: all.len() })
}

fn said(version: &catalog::Version) -> ResourceVersion {
    ResourceVersion {
        version: version.hash.as_ref().to_owned(),
        bytes: version.bytes,
        position: version.position,
    }
}

fn refused(refusal: fold::refusal::Refusal) -> QueryError {
    let code = match refusal.code {
        Code::NotFound => QueryErrorCode::NotFound,
        Code::Exists | Code::Invalid | Code::Refused => QueryErrorCode::BadQuery,
    };
    QueryError { code, message: refusal.message.into(), hint: Some(refusal.hint.into()) }
}
