//! Wrong use of the command line: the exit code, one `error: …` and what to do about it.

use std::process::Command;

use crate::harness::process;
use crate::harness::stack::Stack;
use crate::harness::story::{self, Uniform};
use crate::harness::user::{Said, run_to_end};

/// Arguments, exit code, and a word that the error or the hint must hold.
type Case = (&'static [&'static str], i32, &'static str);

const STAGE: &str = "--stage=hardening";
const PROJECT: &str = "--project=sockshop";

#[test]
fn wrong_use_is_told_with_a_hint() {
    let stack = Stack::start();
    story::create_project(&stack.user, &Uniform::FAST);
    stack.user.write("broken.yaml", "apiVersion: spec.keptn.sh/0.2.3\nkind: Shipyard\nspec: [\n");
    stack.user.write("no-json.json", "{");
    let cases: [Case; 16] = [
        (&["view", "status", "--stage=hardning", PROJECT], 2, "hardening"),
        (&["view", "status", STAGE, "--project=sokshop"], 2, "sockshop"),
        (&["view", "status", STAGE], 2, "--project"),
        (&["view", "status", "--stage=Hard ening", PROJECT], 2, "Hard ening"),
        (&["trigger", "artifact-delivery", PROJECT, "--stage=dev"], 2, "dev"),
        (&["trigger", "artefact-delivery", PROJECT, STAGE], 2, "artifact-delivery"),
        (
            &["trigger", "artifact-delivery", PROJECT, "--service=cart", "--artifact=cart:1"],
            2,
            "carts",
        ),
        (&["trigger", "artifact-delivery", PROJECT, "--service=carts"], 2, "--artifact"),
        (&["create", "project", "sockshop", "--shipyard=shipyard.yaml"], 5, "exists"),
        (&["create", "project", "other", "--shipyard=missing.yaml"], 2, "missing.yaml"),
        (&["create", "project", "other", "--shipyard=broken.yaml"], 2, "broken.yaml"),
        (&["create", "project", "No Name", "--shipyard=shipyard.yaml"], 2, "No Name"),
        (&["create", "service", "carts", PROJECT], 5, "exists"),
        (&["configure", "service", "carts", PROJECT, STAGE, "--set", "image=carts:1"], 2, "image"),
        (&["send", "event", "-f", "no-json.json"], 2, "no-json.json"),
        (&["abort", "sequence", "-c", "00000000-0000-4000-8000-000000000000"], 2, "00000000"),
    ];
    let mut wrong = Vec::new();
    for (arguments, code, word) in cases {
        let said = stack.user.keptn(arguments);
        let told = said.stderr.starts_with("error: ") && said.stdout.is_empty();
        if said.code != code || !told || !said.stderr.contains(word) {
            wrong.push(format!("{arguments:?} should end with {code} and `{word}`: {said:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of 16 cases:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn no_nats_is_told_with_the_address() {
    let mut stack = Stack::bare();
    stack.nats.kill();
    let said = stack.user.keptn(&["view", "status", STAGE, PROJECT]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.stderr.starts_with("error: "), "{said:?}");
    assert!(said.stderr.contains(&stack.nats.port().to_string()), "{said:?}");
    assert!(said.stderr.contains("hint: "), "{said:?}");
}

#[test]
fn a_service_that_does_not_answer_is_told() {
    let stack = Stack::bare();
    let said = stack.user.keptn(&["view", "status", STAGE, PROJECT]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.stderr.contains("status-view"), "{said:?}");
}

#[test]
fn bad_settings_of_a_service_are_all_named() {
    for service in crate::harness::stack::SERVICES {
        let said = serve(service, &[("NATS_URL", "no url"), ("HEALTH_ENDPOINT_PORT", "many")]);
        assert_eq!(said.code, 64, "{service}: {said:?}");
        for setting in ["NATS_URL", "HEALTH_ENDPOINT_PORT"] {
            assert!(said.stderr.contains(setting), "{service}: {said:?}");
        }
    }
}

fn serve(service: &str, settings: &[(&str, &str)]) -> Said {
    let mut command = Command::new(process::keptn());
    process::clean(&mut command);
    run_to_end(command.args(["serve", service]).envs(settings.iter().copied()))
}
