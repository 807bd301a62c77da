//! What things are: names, events, the shipyard, the uniform, and the answers of the view. Pure:
//! no clock, no random numbers, no IO.
//!
//! Reading order: [`name`], [`id`], [`time`], [`event`], [`stored`], [`shipyard`], [`uniform`],
//! [`view`], [`wire`], [`trace`].

pub mod document;
pub mod duration;
pub mod event;
pub mod id;
pub mod name;
pub mod nearest;
pub mod payload;
pub mod shipyard;
pub mod span;
mod spelled;
pub mod stored;
pub mod time;
pub mod trace;
pub mod uniform;
pub mod view;
pub mod wire;

pub use document::{Problem, Reading};
pub use event::{CommandObject, Event, EventType, Kind, Malformed};
pub use id::{DerivedId, EventId, KeptnContext};
pub use name::{
    InvalidName, ProjectName, ResourceUri, SequenceName, ServiceName, StageName, TaskName,
};
pub use payload::{Payload, TaskResult, TaskStatus};
pub use shipyard::{SequenceSpec, Shipyard, StageSpec, TaskSpec, TriggeredOn};
pub use stored::{Position, Stored};
pub use time::StreamTime;
pub use uniform::{StubRule, Uniform, UniformService};
