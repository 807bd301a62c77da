//! The style sheet, the script and the icon: parts of this program, under paths that change with
//! their content, so that a browser may keep them for ever.

use axum::{
    http::header,
    response::{IntoResponse as _, Response},
};

/// How long a browser may keep a file whose path changes with its content: a year.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// The style sheet.
pub(super) const STYLE: Asset =
    Asset::new("page", "css", "text/css; charset=utf-8", include_str!("assets/page.css"));
/// The script.
pub(super) const SCRIPT: Asset =
    Asset::new("live", "js", "text/javascript; charset=utf-8", include_str!("assets/live.js"));
/// The icon of a tab.
pub(super) const ICON: Asset =
    Asset::new("icon", "svg", "image/svg+xml", include_str!("assets/icon.svg"));

/// A file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asset {
    stem: &'static str,
    extension: &'static str,
    media_type: &'static str,
    text: &'static str,
    hash: u64,
}

impl Asset {
    const fn new(
        stem: &'static str,
        extension: &'static str,
        media_type: &'static str,
        text: &'static str,
    ) -> Self {
        Self { stem, extension, media_type, text, hash: hash(text.as_bytes()) }
    }

    /// Returns the path, e.g. `/assets/page-0f3a….css`.
    pub(super) fn path(&self) -> String {
        format!("/assets/{}-{:016x}.{}", self.stem, self.hash, self.extension)
    }

    /// Returns the file.
    pub(super) fn response(self) -> Response {
        let headers = [(header::CONTENT_TYPE, self.media_type), (header::CACHE_CONTROL, FOR_EVER)];
        (headers, self.text).into_response()
    }
}

/// FNV-1a with 64 bits: it tells one text from the next, and runs when this is compiled.
const fn hash(mut bytes: &[u8]) -> u64 {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let mut hash = BASIS;
    while let [first, rest @ ..] = bytes {
        hash = (hash ^ *first as u64).wrapping_mul(PRIME);
        bytes = rest;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_changes_with_the_content() {
        // Known values of FNV-1a.
        assert_eq!(hash(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_ne!(STYLE.path(), Asset { hash: 1, ..STYLE }.path());
    }
}
