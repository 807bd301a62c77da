//! Which executors are played: the setting `STUB_EXECUTOR_PLAYS`. Pure.

use model::{InvalidName, ServiceName};

/// Which executors are played; the last entry that fits decides, none fits means no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plays(Vec<Entry>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    All,
    Only(ServiceName),
    Without(ServiceName),
}

impl Default for Plays {
    /// All of them.
    fn default() -> Self {
        Self(vec![Entry::All])
    }
}

impl std::str::FromStr for Plays {
    type Err = InvalidName;

    /// Reads a list such as `*,-jmeter-service`.
    ///
    /// # Errors
    /// [`InvalidName`] of the first entry that is neither `*` nor a name, `-` before it or not.
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let entry = |entry: &str| match (entry, entry.strip_prefix('-')) {
            ("*", _) => Ok(Entry::All),
            (_, Some(name)) => ServiceName::new(name).map(Entry::Without),
            (name, None) => ServiceName::new(name).map(Entry::Only),
        };
        Ok(Self(entries.map(entry).collect::<Result<_, _>>()?))
    }
}

impl Plays {
    /// Tells whether an executor is played.
    pub fn includes(&self, service: &ServiceName) -> bool {
        let verdict = self.0.iter().rev().find_map(|entry| match entry {
            Entry::All => Some(true),
            Entry::Only(name) => (name == service).then_some(true),
            Entry::Without(name) => (name == service).then_some(false),
        });
        verdict.unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plays(text: &str, service: &str) -> bool {
        text.parse::<Plays>().unwrap().includes(&ServiceName::new(service).unwrap())
    }

    #[test]
    fn the_last_entry_that_fits_decides() {
        assert!(plays("*", "a"));
        assert!(plays("*,-b", "a"));
        assert!(!plays("*,-b", "b"));
        assert!(plays("a, c", "c"));
        assert!(!plays("a,c", "b"));
        assert!(plays("-a,*", "a"));
        assert!(!plays("", "a"));
        assert!(Plays::default().includes(&ServiceName::new("a").unwrap()));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for bad in ["*,A", "--a", "-*", "a b"] {
            assert!(bad.parse::<Plays>().is_err(), "{bad}");
        }
    }
}
