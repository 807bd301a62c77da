//! `keptn get resource`.

use model::view::ResourceEntry;

use super::{
    Paint,
    table::{self, Cell},
};

/// Draws the resources of a level, by path.
pub(crate) fn text(resources: &[ResourceEntry], paint: Paint) -> String {
    let row = |resource: &ResourceEntry| {
        vec![
            Cell::new(resource.resource_uri.as_str()),
            Cell::new(resource.metadata.version.as_str()),
            Cell::new(resource.metadata.bytes.to_string()),
            Cell::new(resource.metadata.position.to_string()),
        ]
    };
    let rows: Vec<Vec<Cell>> = resources.iter().map(row).collect();
    table::draw(&["RESOURCE", "VERSION", "BYTES", "POSITION"], &rows, paint)
}
