//! The token of who may act: read from a file that nobody else can read, kept as a digest.

use std::{
    fmt, fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Fewest characters of a token: 128 random bits in hexadecimal digits.
const TOKEN_CHARS_MIN: usize = 32;
/// Most characters of a token.
const TOKEN_CHARS_MAX: usize = 512;
/// What others may do with a file.
const OTHERS: u32 = 0o077;
/// The part of a mode that people write.
const PERMISSIONS: u32 = 0o777;

/// A file that holds no usable token. Never says what it holds.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The system does not give it.
    #[error("`{path}` must be a file that can be read: {reason}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: io::Error,
    },
    /// Others could read or write it.
    #[error(
        "`{path}` must be its owner's alone (mode 0600), has mode {mode:04o}; chmod 600 {path}",
        path = path.display()
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It is too short, too long, or no line of visible characters.
    #[error(
        "`{path}` must hold one line of {TOKEN_CHARS_MIN} to {TOKEN_CHARS_MAX} visible characters; \
         openssl rand -hex 32 > {path}",
        path = path.display()
    )]
    Form {
        /// The file.
        path: PathBuf,
    },
}

/// What somebody must know to act.
#[derive(Clone)]
pub struct Token(Secret);

impl Token {
    /// Reads a token from a file.
    ///
    /// # Errors
    /// [`TokenError`] if others can read the file, or if it holds no token.
    pub fn read(path: &Path) -> Result<Self, TokenError> {
        let unreadable = |reason| TokenError::Unreadable { path: path.to_owned(), reason };
        let mode = fs::metadata(path).map_err(unreadable)?.permissions().mode();
        if mode & OTHERS != 0 {
            return Err(TokenError::Open { path: path.to_owned(), mode: mode & PERMISSIONS });
        }
        let text = fs::read_to_string(path).map_err(unreadable)?;
        let token = text.trim();
        let is_token = (TOKEN_CHARS_MIN..=TOKEN_CHARS_MAX).contains(&token.len())
            && token.bytes().all(|byte| byte.is_ascii_graphic());
        if is_token {
            Ok(Self(Secret::of(token)))
        } else {
            Err(TokenError::Form { path: path.to_owned() })
        }
    }

    /// Tells whether somebody said the token; takes equally long whatever was said.
    pub fn is(&self, said: &str) -> bool {
        self.0.is(said)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// A secret, as its digest: what is compared has one length, and memory does not hold it.
#[derive(Clone, Copy)]
pub(super) struct Secret([u8; 32]);

impl Secret {
    pub(super) fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    pub(super) fn is(&self, said: &str) -> bool {
        self.0.ct_eq(&Self::of(said).0).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}
