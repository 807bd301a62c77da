//! The settings of stub-executor; the common ones are read by `service`.

use std::{fs, io, path::Path};

use model::StubRule;
use service::{Settings, SettingsError};

use crate::plays::Plays;

/// The settings of stub-executor.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// `STUB_EXECUTOR_PLAYS`: executors that are played, with commas between them, `*` for all,
    /// `-` before one that is left out, the last that fits decides; default `*`.
    pub plays: Plays,
    /// `STUB_EXECUTOR_RULES`: file with a list of rules, as `stub:` in a uniform; they stand behind
    /// those of the uniforms; at most 256 KiB; default none.
    pub rules: Vec<StubRule>,
}

/// A file of rules that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("STUB_EXECUTOR_RULES must be a file that can be read, `{path}` is not: {error}")]
struct Unreadable {
    path: String,
    error: io::Error,
}

impl Config {
    /// Reads the settings; problems are noted in `settings`.
    pub fn read(settings: &mut Settings<'_>) -> Self {
        let plays = settings.parsed(
            "STUB_EXECUTOR_PLAYS",
            "a list such as `*,-jmeter-service`",
            Plays::default(),
        );
        let file = settings.text("STUB_EXECUTOR_RULES");
        let rules = file.map(|path| read_rules(&path, settings)).unwrap_or_default();
        Self { plays, rules }
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

fn read_rules(path: &str, settings: &mut Settings<'_>) -> Vec<StubRule> {
    let text = match fs::read_to_string(Path::new(path)) {
        Ok(text) => text,
        Err(error) => {
            let unreadable = Unreadable { path: model::name::shortened(path), error };
            settings.problem(unreadable.to_string());
            return Vec::new();
        }
    };
    let reading = StubRule::read_list(&text);
    for problem in reading.errors.iter().chain(&reading.warnings) {
        let hint = problem.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        settings.problem(format!("STUB_EXECUTOR_RULES: {problem}{hint}"));
    }
    reading.value.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use model::ServiceName;

    use super::*;

    fn parse(settings: &[(&str, &str)]) -> Result<Config, SettingsError> {
        let owned: Vec<(String, String)> = settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Config::parse(&|wanted| {
            owned.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone())
        })
    }

    #[test]
    fn without_settings_everybody_is_played_without_rules() {
        assert_eq!(parse(&[]), Ok(Config::default()));
    }

    #[test]
    fn settings_are_read() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"- {task: test, result: fail}\n").unwrap();
        let path = file.path().to_str().unwrap();
        let config =
            parse(&[("STUB_EXECUTOR_PLAYS", "*,-a"), ("STUB_EXECUTOR_RULES", path)]).unwrap();
        assert!(!config.plays.includes(&ServiceName::new("a").unwrap()));
        assert_eq!(config.rules.len(), 1);
    }

    #[test]
    fn all_problems_are_named_at_once() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"- {result: good}\n- {taks: test}\n").unwrap();
        let path = file.path().to_str().unwrap();
        let problems = |rules: &str| {
            parse(&[("STUB_EXECUTOR_PLAYS", "A"), ("STUB_EXECUTOR_RULES", rules)])
                .unwrap_err()
                .problems
        };
        let found = problems(path);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[1].contains("line 1, column 4"), "{found:?}");
        assert!(found[2].contains("did you mean `task`?"), "{found:?}");
        assert!(problems("/nowhere")[1].contains("must be a file"));
    }
}
