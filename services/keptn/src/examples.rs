//! Examples at the end of each command's help: all of them in one table, and each of them is a line
//! that can be typed as it stands.

use clap::Command;

/// A command, and what can be typed for it, both without `keptn`.
const EXAMPLES: &[(&str, &[&str])] = &[
    ("dev", &["dev --demo", "dev --port=0 --ephemeral"]),
    ("demo", &["demo --server=nats://127.0.0.1:4222"]),
    (
        "bench",
        &[
            "bench --with-view",
            "bench --server=nats://127.0.0.1:4333",
            "bench --sequences=20000 --concurrency=256 --output=json",
        ],
    ),
    ("bench floor", &["bench floor --concurrency=1 --sequences=1000"]),
    ("bench compare", &["bench compare --rounds=5 --output=json"]),
    ("bench growth", &["bench growth", "bench growth open bracket --rounds=5"]),
    ("bench recovery", &["bench recovery --output=json"]),
    ("bench footprint", &["bench footprint"]),
    ("bench view", &["bench view --output=json"]),
    ("create", &["create service carts --project=sockshop"]),
    (
        "create project",
        &["create project sockshop --shipyard=shipyard.yaml --uniform=uniform.yaml"],
    ),
    ("create service", &["create service carts --project=sockshop"]),
    ("update", &["update project sockshop --shipyard=shipyard.yaml"]),
    ("update project", &["update project sockshop --shipyard=shipyard.yaml"]),
    ("delete", &["delete service carts --project=sockshop"]),
    ("delete project", &["delete project sockshop"]),
    ("delete service", &["delete service carts --project=sockshop"]),
    ("configure", &["configure service carts --project=sockshop --stage=dev --set replicaCount=3"]),
    (
        "configure service",
        &["configure service carts -p sockshop -s dev --set replicaCount=3 --set resources.cpu=2"],
    ),
    ("view", &["view status --project=sockshop --stage=hardening"]),
    (
        "view status",
        &[
            "view status --project=sockshop --stage=hardening",
            "view status --project=sockshop --stage=hardening --output=json --exit-code",
        ],
    ),
    (
        "trigger",
        &[
            "trigger artifact-delivery --project=sockshop --stage=hardening --wait",
            "trigger delivery --project=sockshop --service=carts --image=carts:0.10.18",
            "trigger sequence check --project=sockshop --stage=dev --service=carts --labels=by=ci",
            "trigger evaluation --project=sockshop --stage=dev --service=carts --timeframe=5m",
        ],
    ),
    ("get", &["get sequence --open", "get project sockshop --output=json"]),
    ("get project", &["get projects", "get project sockshop --output=json"]),
    ("get stage", &["get stages --project=sockshop"]),
    ("get service", &["get services", "get service carts --project=sockshop --stage=dev"]),
    (
        "get sequence",
        &["get sequence --project=sockshop --watch", "get sequence 5d2e6a90 --output=wide"],
    ),
    ("get approvals", &["get approvals", "get approvals --project=sockshop --output=json"]),
    (
        "get event",
        &[
            "get event test.finished --project=sockshop --stage=dev --limit=10",
            "get event approval.triggered --project=sockshop --stage=production",
            "get event --project=sockshop --watch --watch-time=10m --output=json",
        ],
    ),
    ("send", &["send event --file=event.json"]),
    (
        "send event",
        &[
            "send event --file=event.json",
            "send event approval.finished --project=sockshop --stage=production --service=carts",
        ],
    ),
    ("approve", &["approve --keptn-context=5d2e6a90 --stage=production"]),
    ("decline", &["decline --keptn-context=5d2e6a90 --message=later"]),
    ("abort", &["abort sequence --keptn-context=5d2e6a90"]),
    ("abort sequence", &["abort sequence --keptn-context=5d2e6a90 --stage=hardening"]),
    ("pause", &["pause sequence --keptn-context=5d2e6a90"]),
    ("pause sequence", &["pause sequence --keptn-context=5d2e6a90 --stage=hardening"]),
    ("resume", &["resume sequence --keptn-context=5d2e6a90"]),
    ("resume sequence", &["resume sequence --keptn-context=5d2e6a90 --stage=hardening"]),
    ("doctor", &["doctor", "doctor --output=json"]),
    ("retry", &["retry sequence --keptn-context=5d2e6a90"]),
    (
        "retry sequence",
        &[
            "retry sequence --keptn-context=5d2e6a90",
            "retry sequence --keptn-context=5d2e6a90 --stage=hardening --from-failed-task",
        ],
    ),
    ("lint", &["lint shipyard shipyard.yaml"]),
    ("lint shipyard", &["lint shipyard shipyard.yaml", "lint shipyard a.yaml b.yaml -o json"]),
    ("lint uniform", &["lint uniform uniform.yaml"]),
    ("lint event", &["lint event event.json"]),
    ("convert", &["convert shipyard old.yaml"]),
    (
        "convert shipyard",
        &["convert shipyard old.yaml", "convert shipyard old.yaml --output=new.yaml"],
    ),
    (
        "add-resource",
        &["add-resource --project=sockshop --stage=dev --service=carts --resource=slo.yaml"],
    ),
    (
        "get resource",
        &[
            "get resource --project=sockshop",
            "get resource slo.yaml --project=sockshop --stage=dev --service=carts",
        ],
    ),
    ("delete resource", &["delete resource slo.yaml --project=sockshop --stage=dev"]),
    ("completion", &["completion bash", "completion zsh"]),
    ("version", &["version"]),
];

/// Adds its examples to each command below `root`.
pub(crate) fn add_to(root: Command) -> Command {
    below(root, "")
}

fn below(mut command: Command, path: &str) -> Command {
    let names: Vec<String> =
        command.get_subcommands().map(|one| one.get_name().to_owned()).collect();
    for name in names {
        let path = format!("{path} {name}");
        let path = path.trim_start();
        command = command.mut_subcommand(&name, |one| with_examples(below(one, path), path));
    }
    command
}

fn with_examples(command: Command, path: &str) -> Command {
    let Some((_, lines)) = EXAMPLES.iter().find(|(of, _)| *of == path) else { return command };
    let lines: Vec<String> = lines.iter().map(|line| format!("\n  keptn {line}")).collect();
    command.after_help(format!("Examples:{}", lines.concat()))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::arguments::{Arguments, definition};

    /// Collects the examples of a visible command and of all below it, with the command's path.
    fn printed(command: &Command, path: &str, found: &mut Vec<(String, Vec<String>)>) {
        for one in command.get_subcommands().filter(|one| !one.is_hide_set()) {
            let path = format!("{path} {}", one.get_name());
            let help = one.clone().render_help().to_string();
            let lines = help.lines().filter(|line| line.starts_with("  keptn "));
            found.push((path.clone(), lines.map(|line| line.trim().to_owned()).collect()));
            printed(one, &path, found);
        }
    }

    #[test]
    fn every_command_has_an_example_that_can_be_typed_as_it_is_printed() {
        let mut found = Vec::new();
        printed(&definition(), "keptn", &mut found);
        assert!(found.len() > 30, "{found:?}");
        for (path, lines) in found {
            assert!(!lines.is_empty(), "`{path} --help` has no example");
            for line in lines {
                let plural = line.replacen("projects", "project", 1);
                let plural =
                    plural.replacen("stages", "stage", 1).replacen("services", "service", 1);
                assert!(plural.starts_with(&path), "{path}: {line}");
                let read = Arguments::try_parse_from(line.split(' '));
                assert!(read.is_ok(), "{line}: {}", read.unwrap_err());
            }
        }
    }

    #[test]
    fn every_example_belongs_to_a_command() {
        let root = definition();
        for (path, _) in EXAMPLES {
            let found = path.split(' ').try_fold(&root, |at, name| at.find_subcommand(name));
            assert!(found.is_some(), "`{path}` is no command");
        }
    }
}
