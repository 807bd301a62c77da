//! `keptn get service`: one row per service and stage.

use model::view::{ServiceState, ServiceStatus, StageStatus};
use serde::Serialize;

use super::{
    Paint, Tone,
    table::{self, Cell},
};

/// A service in a stage, as `-o json` has it: what the stage's status says, with the stage.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct ServiceInStage {
    /// The project.
    project: model::ProjectName,
    /// The stage.
    stage: model::StageName,
    /// The status.
    #[serde(flatten)]
    status: ServiceStatus,
}

/// Lists services stage by stage, sorted by service and then in the order of the stages.
pub(crate) fn list(stages: Vec<StageStatus>) -> Vec<ServiceInStage> {
    let mut all: Vec<ServiceInStage> = stages
        .into_iter()
        .flat_map(|StageStatus { project, stage, services, .. }| {
            services.into_iter().map(move |status| ServiceInStage {
                project: project.clone(),
                stage: stage.clone(),
                status,
            })
        })
        .collect();
    all.sort_by(|one, other| one.status.service.cmp(&other.status.service));
    all
}

/// Draws services, with their project where there may be several.
pub(crate) fn text(services: &[ServiceInStage], has_project: bool, paint: Paint) -> String {
    let row = |one: &ServiceInStage| {
        let mut cells = vec![
            Cell::new(one.status.service.as_str()),
            Cell::new(one.stage.as_str()),
            Cell::maybe(one.status.released.as_deref()),
            Cell::maybe(one.status.evaluated.as_deref()),
            state(one.status.state),
        ];
        if has_project {
            cells.insert(1, Cell::new(one.project.as_str()));
        }
        cells
    };
    let mut head = vec!["NAME", "STAGE", "RELEASED", "EVALUATED", "STATE"];
    if has_project {
        head.insert(1, "PROJECT");
    }
    let rows: Vec<Vec<Cell>> = services.iter().map(row).collect();
    table::draw(&head, &rows, paint)
}

fn state(state: ServiceState) -> Cell {
    match state {
        ServiceState::InSync => Cell::tinted("in sync", Tone::Good),
        ServiceState::Behind => Cell::tinted("behind", Tone::Behind),
        ServiceState::Ahead => Cell::tinted("ahead", Tone::Behind),
        ServiceState::New => Cell::tinted("new", Tone::Behind),
        ServiceState::OnlyHere => Cell::tinted("only here", Tone::Quiet),
        ServiceState::NotEligible => Cell::tinted("not eligible", Tone::Bad),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing::{service_status, stage_status};

    #[test]
    fn services_are_drawn_by_name_then_stage() {
        let mut production = stage_status(vec![service_status("carts", None, None)]);
        production.stage = "production".parse().unwrap();
        let hardening = stage_status(vec![
            service_status("carts", Some("carts:1"), Some("carts:2")),
            service_status("carts-db", Some("carts-db:1"), Some("carts-db:1")),
        ]);
        let expected = "\
NAME      STAGE       RELEASED    EVALUATED   STATE
carts     hardening   carts:1     carts:2     behind
carts     production  -           -           in sync
carts-db  hardening   carts-db:1  carts-db:1  in sync
";
        let found = list(vec![hardening, production]);
        assert_eq!(text(&found, false, Paint::PLAIN), expected);
        let head = text(&found, true, Paint::PLAIN);
        assert!(head.starts_with("NAME      PROJECT   STAGE"), "{head}");
    }

    #[test]
    fn the_document_names_the_stage() {
        let list = list(vec![stage_status(vec![service_status("a", None, None)])]);
        let json = serde_json::to_value(&list).unwrap();
        assert_eq!(json.pointer("/0/stage").and_then(|one| one.as_str()), Some("hardening"));
        assert_eq!(json.pointer("/0/service").and_then(|one| one.as_str()), Some("a"));
    }
}
