//! Who may act: tokens, sessions and origins.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::{
    session::{SESSIONS_MAX, Sessions},
    *,
};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Writes a file of a mode, in a folder of the test's own.
fn file(folder: &tempfile::TempDir, text: &str, mode: u32) -> PathBuf {
    let path = folder.path().join(format!("{mode:o}-{}", text.len()));
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

fn token() -> Token {
    let folder = tempfile::tempdir().unwrap();
    Token::read(&file(&folder, TOKEN, 0o600)).unwrap()
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&'static str, &str)| {
        (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
    };
    pairs.iter().map(pair).collect()
}

#[test]
fn a_token_is_read_only_from_a_file_of_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let read = |text: &str, mode| Token::read(&file(&folder, text, mode));
    assert!(read(&format!("{TOKEN}\n"), 0o600).unwrap().is(TOKEN));
    assert!(read(TOKEN, 0o400).unwrap().is(TOKEN));
    assert!(!read(TOKEN, 0o600).unwrap().is("0123"));
    for mode in [0o644, 0o640, 0o602, 0o660] {
        let error = read(TOKEN, mode).unwrap_err().to_string();
        assert!(error.contains("mode 0600") && error.contains(&format!("{mode:04o}")), "{error}");
    }
    for text in ["short", "", "two lines of visible text\nthat are long enough", &"x".repeat(600)] {
        let error = read(text, 0o600).unwrap_err().to_string();
        assert!(error.contains("32 to 512"), "{error}");
        assert!(text.is_empty() || !error.contains(text), "{error}");
    }
    let missing = Token::read(&folder.path().join("missing")).unwrap_err().to_string();
    assert!(missing.contains("must be a file that can be read"), "{missing}");
    assert_eq!(format!("{:?}", token()), "Token");
}

#[test]
fn sessions_are_bounded_and_can_be_ended() {
    let sessions = Sessions::default();
    let first = sessions.begin();
    let second = sessions.begin();
    assert_ne!(first, second);
    assert!(sessions.lasts(&first) && sessions.lasts(&second) && !sessions.lasts("made up"));
    sessions.end(&second);
    assert!(sessions.lasts(&first) && !sessions.lasts(&second));
    for _ in 0..SESSIONS_MAX {
        sessions.begin();
    }
    assert!(!sessions.lasts(&first), "the oldest makes place");
}

#[test]
fn a_form_comes_from_a_page_under_the_same_address() {
    let host = ("host", "localhost:8080");
    for ours in [
        &[host, ("origin", "http://localhost:8080")][..],
        &[host, ("sec-fetch-site", "same-origin")],
        &[host, ("sec-fetch-site", "same-origin"), ("origin", "http://localhost:8080")],
    ] {
        assert!(origin::check(&headers(ours)).is_ok(), "{ours:?}");
    }
    for foreign in [
        &[host][..],
        &[host, ("origin", "null")],
        &[host, ("origin", "http://localhost:9090")],
        &[host, ("origin", "http://evil.example")],
        &[host, ("origin", "http://localhost:8080.evil.example")],
        &[host, ("origin", "http://evil.example"), ("sec-fetch-site", "same-origin")],
        &[host, ("sec-fetch-site", "cross-site")],
        &[host, ("sec-fetch-site", "same-site"), ("origin", "http://localhost:8080")],
        &[host, ("sec-fetch-site", "none")],
    ] {
        assert!(origin::check(&headers(foreign)).is_err(), "{foreign:?}");
    }
}

#[test]
fn nobody_acts_without_a_token_and_only_who_knows_it_with_one() {
    let bearer = |token: &str| headers(&[("authorization", &format!("Bearer {token}"))]);
    let off = Acting::default();
    let refused = off.check_bearer(&bearer(TOKEN)).unwrap_err();
    assert!(refused.error.hint.unwrap().contains("UI_TOKEN_FILE"));
    let acting = Acting::new(Some(token()));
    assert!(acting.check_bearer(&bearer(TOKEN)).is_ok());
    for wrong in ["", "0", &TOKEN.replace('0', "1"), &format!("{TOKEN}0")] {
        assert!(acting.check_bearer(&bearer(wrong)).is_err(), "{wrong}");
    }
    assert!(acting.check_bearer(&HeaderMap::new()).is_err());
    let session = acting.sessions.begin();
    let cookies = format!("a=b; {COOKIE_NAME}={session}");
    let from_nowhere = headers(&[("cookie", &cookies)]);
    assert!(acting.is_logged_in(&from_nowhere) && !acting.is_logged_in(&HeaderMap::new()));
    assert!(acting.check_form(&from_nowhere).is_err());
}
