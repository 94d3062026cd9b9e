//! Suggestions for what was mistyped.

/// Texts closer than this are likely meant: the share of letters that agree, by Jaro and Winkler.
pub(crate) const LIKELY: f64 = 0.75;

/// The most similar of the known texts, if any is similar.
pub(crate) fn nearest<'a>(
    given: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let rated = known.into_iter().map(|known| (strsim::jaro_winkler(given, known), known));
    let best = rated.max_by(|one, other| one.0.total_cmp(&other.0));
    best.filter(|(likeness, _)| *likeness >= LIKELY).map(|(_, known)| known)
}

/// The question.
pub(crate) fn did_you_mean(known: &str) -> String {
    format!("did you mean `{known}`?")
}

/// A suggestion for a name that stands for nothing: the nearest, else all there are.
pub(crate) fn suggest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let mut known: Vec<_> = known.into_iter().collect();
    known.dedup();
    match nearest(given, known.iter().copied()) {
        Some(name) => did_you_mean(name),
        None if known.is_empty() => "there is none".to_owned(),
        None => format!("there are: {}", known.join(", ")),
    }
}

/// What serde says of a value, in words for people: the message and a suggestion. `given` are the keys
/// that were written.
pub(crate) fn improve(message: &str, given: &[String]) -> (String, String) {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let subject = quoted.next().unwrap_or_default();
    if message.starts_with("unknown field") || message.starts_with("unknown variant") {
        let what = if message.starts_with("unknown field") { "key" } else { "value" };
        return (format!("unknown {what} `{subject}`"), suggest(subject, quoted));
    }
    if message.starts_with("missing field") {
        let mistyped = nearest(subject, given.iter().map(String::as_str));
        let suggestion = mistyped.map_or_else(
            || format!("add `{subject} = …`"),
            |mistyped| format!("did you mean `{subject}` where it says `{mistyped}`?"),
        );
        return (format!("`{subject}` is missing"), suggestion);
    }
    (message.to_owned(), String::new())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::typo("atach", Some("attach"))]
    #[case::swapped("nmae", Some("name"))]
    #[case::nothing_alike("zzz", None)]
    fn finds_what_was_meant(#[case] given: &str, #[case] meant: Option<&str>) {
        assert_eq!(nearest(given, ["attach", "name", "outside"]), meant);
    }

    #[test]
    fn unknown_keys_get_a_hint() {
        let message = "unknown field `insde`, expected one of `name`, `inside`";
        let (message, suggestion) = improve(message, &[]);
        assert_eq!(message, "unknown key `insde`");
        assert_eq!(suggestion, "did you mean `inside`?");
    }
}
