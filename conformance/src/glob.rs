//! Patterns for case addresses, and what someone probably meant.

/// Whether `pattern` names `text`: `*` stands for any characters, `?` for one, all others for themselves
/// (brackets are part of case addresses).
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where to go back to: the last star, and the text it has swallowed so far.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == '?' || text.get(t) == Some(&c) => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((at, swallowed)) = star else { return false };
                star = Some((at, swallowed + 1));
                p = at + 1;
                t = swallowed + 1;
            }
        }
    }
    pattern.get(p..).is_none_or(|rest| rest.iter().all(|&c| c == '*'))
}

/// Whether `pattern` selects the case `id` or its variant at `address`: by its address, its id, or a
/// dotted prefix of the id.
#[must_use]
pub fn selects(pattern: &str, id: &str, address: &str) -> bool {
    let is_prefix = id.strip_prefix(pattern).is_some_and(|rest| rest.starts_with('.'));
    is_prefix || matches(pattern, id) || matches(pattern, address)
}

/// The candidate that looks most like `word`, if any looks like it at all.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .min()
        .filter(|(distance, candidate)| distance * 2 <= word.len().max(candidate.len()))
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions and replacements that turn `a` into `b` (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, &cb) in row.iter_mut().skip(1).zip(&b) {
            let replaced = diagonal + usize::from(ca != cb);
            diagonal = *cell;
            *cell = replaced.min(left + 1).min(*cell + 1);
            left = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::exact("a.b", "a.b", true)]
    #[case::star_in_the_middle("a.*c", "a.b.c", true)]
    #[case::star_takes_nothing("a*b", "ab", true)]
    #[case::backtracks("*ab", "aab", true)]
    #[case::brackets_are_plain("a[x=1]", "a[x=1]", true)]
    #[case::brackets_are_no_class("a[x]", "ax", false)]
    #[case::question_mark("a?c", "abc", true)]
    #[case::too_short("a?c", "ac", false)]
    #[case::trailing_text("a", "ab", false)]
    fn matches_globs(#[case] pattern: &str, #[case] text: &str, #[case] expected: bool) {
        assert_eq!(matches(pattern, text), expected);
    }

    #[rstest]
    #[case::dotted_prefix("stun.rtx", true)]
    #[case::id("stun.rtx.schedule", true)]
    #[case::address("stun.rtx.schedule[rtt=40]", true)]
    #[case::glob_over_variants("*[rtt=4?]", true)]
    #[case::half_a_word("stun.rt", false)]
    fn selects_by_prefix_id_or_address(#[case] pattern: &str, #[case] expected: bool) {
        assert_eq!(selects(pattern, "stun.rtx.schedule", "stun.rtx.schedule[rtt=40]"), expected);
    }

    #[test]
    fn suggests_the_nearest_and_nothing_absurd() {
        let names = ["stun.rtx.schedule", "stun.fingerprint", "nat.mapping"];
        assert_eq!(nearest("stun.rtx.shedule", names), Some("stun.rtx.schedule"));
        assert_eq!(nearest("quic", names), None);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
