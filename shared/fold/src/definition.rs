//! A project's documents as they were accepted: texts and what they say.

use std::sync::{Arc, LazyLock};

use model::{
    Position, SequenceSpec, Shipyard, StageName, TaskName, TaskSpec, Uniform, name::InvalidName,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Name of the sequence that every stage has even if its shipyard does not list it
/// (Keptn 1.4.5, `shipyardcontroller_utils.go`), and of its one task.
const BUILT_IN: &str = "evaluation";

static BUILT_IN_EVALUATION: LazyLock<Option<SequenceSpec>> = LazyLock::new(|| built_in().ok());

fn built_in() -> Result<SequenceSpec, InvalidName> {
    let task = TaskSpec {
        name: TaskName::new(BUILT_IN)?,
        triggered_after: None,
        timeout: None,
        properties: serde_json::Map::new(),
    };
    Ok(SequenceSpec { name: BUILT_IN.parse()?, triggered_on: Vec::new(), tasks: vec![task] })
}

/// The documents of a project at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    /// Position of the event that set them.
    pub position: Position,
    /// What the shipyard says.
    pub shipyard: Shipyard,
    /// What the uniform says; none if the project has none.
    pub uniform: Option<Uniform>,
    shipyard_text: Arc<str>,
    uniform_text: Option<Arc<str>>,
}

/// The texts of a definition, as a snapshot keeps them.
#[derive(Serialize, Deserialize)]
struct Texts {
    position: Position,
    shipyard: Arc<str>,
    uniform: Option<Arc<str>>,
}

impl Definition {
    /// Reads the texts.
    ///
    /// # Errors
    /// The first problem of a document that is not valid.
    pub fn read(position: Position, shipyard: &str, uniform: Option<&str>) -> Result<Self, String> {
        let parsed = Shipyard::read(shipyard)
            .into_result()
            .map_err(|problems| first("shipyard", &problems))?;
        let parsed_uniform = uniform
            .map(|text| {
                Uniform::read(text).into_result().map_err(|problems| first("uniform", &problems))
            })
            .transpose()?;
        Ok(Self {
            position,
            shipyard: parsed,
            uniform: parsed_uniform,
            shipyard_text: shipyard.into(),
            uniform_text: uniform.map(Into::into),
        })
    }

    /// Returns the sequence of a stage; `evaluation` is built in.
    pub fn sequence(&self, stage: &StageName, sequence: &str) -> Option<&SequenceSpec> {
        let stage = self.shipyard.stage(stage.as_str())?;
        stage.sequence(sequence).or_else(|| {
            BUILT_IN_EVALUATION.as_ref().filter(|built_in| built_in.name.as_str() == sequence)
        })
    }

    /// Returns the shipyard as it was accepted.
    pub fn shipyard_text(&self) -> &str {
        &self.shipyard_text
    }

    /// Returns the uniform as it was accepted.
    pub fn uniform_text(&self) -> Option<&str> {
        self.uniform_text.as_deref()
    }
}

fn first(what: &str, problems: &[model::Problem]) -> String {
    problems.first().map_or_else(
        || format!("the {what} is not valid"),
        |problem| format!("the {what} is not valid: {problem}"),
    )
}

impl Serialize for Definition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let texts = Texts {
            position: self.position,
            shipyard: self.shipyard_text.clone(),
            uniform: self.uniform_text.clone(),
        };
        texts.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Definition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = Texts::deserialize(deserializer)?;
        Self::read(texts.position, &texts.shipyard, texts.uniform.as_deref())
            .map_err(serde::de::Error::custom)
    }
}
