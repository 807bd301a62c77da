//! Variables, lists of addresses, context files.

use std::{collections::BTreeMap, fs};

use super::*;

fn read(variables: &[(&str, &str)]) -> Result<ConnectOptions, InvalidOption> {
    let map: BTreeMap<_, _> = variables.iter().copied().collect();
    ConnectOptions::read("test", |name| map.get(name).map(|value| (*value).to_owned()))
}

#[test]
fn without_variables_the_local_server_is_meant() {
    let options = read(&[]).unwrap();
    assert_eq!(options.urls, ["nats://127.0.0.1:4222"]);
    assert_eq!(options.credentials, Credentials::default());
}

#[test]
fn several_servers_are_separated_by_commas() {
    let options = read(&[("NATS_URL", "nats://a:4222, b")]).unwrap();
    assert_eq!(options.urls, ["nats://a:4222", "b"]);
}

#[test]
fn a_wrong_address_is_named_without_its_password() {
    let error = read(&[("NATS_URL", "ftp://u:secret@host")]).unwrap_err().to_string();
    assert!(error.contains("NATS_URL") && error.contains("ftp://host"), "{error}");
    assert!(!error.contains("secret"), "{error}");
    assert!(read(&[("NATS_URL", " , ")]).is_err());
}

#[test]
fn credentials_never_show_their_secrets() {
    let options = read(&[("NATS_USER", "u"), ("NATS_PASSWORD", "secret")]).unwrap();
    assert!(!format!("{options:?}").contains("secret"));
    assert_eq!(options.credentials.password.as_deref(), Some("secret"));
}

#[test]
fn a_context_file_is_read_and_variables_win_over_it() {
    let home = tempfile::tempdir().unwrap();
    let contexts = home.path().join("nats/context");
    fs::create_dir_all(&contexts).unwrap();
    fs::write(home.path().join("nats/context.txt"), "prod\n").unwrap();
    fs::write(
        contexts.join("prod.json"),
        r#"{"url":"nats://prod:4222","user":"u","password":"p","token":"","ca":"/ca.pem","x":1}"#,
    )
    .unwrap();
    let config = home.path().to_str().unwrap().to_owned();
    let files =
        ContextFiles::find(|name| (name == "XDG_CONFIG_HOME").then(|| config.clone())).unwrap();
    assert_eq!(files.selected().as_deref(), Some("prod"));
    let mut options = files.load("prod", "keptn").unwrap();
    assert_eq!(options.urls, ["nats://prod:4222"]);
    assert_eq!(options.credentials.user.as_deref(), Some("u"));
    assert_eq!(options.credentials.token, None);
    options.overlay(|name| (name == "NATS_URL").then(|| "other:1".to_owned())).unwrap();
    assert_eq!(options.urls, ["other:1"]);
    assert_eq!(options.credentials.user.as_deref(), Some("u"));
    assert!(matches!(files.load("../x", "k"), Err(ContextError::Name(_))));
    assert!(matches!(files.load("none", "k"), Err(ContextError::Unreadable { .. })));
}
