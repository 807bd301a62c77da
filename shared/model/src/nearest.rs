//! The nearest known name, for hints.

/// Furthest edit distance at which a name is still offered, per three characters of it.
const CHARS_PER_EDIT: usize = 3;

/// Returns the known name that is nearest to `wanted`, if one is near enough to be a slip.
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (wanted.chars().count() / CHARS_PER_EDIT).max(1);
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(wanted, name), name))
        .filter(|(distance, name)| *distance <= allowed || is_start(wanted, name))
        .min()
        .map(|(_, name)| name)
}

fn is_start(wanted: &str, name: &str) -> bool {
    wanted.len() >= CHARS_PER_EDIT && (name.starts_with(wanted) || wanted.starts_with(name))
}

/// Returns a hint for an unknown name: the nearest one, else the list of what there is.
pub fn hint<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    /// Most names that a hint lists.
    const LISTED_MAX: usize = 12;
    if let Some(name) = nearest(wanted, known.clone()) {
        return format!("did you mean `{name}`?");
    }
    let mut names: Vec<&str> = known.into_iter().take(LISTED_MAX + 1).collect();
    if names.is_empty() {
        return "there is none yet".to_owned();
    }
    if names.len() > LISTED_MAX {
        names.truncate(LISTED_MAX);
        names.push("…");
    }
    format!("there is {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_something_else_is_not() {
        let stages = ["dev", "hardening", "production"];
        assert_eq!(nearest("hardning", stages), Some("hardening"));
        assert_eq!(nearest("prod", stages), Some("production"));
        assert_eq!(nearest("qa", stages), None);
        assert_eq!(hint("qa", stages), "there is dev, hardening, production");
        assert_eq!(hint("qa", []), "there is none yet");
    }
}
