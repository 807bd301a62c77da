//! `keptn get project` and `keptn get stage`.

use model::{
    StreamTime,
    view::{Project, ProjectStage, SyncStatus},
};

use super::{
    Paint, Tone, ago,
    table::{self, Cell},
};

/// Draws projects, by name.
pub(crate) fn projects(projects: &[Project], now: StreamTime, paint: Paint) -> String {
    let row = |project: &Project| {
        let stages: Vec<&str> = project.stages.iter().map(|one| one.stage.as_str()).collect();
        let services: Vec<&str> = project.services.iter().map(|one| one.service.as_str()).collect();
        vec![
            Cell::new(project.project.as_str()),
            Cell::new(stages.join(", ")),
            Cell::new(services.join(", ")),
            Cell::new(ago::ago(project.created_at, now)),
        ]
    };
    let rows: Vec<Vec<Cell>> = projects.iter().map(row).collect();
    table::draw(&["NAME", "STAGES", "SERVICES", "CREATED"], &rows, paint)
}

/// Draws the stages of a project, in the order of its shipyard.
pub(crate) fn stages(project: &Project, stages: &[&ProjectStage], paint: Paint) -> String {
    let row = |stage: &&ProjectStage| {
        vec![
            Cell::new(stage.stage.as_str()),
            verdict(stage),
            Cell::maybe(stage.from.as_ref().map(model::StageName::as_str)),
            Cell::new(project.services.len().to_string()),
            Cell::new(stage.running.to_string()),
        ]
    };
    let rows: Vec<Vec<Cell>> = stages.iter().map(row).collect();
    table::draw(&["NAME", "STATUS", "FROM", "SERVICES", "RUNNING"], &rows, paint)
}

fn verdict(stage: &ProjectStage) -> Cell {
    match stage.sync_status {
        SyncStatus::InSync => Cell::tinted("in sync", Tone::Good),
        SyncStatus::OutOfSync => {
            Cell::tinted(format!("out of sync · {}", stage.differing), Tone::Behind)
        }
        SyncStatus::FirstStage => Cell::tinted("first stage", Tone::Quiet),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::testing::time_at;

    fn sockshop() -> Project {
        let stage = |name: &str, from: Option<&str>, sync_status, differing| ProjectStage {
            stage: name.parse().unwrap(),
            from: from.map(|from| from.parse().unwrap()),
            sync_status,
            differing,
            running: 0,
            sequences: Vec::new(),
        };
        Project {
            project: "sockshop".parse().unwrap(),
            created_at: time_at(0),
            shipyard_version: "spec.keptn.sh/0.2.3".to_owned(),
            stages: vec![
                stage("dev", None, SyncStatus::FirstStage, 0),
                stage("hardening", Some("dev"), SyncStatus::OutOfSync, 2),
                stage("production", Some("hardening"), SyncStatus::InSync, 0),
            ],
            services: vec![model::view::ProjectService {
                service: "carts".parse().unwrap(),
                created_at: time_at(1),
            }],
        }
    }

    #[test]
    fn projects_are_drawn_as_a_table() {
        let expected = "\
NAME      STAGES                      SERVICES  CREATED
sockshop  dev, hardening, production  carts     2 min ago
";
        assert_eq!(projects(&[sockshop()], time_at(120), Paint::PLAIN), expected);
    }

    #[test]
    fn stages_say_how_many_services_differ() {
        let expected = "\
NAME        STATUS           FROM       SERVICES  RUNNING
dev         first stage      -          1         0
hardening   out of sync · 2  dev        1         0
production  in sync          hardening  1         0
";
        let project = sockshop();
        let all: Vec<&ProjectStage> = project.stages.iter().collect();
        assert_eq!(stages(&project, &all, Paint::PLAIN), expected);
    }
}
