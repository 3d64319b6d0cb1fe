//! Hints for findings whose message does not say what to do.

/// The longest name that is compared, in characters, so that a hint does not take longer than the check itself.
const LONGEST_NAME: usize = 80;
/// The most known names that are compared, so that a hint does not take longer than the check itself.
const MOST_NAMES: usize = 500;

/// The most names that a hint lists.
const MOST_LISTED: usize = 6;

/// Returns a hint that names the entry of `known` nearest to the wrong `name`. If none is near, the hint lists all of
/// `known` if they are few; otherwise there is no hint.
pub(crate) fn known_names_hint<'a>(
    name: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<String> {
    if let Some(near) = nearest(name, known.clone()) {
        return Some(format!("did you mean `{near}`?"));
    }
    let mut names: Vec<&str> = Vec::new();
    for name in known {
        if names.len() > MOST_LISTED {
            return None;
        }
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let is_listed = |names: &[&str]| {
        names
            .iter()
            .all(|name| name.chars().count() <= LONGEST_NAME)
    };
    match names.as_slice() {
        [] => None,
        [one] if is_listed(&names) => Some(format!("the only valid name here is `{one}`")),
        names if names.len() <= MOST_LISTED && is_listed(names) => {
            Some(format!("choose from `{}`", names.join("`, `")))
        }
        _ => None,
    }
}

/// Returns the known name nearest to `name`; `None` if more than a third of the letters would have to change.
fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = name.chars().count();
    if length > LONGEST_NAME {
        return None;
    }
    let lower = name.to_lowercase();
    // A third of the letters may differ: beyond that the guess is more often wrong than right.
    let most = match length {
        ..=2 => 0,
        length => length / 3,
    };
    known
        .into_iter()
        .take(MOST_NAMES)
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= most)
        .map(|candidate| {
            let distance = strsim::damerau_levenshtein(&lower, &candidate.to_lowercase());
            (distance, candidate)
        })
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Returns the likely reason why a text is not JSON, if the parser's message would not help.
pub(crate) fn not_json_hint(text: &str) -> Option<&'static str> {
    if text.starts_with('\u{FEFF}') {
        return Some("the file begins with a byte order mark: save it as UTF-8 without the mark");
    }
    let mut lines = text.lines().map(str::trim_start);
    let is_yaml = |line: &str| line.starts_with("StartAt:") || line.starts_with("States:");
    if !text.trim_start().starts_with('{') && lines.clone().any(is_yaml) {
        return Some("the definition looks like YAML: convert it to JSON");
    }
    lines
        .any(|line| line.starts_with("//") || line.starts_with("/*"))
        .then_some("JSON has no comments: move the text into a `Comment` field")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_suggested_else_a_few_are_listed() {
        let known = ["Charge", "Tell", "Done"];
        let of = |name: &str| known_names_hint(name, known);
        assert_eq!(of("chrage").as_deref(), Some("did you mean `Charge`?"));
        assert_eq!(
            of("Pay").as_deref(),
            Some("choose from `Charge`, `Tell`, `Done`")
        );
        assert_eq!(
            known_names_hint("x", ["Only"]).as_deref(),
            Some("the only valid name here is `Only`")
        );
        assert_eq!(known_names_hint("x", []), None);
        let short = known_names_hint("B", ["A", "C", "C"]);
        assert_eq!(short.as_deref(), Some("choose from `A`, `C`"));
        let many = ["aaaa", "bbbb", "cccc", "dddd", "eeee", "ffff", "gggg"];
        assert_eq!(known_names_hint("zzzz", many), None);
        assert_eq!(known_names_hint(&"x".repeat(100_000), many), None);
    }

    #[test]
    fn common_mistakes_for_json_are_recognized() {
        let why = |text: &str| not_json_hint(text).unwrap_or_default();
        assert!(why("\u{FEFF}{}").contains("byte order mark"));
        assert!(why("Comment: x\nStartAt: A\n").contains("YAML"));
        assert!(why("{\n  // first\n}").contains("comments"));
        assert_eq!(why("{\"StartAt\": }"), "");
    }
}
