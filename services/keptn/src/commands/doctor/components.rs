//! The four components: who is there, who is ready, how far each has read, and which versions.

use std::{collections::BTreeSet, time::Duration};

use bus::{RequestError, ServiceInstance, names};
use model::view::Readiness;
use serde_json::json;
use tokio::time::Instant;

use super::{HINT_START, finding::Finding};
use crate::client::Client;

/// How long components may take to say that they are there.
const PRESENT_WAIT: Duration = Duration::from_secs(1);

/// What was heard of one component.
struct Heard {
    component: &'static str,
    versions: Vec<String>,
    readiness: Result<Readiness, RequestError>,
}

/// Looks at all four.
pub(super) async fn look(client: &Client, until: Instant) -> Vec<Finding> {
    // Nobody who answers here still may answer below.
    let present = client.bus().services(PRESENT_WAIT).await.unwrap_or_default();
    let [first, second, third, fourth] = names::COMPONENTS;
    let one = |component| ask(client, component, &present, until);
    let (first, second, third, fourth) =
        tokio::join!(one(first), one(second), one(third), one(fourth));
    let heard = [first, second, third, fourth];
    let mut findings: Vec<Finding> = heard.iter().map(readiness).collect();
    findings.push(versions(&heard));
    findings
}

async fn ask(
    client: &Client,
    component: &'static str,
    present: &[ServiceInstance],
    until: Instant,
) -> Heard {
    let name = names::ready_service(component);
    let versions =
        present.iter().filter(|one| one.name == name).map(|one| one.version.clone()).collect();
    let left = until.saturating_duration_since(Instant::now());
    let subject = names::ready_subject(component);
    let readiness = client.bus().request_json(&subject, &json!({}), left).await;
    Heard { component, versions, readiness }
}

fn readiness(heard: &Heard) -> Finding {
    let Heard { component, versions, readiness } = heard;
    match readiness {
        Ok(Readiness { ready: true, position, version, .. }) => {
            let processes = match versions.len() {
                0 | 1 => String::new(),
                many => format!("{many} processes, "),
            };
            let message = format!("{processes}ready, has read up to {position}, version {version}");
            Finding::ok(component, message)
        }
        Ok(Readiness { position, stream_end, .. }) => {
            let missing = stream_end.saturating_sub(*position);
            let message = format!(
                "not ready: has read up to {position} of {stream_end}, {missing} events behind"
            );
            Finding::problem(component, message)
                .hint("look again; if the number does not rise, look at its log and start it again")
        }
        Err(RequestError::NoResponders { .. }) => missing(component),
        Err(error) => Finding::problem(component, error.to_string())
            .hint("look at its log; a process that hangs must be started again"),
    }
}

/// Says what does not happen without a component. Executors need not be stubs.
fn missing(component: &'static str) -> Finding {
    match component {
        names::SHIPYARD_CONTROLLER => {
            Finding::problem(component, "none runs: no task is triggered, no sequence ends")
        }
        names::CONFIG_STORE => {
            Finding::problem(component, "none runs: no command on projects is answered")
        }
        names::STATUS_VIEW => Finding::problem(component, "none runs: no query is answered"),
        _ => Finding::warning(
            component,
            "none runs: executors that are named in uniforms must run themselves",
        ),
    }
    .hint(HINT_START)
}

fn versions(heard: &[Heard]) -> Finding {
    let own = env!("CARGO_PKG_VERSION");
    let mut all: BTreeSet<(&str, &str)> = BTreeSet::from([("keptn", own)]);
    for one in heard {
        let said = one.readiness.as_ref().ok().map(|readiness| readiness.version.as_str());
        let versions = one.versions.iter().map(String::as_str).chain(said);
        all.extend(versions.map(|version| (one.component, version)));
    }
    if all.iter().all(|(_, version)| *version == own) {
        return Finding::ok("versions", format!("all {own}"));
    }
    let told: Vec<String> = all.iter().map(|(name, version)| format!("{name} {version}")).collect();
    Finding::warning("versions", told.join(", "))
        .hint("run one version of all components and of keptn when the update is done")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(component: &'static str, versions: &[&str], position: u64) -> Heard {
        let versions: Vec<String> = versions.iter().map(|one| (*one).to_owned()).collect();
        let version = versions.first().cloned().unwrap_or_default();
        let ready = position == 9;
        let readiness = Ok(Readiness { ready, position, stream_end: 9, version });
        Heard { component, versions, readiness }
    }

    #[test]
    fn two_controllers_are_as_good_as_one() {
        let found = readiness(&heard("shipyard-controller", &["1.0.0", "1.0.0"], 9));
        let message = "2 processes, ready, has read up to 9, version 1.0.0";
        assert_eq!(found, Finding::ok("shipyard-controller", message));
    }

    #[test]
    fn a_component_that_lags_is_a_problem_and_says_how_far() {
        let found = readiness(&heard("status-view", &["1.0.0"], 4));
        assert!(found.is_problem());
        let text = super::super::finding::text(&[found], crate::render::Paint::PLAIN);
        assert!(text.contains("has read up to 4 of 9, 5 events behind"), "{text}");
    }

    #[test]
    fn a_missing_component_is_a_problem_unless_executors_can_be_real() {
        for component in names::COMPONENTS {
            let is_problem = missing(component).is_problem();
            assert_eq!(is_problem, component != names::STUB_EXECUTOR, "{component}");
        }
    }

    #[test]
    fn different_versions_are_named() {
        let own = env!("CARGO_PKG_VERSION");
        let same = versions(&[heard("config-store", &[own, own], 9)]);
        assert_eq!(same, Finding::ok("versions", format!("all {own}")));
        let other = versions(&[heard("config-store", &[own, "9.9.9"], 9)]);
        let text = super::super::finding::text(&[other], crate::render::Paint::PLAIN);
        assert!(text.contains(&format!("config-store {own}, config-store 9.9.9")), "{text}");
    }
}
