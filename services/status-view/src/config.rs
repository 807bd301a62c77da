//! The settings of status-view; the common ones are read by `service`.

use std::path::Path;

use service::{Settings, SettingsError};

use crate::http::Token;

/// The settings of status-view.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// `UI_TOKEN_FILE`: file with the token of who may act over HTTP, readable by its owner alone;
    /// default none: nobody may.
    pub token: Option<Token>,
}

impl Config {
    /// Reads the settings; problems are noted in `settings`.
    pub fn read(settings: &mut Settings<'_>) -> Self {
        let Some(path) = settings.text("UI_TOKEN_FILE") else { return Self::default() };
        match Token::read(Path::new(&path)) {
            Ok(token) => Self { token: Some(token) },
            Err(error) => {
                settings.problem(format!("UI_TOKEN_FILE: {error}"));
                Self::default()
            }
        }
    }

    /// Reads the settings through a function.
    ///
    /// # Errors
    /// [`SettingsError`] with all problems.
    pub fn parse(get: &dyn Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let mut settings = Settings::new(get);
        let config = Self::read(&mut settings);
        settings.finish()?;
        Ok(config)
    }
}
