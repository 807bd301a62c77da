//! Values: how maps, arrays and echoes are merged.

use serde_json::json;

use super::*;

fn object(value: impl std::borrow::Borrow<Value>) -> Object {
    value.borrow().as_object().cloned().unwrap()
}

fn merged(older: Value, newer: Value) -> Value {
    let mut older = object(older);
    merge(&mut older, object(newer));
    Value::Object(older)
}

#[test]
fn maps_merge_deep_and_the_newest_wins() {
    let got = merged(json!({"a":{"x":1,"y":"old"},"n":1}), json!({"a":{"y":"new","z":true},"n":2}));
    assert_eq!(got, json!({"a":{"x":1,"y":"new","z":true},"n":2}));
}

#[test]
fn arrays_put_the_newest_first_unless_they_are_equal() {
    assert_eq!(merged(json!({"a":[1]}), json!({"a":[2]})), json!({"a":[2,1]}));
    assert_eq!(merged(json!({"a":[1]}), json!({"a":[1]})), json!({"a":[1]}));
}

#[test]
fn a_value_of_another_type_replaces_and_null_changes_nothing() {
    assert_eq!(merged(json!({"a":{"x":1}}), json!({"a":"s"})), json!({"a":"s"}));
    assert_eq!(merged(json!({"a":"s"}), json!({"a":[1]})), json!({"a":[1]}));
    assert_eq!(merged(json!({"a":{"x":1}}), json!({"a":null})), json!({"a":{"x":1}}));
    assert_eq!(merged(json!({"a":null}), json!({"a":{"x":1}})), json!({"a":{"x":1}}));
}

#[test]
fn an_echo_brings_nothing() {
    let mut answer = object(json!({"a":{"x":1,"y":2},"b":[1],"c":"new"}));
    remove_echo(&mut answer, &object(json!({"a":{"x":1,"y":3},"b":[1]})));
    assert_eq!(Value::Object(answer), json!({"a":{"y":2},"c":"new"}));
}

#[test]
fn a_patch_follows_rfc_7386() {
    let mut target = object(json!({"a":"b","c":{"d":"e","f":"g"}}));
    patch(&mut target, &object(json!({"a":"z","c":{"f":null},"n":{"m":{"x":null}}})));
    assert_eq!(Value::Object(target), json!({"a":"z","c":{"d":"e"},"n":{"m":{}}}));
}

#[test]
fn a_commit_id_is_forty_hex_digits_and_ignores_key_order() {
    let one = commit_id(&object(json!({"a":1,"b":2})));
    let other = commit_id(&object(json!({"b":2,"a":1})));
    assert_eq!(one, other);
    assert_eq!(one.len(), 40);
    assert_ne!(one, commit_id(&object(json!({"a":1,"b":3}))));
}
