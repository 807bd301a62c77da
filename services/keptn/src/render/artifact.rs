//! Artifacts as people read them: verbatim, and the short form of a change for live drawings.

/// What stands where there is no artifact.
pub(crate) const NONE: &str = "(none)";

/// Returns the last path segment before `:` or `@`.
fn image_name(artifact: &str) -> &str {
    let last = artifact.rsplit('/').next().unwrap_or(artifact);
    last.split([':', '@']).next().unwrap_or(last)
}

/// Splits `repository:tag`; an artifact with a digest, or without a tag, has none.
fn split_tag(artifact: &str) -> Option<(&str, &str)> {
    if artifact.contains('@') {
        return None;
    }
    let (repository, tag) = artifact.rsplit_once(':')?;
    (!tag.is_empty() && !tag.contains('/')).then_some((repository, tag))
}

/// Returns `artifact` with the service before it unless it names the service itself.
pub(crate) fn named(service: &str, artifact: &str) -> String {
    if image_name(artifact) == service {
        artifact.to_owned()
    } else {
        format!("{service}: {artifact}")
    }
}

/// Returns the change of a service in the story's form: `carts:0.10.1 --> carts:0.10.17`.
pub(crate) fn change(service: &str, from: Option<&str>, to: &str) -> String {
    let from_shown = from.unwrap_or(NONE);
    let is_named = image_name(to) == service && from.is_none_or(|one| image_name(one) == service);
    if is_named {
        format!("{from_shown} --> {to}")
    } else {
        format!("{service}: {from_shown} --> {to}")
    }
}

/// Returns the change of a service for live drawings: `carts 0.10.1 -> 0.10.17` if just the tag
/// differs.
pub(crate) fn short_change(service: &str, from: Option<&str>, to: Option<&str>) -> String {
    let Some(to) = to else { return service.to_owned() };
    let Some(from) = from else { return format!("{service} {NONE} -> {to}") };
    if from == to {
        return named(service, to);
    }
    match (split_tag(from), split_tag(to)) {
        (Some((one, old)), Some((other, new))) if one == other => {
            format!("{service} {old} -> {new}")
        }
        (Some(_) | None, Some(_) | None) => format!("{service} {from} -> {to}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_artifact_of_another_name_is_preceded_by_the_service() {
        assert_eq!(named("carts", "carts:0.10.1"), "carts:0.10.1");
        assert_eq!(named("carts", "reg:5000/x/carts:1"), "reg:5000/x/carts:1");
        assert_eq!(named("carts", "carts@sha256:ab"), "carts@sha256:ab");
        assert_eq!(named("frontend", "registry/my-svc:1"), "frontend: registry/my-svc:1");
    }

    #[test]
    fn a_new_service_comes_from_none() {
        assert_eq!(change("orders", None, "orders:1.0.0"), "(none) --> orders:1.0.0");
        assert_eq!(change("frontend", None, "r/my:1"), "frontend: (none) --> r/my:1");
    }

    #[test]
    fn the_short_form_is_for_tags_only() {
        let short = |from, to| short_change("carts", from, Some(to));
        assert_eq!(short(Some("carts:1"), "carts:2"), "carts 1 -> 2");
        assert_eq!(short(Some("a/carts:1"), "b/carts:1"), "carts a/carts:1 -> b/carts:1");
        assert_eq!(
            short(Some("reg:5000/carts"), "reg:5001/carts"),
            "carts reg:5000/carts -> reg:5001/carts"
        );
        assert_eq!(short(None, "carts:2"), "carts (none) -> carts:2");
        assert_eq!(short(Some("carts:2"), "carts:2"), "carts:2");
        assert_eq!(short_change("carts", None, None), "carts");
    }
}
