//! Schemas of what is a text on the wire.

use std::borrow::Cow;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, SchemaFormat, schema::Type},
};

use crate::{
    EventId, KeptnContext, ProjectName, SequenceName, ServiceName, StageName, StreamTime, TaskName,
};

macro_rules! texts {
    ($($type:ident: $description:literal $(, $format:literal)?;)*) => {$(
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                let text = ObjectBuilder::new().schema_type(Type::String);
                $(let text = text.format(Some(SchemaFormat::Custom($format.to_owned())));)?
                RefOr::T(Schema::Object(text.description(Some($description)).build()))
            }
        }

        impl ToSchema for $type {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($type))
            }
        }
    )*};
}

texts! {
    EventId: "Id of an event.";
    KeptnContext: "Id that all events of one delivery share.";
    ProjectName: "Name of a project.";
    SequenceName: "Name of a sequence.";
    ServiceName: "Name of a service.";
    StageName: "Name of a stage.";
    StreamTime: "A moment by the server's clock, RFC 3339 in UTC.", "date-time";
    TaskName: "Name of a task.";
}
