//! Lessons: scenarios with a page of explanation each, kept true by tests.

use strsim::jaro_winkler;

/// A lesson.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lesson {
    /// Its name, that of its folder, such as `03-inbound-first`.
    pub name: &'static str,
    /// Its page, in Markdown.
    pub page: &'static str,
    /// Its scenarios by name, as TOML; the first is the one that the page begins with.
    pub scenarios: &'static [(&'static str, &'static str)],
}

/// What stands in the program of one lesson: its name, its page, and its scenarios.
type Embedded = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const EMBEDDED: &[Embedded] = include!(concat!(env!("OUT_DIR"), "/lessons.rs"));

/// All lessons in their order.
pub fn all() -> impl Iterator<Item = Lesson> {
    EMBEDDED.iter().map(|&(name, page, scenarios)| Lesson { name, page, scenarios })
}

/// The lesson with a name, which may lack its number, or be the number alone.
///
/// # Errors
///
/// The most similar name there is.
pub fn find(wanted: &str) -> Result<Lesson, Option<&'static str>> {
    let number = wanted.parse::<u32>().ok();
    let fits = |lesson: &Lesson| {
        let (digits, rest) = lesson.name.split_once('-').unwrap_or((lesson.name, ""));
        lesson.name == wanted || rest == wanted || number.is_some_and(|it| digits.parse() == Ok(it))
    };
    let likeness = |lesson: &Lesson| {
        let rest = lesson.name.split_once('-').map_or(lesson.name, |(_, rest)| rest);
        jaro_winkler(rest, wanted)
    };
    all().find(fits).ok_or_else(|| {
        let best = all().max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
        best.map(|lesson| lesson.name)
    })
}

impl Lesson {
    /// The heading of its page.
    #[must_use]
    pub fn title(&self) -> &'static str {
        let heading = self.page.lines().find_map(|line| line.strip_prefix("# "));
        heading.unwrap_or(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lessons_are_found_by_name_part_of_it_or_number() {
        let third = find("03-inbound-first").unwrap();
        assert_eq!(find("inbound-first").unwrap(), third);
        assert_eq!(find("3").unwrap(), third);
        assert_eq!(find("inbound-frist"), Err(Some("03-inbound-first")));
    }
}
