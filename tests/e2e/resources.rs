//! Resources through the command line: what was added is what comes back, after a crash, too.

use crate::harness::stack::{CONFIG_STORE, Stack};
use crate::harness::story::{self, Uniform};

const PROJECT: &str = "--project=sockshop";
const DEV: &str = "--stage=dev";
const CARTS: &str = "--service=carts";

#[test]
fn a_resource_is_added_read_listed_and_deleted() {
    let mut stack = Stack::start();
    story::create_project(&stack.user, &Uniform::FAST);
    let content = "objectives:\n  - sli: \"p95\"\n";
    stack.user.write("slo.yaml", content);
    let add = |arguments: &[&str]| {
        let said = stack.user.keptn(&[&["add-resource", PROJECT], arguments].concat());
        assert_eq!((said.code, said.stdout.as_str()), (0, ""), "{said:?}");
        assert!(!said.stderr.contains("objectives"), "the content is not told: {said:?}");
        said.stderr
    };
    let told = add(&["--resource=slo.yaml", DEV, CARTS, "--resourceUri=eval/slo.yaml"]);
    assert!(told.starts_with("added resource eval/slo.yaml to service carts in stage dev"));
    let told = add(&["-r", "slo.yaml", "--all-stages"]);
    assert_eq!(told.lines().count(), 3, "{told}");

    let get =
        |arguments: &[&str]| stack.user.keptn(&[&["get", "resource", PROJECT], arguments].concat());
    assert_eq!(get(&["eval/slo.yaml", DEV, CARTS]).done(), content);
    assert_eq!(get(&["slo.yaml", "--stage=production"]).done(), content);
    let list: serde_json::Value =
        serde_json::from_str(&get(&[DEV, "-o", "json"]).done()).expect("a list is JSON");
    assert_eq!(list[0]["resourceURI"], "slo.yaml");
    assert_eq!(list[0]["metadata"]["bytes"], content.len());
    let elsewhere = get(&["slo.yaml", DEV, CARTS]);
    assert_eq!(elsewhere.code, 2);
    assert!(elsewhere.stderr.contains("there is one of this name at stage `dev`"), "{elsewhere:?}");

    stack.kill(CONFIG_STORE);
    stack.run(CONFIG_STORE);
    stack.wait_until_ready(&[CONFIG_STORE]);
    let get =
        |arguments: &[&str]| stack.user.keptn(&[&["get", "resource", PROJECT], arguments].concat());
    assert_eq!(get(&["eval/slo.yaml", DEV, CARTS]).done(), content);
    let delete = ["delete", "resource", "eval/slo.yaml", PROJECT, DEV, CARTS];
    assert_eq!(stack.user.keptn(&delete).code, 0);
    assert_eq!(stack.user.keptn(&delete).code, 2);
    assert_eq!(get(&["eval/slo.yaml", DEV, CARTS]).code, 2);
}
